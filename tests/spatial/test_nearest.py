from __future__ import annotations

import numpy as np
import pytest
import shapely
from scipy import ndimage

from pipeline.recipe import MISSING, Array
from pipeline.spatial import nearest

CELL_M = 30.0


def scattered(seed: int, shape: tuple[int, int], share: float) -> Array:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(shape) < share, rng.choice([2, 3, 5], shape), 1).astype(np.int32)
    return np.where(rng.random(shape) < 0.05, MISSING, values)


@pytest.mark.parametrize(
    ("seed", "shape", "share"), [(1, (23, 31), 0.02), (2, (40, 17), 0.3), (3, (1, 50), 0.05), (4, (50, 1), 0.3), (5, (9, 9), 0.9)]
)
def test_distances_to_cells_equal_those_to_every_cell_tried_in_turn(seed: int, shape: tuple[int, int], share: float) -> None:
    values = scattered(seed, shape, share)
    rows, cols = np.nonzero(np.isin(values, (2, 5)))
    assert rows.size
    r, c = np.indices(shape)
    squared = (r[..., None] - rows) ** 2 + (c[..., None] - cols) ** 2
    expected = np.minimum(np.sqrt(squared.min(axis=-1)) * CELL_M, 400.0).astype(np.float32)
    ours = nearest.to_cells(values, codes=(2, 5), cell_m=CELL_M, reach_m=400.0)
    assert np.array_equal(ours, np.where(values == MISSING, np.float32(np.nan), expected), equal_nan=True)


def test_distances_to_cells_equal_scipys_on_a_larger_block() -> None:
    values = np.where(np.random.default_rng(8).random((300, 280)) < 0.001, 7, 1).astype(np.int32)
    theirs = ndimage.distance_transform_edt(values != 7) * CELL_M
    assert np.array_equal(nearest.to_cells(values, codes=(7,), cell_m=CELL_M, reach_m=1e9), theirs.astype(np.float32))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_distances_to_contacts_equal_those_to_edges_as_lines(seed: int) -> None:
    values = scattered(seed, (14, 19), 0.25)
    lines = []
    for r, c in np.ndindex(values.shape):
        for y, x, ends in ((r, c + 1, [(c + 1, r), (c + 1, r + 1)]), (r + 1, c, [(c, r + 1), (c + 1, r + 1)])):
            if y < values.shape[0] and x < values.shape[1] and {int(values[r, c]), int(values[y, x])} in ({1, 2}, {1, 5}):
                lines.append(shapely.LineString(ends))
    r, c = np.indices(values.shape)
    away = shapely.distance(shapely.points(c + 0.5, r + 0.5), shapely.union_all(lines)) * CELL_M
    ours = nearest.to_contact(values, a=(1,), b=(2, 5), cell_m=CELL_M, reach_m=75.0)
    expected = np.where(values == MISSING, np.nan, np.minimum(away, 75.0))
    assert np.allclose(ours, expected, rtol=1e-6, atol=0, equal_nan=True)


def test_ground_without_the_class_or_the_contact_is_at_the_reach() -> None:
    values = np.array([[1, 1, 2], [1, MISSING, 3]], dtype=np.int32)
    away = nearest.to_cells(values, codes=(9,), cell_m=CELL_M, reach_m=1e6)
    assert np.array_equal(away, np.array([[1e6, 1e6, 1e6], [1e6, np.nan, 1e6]], dtype=np.float32), equal_nan=True)
    assert np.nanmin(nearest.to_contact(values, a=(1,), b=(3,), cell_m=CELL_M, reach_m=1e6)) == 1e6
