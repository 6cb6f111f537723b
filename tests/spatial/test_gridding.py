from __future__ import annotations

import numpy as np
import pytest

from pipeline.recipe import Array, Cells
from pipeline.spatial import gridding, neighbours
from pipeline.spatial.assays import Points


def cells(cols: int, rows: int, cell_m: float = 100.0) -> Cells:
    number = np.arange(rows * cols).reshape(rows, cols)
    return Cells((np.arange(cols) + 0.5) * cell_m, -(np.arange(rows) + 0.5) * cell_m, number, cell_m, 0, rows * cols)


def points(places: Array, values: Array) -> Points:
    order = np.lexsort((places[:, 1], places[:, 0]))
    return Points(places[order, 0].copy(), places[order, 1].copy(), values[order].astype(float))


@pytest.mark.parametrize("wanted", [1, 5, 40, 64])
def test_neighbours_are_those_of_every_point_tried_in_turn_ties_by_number(wanted: int) -> None:
    rng = np.random.default_rng(3)
    lattice = np.stack(np.meshgrid(np.arange(0, 3000, 400.0), np.arange(-2000, 0, 400.0)), -1).reshape(-1, 2)
    held = points(np.concatenate([lattice, rng.uniform((-500, -2500), (3500, 500), (25, 2))]), np.zeros(65))
    at = cells(30, 140, 20.0)
    x, y = np.meshgrid(at.x, at.y)
    squared = (x[..., None] - held.x) ** 2 + (y[..., None] - held.y) ** 2
    order = np.argsort(squared, axis=-1, kind="stable")[..., :wanted]
    expected = np.where(np.take_along_axis(squared, order, axis=-1) <= 700.0**2, order, -1)
    found = np.concatenate([index for _, index in neighbours.strips(held, at, neighbours=wanted, reach_m=700.0)])
    assert (expected[..., 0] < 0).any() or wanted > 1
    assert np.array_equal(found, expected)


def test_inverse_distance_is_the_weighted_mean_worked_by_hand() -> None:
    at = Cells(np.array([0.0, 30.0]), np.array([0.0]), np.zeros((1, 2), dtype=np.int64), 30.0, 0, 2)
    held = points(np.array([[30.0, 0.0], [0.0, 60.0], [0.0, -200.0]]), np.array([10.0, 20.0, 1e6]))
    found = gridding.inverse_distance(held, at, power=2.0, neighbours=12, reach_m=100.0)
    assert found[0, 0] == np.float32((10 / 900 + 20 / 3600) / (1 / 900 + 1 / 3600))  # 12, the far one out of reach
    assert found[0, 1] == 10
    assert gridding.inverse_distance(held, at, power=1.0, neighbours=1, reach_m=100.0)[0, 0] == 10


def test_nearest_is_the_nearest_and_a_tie_goes_to_the_smaller_x() -> None:
    at = Cells(np.array([0.0, 40.0, 500.0]), np.array([0.0]), np.zeros((1, 3), dtype=np.int64), 40.0, 0, 3)
    held = points(np.array([[50.0, 0.0], [-50.0, 0.0]]), np.array([1.0, 2.0]))
    assert np.array_equal(gridding.nearest(held, at, reach_m=60.0), np.array([[2, 1, np.nan]], dtype=np.float32), equal_nan=True)


def test_ground_without_samples_is_missing() -> None:
    nothing = points(np.zeros((0, 2)), np.zeros(0))
    assert np.isnan(gridding.nearest(nothing, cells(4, 3), reach_m=1e6)).all()
    assert np.isnan(gridding.inverse_distance(nothing, cells(4, 3), power=2.0, neighbours=3, reach_m=1e6)).all()
