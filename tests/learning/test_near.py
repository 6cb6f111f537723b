from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from pipeline.learning.near import nearest, nearest_place

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(700, 12)) * np.linspace(0.1, 2, 12)
CHOSEN = RANDOM.random(700) < 0.1
SMOOTH = np.stack([gaussian_filter(RANDOM.normal(size=(64, 64)), 6).ravel() * 12 for _ in range(12)], axis=1)
ROWS = {
    "smooth": SMOOTH,
    "random": RANDOM.normal(size=(1000, 12)) * 2,
    "far away": RANDOM.normal(size=(200, 12)) + 1000,
    "at a point": POINTS[:100].copy(),
}


@pytest.mark.parametrize("ground", ROWS)
def test_distances_are_those_of_a_tree_of_points(ground: str) -> None:
    rows = ROWS[ground]
    for found, held in zip(nearest(rows, POINTS, CHOSEN), (POINTS, POINTS[CHOSEN]), strict=True):
        wanted = cKDTree(held).query(rows)[0]
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("ground", ROWS)
def test_places_are_those_of_a_tree_of_points(ground: str) -> None:
    np.testing.assert_array_equal(nearest_place(ROWS[ground], POINTS), cKDTree(POINTS).query(ROWS[ground])[1])


def test_distances_hold_among_as_many_points_and_dimensions_as_a_map_has() -> None:
    random = np.random.default_rng(4)
    points = random.normal(size=(4000, 24))
    rows = np.concatenate([random.normal(size=(300, 24)), points[::40] + random.normal(size=(100, 24)) * 0.01])
    chosen = random.random(4000) < 0.05
    for found, held in zip(nearest(rows, points, chosen), (points, points[chosen]), strict=True):
        np.testing.assert_allclose(found, cKDTree(held).query(rows)[0], rtol=1e-6, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ROWS)), st.floats(0, 0.99), st.integers(1, 300))
def test_a_rows_distance_is_the_same_to_the_last_bit_in_any_company(ground: str, after: float, count: int) -> None:
    rows, points, chosen = ROWS[ground], np.concatenate([POINTS, POINTS[::-1]]), np.concatenate([CHOSEN, CHOSEN[::-1]])  # each twice: ties
    first = int(after * len(rows))
    for whole, part in zip(nearest(rows, points, chosen), nearest(rows[first : first + count], points, chosen), strict=True):
        assert part.tobytes() == whole[first : first + count].tobytes()


def test_rows_are_placed_as_centre_and_scale_say_and_what_is_missing_at_the_centre() -> None:
    values = ROWS["smooth"].astype(np.float32)
    values[::7, 3], values[::11, 5] = np.nan, np.inf
    centre, scale = np.linspace(-1, 1, 12), np.linspace(0, 3, 12)
    placed = (np.where(np.isfinite(values), values, centre) - centre) * scale
    for found, wanted in zip(nearest(values, POINTS, CHOSEN, centre=centre, scale=scale), nearest(placed, POINTS, CHOSEN), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_twins_and_points_that_stand_alone_are_found() -> None:
    rows = np.zeros((3, 2))
    points = np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 1.0]])
    found, ore = nearest(rows, points, np.array([True, True, False]))
    assert found.tolist() == [1.0] * 3 and ore.tolist() == [5.0] * 3
    found, ore = nearest(rows, points, np.zeros(3, bool))
    assert found.tolist() == [1.0] * 3 and np.isinf(ore).all()
    assert np.isinf(nearest(rows, np.empty((0, 2)), np.zeros(0, bool))[0]).all()
    assert nearest(np.empty((0, 2)), points, np.zeros(3, bool))[0].shape == (0,)
