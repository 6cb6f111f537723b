from __future__ import annotations

import numpy as np
import pytest

from pipeline.spatial import boxes


@pytest.mark.parametrize(
    ("rows", "cols"), [((0, 0), (0, 0)), ((2, 2), (2, 2)), ((3, 0), (1, 4)), ((50, 50), (50, 50)), ((-1, 2), (2, -1)), ((7, 7), (0, 0))]
)
def test_sums_equal_those_taken_window_by_window(rows: tuple[int, int], cols: tuple[int, int]) -> None:
    values = np.random.default_rng(6).integers(-9, 2**40, (13, 17))
    answer = boxes.sums(values, rows=rows, cols=cols)
    for r, c in np.ndindex(values.shape):
        window = values[max(r - rows[0], 0) : max(r + rows[1] + 1, 0), max(c - cols[0], 0) : max(c + cols[1] + 1, 0)]
        assert answer[r, c] == sum(window.ravel().tolist())


def test_true_counts_as_one() -> None:
    assert boxes.square(np.ones((4, 4), dtype=bool), 1).tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
