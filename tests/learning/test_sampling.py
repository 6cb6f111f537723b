from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.learning import sampling
from pipeline.learning.draws import uniform
from pipeline.learning.sampling import background, positives, spread

NCOLS = 50


def chebyshev(cells: np.ndarray, others: np.ndarray) -> np.ndarray:
    row, col = np.divmod(cells, NCOLS)
    other_row, other_col = np.divmod(others, NCOLS)
    return np.maximum(np.abs(row[:, None] - other_row), np.abs(col[:, None] - other_col)).min(axis=1)


def test_several_deposits_in_a_cell_are_one_positive() -> None:
    found = positives(np.array([2, 0, 0, 2]), np.array([3, 1, 1, 4]), np.array([9, 5, 5, 9]), ncols=NCOLS)
    assert found.cells.tolist() == [1, 103, 104]
    assert found.groups.tolist() == [5, 9, 9]


def test_groups_that_meet_in_a_cell_become_one_wherever_they_are() -> None:
    # 7 and 4 meet in cell (0, 0); 7 and 8 in (5, 5): the cell of 8 alone belongs to them too.
    found = positives(np.array([0, 0, 5, 5, 9, 3]), np.array([0, 0, 5, 5, 9, 3]), np.array([7, 4, 7, 8, 8, 1]), ncols=NCOLS)
    assert dict(zip(found.cells.tolist(), found.groups.tolist(), strict=True)) == {0: 4, 255: 4, 459: 4, 153: 1}


def test_no_deposit_gives_no_positive() -> None:
    empty = np.empty(0, np.int64)
    assert len(positives(empty, empty, empty, ncols=NCOLS).cells) == 0


@pytest.mark.parametrize("at_once", [0, 100_000])
@given(
    cells=st.lists(st.integers(0, NCOLS * 40 - 1), max_size=80),
    known=st.lists(st.integers(0, NCOLS * 40 - 1), max_size=12),
    away=st.integers(0, 60),
)
def test_far_cells_are_those_beyond_the_exclusion_of_every_positive(at_once: int, cells: list[int], known: list[int], away: int) -> None:
    asked, others = np.array(cells, np.int64), np.array(known, np.int64)
    plain = chebyshev(asked, others) > away if known and cells else np.ones(len(asked), bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "AT_ONCE", at_once)
        assert sampling.far(asked, others, ncols=NCOLS, exclude_cells=away).tolist() == plain.tolist()


def test_background_is_the_lowest_draws_farther_than_the_exclusion() -> None:
    candidates = np.arange(40 * NCOLS)
    known = np.array([5 * NCOLS + 5, 30 * NCOLS + 49, 31 * NCOLS])
    found = background(candidates, positives=known, ncols=NCOLS, count=300, exclude_cells=3, seed=4)
    assert found.warning is None
    allowed = candidates[chebyshev(candidates, known) > 3]
    draws = uniform(allowed, seed=4, stream="background")
    assert found.cells.tolist() == sorted(allowed[np.argsort(draws)[:300]].tolist())


def test_exclusion_does_not_wrap_around_the_edge_of_the_grid() -> None:
    known = np.array([10 * NCOLS + NCOLS - 1])
    start_of_next_row = np.array([11 * NCOLS])
    assert background(start_of_next_row, positives=known, ncols=NCOLS, count=1, exclude_cells=2, seed=0).cells.tolist() == [550]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.integers(0, 4), st.integers(1, 7))
def test_order_and_tiling_do_not_change_the_background(seed: int, count: int, exclude_cells: int, parts: int) -> None:
    candidates = np.arange(30 * NCOLS)
    order = np.argsort(uniform(candidates, seed=seed, stream="shuffle"))
    known = order[:5]
    asked = {"positives": known, "ncols": NCOLS, "count": count, "exclude_cells": exclude_cells, "seed": seed}
    whole = background(candidates, **asked).cells
    assert background(candidates[order], **asked).cells.tolist() == whole.tolist()
    tiles = np.concatenate([background(tile, **asked).cells for tile in np.array_split(candidates, parts)])
    assert background(tiles, **asked).cells.tolist() == whole.tolist()


def test_asking_for_more_background_only_adds_to_it() -> None:
    ask = {"positives": np.array([77]), "ncols": NCOLS, "exclude_cells": 2, "seed": 1}
    few = background(np.arange(2000), count=50, **ask).cells
    many = background(np.arange(2000), count=200, **ask).cells
    assert set(few.tolist()) < set(many.tolist())


def test_too_few_candidates_are_all_used_and_said_so() -> None:
    found = background(np.arange(5), positives=np.array([0]), ncols=NCOLS, count=10, exclude_cells=1, seed=0)
    assert found.cells.tolist() == [2, 3, 4]
    assert found.warning is not None and "3 of the 10" in found.warning


def test_no_candidate_left_is_an_error_that_names_the_repair() -> None:
    with pytest.raises(DataError, match="lower the exclusion distance"):
        background(np.arange(5), positives=np.array([2]), ncols=NCOLS, count=10, exclude_cells=9, seed=0)


def test_without_positives_every_candidate_is_background() -> None:
    none = np.empty(0, np.int64)
    assert background(np.arange(4), positives=none, ncols=NCOLS, count=4, exclude_cells=9, seed=0).cells.tolist() == [0, 1, 2, 3]


def test_a_weighted_draw_takes_cells_as_often_as_drawing_them_one_by_one_would() -> None:
    """Two of three cells of weights 1, 2, 4, without replacement: a cell is missed with the chance worked out by hand below."""
    weights = np.array([1.0, 2.0, 4.0])
    # missed: the first two drawn are the other two, in either order: P(i, j) = w_i / 7 * w_j / (7 - w_i)
    missed = np.array([2 / 7 * 4 / 5 + 4 / 7 * 2 / 3, 1 / 7 * 4 / 6 + 4 / 7 * 1 / 3, 1 / 7 * 2 / 6 + 2 / 7 * 1 / 5])
    assert missed.sum() == pytest.approx(1)
    times = np.zeros(3)
    none = np.empty(0, np.int64)
    for seed in range(4000):
        taken = background(np.arange(3), positives=none, ncols=NCOLS, count=2, exclude_cells=0, seed=seed, weights=weights).cells
        times[np.setdiff1d(np.arange(3), taken)] += 1
    assert times / 4000 == pytest.approx(missed, abs=0.03)  # three standard errors are 0.024


def test_a_deposit_is_spread_over_cells_within_its_radius_and_never_onto_another() -> None:
    places = np.array([0, 5 * NCOLS + 5, 5 * NCOLS + 6])
    asked = {"cell_m": 100.0, "shape": (40, NCOLS)}
    found = spread(places, radius_m=np.array([150.0, 100.0, 99.0]), seed=1, **asked)
    # 150 m reaches the corner's three neighbours; 100 m the four beside, less the other deposit; 99 m none
    assert found.cells[found.owner == 0].tolist() == [1, NCOLS, NCOLS + 1]
    assert found.cells[found.owner == 1].tolist() == [4 * NCOLS + 5, 5 * NCOLS + 4, 6 * NCOLS + 5]
    assert not (found.owner == 2).any()
    wide = spread(np.array([20 * NCOLS + 20]), radius_m=np.array([1000.0]), seed=1, **asked)
    row, col = np.divmod(wide.cells, NCOLS)
    assert len(wide.cells) == 8
    assert (np.hypot(row - 20, col - 20) <= 10).all()
    assert np.hypot(row - 20, col - 20).max() > 3  # a choice from the whole circle, not the nearest
    assert wide.cells.tolist() != spread(np.array([20 * NCOLS + 20]), radius_m=np.array([1000.0]), seed=2, **asked).cells.tolist()
    assert len(spread(np.array([9]), radius_m=np.array([np.nan]), seed=1, **asked).cells) == 0
