"""Which targets rose, fell, appeared or went, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import shapely

from pipeline.grid import Grid
from pipeline.stages import news
from pipeline.stages.news import News

GRID = Grid.covering((0.0, 0.0, 64_000.0, 32_000.0), crs="EPSG:32641", cell_m=1000, tile=16)


def target(rank: int | None, x: float, highest: float = 0.8, *, wide: float = 4000, **more: Any) -> dict[str, Any]:
    held = {"rank": rank, "status": "new" if rank else "known ground", "max_prospectivity": highest, "mean_prospectivity": highest - 0.1, "area_km2": wide * 4e-3}
    held |= {"nearest_known": "A", "nearest_occurrence": "A", "held_by": None, "held_by_until": None}
    return held | {"wkb": shapely.to_wkb(shapely.box(x, 20_000, x + wide, 24_000), byte_order=1)} | more


def told(before: list[dict[str, Any]], after: list[dict[str, Any]], sd: float | None = 0.01, **said: Any) -> tuple[list[tuple[Any, ...]], int]:
    flags = {"held_by": "licences"}
    rows, shifted = news.changes(before, after, News("then", Path("kept"), said.pop("refit", False), "", said.pop("sources", {}), flags), GRID, sd=sd)
    assert news.sheet(rows).frame["what"].tolist() == [row["what"] for row in rows]
    return [(row["what"], row["rank_before"], row["rank"], row["causes"], row["sources"]) for row in rows], shifted


LOOK = {"sentinel2": (news.LOOK, frozenset({(0, 0)}))}
SURVEY = {"magnetics": (news.SURVEY, frozenset({(1, 3)}))}


def test_nothing_new_is_nothing_told() -> None:
    held = [target(1, 2000), target(2, 20_000), target(None, 50_000)]
    assert told(held, held) == ([], 0)


def test_what_trembles_is_not_told_and_what_is_passed_only_shifts() -> None:
    before = [target(1, 2000, 0.9), target(2, 20_000, 0.8)]
    assert told(before, [target(1, 2000, 0.92), target(2, 20_000, 0.79)]) == ([], 0)
    rows, shifted = told(before, [target(1, 20_000, 0.8), target(2, 2000, 0.7)], sources=LOOK)
    assert rows == [("fell", 1, 2, [news.LOOK], ["sentinel2"])] and shifted == 1


def test_each_way_to_change_with_the_cause_that_lies_there() -> None:
    before = [target(1, 2000, 0.9), target(2, 20_000, 0.8), target(3, 34_000, 0.7)]
    after = [target(1, 2000, 0.99, wide=5000), target(2, 50_000, 0.9), target(3, 34_000, 0.7)]
    rows, _ = told(before, after, sources=LOOK | SURVEY)
    assert rows == [
        ("appeared", None, 2, ["better look", "new survey"], ["magnetics", "sentinel2"]),  # nothing lies there: all that is new
        ("changed", 1, 1, ["better look"], ["sentinel2"]),
        ("went", 2, None, ["better look", "new survey"], ["magnetics", "sentinel2"]),
    ]


def test_a_new_occurrence_makes_known_ground_without_a_change_of_the_map() -> None:
    before, after = [target(1, 2000), target(2, 20_000)], [target(1, 20_000), target(None, 2000, nearest_known="B", nearest_occurrence="B")]
    rows, shifted = told(before, after, sources={"occurrences": (news.OCCURRENCE, frozenset({(0, 0)}))})
    assert rows == [("went", 1, None, ["new occurrence"], ["occurrences"])] and shifted == 1


def test_a_new_licence_is_told_of_the_ground_it_lies_on() -> None:
    after = [target(1, 2000, held_by="Someone", held_by_until="2030"), target(2, 20_000)]
    rows, _ = told([target(1, 2000), target(2, 20_000)], after, sources={"licences": (news.LICENCE, frozenset({(0, 0)}))})
    assert rows == [("changed", 1, 1, ["new licence"], ["licences"])]


def test_a_refit_is_a_cause_and_without_noise_every_difference_counts() -> None:
    rows, _ = told([target(1, 2000, 0.9)], [target(1, 2000, 0.901)], None, refit=True)
    assert rows == [("changed", 1, 1, ["refit"], [])]
    rows, _ = told([target(1, 2000, 0.9)], [target(1, 2000, 0.901)], None)
    assert rows == [("changed", 1, 1, ["settings"], [])]
