from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.reclass import reclass
from pipeline.recipe import Layer
from pipeline.registry import declared

VALUES = np.array([[-9, 0, 0.7, 9.99, 10, 20, 1e9, np.nan]], dtype=np.float32)


def test_a_row_holds_its_beginning_and_not_its_end_and_gaps_are_missing() -> None:
    found = reclass(of=Layer.of(VALUES), table=((10, 20, 3), (0, 0.7, 1), (0.7, 10, 2)))
    expected = np.array([[np.nan, 1, 2, 2, 3, np.nan, np.nan, np.nan]], dtype=np.float32)
    assert np.array_equal(found, expected, equal_nan=True)


def test_open_rows_hold_everything_on_their_side_and_the_default_fills_the_gaps() -> None:
    found = reclass(of=Layer.of(VALUES), table=((None, 0, 0.1), (10, None, 0.9)), default=0.5)
    expected = np.array([[0.1, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, np.nan]], dtype=np.float32)
    assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[0, 10, 1], [9, 20, 2]], r"the rows 0 to 10 and 9 to 20 overlap, so a value has two answers; let one end where"),
        ([[None, 5, 1], [None, 2, 2]], r"the rows -inf to 2 and -inf to 5 overlap"),
        ([[0, 10, 1], [0, 10, 1]], r"the rows 0 to 10 and 0 to 10 overlap"),
        ([[5, 5, 1]], r"the row from 5 to 5 holds no value; write the smaller number first"),
        ([[7, 5, 1]], r"the row from 7 to 5 holds no value"),
        ([[float("nan"), 5, 1]], r"the row from nan to 5 holds no value"),
        ([[5, 7, float("nan")]], r"the row from 5 to 7 gives nan, which is no number; leave the row out for missing"),
    ],
)
def test_rows_that_are_empty_or_overlap_are_refused_before_anything_runs(table: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        declared(reclass).reach({"of": "x", "table": table}, 100.0)
