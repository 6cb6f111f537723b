"""News: which targets rose, fell, appeared or went between two maps of one region, and what brought that about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from pipeline.bundle import Column, Sheet
from pipeline.grid import Grid, Index
from pipeline.stages.update import BEYOND

OCCURRENCE, SURVEY, LICENCE, LOOK, REFIT, SETTINGS = "new occurrence", "new survey", "new licence", "better look", "refit", "settings"
WHAT = ("appeared", "rose", "fell", "changed", "went")
SAME = 0.5  # of the ground of two targets together: what shares less, and moved, is not the same ground
COLUMNS = {
    "what": Column("str", "What", "", "Whether it rose, fell, appeared, went, or changed and kept its rank."),
    "rank": Column("Int64", "Rank", "", "Its rank now; none where it went or is ground of a known deposit."),
    "rank_before": Column("Int64", "Rank before", "", "Its rank in the map before."),
    "causes": Column("str", "Causes", "", "What brought it about: new occurrence, new survey, new licence, better look, refit or settings."),
    "sources": Column("str", "From", "", "The sources that are new there."),
    "max_prospectivity": Column("float64", "Highest prospectivity", "1", "Relative prospectivity of its best cell now."),
    "max_prospectivity_before": Column("float64", "Highest before", "1", "The same in the map before."),
    "area_km2": Column("float64", "Area", "km2", "Its area now."),
    "area_km2_before": Column("float64", "Area before", "km2", "Its area in the map before."),
    "x": Column("float64", "Easting", "m", "Its place in the grid's coordinates: a point on it."),
    "y": Column("float64", "Northing", "m", "The same, northwards."),
}


@dataclass(frozen=True)
class News:
    """What is new since the map that was out. `sources`: by source its cause and the tiles it reaches (None: all); `flags`: the tables of targets' flags;
    `kept`: where the map before goes, and `date` of it; `refit`: whether everything was fitted again; `since`: when the model was fitted."""

    date: str
    kept: Path
    refit: bool
    since: str
    sources: Mapping[str, tuple[str, frozenset[Index] | None]] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()


def held(outputs: Path) -> list[dict[str, Any]]:
    """The targets of a map that is out, with their outlines as `wkb`; none where there is no map."""
    import geopandas as gpd

    path = outputs / "targets.parquet"
    if not path.is_file():
        return []
    frame = gpd.read_parquet(path)
    rows = frame.drop(columns=frame.geometry.name).astype(object)
    rows = rows.where(rows.notna(), None)
    told = rows.to_dict("records")
    return [{**{str(k): v for k, v in row.items()}, "wkb": shapely.to_wkb(shape, byte_order=1)} for row, shape in zip(told, frame.geometry, strict=True)]


def changes(before: list[dict[str, Any]], after: list[dict[str, Any]], news: News, grid: Grid, *, sd: float | None) -> tuple[list[dict[str, Any]], int]:
    """The targets that changed by themselves, by `WHAT` and then rank; and how many others only moved up or down because of those. `sd`: the noise."""
    old, new = (np.array([shapely.from_wkb(row["wkb"]) for row in rows], object) for rows in (before, after))
    pairs = _pairs(old, new)
    told, shifted = [], 0
    for i, j in pairs:
        was, now = before[i], after[j]
        moved, facts = _moved(was, now, old[i], new[j], sd), _facts(was, now, news)
        if not moved and not facts:
            shifted += was["rank"] != now["rank"]
            continue
        causes = facts | (_causes(shapely.union(old[i], new[j]), news, grid) if moved else {})
        told.append(_row(was, now, new[j], causes, news))
    told += [_row(before[i], None, old[i], _causes(old[i], news, grid), news) for i in range(len(old)) if i not in {i for i, _ in pairs}]
    told += [_row(None, after[j], new[j], _causes(new[j], news, grid), news) for j in range(len(new)) if j not in {j for _, j in pairs}]
    return sorted(told, key=lambda row: (WHAT.index(row["what"]), row["rank"] or row["rank_before"] or math.inf, row["x"], row["y"])), shifted


def sheet(rows: list[dict[str, Any]]) -> Sheet:
    """The changes as a table."""
    import pandas as pd

    plain = [{**row, "causes": ", ".join(row["causes"]), "sources": ", ".join(row["sources"]) or None} for row in rows]
    frame = pd.DataFrame({name: [row[name] for row in plain] for name in COLUMNS}, dtype="object").astype({n: c.dtype for n, c in COLUMNS.items()})
    return Sheet("What changed", "Targets that rose, fell, appeared or went since the map before, and why.", frame, COLUMNS, ("x", "y"))


def _pairs(old: Any, new: Any) -> list[tuple[int, int]]:
    """Targets of then and now that are the same ground: those that share most first, each once."""
    if not len(old) or not len(new):
        return []
    one, other = shapely.STRtree(new).query(old, predicate="intersects")
    shared = shapely.area(shapely.intersection(old[one], new[other]))
    taken: tuple[set[int], set[int]] = (set(), set())
    found = []
    for k in np.lexsort((other, one, -shared)):
        i, j = int(one[k]), int(other[k])
        if shared[k] > 0 and i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            found.append((i, j))
    return sorted(found)


def _moved(was: Mapping[str, Any], now: Mapping[str, Any], one: Any, other: Any, sd: float | None) -> bool:
    """Whether its ground or its values changed by more than they tremble."""
    if shapely.equals_exact(shapely.normalize(_multi(one)), shapely.normalize(_multi(other)), 1e-6) and was["max_prospectivity"] == now["max_prospectivity"]:
        return False
    limit = BEYOND * (sd or 0.0)
    apart = max(abs(was[name] - now[name]) for name in ("mean_prospectivity", "max_prospectivity"))
    same = shapely.area(shapely.intersection(one, other)) / shapely.area(shapely.union(one, other))
    return bool(sd is None or apart > limit or same < SAME)


def _multi(shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])


def _facts(was: Mapping[str, Any], now: Mapping[str, Any], news: News) -> dict[str, set[str]]:
    """Causes that need no change of its ground: what is recorded on it or near it, and who holds it."""
    told: dict[str, set[str]] = {}
    occurrences = {name for name, (cause, _) in news.sources.items() if cause == OCCURRENCE}
    near = ("status", "nearest_known", "nearest_occurrence")
    if occurrences and any((was.get(name) or None) != (now.get(name) or None) for name in near):
        told[OCCURRENCE] = occurrences
    for flag, table in news.flags.items():
        if table in news.sources and any((was.get(name) or None) != (now.get(name) or None) for name in (flag, f"{flag}_until")):
            told.setdefault(LICENCE, set()).add(table)
    return told


def _causes(shape: Any, news: News, grid: Grid) -> dict[str, set[str]]:
    """What is new where a target lies; where nothing is, all that is new, for some evidence is made of a survey as a whole."""
    here: dict[str, set[str]] = {}
    for name, (cause, tiles) in news.sources.items():
        if tiles is None or any(shapely.box(*grid.window(tile).bounds).intersects(shape) for tile in tiles):
            here.setdefault(cause, set()).add(name)
    if not here:
        for name, (cause, _) in news.sources.items():
            here.setdefault(cause, set()).add(name)
    if news.refit:
        here[REFIT] = set()
    return here or {SETTINGS: set()}


def _row(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, shape: Any, causes: Mapping[str, set[str]], news: News) -> dict[str, Any]:
    del news
    then, here = (row["rank"] if row else None for row in (was, now))
    if here is None and then is None:
        what = "changed" if was and now else "appeared" if now else "went"
    elif then is None:
        what = "appeared"
    elif here is None:
        what = "went"
    else:
        what = "rose" if here < then else "fell" if here > then else "changed"
    point = shapely.point_on_surface(shape)
    ends = {f"{name}{end}": (row[name] if row else None) for end, row in (("", now), ("_before", was)) for name in ("status", "max_prospectivity", "area_km2")}
    return {
        "what": what, "rank": None if here is None else int(here), "rank_before": None if then is None else int(then), **ends,
        "causes": sorted(causes), "sources": sorted(set().union(*causes.values())), "x": round(float(point.x), 1), "y": round(float(point.y), 1),
    }  # fmt: skip
