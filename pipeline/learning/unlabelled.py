"""Forests for which the background is not barren, only unlabelled: positive-unlabelled bagging, and Elkan and Noto's scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints, derive
from pipeline.learning.forests import Array, BaggedForest, column_medians, resampled
from pipeline.learning.inner import inner_folds, sides


class _OfTwo(BaggedForest):
    """What both forests share: two classes, the second the positives."""

    def _read(self, X: Any, y: Any) -> tuple[Array, Ints]:
        X, codes = super()._read(X, y)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        return X, codes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class PositiveUnlabelledForest(_OfTwo):
    """`BaggedForest` whose bags set the deposits, resampled by group, against a small fresh draw of background each.

    A bag draws `background_per_positive` background rows with replacement for each of its rows of positives. The background
    holds deposits nobody has found. A small draw holds few of them, or none, so most bags never learn that such ground is barren, and
    their mean ranks it by what it has in common with the known deposits. Many small bags, then, rather than few large ones.
    Missing values take the medians of the bag's background: ground that is not known looks ordinary. Two classes, the second the
    positives. Mordelet and Vert (2014), who take as many unlabelled rows as positives; drawing the positives anew as well is ours, for
    the spread.
    """

    def __init__(
        self,
        *,
        bags: int = 50,
        trees_per_bag: int = 10,
        background_per_positive: float = 1.0,
        min_samples_leaf: int = 2,
        max_features: str | float = "sqrt",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            bags=bags, trees_per_bag=trees_per_bag, min_samples_leaf=min_samples_leaf, max_features=max_features, random_state=random_state
        )
        self.background_per_positive = background_per_positive

    def _rows(self, codes: Ints, groups: Any, random: np.random.RandomState, weights: Floats | None = None) -> Ints:
        rows = resampled(codes, groups, random, weights)
        positives, background = rows[codes[rows] == 1], np.flatnonzero(codes == 0)
        count = max(1, round(self.background_per_positive * len(positives)))
        even = weights is None or (weights[background] == 1).all()
        share = None if even or weights is None else weights[background] / weights[background].sum()
        drawn = random.randint(len(background), size=count) if share is None else random.choice(len(background), size=count, p=share)
        return np.concatenate([positives, background[drawn]])

    def _medians(self, X: Array, codes: Ints, rows: Ints) -> npt.NDArray[np.float32]:
        return column_medians(X[rows[codes[rows] == 0]])


class ElkanNoto(_OfTwo):
    """A forest on the scale of a chance that ground is mineralised, known or not. It changes the forest's scale, not its rank.

    The trees are those of `BaggedForest`, but a class weighs as many as its rows, so their share g is the chance that a row of the table
    is a known deposit. If the known are a random choice from all deposits, g is the chance of a deposit times that of its being known,
    a constant c; the answer is g / `c_`, clipped at 1. `c_` is the mean g of positives in `folds` inner folds (see `inner_folds`),
    scored by forests not taught with them: at least the share of positives in the table, which a blind forest gives, and 1, so that
    nothing is divided, where no deposit group can be held out. Elkan and Noto (2008).

    Cells rank as by g, but those clipped at 1 tie, and what chance lifts above 1 is lost, so the answers add up to too few.
    Known deposits are seldom a random choice: they crop out and lie near roads. The scale then holds for deposits such as those only.
    """

    c_: float
    intensity_scale = None

    def __init__(
        self,
        *,
        bags: int = 20,
        trees_per_bag: int = 25,
        min_samples_leaf: int = 2,
        max_features: str | float = "sqrt",
        folds: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            bags=bags, trees_per_bag=trees_per_bag, min_samples_leaf=min_samples_leaf, max_features=max_features, random_state=random_state
        )
        self.folds = folds

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None, blocks: Any = None) -> ElkanNoto:
        """As `BaggedForest.fit`; whole `blocks` (n,), or else `groups`, are held out to find `c_`, for which positives count as they weigh.

        ValueError for more or fewer than two classes.
        """
        super().fit(X, y, groups, sample_weight)
        X, codes = self._read(X, y)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        fold_of = inner_folds(codes, groups=groups, blocks=blocks, count=self.folds, seed=seed)
        self.c_ = 1.0 if fold_of is None else self._held_out(X, codes, groups, weights, fold_of, seed)
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """The calibrated score of the mean over bags, and the standard deviation between bags of their calibrated scores; (n,) float64 each."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite="allow-nan")
        shares = self.trees_.bag_means(X, 1)
        mean, average, square = np.zeros((3, len(X)))
        scaled = [self._scaled(share) for share in shares]
        for share, one in zip(shares, scaled, strict=True):  # one bag after another, so that the batch does not choose the order
            mean += share
            average += one
        average /= len(shares)
        for one in scaled:
            square += (one - average) ** 2
        return self._scaled(mean / len(shares)), np.sqrt(square / len(shares))

    def predict_proba(self, X: Any) -> Floats:
        """The calibrated score of each class, adding up to 1; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        super().checked()
        if not isinstance(self.c_, float) or not 0 < self.c_ <= 1 or len(self.classes_) != 2:
            raise DataError("model: its calibration is no share, or its classes not two; the file is damaged or was not written by this program")

    def _weight(self, count: int, *, rows: int, classes: int) -> float:
        del count, rows, classes
        return 1.0

    def _scaled(self, share: Floats) -> Floats:
        return np.minimum(1.0, share / self.c_)

    def _held_out(self, X: Array, codes: Ints, groups: Any, weights: Floats, fold_of: Ints, seed: int) -> float:
        found, weighed = list[float](), list[float]()
        for number, (train, test) in enumerate(sides(fold_of, codes)):
            forest = clone(self).set_params(bags=max(2, self.bags // self.folds), random_state=derive(seed, "held out", number))
            BaggedForest.fit(forest, X[train], codes[train], None if groups is None else np.asarray(groups)[train], weights[train])
            ore = test & (codes == 1)
            found += (weights[ore] * BaggedForest.predict_both(forest, X[ore])[0]).tolist() if ore.any() else []
            weighed += weights[ore].tolist()
        known = math.fsum(weights[codes == 1]) / math.fsum(weights)
        return max(math.fsum(found) / math.fsum(weighed), known) if math.fsum(weighed) > 0 else 1.0
