"""What every feature that draws lines must do; one row of CASES each."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import shapely
from scipy import ndimage

from pipeline import registry
from tests.features.driver import CELL_M, COLS, ROWS, Region, drawing_words, drawn, empty_region

# by word: parameters that make it draw something of the rough ground below, whose layer is `height`
CASES: dict[str, dict[str, Any]] = {
    "drainage": {"of": "height", "least_km2": 0.5},
    "lineaments": {"of": "height", "scales_m": (150.0, 300.0), "least_m": 1500.0},
    "worms": {"of": "height", "heights_m": (200.0, 600.0), "least_m": 1000.0},
}

every_case = pytest.mark.parametrize(("word", "said"), [pytest.param(word, said, id=word) for word, said in CASES.items()])


@pytest.fixture(scope="module")
def region() -> Region:
    """Two straight steps across smooth ground, a little noise, and a gap."""
    y, x = np.mgrid[:ROWS, :COLS].astype(float)
    height = 900 + 200 * np.tanh((x - 30) / 1.5) + 150 * np.tanh((y - 0.5 * x - 25) / 1.5) + np.random.default_rng(4).normal(0, 1, (ROWS, COLS))
    height[60:70, 50:60] = np.nan
    return empty_region().with_layer("height", height.astype(np.float32))


def test_every_drawing_has_a_case_and_every_case_a_drawing() -> None:
    assert set(CASES) == set(drawing_words())


@every_case
def test_it_draws_lines_with_the_declared_columns_near_the_region(word: str, said: dict[str, Any], region: Region) -> None:
    lines, recipe = drawn(word, said, region), registry.declared(registry.find("features", word))
    assert len(lines.geometry) > 0
    assert set(lines.columns) == set(recipe.columns or ())
    assert all(np.isfinite(values.astype(float)).all() for values in lines.columns.values())
    xmin, ymin, xmax, ymax = region.grid.bounds
    assert shapely.within(lines.geometry, shapely.box(xmin, ymin, xmax, ymax)).all()
    assert shapely.is_valid(lines.geometry).all()


@every_case
def test_the_same_ground_gives_the_same_bytes(word: str, said: dict[str, Any], region: Region) -> None:
    once, again = drawn(word, said, region), drawn(word, said, region)
    assert shapely.to_wkb(once.geometry).tolist() == shapely.to_wkb(again.geometry).tolist()
    assert {name: values.tobytes() for name, values in once.columns.items()} == {name: values.tobytes() for name, values in again.columns.items()}


@every_case
def test_level_ground_draws_nothing(word: str, said: dict[str, Any], region: Region) -> None:
    level = region.with_layer("height", np.full((ROWS, COLS), 900, np.float32))
    assert len(drawn(word, said, level).geometry) == 0


@every_case
def test_ground_without_a_value_draws_nothing(word: str, said: dict[str, Any], region: Region) -> None:
    missing = region.with_layer("height", np.full((ROWS, COLS), np.nan, np.float32))
    assert len(drawn(word, said, missing).geometry) == 0


@every_case
def test_no_line_runs_inside_a_gap(word: str, said: dict[str, Any], region: Region) -> None:
    gap = ndimage.binary_erosion(np.isnan(region.layers["height"]), iterations=2)
    rows, cols = np.nonzero(gap)
    x, y = region.grid.x_m + (cols + 0.5) * CELL_M, region.grid.y_m - (rows + 0.5) * CELL_M
    inside = shapely.union_all(shapely.box(x - CELL_M / 2, y - CELL_M / 2, x + CELL_M / 2, y + CELL_M / 2))
    assert not shapely.intersects(drawn(word, said, region).geometry, inside).any()


@pytest.mark.parametrize("word", CASES)
def test_a_drawing_says_its_summary_source_units_and_epoch(word: str) -> None:
    function = registry.find("features", word)
    recipe = registry.declared(function)
    assert recipe.summary
    assert function.__doc__
    assert registry.epoch(function) >= 1
    assert re.search(r"\(\d{4}\)", recipe.reference)
    assert all(re.fullmatch(r"degree|m|km2|1|input(/km)?", unit) for unit in (recipe.columns or {}).values())
