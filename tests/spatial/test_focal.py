from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage

from pipeline.recipe import Array, Cells
from pipeline.spatial import focal

CELL_M = 30.0


def cells(shape: tuple[int, int], row: int = 0, col: int = 0) -> Cells:
    """Where a block lies whose first cell is (row, col) of the map."""
    x = (col + np.arange(shape[1]) + 0.5) * CELL_M
    y = -(row + np.arange(shape[0]) + 0.5) * CELL_M
    return Cells(x, y, np.zeros(shape, dtype=np.int64), CELL_M, 0, shape[0] * shape[1])


def brute_force(values: Array, half: int) -> tuple[Array, Array, Array]:
    """Count, mean and population deviation of the valid cells, window by window, in two passes."""
    count, mean, deviation = (np.full(values.shape, np.nan) for _ in range(3))
    for r, c in np.ndindex(values.shape):
        window = values[max(r - half, 0) : r + half + 1, max(c - half, 0) : c + half + 1].astype(np.float64)
        known = window[~np.isnan(window)]
        count[r, c] = known.size
        if known.size:
            mean[r, c] = math.fsum(known) / known.size
            deviation[r, c] = math.sqrt(math.fsum((known - mean[r, c]) ** 2) / known.size)
    return count, mean, deviation


@pytest.fixture
def gappy() -> Array:
    """Values near 1e5 that differ by about 1e-2, a tenth of them missing, and one large hole."""
    rng = np.random.default_rng(2)
    values = (1e5 + 1e-2 * rng.standard_normal((40, 57))).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[12:28, 30:47] = np.nan
    return values


@pytest.mark.parametrize("half", [1, 2, 5, 30, 100])
def test_moments_equal_brute_force_for_any_window(gappy: Array, half: int) -> None:
    count, mean, deviation = brute_force(gappy, half)
    ours = focal.moments(gappy, cells(gappy.shape, -7, 1000), radius_m=half * CELL_M)
    assert np.array_equal(ours[0], count)
    assert np.allclose(ours[1], mean, rtol=1e-14, atol=0, equal_nan=True)
    assert np.allclose(ours[2], deviation, rtol=1e-7, atol=1e-9, equal_nan=True)


def test_the_mean_agrees_with_scipy_where_nothing_is_missing() -> None:
    values = np.random.default_rng(3).normal(0, 1, (50, 50)).astype(np.float32)
    theirs = ndimage.uniform_filter(values.astype(np.float64), 7)
    ours = focal.mean(values, cells(values.shape), radius_m=3 * CELL_M)
    assert np.allclose(ours[3:-3, 3:-3], theirs[3:-3, 3:-3], rtol=0, atol=1e-7)


def test_a_small_spread_on_a_large_offset_is_exact_to_float32() -> None:
    rng = np.random.default_rng(5)
    values = (1e5 + 1e-2 * rng.standard_normal((9, 9))).astype(np.float32)
    exact = [Fraction(float(v)) for v in values.ravel()]
    mean = sum(exact, Fraction(0)) / 81
    variance = sum(((v - mean) ** 2 for v in exact), Fraction(0)) / 81
    ours = focal.deviation(values, cells(values.shape), radius_m=4 * CELL_M)[4, 4]
    assert ours == np.float32(math.sqrt(variance))
    assert focal.mean(values, cells(values.shape), radius_m=4 * CELL_M)[4, 4] == np.float32(float(mean))


@pytest.mark.parametrize(("row", "col"), [(0, 0), (3, 11), (-25, -4), (10**6, 7)])
def test_a_block_cut_anywhere_gives_the_same_bits_as_the_whole(gappy: Array, row: int, col: int) -> None:
    half = 4
    whole = focal.moments(gappy, cells(gappy.shape, row, col), radius_m=half * CELL_M)
    for top, left in ((0, 0), (1, 2), (7, 13), (20, 30)):
        block = gappy[top : top + 18, left : left + 21]
        part = focal.moments(block, cells(block.shape, row + top, col + left), radius_m=half * CELL_M)
        for a, b in zip(part, whole, strict=True):
            inner = b[top + half : top + 18 - half, left + half : left + 21 - half]
            assert a[half:-half, half:-half].tobytes() == inner.tobytes()


def test_the_departure_leaves_the_cell_itself_out(gappy: Array) -> None:
    half, (r, c) = 3, (8, 9)
    window = gappy[r - half : r + half + 1, c - half : c + half + 1].astype(np.float64)
    others = np.delete(window.ravel(), 24)
    expected = window[half, half] - np.nanmean(others)
    ours = focal.departure(gappy, cells(gappy.shape), radius_m=half * CELL_M)
    assert ours[r, c] == pytest.approx(expected, rel=1e-6)


def test_equal_values_have_no_spread_at_all_and_their_own_mean() -> None:
    values = np.full((20, 20), 0.1, dtype=np.float32)
    at = cells(values.shape, 5, 5)
    assert np.all(focal.deviation(values, at, radius_m=3 * CELL_M) == 0)
    assert np.all(focal.mean(values, at, radius_m=3 * CELL_M) == np.float32(0.1))
    assert np.all(focal.departure(values, at, radius_m=3 * CELL_M) == 0)


def test_infinities_count_as_missing() -> None:
    values = np.ones((5, 5), dtype=np.float32)
    values[2, 2] = np.inf
    count, mean, _ = focal.moments(values, cells(values.shape), radius_m=CELL_M)
    assert (count[2, 3], mean[2, 3]) == (8, 1.0)
    assert np.isnan(focal.mean(values, cells(values.shape), radius_m=CELL_M)[2, 2])
