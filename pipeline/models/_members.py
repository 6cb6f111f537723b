"""The models that others are made of: those a stack weighs and tuning tunes."""

from __future__ import annotations

from typing import Any, Literal

from pipeline.models.extra_trees import extra_trees
from pipeline.models.gradient_boosting import gradient_boosting
from pipeline.models.logistic_regression import logistic_regression
from pipeline.models.positive_unlabelled_bagging import positive_unlabelled_bagging
from pipeline.models.random_forest import random_forest
from pipeline.recipe import Columns

Member = Literal["random_forest", "extra_trees", "gradient_boosting", "logistic_regression", "positive_unlabelled_bagging"]


def member(word: Member, *, columns: Columns) -> Any:
    """The unfitted model of a word with its defaults; its seed is given by what it becomes part of."""
    if word == "gradient_boosting":
        return gradient_boosting(columns=columns, seed=0)
    plain = {f.__name__: f for f in (random_forest, extra_trees, logistic_regression, positive_unlabelled_bagging)}
    return plain[word](seed=0)
