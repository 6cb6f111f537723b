"""macrostrat.org/api/v2/geologic_units/map: the whole polygon at a point, as GeoJSON."""

from __future__ import annotations

import json

import shapely

from tests.fakes.ground import box

ADDRESS = "api/v2/geologic_units/map"
# a third each: alluvium, granite of the Miocene, limestone of the Jurassic; and a lake within the last
UNITS = [
    (box(-0.2, -0.2, 0.34, 1.2), 1, "Alluvium", "alluvium", 0.0, 0.0117),
    (box(0.34, -0.2, 0.67, 1.2), 2, "Stock", "granite", 5.3, 23.0),
    (box(0.67, -0.2, 1.2, 1.2), 3, "Chiltan Formation", "limestone, shale", 145.0, 174.0),
]


def service(_: str, query: dict[str, str]) -> tuple[int, str, bytes]:
    """One answer."""
    at = shapely.Point(float(query["lng"]), float(query["lat"]))
    assert query["format"] == "geojson_bare" and query["scale"] in ("small", "medium", "large")
    features = [
        {
            "type": "Feature", "geometry": shapely.geometry.mapping(shape),
            "properties": {"map_id": number, "source_id": 154, "name": name, "strat_name": "", "lith": rock, "descrip": "", "t_age": young, "b_age": old},
        }
        for shape, number, name, rock, young, old in UNITS if shape.contains(at)
    ]  # fmt: skip
    return 200, "application/json", json.dumps({"type": "FeatureCollection", "features": features}).encode()
