"""Permissive ground, against a brute-force reading of the maps."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import MISSING
from pipeline.spatial import rocks

CELL_M = 100.0


def test_the_first_map_that_says_something_of_the_rock_decides() -> None:
    detailed = np.array([[5, 9, 1, MISSING, MISSING, 1]], np.int32)
    coarse = np.array([[2, 3, 3, 3, 2, MISSING]], np.int32)
    criteria = [{"classes": [5], "within_m": 0, "silent": [1]}, {"classes": [3], "within_m": 0, "silent": []}]
    answer = rocks.permissive([detailed, coarse], criteria, cell_m=CELL_M)
    assert answer.tolist() == [[1, 0, 1, 1, 0, 1]]  # the last: cover, and no other map


def test_near_enough_is_by_distance_between_centres() -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice(np.array([4, 5, 6], np.int32), (40, 30), p=[0.9, 0.02, 0.08])
    found = rocks.permissive([codes], [{"classes": [5], "within_m": 250, "silent": [6]}], cell_m=CELL_M)
    rows, cols = np.nonzero(codes == 5)
    y, x = np.mgrid[:40, :30]
    near = (np.hypot(y[..., None] - rows, x[..., None] - cols) * CELL_M <= 250).any(axis=2)
    assert np.array_equal(found, np.where(codes == 6, 1, near).astype(np.float32))


def test_no_rock_of_the_kind_leaves_nothing_but_the_unknown() -> None:
    codes = np.array([[4, MISSING]], np.int32)
    assert rocks.permissive([codes], [{"classes": [5], "within_m": 1000, "silent": []}], cell_m=CELL_M).tolist() == [[0, 1]]
