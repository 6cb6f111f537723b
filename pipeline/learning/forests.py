"""Forests: a union of bags, whose disagreement is the uncertainty, and the plain forest of the reference protocol."""

from __future__ import annotations

import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.trees import Trees
from pipeline.threads import at_once

Array = npt.NDArray[Any]


class _Forest(ClassifierMixin, BaseEstimator):
    """What both forests share: reading X, and answering from `trees_`."""

    trees_: Trees
    classes_: Array
    n_features_in_: int

    def predict_proba(self, X: Any) -> Floats:
        """Class shares, mean over trees; (n, classes) float64, columns as `classes_`. NaN in X allowed; ValueError on infinity."""
        return self._walked(X)[0]

    def predict(self, X: Any) -> Array:
        """The class of largest share; (n,)."""
        share = self.predict_proba(X)
        return np.asarray(self.classes_[share.argmax(axis=1)])

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        if not isinstance(self.trees_, Trees):
            raise DataError("model: holds no trees; the file is damaged or was not written by this program")
        self.trees_.checked(features=self.n_features_in_, classes=len(self.classes_))

    def _walked(self, X: Any, column: int | None = None) -> tuple[Floats, Floats]:
        check_is_fitted(self)
        return self.trees_.mean_and_spread(validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite="allow-nan"), column)

    def _read(self, X: Any, y: Any) -> tuple[Array, Ints]:
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs samples of at least two classes; got 1 class")
        return X, np.asarray(codes, np.int64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class BaggedForest(_Forest):
    """A union of `bags` small forests of `trees_per_bag` trees, each fitted to its own draw of deposits and background.

    A bag draws, within each class, whole groups with replacement (rows, when fit gets no `groups`), and a seed. The spread
    between bags thus tells how much the answer depends on which deposits happen to be known. Each tree draws rows of
    its bag with replacement within each class, and weighs the classes equally, so 0.5 means "as likely as not were both
    equally common", not a chance of finding ore. Missing values take the bag's medians; a column without values is ignored. A
    repeated row counts once toward `min_samples_leaf`. Trees grow on `threads.at_once` threads; the same arrays, in the same order, and
    `random_state` give the same model. Breiman (2001); bootstrap of clusters: Davison and Hinkley (1997).
    """

    def __init__(
        self,
        *,
        bags: int = 20,
        trees_per_bag: int = 25,
        min_samples_leaf: int = 2,
        max_features: str | float = "sqrt",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.bags = bags
        self.trees_per_bag = trees_per_bag
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> BaggedForest:
        """Fit to `X` (n, p), NaN missing, and labels `y` (n,); `groups` (n,) are drawn whole, rows by `sample_weight` (n,), 0 or more.

        ValueError for one class only.
        """
        X, codes = self._read(X, y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        bags, fill = [], []
        for _ in range(self.bags):
            rows = self._rows(codes, groups, random, weights)
            medians = self._medians(X, codes, rows)
            bags.append(self._grown(np.where(np.isnan(X), medians, X), codes, rows, random))
            fill.append(medians)
        self.trees_ = Trees.of(bags, fill=np.stack(fill))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags, in one pass, float64.

        For two classes, of the second (positives): (n,) each. For more, of each: (n, classes). A row's answer does not depend
        on which others are asked for with it, to the last bit.
        """
        check_is_fitted(self)
        if len(self.classes_) > 2:
            return self._walked(X)
        mean, spread = self._walked(X, 1)
        return mean[:, 0], spread[:, 0]

    def predict_spread(self, X: Any) -> Floats:
        """Standard deviation between bags alone; shapes as `predict_both`."""
        return self.predict_both(X)[1]

    def _rows(self, codes: Ints, groups: Any, random: np.random.RandomState, weights: Floats | None = None) -> Ints:
        """The rows of one bag, repeated as often as they are drawn."""
        return resampled(codes, groups, random, weights)

    def _medians(self, X: Array, codes: Ints, rows: Ints) -> npt.NDArray[np.float32]:
        """What stands for missing values in a bag; (p,)."""
        del codes  # of all classes
        return column_medians(X[rows])

    def _members(self, members: Ints, random: np.random.RandomState) -> Ints:
        """The rows one tree takes of its bag's `members` of a class."""
        return members[random.randint(len(members), size=len(members))]

    def _weight(self, count: int, *, rows: int, classes: int) -> float:
        """What each of the `count` rows of a class weighs in a tree: all classes alike."""
        return rows / (classes * count)

    def _tree(self, seed: int) -> Any:
        """An unfitted tree."""
        return DecisionTreeClassifier(min_samples_leaf=self.min_samples_leaf, max_features=self.max_features, random_state=seed)

    def _grown(self, X: Array, codes: Ints, rows: Ints, random: np.random.RandomState) -> list[Any]:
        classes = [rows[codes[rows] == code] for code in range(len(self.classes_))]
        grown: list[Future[Any]] = []
        with ThreadPoolExecutor(most := at_once()) as pool:  # growing a tree lets go of the interpreter; all is drawn in order, whoever is grown first
            for _ in range(self.trees_per_bag):
                weight = np.zeros(len(X))
                for members in classes:
                    drawn = self._members(members, random)
                    weight += np.bincount(drawn, minlength=len(X)) * self._weight(len(drawn), rows=len(X), classes=len(classes))
                tree = self._tree(random.randint(2**31 - 1))
                grown.append(pool.submit(tree.fit, X, codes, sample_weight=weight, check_input=False))
                if len(grown) > most:
                    grown[-1 - most].result()  # no more weights are held than trees grow, and one
        return [tree.result().tree_ for tree in grown]


class PlainForest(_Forest):
    """The random forest of the reference protocol: `trees` trees, balanced by subsample, missing values as `missing`.

    It has no bags, hence no `predict_both`: the spread between single trees is not the spread between samples of deposits. It takes no
    weights either, as published scores had none: every row it is given counts alike.
    """

    def __init__(
        self,
        *,
        trees: int = 300,
        min_samples_leaf: int = 2,
        max_features: str | float = "sqrt",
        missing: float = -9999.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.trees = trees
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.missing = missing
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> PlainForest:
        """Fit to `X` (n, p), NaN missing, and labels `y` (n,). ValueError for one class only."""
        X, codes = self._read(X, y)
        forest = RandomForestClassifier(
            n_estimators=self.trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            class_weight="balanced_subsample",
            random_state=self.random_state,
            n_jobs=1,
        )
        fill = np.full((1, X.shape[1]), self.missing, np.float32)
        forest.fit(np.where(np.isnan(X), fill, X), codes)
        self.trees_ = Trees.of([[tree.tree_ for tree in forest.estimators_]], fill=fill)
        return self


def resampled(codes: Ints, groups: Any, random: np.random.RandomState, weights: Floats | None = None) -> Ints:
    """Row numbers of one bag: within each class as many groups as there are, drawn with replacement, each with all its rows.

    With `weights` (n,) a row of a drawn group is taken `weights` times on average: the whole part of it, and once more by chance. One
    number is drawn for a group, so of rows whose weights add up to 1 exactly one is taken: a deposit that may lie in any of nine cells,
    each of weight 1/9, is in another of them in each bag. Systematic sampling: Madow (1949). Weights that are all 1 change nothing.
    """
    if groups is not None and np.shape(groups) != codes.shape:
        raise ValueError(f"groups has shape {np.shape(groups)}; expected one group for each of the {len(codes)} rows")
    drawn = []
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        _, group = np.unique(members if groups is None else np.asarray(groups)[members], return_inverse=True)
        times = np.bincount(random.randint(group.max() + 1, size=group.max() + 1), minlength=group.max() + 1)
        if weights is None or (weights == 1).all():
            drawn.append(np.repeat(members, times[group]))
        elif not weights[members].any():
            raise ValueError("the rows of one class all weigh 0, so it cannot be learned; give some of them a sample_weight above 0")
        else:
            drawn.append(np.repeat(members, _taken(group, times, weights[members], random)))
    return np.concatenate(drawn)


def _taken(group: Ints, times: Ints, weights: Floats, random: np.random.RandomState) -> Ints:
    """How often each row is taken when its group is drawn `times`; at least one row of all is."""
    order = np.argsort(group, kind="stable")
    upto = np.cumsum(weights[order])
    before = np.concatenate([[0.0], upto[:-1]])
    first = np.searchsorted(group[order], np.arange(len(times)))
    start = before[first][group[order]]
    count = np.zeros(len(group), np.int64)
    for copy in range(int(times.max())):
        shift = random.random_sample(len(times))[group[order]] - start
        # 1e-9: a third and two thirds must make a whole, whatever their sum was rounded to
        taken = np.floor(upto + shift + 1e-9) - np.floor(before + shift + 1e-9)
        count[order] += np.where(times[group[order]] > copy, taken, 0).astype(np.int64)
    if not count.any():
        count[random.choice(len(group), p=weights / weights.sum())] = 1
    return count


def column_medians(X: Array) -> npt.NDArray[np.float32]:
    """Median of each column's values; (p,) float32; 0 for a column without any, which no fit can then tell apart."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice")
        medians = np.nanmedian(X, axis=0)
    return np.asarray(np.nan_to_num(medians), np.float32)
