"""The targets as one table, the same rows for every file they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from pipeline.bundle import Column

if TYPE_CHECKING:
    import geopandas as gpd

    from pipeline.bundle import Bundle
    from pipeline.recipe import Array

COLUMNS = {
    "rank": Column("Int64", "Rank", "", "Place among new ground, 1 first; none for ground of known deposits."),
    "status": Column("str", "Status", "", "Whether the ground is new, or that of a known deposit."),
    "area_km2": Column("float64", "Area", "km2", "Area of the target."),
    "mean_prospectivity": Column("float64", "Mean prospectivity", "1", "Mean relative prospectivity of its cells, 0 to 1."),
    "max_prospectivity": Column("float64", "Highest prospectivity", "1", "Relative prospectivity of its best cell, 0 to 1."),
    "mean_uncertainty": Column("float64", "Uncertainty", "1", "Mean refit spread: how far models refitted on redrawn deposits differ."),
    "mean_applicability": Column("float64", "Applicability", "1", "How like the ground the model was taught with it is; below 0.5 it should not be believed."),
    "inferred_share": Column("float64", "Inferred", "1", "Share of its cells where the rock is inferred from coarser maps and not measured."),
    "nearest_known": Column("str", "Nearest known deposit", "", "Name of the nearest deposit the map learnt from."),
    "nearest_known_km": Column("float64", "Distance to it", "km", "Distance from its edge to that deposit, 0 inside."),
    "for_1": Column("str", "For", "", "The feature that speaks most for its best cell, and by how much."),
    "for_2": Column("str", "For, second", "", "The feature that speaks second most for its best cell, and by how much."),
    "for_3": Column("str", "For, third", "", "The feature that speaks third most for its best cell, and by how much."),
    "against_1": Column("str", "Against", "", "The feature that speaks most against its best cell, and by how much."),
}  # fmt: skip
EXPECTED = {  # where config gives a prior
    "expected_deposits": Column("float64", "Expected deposits", "1", "Undiscovered deposits it is expected to hold: an expert's number, shared out by the map."),
    "p_at_least_one": Column("float64", "Chance of one or more", "1", "Chance that it holds at least one undiscovered deposit."),
}  # fmt: skip
DISTRICTS = {"districts": Column("str", "Districts", "", "Districts it lies in, the one with the largest share of it first.")}
NAME_COLUMNS = ("name", "shapeName", "NAME_2", "district")  # the last three: geoBoundaries, GADM, and what offices write


def columns(bundle: Bundle) -> dict[str, Column]:
    """The columns of the targets of a bundle, in the order of every file and form that shows them."""
    expected = EXPECTED if "expected_deposits" in bundle.rasters else {}
    return {**COLUMNS, **expected, **bundle.columns, **(DISTRICTS if bundle.districts is not None else {})}


def targets(bundle: Bundle) -> gpd.GeoDataFrame:
    """Targets in the order of their ranks, MultiPolygons in the grid's CRS; all columns even when there is no target.

    Where the bundle has districts, a text column `districts` names those a target touches, the largest share first.
    """
    import geopandas as gpd
    import pandas as pd

    dtypes = {name: column.dtype for name, column in columns(bundle).items() if name not in DISTRICTS}
    frame = pd.DataFrame({name: [t[name] for t in bundle.targets] for name in dtypes}, dtype="object").astype(dtypes)
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
