from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from pipeline.recipe import MISSING, Array
from pipeline.spatial import classes


@pytest.fixture
def rock() -> Array:
    """Six classes in patches, a tenth of the cells missing."""
    rng = np.random.default_rng(12)
    values = np.kron(rng.integers(1, 7, (8, 9)), np.ones((3, 4), dtype=np.int32)).astype(np.int32)
    return np.where(rng.random(values.shape) < 0.1, MISSING, values)


def window(values: Array, r: int, c: int, half: int) -> list[int]:
    part = values[max(r - half, 0) : r + half + 1, max(c - half, 0) : c + half + 1]
    return [code for code in part.ravel().tolist() if code != MISSING]


@pytest.mark.parametrize("half", [1, 4, 60])
def test_shares_and_entropy_equal_counts_by_hand(rock: Array, half: int) -> None:
    share, entropy = classes.share(rock, codes=(2, 5), half=half), classes.shannon(rock, half=half)
    for r, c in np.ndindex(rock.shape):
        if rock[r, c] == MISSING:
            assert np.isnan(share[r, c]) and np.isnan(entropy[r, c])
            continue
        codes = window(rock, r, c, half)
        assert share[r, c] == np.float32(sum(code in (2, 5) for code in codes) / len(codes))
        shares = [count / len(codes) for count in Counter(codes).values()]
        assert entropy[r, c] == pytest.approx(-math.fsum(p * math.log(p) for p in shares), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("half", [1, 3])
def test_boundaries_equal_edges_counted_one_by_one(rock: Array, half: int) -> None:
    cell_m = 50.0
    density = classes.boundary_km_per_km2(rock, half=half, cell_m=cell_m)
    rows, cols = rock.shape
    for r, c in np.ndindex(rows, cols):
        if rock[r, c] == MISSING:
            assert np.isnan(density[r, c])
            continue
        halves = known = 0
        for i in range(max(r - half, 0), min(r + half, rows - 1) + 1):
            for j in range(max(c - half, 0), min(c + half, cols - 1) + 1):
                known += rock[i, j] != MISSING
                for y, x in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                    if 0 <= y < rows and 0 <= x < cols and MISSING not in (rock[i, j], rock[y, x]):
                        halves += rock[i, j] != rock[y, x]
        assert density[r, c] == pytest.approx(halves / 2 * 0.05 / (known * 0.05**2), rel=1e-6)


def test_a_straight_contact_has_the_density_of_its_spacing_at_any_radius() -> None:
    stripes = np.repeat(np.arange(60, dtype=np.int32) // 10 % 2, 60).reshape(60, 60)
    density = classes.boundary_km_per_km2(stripes, half=2, cell_m=100.0)
    assert density[30, 30] == pytest.approx(0.5 / 0.25, rel=1e-6)  # 5 cells of 100 m in 5 x 5 of them
    assert density[25, 30] == 0
    for half in (1, 2, 4):  # a contact every km, whatever the window
        assert np.mean(classes.boundary_km_per_km2(stripes, half=half, cell_m=100.0)[20:40, 30]) == pytest.approx(1, rel=1e-6)
        assert np.mean(classes.boundary_km_per_km2(stripes.T.copy(), half=half, cell_m=100.0)[30, 20:40]) == pytest.approx(1, rel=1e-6)


def test_equally_common_classes_have_the_entropy_of_their_number_and_one_has_none() -> None:
    four = np.tile(np.array([[1, 2], [3, 4]], dtype=np.int32), (10, 10))
    four[0, 1:3] = MISSING
    assert classes.shannon(four[10:12, 10:12], half=1) == pytest.approx(math.log(4))
    assert np.all(classes.shannon(np.full((9, 9), 17, dtype=np.int32), half=3) == 0)


def test_a_full_window_asks_nothing_beyond_the_table(rock: Array) -> None:
    """As plain Python, where an index beyond an array is an error; compiled, it is whatever lies there, and may change meanwhile."""
    half = 2
    index = np.where(rock == 6, 0, 1)  # no cell missing, two classes
    table = np.arange((2 * half + 1) ** 2 + 1)
    plain = classes._entropies.py_func(index, 2, half, table)
    assert np.array_equal(plain, classes._entropies(index, 2, half, table))
