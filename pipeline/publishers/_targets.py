"""The targets as one table, the same rows for every file they are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

from pipeline.bundle import Column
from pipeline.spatial import areas

if TYPE_CHECKING:
    import geopandas as gpd

    from pipeline.bundle import Bundle

COLUMNS = {
    "rank": Column("Int64", "Rank", "", "Place among new ground by merit, 1 first; none for ground of known deposits."),
    "status": Column("str", "Status", "", "Whether the ground is new, or that of a known deposit."),
    "merit": Column("float64", "Merit", "1", "What it is ranked by, 0 to 1: the weighted mean of the parts of merit."),
    "in_top_ten": Column("float64", "Stays in top ten", "1", "Share of draws in which it is among the best ten when weights vary by 30 %."),
    "rank_by_prospectivity": Column("Int64", "Rank by prospectivity", "", "Place among new ground by its best cell alone."),
    "area_km2": Column("float64", "Area", "km2", "Area of the target."),
    "mean_prospectivity": Column("float64", "Mean prospectivity", "1", "Mean relative prospectivity of its cells, 0 to 1."),
    "max_prospectivity": Column("float64", "Highest prospectivity", "1", "Relative prospectivity of its best cell, 0 to 1."),
    "mean_uncertainty": Column("float64", "Uncertainty", "1", "Mean refit spread: how far models refitted on redrawn deposits differ."),
    "mean_applicability": Column("float64", "Applicability", "1", "How like the ground the model was taught with it is; below 0.5 it should not be believed."),
    "evidence": Column("str", "Rock", "", "Whether the rock is measured on most of it, or inferred from coarser maps; empty where config does not say."),
    "inferred_share": Column("float64", "Inferred", "1", "Share of its cells where the rock is inferred from coarser maps and not measured."),
    "covered_share": Column("float64", "Under cover", "1", "Share of its cells where cover hides the rock; empty where config does not say."),
    "merit_prospectivity": Column("float64", "Prospectivity of the best", "1", "The part of merit: its best cell as a share of the best cell of all targets."),
    "merit_confidence": Column("float64", "Confidence", "1", "The part of merit: mean of applicability, agreement of refits and measured share."),
    "merit_footprint": Column("float64", "Footprint", "1", "The part of merit: the least ground per discovery of any target over that of this one."),
    "nearest_known": Column("str", "Nearest known deposit", "", "Name of the nearest deposit the map learnt from."),
    "nearest_known_km": Column("float64", "Distance to it", "km", "Distance from its edge to that deposit, 0 inside."),
    "nearest_occurrence": Column("str", "Nearest occurrence", "", "Name and type of the nearest recorded occurrence of any kind."),
    "nearest_occurrence_km": Column("float64", "Distance to that", "km", "Distance from its edge to that occurrence, 0 inside."),
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
        districts = held.geometry.to_numpy()
        names = areas.names({str(c): held[c].to_numpy(object) for c in held.columns if c != held.geometry.name}, len(held))
        tree = shapely.STRtree(districts)
        frame["districts"] = pd.Series([", ".join(areas.in_order(names, areas.shared(shape, districts, tree))) for shape in shapes], dtype="str")
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=bundle.cube.grid.crs), crs=bundle.cube.grid.crs)
