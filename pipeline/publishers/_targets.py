"""The targets as one table, the same rows for every file they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd

    from pipeline.bundle import Bundle
    from pipeline.recipe import Array

COLUMNS = {
    "rank": "Int64", "status": "str", "area_km2": "float64", "mean_prospectivity": "float64", "max_prospectivity": "float64",
    "mean_uncertainty": "float64", "mean_applicability": "float64", "inferred_share": "float64", "nearest_known": "str", "nearest_known_km": "float64",
    "for_1": "str", "for_2": "str", "for_3": "str", "against_1": "str",
}  # fmt: skip
EXPECTED = {"expected_deposits": "float64", "p_at_least_one": "float64"}  # where config gives a prior
NAME_COLUMNS = ("name", "shapeName", "NAME_2", "district")  # the last three: geoBoundaries, GADM, and what offices write


def targets(bundle: Bundle) -> gpd.GeoDataFrame:
    """Targets in the order of their ranks, MultiPolygons in the grid's CRS; all columns even when there is no target.

    Where the bundle has districts, a text column `districts` names those a target touches, the largest share first.
    """
    import geopandas as gpd
    import pandas as pd

    columns = COLUMNS | (EXPECTED if "expected_deposits" in bundle.rasters else {})
    frame = pd.DataFrame({name: [t[name] for t in bundle.targets] for name in columns}, dtype="object").astype(columns)
    polygons = [shapely.from_wkb(target["wkb"]) for target in bundle.targets]
    shapes = [p if p.geom_type == "MultiPolygon" else shapely.MultiPolygon([p]) for p in polygons]
    if bundle.districts is not None:
        held = gpd.read_file(bundle.districts.path, engine="pyogrio")
        names = held[_name_column(held)].fillna("unnamed").astype(str).to_numpy()
        frame["districts"] = pd.Series(_touched(shapes, held.geometry.to_numpy(), names), dtype="str")
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=bundle.cube.grid.crs), crs=bundle.cube.grid.crs)


def _name_column(districts: gpd.GeoDataFrame) -> str:
    texts = [c for c in districts.columns if c != "geometry" and districts[c].dtype.kind in "OT"]
    return next((c for c in NAME_COLUMNS if c in districts.columns), texts[0] if texts else districts.columns[0])


def _touched(shapes: list[Any], districts: Array, names: Array) -> list[str]:
    tree = shapely.STRtree(districts)
    said = []
    for shape in shapes:
        near = np.sort(tree.query(shape, predicate="intersects"))
        shared: dict[str, float] = {}
        for i, area in zip(near, shapely.area(shapely.intersection(districts[near], shape)), strict=True):
            shared[str(names[i])] = shared.get(str(names[i]), 0.0) + float(area)
        said.append(", ".join(sorted((n for n in shared if shared[n] > 0), key=lambda n: (-shared[n], n))))
    return said
