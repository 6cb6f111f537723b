"""Rows that only teach or only score: every figure is of the ground that is scored, whatever else was learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from pipeline.learning import heldout, importance
from pipeline.learning.blocks import random_folds
from pipeline.learning.crossval import Split, cross_validate, optimism
from pipeline.learning.forests import BaggedForest
from pipeline.learning.matching import matched
from pipeline.learning.nulls import NULLS
from pipeline.learning.pairs import leave_pair_out
from pipeline.learning.ranges import centres_of, evidence_range_m
from pipeline.learning.table import SampleTable
from tests.learning.places import table

ROWS, ORE = 460, 60
SPLITS = [Split(kind="nearest", folds=5), Split(kind="clusters", cluster_m=9_000.0), Split(kind="nearest", folds=5, buffer_m=3_000.0)]


class First(ClassifierMixin, BaseEstimator):
    """Scores by the first column whatever it was taught; keeps what that was."""

    def __init__(self, seen: list[Any] | None = None) -> None:
        self.seen = seen

    def fit(self, X: Any, y: Any) -> First:
        self.classes_ = np.unique(y)
        if self.seen is not None:
            self.seen.append({row.tobytes() for row in X})
        return self

    def predict_proba(self, X: Any) -> Any:
        share = 1 / (1 + np.exp(-np.nan_to_num(X[:, 0])))
        return np.column_stack((1 - share, share))


def parted(whole: SampleTable, *, moved_m: float = 0.01) -> SampleTable:
    """The table with three further places for each deposit, and with another background to learn from, all of it in one quarter."""
    random = np.random.default_rng(9)
    near = whole.subset(np.repeat(np.flatnonzero(whole.positive), 3))
    places = {"x": near.x + random.uniform(-moved_m, moved_m, len(near)), "y": near.y + random.uniform(-moved_m, moved_m, len(near))}
    values = random.normal(size=near.values.shape).astype(np.float32) + 50
    near = replace(near, values=values, scored=np.zeros(len(near), bool), weight=np.full(len(near), 0.25), cell=np.arange(len(near)) + 50_000, **places)
    corner = table(seed=7, background=300).subset(np.arange(ORE, ORE + 300))
    corner = replace(corner, x=corner.x / 2, y=corner.y / 2, values=np.nan_to_num(corner.values) - 50, scored=np.zeros(300, bool), group=-100_000 - np.arange(300))
    weight = np.where(whole.positive, 0.25, 1.0)
    parts = [replace(whole, trains=whole.positive, weight=weight), near, corner]
    names = ("values", "label", "group", "cell", "x", "y", "weight", "trains", "scored")
    return SampleTable(names=whole.names, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@pytest.fixture
def no_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nulls learn, so they may differ; the model here does not."""
    monkeypatch.setattr(heldout, "NULLS", {})
    monkeypatch.setattr(heldout, "NAMES", (heldout.MODEL,))


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.describe())
@pytest.mark.usefixtures("no_nulls")
def test_what_only_teaches_changes_no_figure_of_a_model_that_learns_nothing(split: Split) -> None:
    whole, seen = table(seed=0), list[Any]()
    plain = cross_validate(whole, make_model=lambda _: First(), split=split, seeds=(0, 1))
    found = cross_validate(parted(whole), make_model=lambda _: First(seen), split=split, seeds=(0, 1))
    assert (found.folds[:, :ROWS] == plain.folds).all()
    for name in ("blocks", "positives", "groups", "background", "floors", "apart_km", "floors_met", "folds"):
        assert found.result["protocol"][name] == plain.result["protocol"][name], name
    assert found.result["ranks"] == plain.result["ranks"]
    assert found.result["reliability"] == plain.result["reliability"]
    for name, value in plain.result["scores"]["model"].items():
        assert found.result["scores"]["model"][name] == value, name
    rows = parted(whole)
    scores_only = {row.tobytes() for row in rows.values[~rows.trains]}
    assert seen and not any(taught & scores_only for taught in seen)


def test_a_group_lies_where_its_scored_cells_are_and_where_all_are_if_none_is_scored() -> None:
    whole = table(seed=0)
    ids, plain = centres_of(whole)
    moved, found = centres_of(parted(whole, moved_m=30_000.0))
    assert moved.tolist() == ids.tolist()
    np.testing.assert_array_equal(found, plain)
    _, unscored = centres_of(replace(whole, scored=~whole.positive))
    np.testing.assert_array_equal(unscored, plain)
    assert evidence_range_m(parted(whole)) == evidence_range_m(whole)


def test_matched_folds_keep_a_deposit_that_may_lie_far_away_in_one_fold() -> None:
    rows = parted(table(seed=0), moved_m=30_000.0)
    fold = matched(rows, folds=5, seed=0).fold
    for group in np.unique(rows.group[rows.positive]):
        assert len(set(fold[rows.group == group].tolist())) == 1


def test_pairs_meet_scored_rows_and_learn_from_rows_that_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NULLS, "coordinates", NULLS["random"])
    whole, seen = table(seed=0, deposits=5, background=80), list[Any]()
    asked: dict[str, Any] = {"pairs": 40, "buffer_m": 0.0, "seeds": (0,)}
    plain = leave_pair_out(whole, make_model=lambda _: First(), **asked)
    other = replace(whole.subset(~whole.positive), scored=np.zeros(80, bool), group=-1_000_000 - np.arange(80))  # the same cells, to learn from
    parts = [replace(whole, trains=whole.positive), replace(whole.subset(whole.positive), scored=np.zeros(5, bool), cell=np.arange(5) + 50_000), other]
    names = ("values", "label", "group", "cell", "x", "y", "trains", "scored")
    rows = SampleTable(names=whole.names, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    found = leave_pair_out(rows, make_model=lambda _: First(seen), **asked)
    assert found["scores"]["model"] == plain["scores"]["model"]
    assert found["ranks"] == plain["ranks"] and found["reliability"] is None
    for name in ("positives", "groups", "background", "floors"):
        assert found["protocol"][name] == plain["protocol"][name]
    assert len(seen) == 40
    for taught in seen:  # all that trains but the two rows of the deposit and the row of the cell it meets
        assert len(taught) == 4 + 79


def test_rows_of_one_cell_share_a_fold_at_random() -> None:
    cell = np.array([5, 9, 5, 7, 9, 11, 13, 5])
    fold = random_folds(cell, np.zeros(8, np.int8), folds=2, seed=0)
    assert all(len(set(fold[cell == one].tolist())) == 1 for one in cell)
    once = random_folds(np.unique(cell), np.zeros(5, np.int8), folds=2, seed=0)
    assert fold.tolist() == once[np.searchsorted(np.unique(cell), cell)].tolist()


def test_the_gap_to_a_random_split_is_not_that_of_a_deposit_on_both_sides() -> None:
    noise = table(seed=3, signal=0.0)
    near = replace(noise.subset(noise.positive), scored=np.zeros(ORE, bool), cell=np.arange(ORE) + 50_000)
    names = ("values", "label", "group", "cell", "x", "y", "scored")
    rows = SampleTable(names=noise.names, **{name: np.concatenate([getattr(part, name) for part in (noise, near)]) for name in names})
    honest = {"model": {"fold_mean": 0.5}}

    def model(seed: int) -> BaggedForest:
        return BaggedForest(bags=4, trees_per_bag=10, random_state=seed)

    told = optimism(rows, make_model=model, split=Split(kind="nearest"), seed=0, members=None, honest=honest)
    leaky = optimism(replace(rows, scored=np.ones(len(rows), bool)), make_model=model, split=Split(kind="nearest"), seed=0, members=None, honest=honest)
    assert abs(told["gap"]) < 0.12
    assert leaky["gap"] > 0.3


@pytest.mark.usefixtures("no_nulls")
def test_what_hides_evidence_is_told_of_all_ground_on_either_side() -> None:
    rows, told = parted(table(seed=0)), list[Any]()

    def as_it_is(train: Any, test: Any) -> Any:
        told.append((train.copy(), test.copy()))
        return rows.values

    found = cross_validate(rows, make_model=lambda _: First(), split=SPLITS[0], seeds=(0,), seen=as_it_is)
    assert len(told) == 5
    for fold, (train, test) in enumerate(told):
        assert (test == (found.folds[0] == fold)).all() and (train == ~test).all()


def test_importance_shuffles_scored_rows_of_models_taught_with_those_that_train() -> None:
    whole = replace(table(seed=1), values=np.nan_to_num(table(seed=1).values))
    rows = parted(whole)
    fold = np.arange(len(rows)) % 4
    models = importance.refitted(rows, make_model=lambda _: LogisticRegression(), fold=fold, seed=1)
    train = (fold != 0) & rows.trains
    by_hand = LogisticRegression().fit(rows.values[train], rows.label[train], sample_weight=rows.weight[train])
    np.testing.assert_array_equal(models[0].coef_, by_hand.coef_)
    lost = importance.drops(rows, models=models, fold=fold, columns=[[0], [1]], seed=1)
    alone = importance.drops(whole, models=models, fold=fold[:ROWS], columns=[[0], [1]], seed=1)
    np.testing.assert_array_equal(lost, alone)
