from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning.inner import inner_folds, sides

CODES = np.repeat((1, 0), (12, 60)).astype(np.int64)
GROUPS = np.concatenate((np.repeat(np.arange(6), 2), -1 - np.arange(60)))


def test_whole_blocks_are_held_out_and_every_fold_gets_a_deposit() -> None:
    blocks = np.arange(72) // 2 % 9 * 10
    found = inner_folds(CODES, groups=GROUPS, blocks=blocks, count=3, seed=0)
    assert found is not None and set(found.tolist()) == {0, 1, 2}
    assert all(len(np.unique(found[blocks == block])) == 1 for block in np.unique(blocks))
    assert all(CODES[found == fold].any() for fold in range(3))


def test_blocks_that_share_a_deposit_are_held_out_together() -> None:
    blocks = np.arange(72)  # each row its own: deposits of two cells lie in two
    found = inner_folds(CODES, groups=GROUPS, blocks=blocks, count=3, seed=0)
    assert found is not None and found[:12].reshape(6, 2).T[0].tolist() == found[:12].reshape(6, 2).T[1].tolist()


@pytest.mark.parametrize("blocks", [None, np.zeros(72)], ids=["no blocks", "all positives in one"])
def test_without_blocks_to_hold_out_whole_deposits_are(blocks: object) -> None:
    found = inner_folds(CODES, groups=GROUPS, blocks=blocks, count=3, seed=0)
    assert found is not None
    assert found[:12:2].tolist() == found[1:12:2].tolist()
    assert np.bincount(found[:12]).tolist() == [4, 4, 4] and np.bincount(found[12:]).max() - np.bincount(found[12:]).min() <= 1


def test_one_deposit_cannot_be_held_out() -> None:
    groups = np.where(CODES == 1, 0, -1 - np.arange(72))
    assert inner_folds(CODES, groups=groups, blocks=np.arange(72), count=3, seed=0) is None
    assert inner_folds(CODES, groups=groups, blocks=None, count=3, seed=0) is None


def test_the_seed_deals_the_folds() -> None:
    first, again, other = (inner_folds(CODES, groups=None, blocks=None, count=3, seed=seed) for seed in (0, 0, 1))
    assert first is not None and again is not None and other is not None
    assert first.tolist() == again.tolist() != other.tolist()


def test_sides_leave_out_folds_that_would_take_a_whole_class() -> None:
    fold_of = np.array([0, 0, 1, 1, 3])
    codes = np.array([1, 1, 0, 0, 0])
    # Without fold 0 no positive is left; without fold 1 or 3 both classes are.
    assert [test.tolist() for _, test in sides(fold_of, codes)] == [[False, False, True, True, False], [False, False, False, False, True]]
    assert all((train != test).all() for train, test in sides(fold_of, codes))


def test_ids_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"blocks has shape \(3,\); expected one of the blocks for each of the 72 rows"):
        inner_folds(CODES, groups=None, blocks=np.zeros(3), count=3, seed=0)
    with pytest.raises(ValueError, match=r"groups has shape \(3,\)"):
        inner_folds(CODES, groups=np.zeros(3), blocks=None, count=3, seed=0)
