from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError, DataError
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from tests.learning.places import table


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folds": 1, "kind": "random"}, "folds is 1"),
        ({"kind": "square_blocks"}, "block size above 0"),
        ({"kind": "extent_blocks", "nx": 5}, "need nx and ny"),
        ({"kind": "extent_blocks", "nx": 1, "ny": 1}, "at least two blocks"),
        ({"kind": "clusters"}, "a distance above 0"),
    ],
)
def test_a_split_without_its_sizes_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Split(**options)  # type: ignore[arg-type]


def test_a_block_split_keeps_squares_whole_and_a_random_one_does_not() -> None:
    whole = table(seed=1)
    square = np.floor(whole.x / 20_000) * 100 + np.floor(whole.y / 20_000)
    folds_met = {
        kind: max(len(set(fold[square == one].tolist())) for one in np.unique(square))
        for kind, fold in (
            ("square_blocks", Split(kind="square_blocks", block_m=20_000.0).assign(whole, seed=0)),
            ("random", Split(kind="random").assign(whole, seed=0)),
        )
    }
    assert folds_met == {"square_blocks": 1, "random": 5}


def test_a_deposit_that_straddles_an_edge_stays_in_one_fold() -> None:
    whole = table(seed=1)
    group = whole.group.copy()
    west, east = np.flatnonzero(whole.x[:60] < 50_000)[0], np.flatnonzero(whole.x[:60] > 50_000)[0]
    group[east] = group[west]
    joined = SampleTable(whole.values, whole.names, whole.label, group, whole.cell, whole.x, whole.y)
    for seed in range(10):
        fold = Split(kind="square_blocks", block_m=10_000.0).assign(joined, seed=seed)
        assert fold[west] == fold[east]


def test_the_extent_is_that_of_the_samples_unless_told() -> None:
    whole = table(seed=2)
    own = Split(kind="extent_blocks", nx=2, ny=1).blocks(whole)
    assert own is not None
    assert (own == (whole.x > (whole.x.min() + whole.x.max()) / 2)).all()
    told = Split(kind="extent_blocks", nx=2, ny=1, bounds=(0, -100_000, 20_000, 0)).blocks(whole)
    assert told is not None
    assert (told == (whole.x > 10_000)).all()


def test_the_buffer_leaves_out_training_rows_near_a_test_row() -> None:
    whole = table(seed=3)
    split = Split(kind="square_blocks", block_m=25_000.0, buffer_m=5_000.0)
    fold = split.assign(whole, seed=0)
    train = split.training(whole, fold, 2)
    apart = np.hypot(whole.x[:, None] - whole.x[None, fold == 2], whole.y[:, None] - whole.y[None, fold == 2]).min(axis=1)
    assert (train == ((fold != 2) & (apart >= 5_000))).all()
    assert (fold != 2).sum() - train.sum() > 10


def test_positives_in_one_block_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match="all the positives lie in one block"):
        Split(kind="square_blocks", block_m=1e7).assign(table(seed=1), seed=0)


def test_a_split_describes_itself() -> None:
    assert Split(kind="square_blocks", block_m=25_000.0, buffer_m=2_000.0).describe() == "25 km blocks in 5 folds, 2 km apart"
    assert Split(kind="extent_blocks", nx=5, ny=4, folds=3).describe() == "5 x 4 blocks in 3 folds"
    assert Split(kind="random").describe() == "random split in 5 folds"


def test_a_cluster_of_deposits_is_held_out_with_the_ground_around_it() -> None:
    whole = table(seed=1)
    fold = Split(kind="clusters", cluster_m=9_000.0).assign(whole, seed=0)
    places = np.column_stack((whole.x, whole.y))
    held = np.flatnonzero(whole.positive)
    apart = np.hypot(*(places[held][:, None] - places[held][None]).T)
    assert apart[fold[held][:, None] != fold[held][None]].min() > 9_000  # single linkage: clusters never come nearer
    for row in np.flatnonzero(~whole.positive):
        near = held[np.argmin(np.hypot(*(places[held] - places[row]).T))]
        assert fold[row] == fold[near]


def test_one_cluster_or_one_deposit_cannot_be_held_out() -> None:
    whole = table(seed=1)
    with pytest.raises(DataError, match="all deposits lie in one cluster of 500 km"):
        Split(kind="clusters", cluster_m=500_000.0).assign(whole, seed=0)
    alone = whole.subset((whole.label == 0) | (np.arange(len(whole)) == 0))
    for kind in ("clusters", "nearest"):
        with pytest.raises(DataError, match="fewer than two deposit groups"):
            Split(kind=kind, cluster_m=1000.0).assign(alone, seed=0)  # type: ignore[arg-type]


def test_what_is_redrawn_is_blocks_of_ground_with_deposits_whole() -> None:
    whole = table(seed=1)
    own = Split(kind="square_blocks", block_m=20_000.0)
    assert own.units(whole).tolist() == own.blocks(whole).tolist()  # type: ignore[union-attr]
    group = whole.group.copy()
    group[1] = group[0]
    joined = SampleTable(whole.values, whole.names, whole.label, group, whole.cell, whole.x, whole.y)
    units = Split(kind="nearest").units(joined)
    assert units[0] == units[1] and 4 < len(np.unique(units)) <= 16
