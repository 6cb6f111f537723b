"""Where the seconds of a draft went: nothing is left out, and nothing told twice."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from pipeline.screen import spending

PROFILE: dict[str, Any] = {
    "jobs": {"align": 40, "predict": 4}, "seconds": {"align": 5.0, "predict": 2.5}, "working_seconds": 4.0, "worker_seconds": 8.0, "at_once": 2,
    "file_seconds": 0.5, "others_seconds": 0.0, "process_seconds": 6.0,
}  # fmt: skip


def rows(profile: dict[str, Any], whole: float | None = None) -> dict[str, tuple[float, str]]:
    where, _, seconds, share = (list(column.cells) for column in spending.table(profile, whole).columns)
    return {str(name).split(":")[0]: (float(str(one)), str(part)) for name, one, part in zip(where, seconds, share, strict=True)}


def test_the_rows_make_up_the_seconds_of_all_workers() -> None:
    told = rows(PROFILE)
    assert told == {"around the jobs": (3.0, "25%"), "align": (5.0, "42%"), "predict": (2.5, "21%"), "no job": (0.5, "4%"), "the file": (1.0, "8%")}
    assert sum(seconds for seconds, _ in told.values()) == pytest.approx(2 * 6.0)
    timed = rows(PROFILE, 6.4)
    assert timed["Python itself"] == (0.8, "6%") and sum(seconds for seconds, _ in timed.values()) == pytest.approx(2 * 6.4)


def test_what_other_regions_took_is_a_row_of_its_own() -> None:
    told = rows(PROFILE | {"others_seconds": 1.0})
    assert told["other regions it learns from"][0] == 2.0 and told["around the jobs"][0] == 1.0


def test_workers_that_came_late_had_fewer_seconds_to_wait() -> None:
    late = rows(PROFILE | {"worker_seconds": 7.6})
    assert late["no job"][0] == 0.1


def test_where_there_was_nothing_to_do_all_is_around_it() -> None:
    none = {"jobs": {}, "seconds": {}, "working_seconds": 0.0, "worker_seconds": 0.0, "at_once": 0, "file_seconds": 0.0, "process_seconds": 1.5}
    told = rows(none | {"others_seconds": 0.0})
    assert told["around the jobs"] == (1.5, "100%") and told["no job"][0] == 0.0


def test_a_table_is_as_wide_as_a_screen() -> None:
    page = Console(width=130, record=True, file=io.StringIO())
    page.print(spending.table(PROFILE, 6.4))
    assert max(map(len, page.export_text().splitlines())) < 130
