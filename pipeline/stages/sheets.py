"""Sheets: the tables people read beside the map, from what the fits found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.bundle import Column, Sheet

SHARE = "Share of all deposits still to be found on the map's ground that it is expected to hold."
AREAS = {
    "name": Column("str", "Name", "", "Name of the area."),
    "by": Column("str", "Held by", "", "Who holds it."),
    "until": Column("str", "Until", "", "Until when it is held."),
    "area_km2": Column("float64", "Area", "km2", "Area of it, as far as its outline goes."),
    "scored_km2": Column("float64", "Ground mapped", "km2", "Area of it for which the map has a value."),
    "high_share": Column("float64", "High", "1", "Share of the ground mapped in the classes high and very high."),
    "targets": Column("Int64", "Targets", "1", "New targets that lie in it, wholly or in part."),
    "best_rank": Column("Int64", "Best rank", "", "Rank of the best of them."),
    "target_km2": Column("float64", "Target ground", "km2", "Area of them inside it."),
    "expected_share": Column("float64", "Share of discoveries", "1", SHARE),
}
FIRST = {
    "targets": Column("Int64", "First targets", "1", "How many of the best ranked targets are taken together."),
    "area_km2": Column("float64", "Area", "km2", "Their area."),
    "expected_share": Column("float64", "Share of discoveries", "1", SHARE),
    "expected_deposits": Column("float64", "Expected deposits", "1", "Undiscovered deposits they are expected to hold."),
    "deposits_low": Column("Int64", "Deposits, low", "1", "Deposits they hold at the least, with a chance of 95 %, if the map is right."),
    "deposits_high": Column("Int64", "Deposits, high", "1", "Deposits they hold at the most, with a chance of 95 %, if the map is right."),
    "p_at_least_one": Column("float64", "Chance of one or more", "1", "Chance that they hold at least one undiscovered deposit."),
    "km2_per_discovery": Column("float64", "Ground per discovery", "km2", "Ground to search for each deposit they are expected to hold."),
}
SEARCH = {
    "captured": Column("float64", "Discoveries", "1", "Share of deposits to be captured."),
    "area": Column("float64", "Ground to search", "1", "Share of the map's ground to search for that, best first, from held-out deposits."),
    "area_low": Column("float64", "Low", "1", "Lower end of its 90 % interval."),
    "area_high": Column("float64", "High", "1", "Upper end of its 90 % interval."),
    "area_km2": Column("float64", "Area to search", "km2", "The same as an area."),
    "area_low_km2": Column("float64", "Low", "km2", "Lower end of its 90 % interval."),
    "area_high_km2": Column("float64", "High", "km2", "Upper end of its 90 % interval."),
}
CURVE = {
    "area": Column("float64", "Ground searched", "1", "Share of the map's ground, best first."),
    "area_km2": Column("float64", "Area searched", "km2", "The same as an area."),
    "captured": Column("float64", "Captured", "1", "Share of held-out deposits in it."),
    "captured_low": Column("float64", "Low", "1", "Lower end of its 90 % interval."),
    "captured_high": Column("float64", "High", "1", "Upper end of its 90 % interval."),
}


def sheets(areas: Mapping[str, list[dict[str, Any]]], risk: Mapping[str, Any]) -> dict[str, Sheet]:
    """The tables of a map: one for each kind of area (`by_district`, `by_<flag>`), then `first_targets`, `ground_to_search` and `discovery_curve`
    where those are known."""
    made = {}
    for name, rows in areas.items():
        kind = name.removeprefix("by_").replace("_", " ")
        made[name] = _sheet(f"By {kind}", f"How much ground, high prospectivity and how many targets each {kind} holds.", rows, AREAS)
    if risk["first_targets"]:
        what = "What the best ranked targets hold together. " + risk["note"]
        made["first_targets"] = _sheet("The first targets together", what, risk["first_targets"], FIRST)
    if risk["search"]:
        rows = [one | _ends("area", one["interval"], "") | _ends("area", one["interval_km2"], "_km2") for one in risk["search"]]
        made["ground_to_search"] = _sheet("Ground to search", risk["note"], rows, SEARCH)
    if risk["curve"]:
        curve = risk["curve"]
        rows = [
            {"area": area, "area_km2": km2, "captured": captured} | _ends("captured", ends, "")
            for area, km2, captured, ends in zip(curve["area"], curve["area_km2"], curve["captured"], curve["interval"], strict=True)
        ]
        made["discovery_curve"] = _sheet("Discoveries against area searched", risk["note"], rows, CURVE)
    return made


def _ends(name: str, interval: list[float] | None, unit: str) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {f"{name}_low{unit}": low, f"{name}_high{unit}": high}


def _sheet(title: str, what: str, rows: list[dict[str, Any]], columns: Mapping[str, Column]) -> Sheet:
    import pandas as pd

    held = {name: column for name, column in columns.items() if not rows or name in rows[0]}
    if rows and all(row.get("expected_share") is None for row in rows):
        held.pop("expected_share", None)  # scores that tell no density share nothing out
    dtypes = {name: column.dtype for name, column in held.items()}
    return Sheet(title, what, pd.DataFrame({name: [row[name] for row in rows] for name in held}, dtype="object").astype(dtypes), held)
