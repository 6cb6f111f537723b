from __future__ import annotations

import numpy as np

from pipeline.recipe import Sample
from pipeline.spatial.greys import grey_range, levels_of


def test_the_scale_runs_from_the_second_to_the_98th_percentile_of_the_known() -> None:
    sample = Sample(np.array([np.nan, np.inf, *range(101)], dtype=np.float32))
    assert grey_range(of=sample)["ends"].tolist() == [2, 98]
    assert grey_range(of=Sample(np.full(3, np.nan, dtype=np.float32)))["ends"].tolist() == [0, 0]


def test_levels_are_equal_steps_and_the_tails_join_the_last_ones() -> None:
    values = np.array([[-99, 0, 24.9, 25, 50, 99.9, 100, 1e9, np.nan, np.inf]], dtype=np.float32)
    assert levels_of(values, ends=np.array([0.0, 100.0]), levels=4).tolist() == [[0, 0, 0, 1, 2, 3, 3, 3, -1, -1]]


def test_a_scale_of_one_value_parts_what_is_above_it_from_the_rest() -> None:
    values = np.array([[6, 7, 8, np.nan]], dtype=np.float32)
    assert levels_of(values, ends=np.array([7.0, 7.0]), levels=16).tolist() == [[0, 0, 15, -1]]
