from __future__ import annotations

import numpy as np
import pytest

from pipeline.recipe import Array
from pipeline.spatial import fractal

CELLS = 40_000


def piecewise_power(*knots: tuple[float, float]) -> Array:
    """Values whose share at or above c falls as c ** -slope from each knot (concentration, slope) to the next; every value by its rank."""
    share = (np.arange(CELLS, 0, -1) - 0.5) / CELLS
    values, start = np.empty(CELLS), 1.0
    for i, (concentration, slope) in enumerate(knots):
        end = 0.0 if i + 1 == len(knots) else start * (knots[i + 1][0] / concentration) ** -slope
        here = (share <= start) & (share > end)
        values[here] = concentration * (share[here] / start) ** (-1.0 / slope)
        start = end
    return np.random.default_rng(0).permutation(values)


def test_the_break_between_two_populations_is_found_within_a_level() -> None:
    values = piecewise_power((10.0, 4.0), (30.0, 1.5))
    (found,) = fractal.breaks(values, 2)
    level = np.log(values.max() / values.min()) / (fractal.LEVELS - 1)
    assert abs(np.log(found / 30.0)) <= level


def test_the_breaks_between_three_populations_are_found() -> None:
    low, high = fractal.breaks(piecewise_power((10.0, 0.5), (40.0, 5.0), (80.0, 1.2)), 3)
    assert low == pytest.approx(40, rel=0.15)
    assert high == pytest.approx(80, rel=0.15)


def test_the_cuts_are_the_best_of_all_that_there_are() -> None:
    rng = np.random.default_rng(4)
    x, y = np.sort(rng.uniform(0, 5, 14)), rng.normal(0, 1, 14)

    def squares(first: int, last: int) -> float:
        line = np.polyfit(x[first:last], y[first:last], 1)
        return float(np.sum((np.polyval(line, x[first:last]) - y[first:last]) ** 2))

    tried = {(i, j): squares(0, i) + squares(i, j) + squares(j, 14) for i in range(3, 9) for j in range(i + 3, 12)}
    assert tuple(fractal._cuts(fractal._misfit(x, y), 3)) == min(tried, key=tried.__getitem__)


def test_missing_cells_and_those_not_above_0_take_no_part() -> None:
    values = piecewise_power((10.0, 4.0), (30.0, 1.5))
    dirty = np.concatenate([values, [np.nan, np.inf, 0.0, -50.0]])
    assert np.array_equal(fractal.breaks(dirty, 2), fractal.breaks(values, 2))


def test_a_layer_of_one_value_breaks_at_it_and_an_empty_one_nowhere() -> None:
    assert np.array_equal(fractal.breaks(np.full(900, 7.0), 3), [7, 7])
    assert np.array_equal(fractal.breaks(np.arange(1.0, 6.0), 4), [5, 5, 5])  # five values draw no four lines
    assert np.array_equal(fractal.breaks(np.full(9, np.nan), 2), [np.inf])
