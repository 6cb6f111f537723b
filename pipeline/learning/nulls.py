"""What a model must beat: rankings that know nothing of geology, on the same folds and by the same measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import RandomForestClassifier

from pipeline.learning.draws import Floats, uniform
from pipeline.learning.table import SampleTable


def coordinates(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:
    """Score of each test row, (n,), by a random forest of 100 trees that sees only x and y.

    What it gains is gained by knowing where people have looked. Settings of the reference protocol apart from the count.
    """
    forest = RandomForestClassifier(
        n_estimators=100, min_samples_leaf=2, max_features="sqrt", class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )
    forest.fit(_places(train), train.label)
    return np.asarray(forest.predict_proba(_places(test))[:, list(forest.classes_).index(1)], np.float64)


def distance_to_known(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:  # noqa: ARG001 - nulls are called alike
    """Score of each test row, (n,): minus the distance in metres to the nearest positive of the training side."""
    distance, _ = cKDTree(_places(train)[train.positive]).query(_places(test))
    return -np.asarray(distance, np.float64)


def random(train: SampleTable, test: SampleTable, *, seed: int) -> Floats:  # noqa: ARG001
    """Score of each test row, (n,): a draw of its cell. Its spread over folds shows what chance alone does."""
    return uniform(test.cell, seed=seed, stream="random null")


NULLS: dict[str, Callable[..., Floats]] = {"coordinates": coordinates, "distance_to_known": distance_to_known, "random": random}


def _places(table: SampleTable) -> Floats:
    return np.column_stack((table.x, table.y))
