"""What a model must beat: rankings that know nothing of geology, or one layer of it, on the same folds and by the same measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from pipeline.learning.draws import Floats, uniform
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable


def coordinates(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:
    """Score of each test row, (n,), by a random forest of 100 trees that sees only x and y.

    What it gains is gained by knowing where people have looked. Settings of the reference protocol apart from the count. Rows count as they
    weigh, so a deposit that may lie in any of nine cells counts once, as it does for the model.
    """
    forest = RandomForestClassifier(
        n_estimators=100, min_samples_leaf=2, max_features="sqrt", class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )
    forest.fit(_places(train), train.label, sample_weight=None if (train.weight == 1).all() else train.weight)
    return np.asarray(forest.predict_proba(_places(test))[:, list(forest.classes_).index(1)], np.float64)


def distance_to_known(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:  # noqa: ARG001 - nulls are called alike
    """Score of each test row, (n,): minus the distance in metres to the nearest positive of the training side, where it was reported.

    A place knows no weight; the other cells a deposit may lie in for want of a better position are left out unless there is no other.
    """
    reported = train.positive & train.scored
    distance, _ = cKDTree(_places(train)[reported if reported.any() else train.positive]).query(_places(test))
    return -np.asarray(distance, np.float64)


def random(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:  # noqa: ARG001
    """Score of each test row, (n,): a draw of its cell. Its spread over folds shows what chance alone does."""
    return uniform(test.cell, seed=seed, stream="random null")


def best_layer(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:  # noqa: ARG001
    """Score of each test row, (n,): the one layer that alone ranks the training rows best, upwards or downwards; missing values at its median.

    Training rows count as they weigh.
    """
    auc = np.array([ranked(column, train.label, train.weight) for column in train.values.T.astype(np.float64)])
    best = int(np.abs(auc - 0.5).argmax())
    held = train.values[:, best].astype(np.float64)
    middle = float(np.median(held[np.isfinite(held)])) if np.isfinite(held).any() else 0.0
    asked = test.values[:, best].astype(np.float64)
    return np.asarray(np.where(np.isfinite(asked), asked, middle) * (1.0 if auc[best] >= 0.5 else -1.0), np.float64)


NULLS: dict[str, Callable[..., Floats]] = {"coordinates": coordinates, "distance_to_known": distance_to_known, "random": random, "best_layer": best_layer}


def ranked(column: Floats, label: Any, weight: Floats | None = None) -> float:
    """The AUC of one column by itself over the rows where it is known, as they weigh; 0.5 where it cannot be told."""
    held = np.isfinite(column)
    if weight is None or (weight == 1).all() or len(np.unique(label[held])) < 2:
        auc = roc_auc(label[held], column[held])
    else:
        auc = float(roc_auc_score(label[held], column[held], sample_weight=weight[held]))
    return 0.5 if np.isnan(auc) else auc


def _places(table: SampleTable) -> Floats:
    return np.column_stack((table.x, table.y))
