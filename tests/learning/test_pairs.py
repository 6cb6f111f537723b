from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from pipeline.learning.nulls import NULLS
from pipeline.learning.pairs import leave_pair_out
from pipeline.learning.verdict import verdict
from tests.learning.places import table


@pytest.fixture(autouse=True)
def quick_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forest on coordinates is fitted for every pair: hundreds of them say nothing here."""
    monkeypatch.setitem(NULLS, "coordinates", NULLS["random"])


class First(ClassifierMixin, BaseEstimator):
    """Scores by the first column; keeps what it was fitted to."""

    def __init__(self, seen: list[Any] | None = None) -> None:
        self.seen = seen

    def fit(self, X: Any, y: Any) -> First:
        self.classes_ = np.unique(y)
        if self.seen is not None:
            self.seen.append(X)
        return self

    def predict_proba(self, X: Any) -> Any:
        share = np.nan_to_num(X[:, 0])
        return np.column_stack((-share, share))


def test_the_auc_is_the_share_of_pairs_in_which_the_deposit_stands_above() -> None:
    whole = table(seed=0, deposits=6, background=60, signal=1.0)
    found = leave_pair_out(whole, make_model=lambda _: First(), pairs=10_000, buffer_m=2_000, seeds=(0,))
    value = np.nan_to_num(whole.values[:, 0])
    every = (value[:6, None] > value[None, 6:]) + 0.5 * (value[:6, None] == value[None, 6:])
    assert found["scores"]["model"]["fold_mean"] == pytest.approx(every.mean(), abs=1e-6)
    assert [fold["auc"] for fold in found["scores"]["model"]["per_seed"][0]["folds"]] == pytest.approx(every.mean(axis=1), abs=1e-6)
    low, high = found["scores"]["model"]["interval"]
    assert low < every.mean() < high
    assert found["protocol"]["groups"] == 6 and found["protocol"]["split"].startswith("leave-pair-out, 60 pairs a deposit group, 2 km around")


def test_neither_of_the_pair_nor_what_lies_near_it_teaches() -> None:
    whole, seen = table(seed=0, deposits=5, background=80), list[Any]()
    leave_pair_out(whole, make_model=lambda _: First(seen), pairs=10, buffer_m=12_000, seeds=(3,))
    places, rows = np.column_stack((whole.x, whole.y)), {row.tobytes(): i for i, row in enumerate(whole.values)}
    assert len(seen) == 10
    for fit, deposit in zip(seen, np.repeat(np.arange(5), 2), strict=True):
        taught = np.array([rows[row.tobytes()] for row in fit])
        left = np.setdiff1d(np.arange(len(whole)), taught)
        near = np.hypot(*(places - places[deposit]).T) < 12_000
        assert set(np.flatnonzero(near)) <= set(left)
        others = np.setdiff1d(left, np.flatnonzero(near))  # all of them lie around the background cell of the pair
        assert any((np.hypot(*(places[others] - places[cell]).T) < 12_000).all() for cell in np.flatnonzero(whole.label == 0))


def test_few_deposits_end_in_their_ranks_and_enough_in_a_verdict() -> None:
    few = leave_pair_out(table(seed=0, deposits=4), make_model=lambda _: First(), pairs=12, buffer_m=1_000, seeds=(0,))
    assert verdict(few).startswith("Too few to tell: 4 deposit groups") and "held out, they rank above" in verdict(few)
    many = leave_pair_out(table(seed=0, deposits=30), make_model=lambda _: First(), pairs=30, buffer_m=1_000, seeds=(0,))
    assert "leave-pair-out" in verdict(many)
