"""pakistan-latest-free.shp.zip of Geofabrik, and the same ground as a raw extract."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from tests.fakes.ground import frame, line, point, shapefiles

NAME = "asia/pakistan-latest-free.shp.zip"
RAW = "asia/pakistan-latest.osm"  # GDAL reads this as it does the binary form


def make(root: Path) -> None:
    """The extracts below `root`."""
    far = line((40, 40), (41, 41))  # another continent of the same archive

    def themed(fclass: list[str], shapes: list[object]) -> gpd.GeoDataFrame:
        count = len(shapes)
        said = {"osm_id": [str(i) for i in range(count)], "code": [5100 + i for i in range(count)], "fclass": fclass, "name": [f"n{i}" for i in range(count)]}
        return frame(said, shapes)

    roads = themed(["primary", "footway", "trunk"], [line((0.1, 0.2), (0.9, 0.2)), line((0.5, 0.5), (0.6, 0.6)), far])
    rail = themed(["rail", "subway"], [line((0.1, 0.9), (0.9, 0.7)), line((0.4, 0.4), (0.5, 0.4))])
    places = themed(["town", "village", "suburb"], [point(0.4, 0.4), point(0.6, 0.3), point(0.7, 0.7)])
    layers = {"gis_osm_roads_free_1": roads, "gis_osm_railways_free_1": rail, "gis_osm_places_free_1": places}
    shapefiles(root / NAME, layers)
    nodes = [(1, 65.6, 28.1), (2, 65.9, 28.1), (3, 65.6, 28.3), (4, 65.9, 28.3), (5, 65.7, 28.2), (6, 65.8, 28.25)]
    tags = {5: '<tag k="place" v="town"/><tag k="name" v="Dalband"/>', 6: '<tag k="harbour" v="yes"/><tag k="name" v="Port"/>'}
    text = "".join(f'<node id="{i}" lon="{x}" lat="{y}" version="1">{tags.get(i, "")}</node>' for i, x, y in nodes)
    ways = [(1, 1, 2, "highway", "primary"), (2, 3, 4, "power", "line"), (3, 1, 4, "railway", "rail"), (4, 2, 3, "highway", "footway")]
    text += "".join(f'<way id="{i}" version="1"><nd ref="{a}"/><nd ref="{b}"/><tag k="{key}" v="{value}"/></way>' for i, a, b, key, value in ways)
    (root / RAW).write_text(f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{text}</osm>')
