"""Gradient boosting in bags: small trees that each correct the sum of those before, free to obey the signs of a mineral system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.forests import column_medians, resampled
from pipeline.learning.trees import Trees

Array = npt.NDArray[Any]
BINS = 255  # the most scikit-learn allows


class _Nodes(NamedTuple):
    """A boosted tree as `Trees.of` reads one of scikit-learn's forests."""

    node_count: int
    children_left: Array
    children_right: Array
    feature: Array
    threshold: Array
    value: Array
    weighted_n_node_samples: Array


class BaggedBoosting(ClassifierMixin, BaseEstimator):
    """`bags` gradient-boosted sums of `trees_per_bag` trees on the log-odds, each fitted to its own draw of deposits and background.

    Bags are drawn as by `BaggedForest` and the classes weigh equally, so 0.5 means "as likely as not were both equally common". `signs` (p,), where
    given, holds 1 for a column along which the answer may not fall, -1 along which it may not rise, 0 for either way: knowledge that fifty
    deposits cannot teach. Few leaves (`max_leaf_nodes`), of at least `min_samples_leaf` different rows, small steps
    (`learning_rate`) and a penalty on the leaves' values (`l2`) keep a sum fitted to fifty deposits from learning them by heart. Missing values
    take the bag's medians. Two classes only. Single-threaded; the same arrays, in the same order, and `random_state` give the same
    model. Friedman (2001); histograms of values: Ke and others (2017).

    `trees_` holds in `value` what a leaf adds, `baseline_` (bags,) float64 the log-odds each sum starts from.
    """

    trees_: Trees
    baseline_: Floats
    classes_: Array
    n_features_in_: int

    def __init__(
        self,
        *,
        bags: int = 10,
        learning_rate: float = 0.05,
        trees_per_bag: int = 100,
        max_leaf_nodes: int = 6,
        min_samples_leaf: int = 10,
        l2: float = 1.0,
        signs: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.bags = bags
        self.learning_rate = learning_rate
        self.trees_per_bag = trees_per_bag
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2 = l2
        self.signs = signs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> BaggedBoosting:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,); `groups` (n,) are drawn whole, rows by `sample_weight` (n,), 0 or more.

        ValueError otherwise.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("BaggedBoosting needs samples of two classes; got 1 class")
        if self.signs is not None and len(self.signs) != X.shape[1]:
            raise ValueError(f"signs names {len(self.signs)} columns; expected one of 1, -1 and 0 for each of the {X.shape[1]} columns of X")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        random = check_random_state(self.random_state)
        sums, fill, baseline = [], [], []
        with threadpool_limits(1):  # a histogram's sums may depend on how its rows are shared out
            for _ in range(self.bags):
                rows = resampled(codes, groups, random, weights)
                medians = column_medians(X[rows])
                trees, start = self._boosted(np.where(np.isnan(X), medians, X), codes, rows, random)
                sums.append(trees)
                baseline.append(start)
                fill.append(medians)
        self.trees_, self.baseline_ = Trees.of(sums, fill=np.stack(fill)), np.array(baseline)
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Mean over bags and standard deviation between bags of the second class's probability; (n,) float64 each.

        A row's answer does not depend on which others are asked for with it, to the last bit.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite="allow-nan")
        means, count = self.trees_.bag_means(X, 0), np.diff(self.trees_.bag_start)
        total, square = np.zeros(len(X)), np.zeros(len(X))
        share = [expit(start + n * mean) for start, n, mean in zip(self.baseline_, count, means, strict=True)]
        for bag in share:  # one bag after another: numpy's own sum over an axis chooses its order by the shape of the array
            total += bag
        average = total / len(share)
        for bag in share:
            square += (bag - average) ** 2
        return average, np.sqrt(square / len(share))

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class, mean over bags; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        if not isinstance(self.trees_, Trees):
            raise DataError("model: holds no trees; the file is damaged or was not written by this program")
        self.trees_.walkable(features=self.n_features_in_, columns=1)
        held, bags = self.baseline_, (len(self.trees_.fill),)
        plain = isinstance(held, np.ndarray) and held.dtype == np.float64 and held.shape == bags and np.isfinite(held).all()
        if not plain or len(self.classes_) != 2:
            raise DataError("model: its baselines are not a number for each bag, or its classes not two; the file is damaged or not of this program")

    def _boosted(self, X: Array, codes: Ints, rows: Ints, random: np.random.RandomState) -> tuple[list[_Nodes], float]:
        times = np.bincount(rows, minlength=len(X)).astype(np.float64)
        used = times > 0  # a repeated row counts once toward the least size of a leaf
        weight = times * (len(rows) / 2 / np.bincount(codes, weights=times))[codes]
        # scikit-learn's own bins of weighted rows take a hundred times as long as the trees (measured, version 1.9).
        edges = [bin_edges(column) for column in X[used].T]
        binned = np.column_stack([np.searchsorted(edge, column) for edge, column in zip(edges, X[used].T, strict=True)])
        model = HistGradientBoostingClassifier(
            learning_rate=self.learning_rate, max_iter=self.trees_per_bag, max_leaf_nodes=self.max_leaf_nodes, max_bins=BINS,
            min_samples_leaf=self.min_samples_leaf, l2_regularization=self.l2, monotonic_cst=None if self.signs is None else list(self.signs),
            early_stopping=False, random_state=random.randint(2**31 - 1),
        )  # fmt: skip
        model.fit(binned.astype(np.float64), codes[used], sample_weight=weight[used])
        start = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001  # it offers no public way to its trees
        return [_nodes(stage[0].nodes, edges) for stage in model._predictors], start  # noqa: SLF001

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def bin_edges(column: Array) -> Floats:
    """Where a column is cut into at most 255 bins, ascending float64: midway between its values, or at its quantiles if it has more."""
    found = np.unique(column).astype(np.float64)
    if len(found) <= BINS:
        return np.asarray((found[:-1] + found[1:]) / 2)
    return np.unique(np.percentile(column.astype(np.float64), np.linspace(0, 100, BINS + 1)[1:-1], method="averaged_inverted_cdf"))


def _nodes(nodes: Array, edges: Sequence[Floats]) -> _Nodes:
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    feature = nodes["feature_idx"].astype(np.int64)
    # A threshold lies between the numbers of two bins: back to the value at the upper edge of the lower one.
    cuts = [0.0 if end else edges[j][int(at)] for end, j, at in zip(leaf, feature, nodes["num_threshold"], strict=True)]
    return _Nodes(len(nodes), left, right, feature, np.array(cuts), nodes["value"][:, None, None], nodes["count"].astype(np.float64))
