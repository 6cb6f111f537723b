from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.learning.blocks import extent_blocks, folds, random_folds, square_blocks, unite


def test_square_blocks_change_exactly_at_multiples_of_the_side() -> None:
    x = np.array([-0.1, 0.0, 9.9, 10.0, 10.0, -10.0])
    y = np.array([5.0, 5.0, 5.0, 5.0, 10.0, 5.0])
    ids = square_blocks(x, y, block_m=10.0)
    assert ids[1] == ids[2] and ids[0] == ids[5]
    assert len({int(ids[i]) for i in (0, 1, 3, 4)}) == 4


def test_a_place_has_the_same_square_block_in_any_table() -> None:
    assert (
        square_blocks(np.array([25_000.0]), np.array([-3.0]), block_m=1e4)[0]
        == square_blocks(np.array([1.0, 25_000.0]), np.array([1.0, -3.0]), block_m=1e4)[1]
    )


def test_the_origin_shifts_square_blocks() -> None:
    x, y = np.array([4.0, 6.0]), np.array([0.0, 0.0])
    assert np.diff(square_blocks(x, y, block_m=10.0)) == 0
    assert np.diff(square_blocks(x, y, block_m=10.0, origin=(5.0, 0.0))) == 1


def test_extent_blocks_are_numbered_from_the_north_west() -> None:
    x = np.array([0.0, 2.9, 5.9, 0.0, 6.0, 99.0])
    y = np.array([4.0, 2.1, 2.1, 0.0, 0.0, -5.0])
    assert extent_blocks(x, y, nx=3, ny=2, bounds=(0, 0, 6, 4)).tolist() == [0, 1, 2, 3, 5, 5]


def test_an_extent_without_area_is_refused() -> None:
    with pytest.raises(DataError, match="no area"):
        extent_blocks(np.array([1.0]), np.array([1.0]), nx=2, ny=2, bounds=(1, 1, 1, 1))


def test_blocks_that_share_a_deposit_become_one_and_others_stay() -> None:
    blocks = np.array([1, 2, 2, 3, 4, 5, 3])
    groups = np.array([10, 10, 11, 11, 12, -1, -2])
    label = np.array([1, 1, 1, 1, 1, 0, 0])
    assert unite(blocks, groups, label).tolist() == [1, 1, 1, 1, 4, 5, 1]


def test_background_never_joins_blocks() -> None:
    assert unite(np.array([1, 2]), np.array([-5, -5]), np.array([0, 0])).tolist() == [1, 2]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_block_and_no_deposit_is_split_over_folds(data: st.DataObject) -> None:
    n = data.draw(st.integers(6, 60))
    blocks = np.array(data.draw(st.lists(st.integers(0, 12), min_size=n, max_size=n)))
    label = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    groups = np.where(label == 1, np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))), -1 - np.arange(n))
    joined = unite(blocks, groups, label)
    count = data.draw(st.integers(2, 5))
    with_positives = len(set(joined[label == 1].tolist()))
    if with_positives < 2:
        with pytest.raises(DataError, match="smaller blocks"):
            folds(joined, label, folds=count, seed=1, groups=groups)
        return
    fold = folds(joined, label, folds=count, seed=1, groups=groups)
    for ids in (blocks, np.where(label == 1, groups, -1 - np.arange(n))):
        for one in np.unique(ids):
            assert len(set(fold[ids == one].tolist())) == 1
    assert len(set(fold[label == 1].tolist())) == min(count, with_positives)
    order = np.argsort(blocks, kind="stable")[::-1]
    assert folds(joined[order], label[order], folds=count, seed=1, groups=groups[order]).tolist() == fold[order].tolist()


def test_seeds_deal_blocks_differently_and_evenly() -> None:
    blocks = np.repeat(np.arange(40), 10)
    label = np.tile([1] + [0] * 9, 40)
    dealt = np.stack([folds(blocks, label, folds=5, seed=seed) for seed in range(3)])
    assert all((np.bincount(fold[label == 1], minlength=5) == 8).all() for fold in dealt)
    assert all((np.bincount(fold, minlength=5) == 80).all() for fold in dealt)
    assert not (dealt[0] == dealt[1]).all() and not (dealt[1] == dealt[2]).all()


def test_a_deposit_of_many_cells_counts_once_when_folds_are_balanced() -> None:
    # One deposit of 30 cells and five of one: two folds get three deposits each, not thirty cells against five.
    blocks = np.repeat(np.arange(6), [30, 1, 1, 1, 1, 1])
    label = np.ones(35, int)
    fold = folds(blocks, label, folds=2, seed=0, groups=blocks)
    assert sorted(len(set(blocks[fold == k].tolist())) for k in (0, 1)) == [3, 3]


def test_random_folds_are_stratified_and_belong_to_cells() -> None:
    cells = np.arange(100) * 7
    label = (np.arange(100) < 20).astype(int)
    fold = random_folds(cells, label, folds=5, seed=3)
    assert np.bincount(fold[label == 1]).tolist() == [4] * 5 and np.bincount(fold[label == 0]).tolist() == [16] * 5
    assert random_folds(cells[::-1], label[::-1], folds=5, seed=3).tolist() == fold[::-1].tolist()
    assert random_folds(cells, label, folds=5, seed=4).tolist() != fold.tolist()
