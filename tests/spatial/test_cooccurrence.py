from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.recipe import Array
from pipeline.spatial import cooccurrence

DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))

# the 4 x 4 picture and its matrix for horizontal neighbours, P_H, of Haralick, Shanmugam and Dinstein (1973), figure 3
HARALICK = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]], dtype=np.int16)
P_H = np.array([[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]])


def matrix(window: Array, down: int, right: int) -> Array:
    """The symmetric matrix of one direction, pair by pair."""
    counts = np.zeros((16, 16))
    rows, cols = window.shape
    for r, c in np.ndindex(rows, cols):
        y, x = r + down, c + right
        if 0 <= y < rows and 0 <= x < cols and window[r, c] >= 0 and window[y, x] >= 0:
            counts[window[r, c], window[y, x]] += 1
            counts[window[y, x], window[r, c]] += 1
    return counts


def measures(counts: Array) -> tuple[float, float, float]:
    """Contrast, homogeneity and entropy of a matrix, by their definitions."""
    p = counts / counts.sum()
    i, j = np.indices(p.shape)
    held = p[p > 0]
    return float((p * (i - j) ** 2).sum()), float((p / (1 + (i - j) ** 2)).sum()), float(-(held * np.log(held)).sum())


def picture(shape: tuple[int, int]) -> Array:
    rng = np.random.default_rng(31)
    levels = rng.integers(0, 16, shape) * rng.integers(0, 2, shape)
    return np.where(rng.random(shape) < 0.2, -1, levels).astype(np.int16)


def test_the_matrix_of_these_tests_is_that_of_the_paper() -> None:
    assert np.array_equal(matrix(HARALICK, 0, 1)[:4, :4], P_H)


def test_the_papers_picture_has_the_measures_of_its_four_matrices() -> None:
    expected = np.mean([measures(matrix(HARALICK, *step)) for step in DIRECTIONS], axis=0)
    ours = (
        cooccurrence.contrast(HARALICK, half=5),
        cooccurrence.homogeneity(HARALICK, half=5),
        cooccurrence.entropy(HARALICK, half=5, halo=0),
    )
    for block, value in zip(ours, expected, strict=True):
        assert block == pytest.approx(value, rel=1e-6)
    horizontal = measures(P_H)
    assert horizontal[0] == pytest.approx((2 * 2 * 1 + 2 * 1 * 4 + 2 * 1 * 1) / 24)


@pytest.mark.parametrize("half", [1, 2, 4])
def test_every_window_has_the_measures_of_its_own_matrices(half: int) -> None:
    levels = picture((17, 13))
    contrast, homogeneity = cooccurrence.contrast(levels, half=half), cooccurrence.homogeneity(levels, half=half)
    entropy = cooccurrence.entropy(levels, half=half, halo=0)
    for r, c in np.ndindex(levels.shape):
        window = levels[max(r - half, 0) : r + half + 1, max(c - half, 0) : c + half + 1]
        found = [measures(counts) for counts in (matrix(window, *step) for step in DIRECTIONS) if counts.any()]
        ours = (contrast[r, c], homogeneity[r, c], entropy[r, c])
        if levels[r, c] < 0 or not found:
            assert np.isnan(ours).all()
        else:
            assert ours == pytest.approx(tuple(np.mean(found, axis=0)), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("halo", [0, 1, 3, 6])
def test_the_halo_left_out_changes_nothing_inside(halo: int) -> None:
    levels = picture((17, 19))
    inner = np.s_[halo : 17 - halo, halo : 19 - halo]
    whole, part = cooccurrence.entropy(levels, half=3, halo=0), cooccurrence.entropy(levels, half=3, halo=halo)
    assert whole[inner].tobytes() == part[inner].tobytes()
    part[inner] = np.nan
    assert np.isnan(part).all()


def test_alternating_columns_have_the_measures_worked_out_by_hand() -> None:
    stripes = np.tile(np.array([0, 3], dtype=np.int16), (40, 20))
    # east and both diagonals meet the other level always, south never: p = 1/2, 1/2 in every direction
    inside = np.s_[5:-5, 5:-5]
    assert cooccurrence.contrast(stripes, half=2)[inside] == pytest.approx(3 / 4 * 9)
    assert cooccurrence.homogeneity(stripes, half=2)[inside] == pytest.approx((3 * 0.1 + 1) / 4)
    odd = -(2 / 5 * math.log(2 / 5) + 3 / 5 * math.log(3 / 5))  # of five columns two or three are of one level
    assert cooccurrence.entropy(stripes, half=2, halo=0)[inside] == pytest.approx((3 * math.log(2) + odd) / 4)
