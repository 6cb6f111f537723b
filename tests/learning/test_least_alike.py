from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from pipeline.learning import heldout
from pipeline.learning.crossval import Split, cross_validate
from pipeline.learning.least_alike import LeastAlike, most_alike
from tests.learning.places import table

SEEN: list[tuple[Any, Any, Any]] = []


class Witness(ClassifierMixin, BaseEstimator):
    """Keeps what it was fitted to and scores by the first column."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> Witness:
        self.classes_ = np.unique(y)
        SEEN.append((X, y, groups))
        return self

    def predict_proba(self, X: Any) -> Any:
        p = 1 / (1 + np.exp(-np.nan_to_num(X[:, 0])))
        return np.column_stack((1 - p, p))


def test_the_rows_nearest_a_positive_in_scaled_evidence_are_the_most_alike() -> None:
    """One positive at (0, 0). Deviations of the background are 2 and 200, so (4, 0) is as far as (0, 400); NaN is at the median."""
    ground = np.array([[1.0, 0.0], [0.0, 50.0], [4.0, 400.0], [5.0, -400.0], [-4.0, 0.0], [0.0, -100.0]])
    values = np.concatenate([[[0.0, 0.0]], ground]).astype(np.float32)
    label = np.array([1, 0, 0, 0, 0, 0, 0])
    apart = np.hypot(ground[:, 0] / ground[:, 0].std(), ground[:, 1] / ground[:, 1].std())
    nearest = 1 + np.argsort(apart)[:3]
    assert np.flatnonzero(most_alike(values, label, share=0.5)).tolist() == sorted(nearest.tolist())
    assert not most_alike(values, label, share=0.1).any()  # 0.6 of a row, rounded down
    flat = np.column_stack([values, np.full(7, 3.0, np.float32)])
    assert most_alike(flat, label, share=0.5).tolist() == most_alike(values, label, share=0.5).tolist()


def test_a_fold_is_taught_without_the_ground_like_its_own_deposits_and_scored_on_all_ground(monkeypatch: Any) -> None:
    monkeypatch.setattr(heldout, "NULLS", {})
    monkeypatch.setattr(heldout, "NAMES", (heldout.MODEL,))
    SEEN.clear()
    whole = table(seed=1)
    found = cross_validate(
        whole, make_model=lambda _: LeastAlike(model=Witness(), share=0.25), split=Split(block_m=20_000.0), seeds=(0,)
    )
    assert np.isfinite(found.scores["model"]).all()
    assert found.result["protocol"]["background"] == 400
    for fold, (X, y, groups) in enumerate(SEEN):
        train = found.folds[0] != fold
        held = whole.subset(train)
        left_out = most_alike(held.values, held.label, share=0.25)
        assert left_out.sum() == int(0.25 * (~held.positive).sum())
        np.testing.assert_array_equal(X, held.values[~left_out])
        assert groups.tolist() == held.group[~left_out].tolist()
        assert y.sum() == held.positive.sum()
