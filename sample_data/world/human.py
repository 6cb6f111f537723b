"""Roads, railways, ports, power, protected areas, settlements, water, licences, districts and the border:
published courses and areas, invented details.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.affinity
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from shapely.geometry import LineString, MultiPoint, Point, box
from shapely.geometry.base import BaseGeometry

from sample_data.world.facts import in_metres, outline_m, shapes, table
from sample_data.world.frame import CRS, stream, to_degrees, to_metres

LICENCES = 40
CITY, TOWN = 9_000.0, 3_000.0  # radii of circles drawn for a city and a town, metres: invented
# Where the international border meets the coast in the west and the neighbouring province in the north-east, degrees.
BORDER_ENDS = ((61.6, 25.1), (70.0, 31.9))
# Near these places there is water; name, longitude, latitude, half width and half height in metres, degrees turned.
WATER = (
    ("Hamun-i-Mashkel (seasonal)", 63.0, 28.2, 42_000.0, 11_000.0, 10.0),
    ("Hub reservoir", 67.1, 25.3, 7_000.0, 3_000.0, 70.0),
    ("Mirani reservoir", 62.7, 25.9, 7_000.0, 2_500.0, 20.0),
)
# Towns joined by invented power lines, in the order of facts/places.csv names.
POWER = (
    ("Quetta", "Sibi"), ("Quetta", "Kalat"), ("Kalat", "Khuzdar"), ("Khuzdar", "Bela"), ("Quetta", "Muslim Bagh"), ("Muslim Bagh", "Zhob"),
    ("Quetta", "Chaman"), ("Quetta", "Nushki"), ("Nushki", "Dalbandin"), ("Taftan border", "Saindak"), ("Gwadar port", "Turbat"), ("Turbat", "Panjgur"),
)


def access() -> dict[str, gpd.GeoDataFrame]:
    """Layers roads, railways, railway_scenarios, ports, smelters, places and power_lines, in metres; tracks and
    power lines are invented.
    """
    lines = in_metres(shapes("lines")).assign(synthetic=False)
    keep = ["name", "confidence", "source", "synthetic", "geometry"]
    roads = lines.loc[lines["layer"] == "roads", keep].assign(surface="highway")
    roads = gpd.GeoDataFrame(pd.concat([roads, _tracks()], ignore_index=True), crs=CRS)
    spots = table("places")
    points = gpd.GeoDataFrame(
        spots[["name", "kind", "confidence", "source"]].assign(synthetic=False),
        geometry=gpd.points_from_xy(*to_metres(spots["lon"].to_numpy(), spots["lat"].to_numpy())),
        crs=CRS,
    )
    x, y = to_metres(62.25, 25.3)
    invented = gpd.GeoDataFrame(
        [
            {
                "name": "Gwadar smelter (invented)",
                "kind": "smelter",
                "confidence": "synthetic",
                "source": "invented",
                "synthetic": True,
            }
        ],
        geometry=[Point(float(x), float(y))],
        crs=CRS,
    )
    smelters = gpd.GeoDataFrame(pd.concat([points[points["kind"] == "smelter"], invented], ignore_index=True), crs=CRS)
    return {
        "roads": roads,
        "railways": lines.loc[lines["layer"] == "railways", keep].reset_index(drop=True),
        "railway_scenarios": lines.loc[lines["layer"] == "railway_scenarios", ["scenario", *keep]].reset_index(drop=True),
        "ports": points[points["kind"].isin(["port", "harbour"])].reset_index(drop=True),
        "smelters": smelters,
        "places": points.reset_index(drop=True),
        "power_lines": _power(points),
    }


def _power(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Straight lines between towns."""
    at = points.set_index("name").geometry
    lines = [LineString([at[a], at[b]]) for a, b in POWER]
    said = {"confidence": "synthetic", "source": "invented", "synthetic": True}
    return gpd.GeoDataFrame([{"name": f"{a} - {b} (invented)"} | said for a, b in POWER], geometry=lines, crs=CRS)


def _tracks() -> gpd.GeoDataFrame:
    """Invented tracks joining the district towns by the shortest tree."""
    towns = table("district_towns").drop_duplicates(["lon", "lat"]).reset_index(drop=True)
    place = np.column_stack(to_metres(towns["lon"].to_numpy(), towns["lat"].to_numpy()))
    tree = minimum_spanning_tree(cdist(place, place)).tocoo()
    pairs = sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    names = [f"track {towns['district'][a]} - {towns['district'][b]}" for a, b in pairs]
    return gpd.GeoDataFrame(
        {
            "name": names,
            "confidence": "synthetic",
            "source": "invented",
            "synthetic": True,
            "surface": "track",
        },
        geometry=[LineString([place[a], place[b]]) for a, b in pairs],
        crs=CRS,
    )


def land(seed: int) -> dict[str, gpd.GeoDataFrame]:
    """Layers protected_areas, licences, districts, settlements, water and border, in metres."""
    return {
        "protected_areas": _protected(),
        "licences": _licences(seed),
        "districts": _districts(),
        "settlements": _settlements(),
        "water": _water(),
        "border": _border(),
    }


def _settlements() -> gpd.GeoDataFrame:
    """A circle around each town and district seat, larger for Quetta: real places, invented extents."""
    spots = table("places")
    spots = spots[spots["kind"].isin(["town", "port", "harbour", "border"])][["name", "lon", "lat"]]
    seats = table("district_towns")[["district", "lon", "lat"]].rename(columns={"district": "name"})
    rows = pd.concat([spots, seats], ignore_index=True).drop_duplicates(["lon", "lat"])
    centres = gpd.points_from_xy(*to_metres(rows["lon"].to_numpy(), rows["lat"].to_numpy()))
    circles = [c.buffer(CITY if name == "Quetta" else TOWN, quad_segs=8) for c, name in zip(centres, rows["name"], strict=True)]
    kept = [shape.intersection(outline_m()) for shape in circles]
    said = {"name": rows["name"].to_numpy(), "source": "a circle of invented size around a real place", "synthetic": True}
    frame = gpd.GeoDataFrame(said, geometry=kept, crs=CRS)
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def _water() -> gpd.GeoDataFrame:
    """Ellipses where a lake or reservoir is: positions to 0.1 degree, general knowledge, not checked; shapes invented."""
    shapes_m = []
    for _, lon, lat, half_wide, half_high, turned in WATER:
        x, y = to_metres(lon, lat)
        disc = shapely.affinity.scale(Point(float(x), float(y)).buffer(1.0, quad_segs=16), half_wide, half_high)
        shapes_m.append(shapely.affinity.rotate(disc, turned))
    said = {"source": "position general knowledge, not checked; shape invented", "synthetic": True}
    return gpd.GeoDataFrame([{"name": row[0]} | said for row in WATER], geometry=shapes_m, crs=CRS)


def _border() -> gpd.GeoDataFrame:
    """The part of the outline towards Iran and Afghanistan, as one line: from the coast in the west to the north-east."""
    ring = shapely.get_coordinates(outline_m().exterior)[:-1]
    ends = [int(np.argmin(np.hypot(*(ring - np.column_stack(to_metres(lon, lat))).T))) for lon, lat in BORDER_ENDS]
    first = np.roll(ring, -ends[0], axis=0)
    last = (ends[1] - ends[0]) % len(ring)
    ways = first[: last + 1], np.concatenate([first[last:], first[:1]])
    line = max((LineString(way) for way in ways), key=lambda way: way.centroid.y)
    said = {"name": "international border", "source": "part of the simplified outline", "synthetic": True}
    return gpd.GeoDataFrame([said], geometry=[line], crs=CRS)


def _protected() -> gpd.GeoDataFrame:
    rows = table("protected_areas")
    centres = gpd.points_from_xy(*to_metres(rows["lon"].to_numpy(), rows["lat"].to_numpy()))
    radius = np.sqrt(rows["area_km2"].to_numpy(dtype=float) * 1e6 / np.pi)
    circles = [centre.buffer(r, quad_segs=16) for centre, r in zip(centres, radius, strict=True)]
    # The real area and position; the circle itself is drawn, hence synthetic.
    columns = rows[["name", "area_km2", "confidence", "note", "source"]].assign(synthetic=True)
    return gpd.GeoDataFrame(columns, geometry=circles, crs=CRS)


def _licences(seed: int) -> gpd.GeoDataFrame:
    """Invented rectangles that do not overlap, most of them in the arcs and ophiolites, with invented
    holders.
    """
    rng = stream(seed, "licences")
    terranes = in_metres(shapes("terranes")).set_index("name").geometry
    sought = [
        "chagai_arc",
        "raskoh_arc",
        "muslim_bagh_ophiolite",
        "bela_ophiolite",
        "khuzdar_kalat_belt",
        "mor_lasbela_belt",
    ]
    outline = outline_m()
    rows: list[dict[str, object]] = []
    taken: list[BaseGeometry] = []
    while len(rows) < LICENCES:
        west, south, east, north = terranes[sought[int(rng.integers(len(sought)))]].bounds
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        width, height = rng.uniform(4_000.0, 22_000.0, 2)
        lon, lat = to_degrees(np.array([x, x + width]), np.array([y, y + height]))
        degrees = box(*np.round([lon[0], lat[0], lon[1], lat[1]], 3))
        shape = gpd.GeoSeries([degrees], crs=4326).to_crs(CRS).iloc[0]
        if not outline.contains(shape) or any(shape.intersects(other) for other in taken):
            continue
        taken.append(shape)
        status = str(rng.choice(["granted", "granted", "application", "expired"]))
        year, years = int(rng.integers(2012, 2024)), int(rng.choice([3, 5, 30]))
        if status == "expired":
            year, years = int(rng.integers(2008, 2016)), 5
        granted = "" if status == "application" else f"{year}-{int(rng.integers(1, 13)):02d}-01"
        expires = "" if status == "application" else f"{int(granted[:4]) + years}{granted[4:]}"
        if status == "granted" and expires < "2026":
            expires = f"2028{granted[4:]}"
        holder = f"Invented Holder {int(rng.integers(1, 16)):02d}"
        number = f"block {len(rows) + 1:02d} (invented)"
        rows.append({"name": number, "holder": holder, "status": status, "granted": granted, "expires": expires, "synthetic": True})
    return gpd.GeoDataFrame(rows, geometry=taken, crs=CRS)


def _districts() -> gpd.GeoDataFrame:
    """One cell of a Voronoi diagram per district town, cut to the outline: a cartoon of the districts."""
    towns = table("district_towns")
    place = np.column_stack(to_metres(towns["lon"].to_numpy(), towns["lat"].to_numpy()))
    outline = outline_m()
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(place), extend_to=outline.envelope))
    owner = [int(np.flatnonzero(shapely.contains_xy(cell, place[:, 0], place[:, 1]))[0]) for cell in cells]
    pieces = [cell.intersection(outline) for cell in cells]
    out = gpd.GeoDataFrame({"name": towns["district"].to_numpy()[owner], "synthetic": True}, geometry=pieces, crs=CRS)
    return out.sort_values("name").reset_index(drop=True)
