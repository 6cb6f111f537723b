"""Tuning: settings chosen where the model was not taught, within a budget."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.fitted import given
from pipeline.learning.forests import BaggedForest
from pipeline.learning.inner import held_out, inner_folds
from pipeline.learning.scores import roc_auc

Array = npt.NDArray[Any]
GRID = {"min_samples_leaf": (1, 2, 5, 10), "max_features": ("sqrt", 0.5)}


class Tuned(ClassifierMixin, BaseEstimator):
    """A `model` with the settings of `grid` that rank ground held out within the training set best.

    Its own settings and a seeded choice of others, `budget` in all, are each fitted to `folds` - 1 of the inner folds (see `inner_folds`), with
    at most `bags` bags to save time, and scored on the one left out. The settings of the highest mean AUC over folds win, the earlier on a
    tie, its own being first; then the model is fitted with them to all rows. Where no deposit group can be held out it keeps its own.
    Inside validation all of this happens on the training side of each outer fold, so the score of a tuned model
    pays for its choice: Cawley and Talbot (2010). Two classes only.

    `tried_` lists the settings, `scores_` (tried,) float64 their mean AUC, NaN where no fold has both classes; `choice_` is the number of
    the winner and `model_` the model. `model` needs `predict_both`; by default it is a bagged forest, and the grid one for it.
    """

    model_: Any
    tried_: list[dict[str, Any]]
    scores_: Floats
    choice_: int
    classes_: Array
    n_features_in_: int

    def __init__(
        self,
        *,
        model: Any = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        budget: int = 8,
        folds: int = 4,
        bags: int = 3,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.model = model
        self.grid = grid
        self.budget = budget
        self.folds = folds
        self.bags = bags
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None, blocks: Any = None) -> Tuned:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); whole `blocks` (n,), or else `groups`, are held out.

        `sample_weight` (n,), 0 or more, is for a model that takes it; settings are compared without. ValueError otherwise.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("Tuned needs samples of two classes; got 1 class")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        model = clone(BaggedForest() if self.model is None else self.model).set_params(random_state=random.randint(2**31 - 1))
        fold_of = inner_folds(codes, groups=groups, blocks=blocks, count=self.folds, seed=random.randint(2**31 - 1))
        grid = GRID if self.grid is None and self.model is None else self.grid or {}
        self.tried_ = candidates(model, grid, budget=self.budget, random=random)
        self.scores_ = np.full(len(self.tried_), np.nan)
        if fold_of is not None and len(self.tried_) > 1:
            for i, settings in enumerate(self.tried_):
                tried, more = clone(model).set_params(**settings), {"groups": groups, "blocks": blocks, "sample_weight": weights, "bags": self.bags}
                scores = held_out(tried, X, codes, fold_of, **more)
                self.scores_[i] = _mean_auc(codes, scores, fold_of)
        self.choice_ = 0 if np.isnan(self.scores_).all() else int(np.nanargmax(self.scores_))
        self.model_ = model.set_params(**self.tried_[self.choice_])
        self.model_.fit(X, codes, **given(model, groups=groups, blocks=blocks, sample_weight=weights))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """The chosen model's mean over bags and standard deviation between bags; (n,) float64 each."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite="allow-nan")
        mean, spread = self.model_.predict_both(X)
        return mean, spread

    def predict_proba(self, X: Any) -> Floats:
        """The chosen model's probability of each class; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless the record of the choice is whole; used on models read from files, the chosen model being checked apart."""
        tried = len(self.tried_) if isinstance(self.tried_, list) else 0
        plain = isinstance(self.scores_, np.ndarray) and self.scores_.dtype == np.float64 and self.scores_.shape == (tried,)
        if not plain or not isinstance(self.choice_, int) or not 0 <= self.choice_ < tried or len(self.classes_) != 2:
            raise DataError("model: the record of its tuning is not whole; the file is damaged or was not written by this program")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def candidates(model: Any, grid: Mapping[str, Sequence[Any]], *, budget: int, random: np.random.RandomState) -> list[dict[str, Any]]:
    """The model's own settings of the grid's names, then others of the grid in a random order, `budget` in all at most."""
    names = sorted(grid)
    own = {name: model.get_params()[name] for name in names}
    others = [dict(zip(names, values, strict=True)) for values in itertools.product(*(grid[name] for name in names))]
    others = [settings for settings in others if settings != own]
    return [own, *(others[i] for i in random.permutation(len(others))[: max(0, budget - 1)])]


def _mean_auc(codes: Ints, scores: Floats, fold_of: Ints) -> float:
    folds = [(fold_of == fold) & np.isfinite(scores) for fold in np.unique(fold_of)]
    aucs = [roc_auc(codes[held], scores[held]) for held in folds if len(np.unique(codes[held])) == 2]
    return float(np.mean(aucs)) if aucs else float("nan")
