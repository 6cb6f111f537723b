"""Weights of evidence: what each class of evidence adds to the prior odds, and whether they may be added at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pipeline.errors import DataError
from pipeline.learning import evidence_classes, weights_report
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.evidence_classes import MISSING, Counts, Weights

Array = npt.NDArray[Any]


class WeightsOfEvidence(ClassifierMixin, BaseEstimator):
    """Posterior probability that a unit cell holds a deposit, from weights of classes of evidence added to the prior log odds.

    Counts are of unit cells of `unit_cell_km2`: a positive row is one that holds a deposit, and each other row stands for
    `background_km2` of ground (None: for one unit cell). A continuous column is cut in two at the value of greatest studentised
    contrast among `steps` equal areas (`evidence_classes.cut`); `signs` (p,) say which side must be favourable (1 the upper, -1 the
    lower, 0 either). Columns of one feature (`counts`) that hold 0 and 1 only are the classes of one map. A class of fewer than
    `least_deposits` deposits (groups, when fit gets them), or of a studentised contrast under `least_contrast`, is refused: its weight
    is 0 and `refused_` says why. A missing value has weight 0. `names` are for `report`. Two classes only; nothing is drawn.

    Fitted: `cut_` (p,), infinite where a column could not be cut; for the classes of all layers in order, of each first the class in which
    no column reaches its cut, then each column's (columns + 1 classes a layer): `deposits_`, `background_` (rows), `weight_`,
    `variance_`, `share_` (of the area where the layer is known) and `refused_`; `counted_`: deposits, unit cells without one, and rows
    that stand for those; `expected_`: T, the sum of posterior probabilities over the unit cells, and its standard deviation.
    Bonham-Carter, Agterberg and Wright (1989), Bonham-Carter (1994), Agterberg and Cheng (2002).
    """

    first_: Ints
    cut_: Floats
    deposits_: Floats
    background_: Floats
    weight_: Floats
    variance_: Floats
    share_: Floats
    refused_: Array
    counted_: Floats
    expected_: Floats
    classes_: Array
    n_features_in_: int
    intensity_scale = "share"
    counts_ground = True  # its areas, weights and tests are of ground as it is: they would mean nothing against a reweighted background

    def __init__(
        self, *, unit_cell_km2: float = 1.0, background_km2: float | None = None, steps: int = 20, least_deposits: int = 5,
        least_contrast: float = 2.0, names: tuple[str, ...] | None = None, signs: tuple[int, ...] | None = None,
        counts: tuple[int, ...] | None = None,
    ) -> None:  # fmt: skip
        self.unit_cell_km2 = unit_cell_km2
        self.background_km2 = background_km2
        self.steps = steps
        self.least_deposits = least_deposits
        self.least_contrast = least_contrast
        self.names = names
        self.signs = signs
        self.counts = counts

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> WeightsOfEvidence:
        """Fit to `X` (n, p), NaN missing, and two labels `y` (n,), the second the deposits; rows of one of `groups` (n,) are one deposit.

        A row counts as `sample_weight` (n,), 0 or more, rows of it: a ninth of a deposit, of one that may lie in any of nine cells.

        ValueError for more or fewer classes, or names, signs or counts of other columns; DataError when unit cells are too large for the ground.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        if len(self.classes_) < 2:
            raise ValueError("WeightsOfEvidence needs samples of two classes; got 1 class")
        signs, counts = self._told(X.shape[1])
        positive = codes == 1
        if groups is not None and np.shape(groups) != codes.shape:
            raise ValueError(f"groups has shape {np.shape(groups)}; expected one group for each of the {len(codes)} rows")
        groups = np.arange(len(X)) if groups is None else np.asarray(groups)
        counts_as = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        deposits, rows = float(counts_as[positive].sum()), float(counts_as[~positive].sum())
        if not deposits or not rows:
            raise ValueError("the rows of one class all weigh 0, so it cannot be learned; give some of them a sample_weight above 0")
        per_row = self._units_per_row(deposits, rows)
        self.counted_ = np.array([deposits, rows * per_row, rows])
        self.first_ = evidence_classes.layers_of(X, counts)
        self.cut_ = np.empty(X.shape[1])
        held: list[tuple[Any, ...]] = []
        for first, last in zip(self.first_[:-1], self.first_[1:], strict=True):
            columns = X[:, first:last]
            self.cut_[first:last], why = self._cuts(columns, positive, groups, counts_as, signs[first], per_row)
            code = evidence_classes.coded(columns, self.cut_[first:last])
            found = evidence_classes.counted(code, last - first + 1, positive=positive, groups=groups, weight=counts_as, units_per_row=per_row)
            held.append(self._weighed(found, np.concatenate(([0 if last - first > 1 else -signs[first]], signs[first:last])), why))
        names = ("deposits_", "background_", "weight_", "variance_", "share_", "refused_")
        for name, parts in zip(names, zip(*held, strict=True), strict=True):
            setattr(self, name, np.concatenate(parts))
        self.expected_ = self._omnibus(X, counts_as * np.where(positive, 1.0, per_row))
        return self

    def predict_both(self, X: Any) -> tuple[Floats, Floats]:
        """Posterior probability of a deposit in the unit cell, and its standard deviation; (n,) float64 each.

        The variance is p^2 (1/deposits + the sum of the weights' variances), plus, for each layer that is missing in the cell, the
        mean over its classes, by area, of the squared change of p that knowing the class would make. Bonham-Carter (1994). Rows do not
        depend on each other.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        logit, variance = np.full(len(X), math.log(self.counted_[0] / self.counted_[1])), np.full(len(X), 1 / self.counted_[0])
        missing = []
        for layer, code in enumerate(self._coded(X)):
            of = self._classes(layer)
            known = code != MISSING
            logit += np.where(known, self.weight_[of][code], 0.0)
            variance += np.where(known, self.variance_[of][code], 0.0)
            missing.append(~known)
        posterior = expit(logit)
        variance *= posterior**2
        for layer, unknown in enumerate(missing):
            of = self._classes(layer)
            for weight, share in zip(self.weight_[of], self.share_[of], strict=True):
                variance += np.where(unknown, share * (expit(logit + weight) - posterior) ** 2, 0.0)
        return posterior, np.sqrt(variance)

    def predict_proba(self, X: Any) -> Floats:
        """Posterior probability of each class; (n, 2) float64. NaN in X allowed; ValueError on infinity."""
        positive, _ = self.predict_both(X)
        return np.column_stack((1 - positive, positive))

    def predict(self, X: Any) -> Array:
        """The more probable class, which in ground with few deposits is the first everywhere; (n,)."""
        positive, _ = self.predict_both(X)
        return np.asarray(self.classes_[(positive > 0.5).astype(int)])

    def report(self) -> dict[str, Any]:
        """The table of weights and the test of conditional independence, as plain values; see `weights_report`."""
        check_is_fitted(self)
        return weights_report.table(self)

    def checked(self) -> None:
        """DataError unless the fitted arrays are whole and fit each other; used on models read from files."""
        wrong = "the file is damaged or was not written by this program"
        first, columns = self.first_, self.n_features_in_
        if not isinstance(first, np.ndarray) or first.dtype != np.int64 or first.ndim != 1 or len(first) < 2:
            raise DataError(f"model: layers without columns; {wrong}")
        if first[0] != 0 or first[-1] != columns or (first[1:] <= first[:-1]).any():
            raise DataError(f"model: layers that do not divide the {columns} columns; {wrong}")
        classes = columns + len(first) - 1
        by_class = ("deposits_", "background_", "weight_", "variance_", "share_")
        shapes = {"cut_": columns, "counted_": 3, "expected_": 2} | dict.fromkeys(by_class, classes)
        for name, length in shapes.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != (length,) or np.isnan(array).any():
                raise DataError(f"model: {name} is not {length} numbers; {wrong}")
            if name != "cut_" and not np.isfinite(array).all():
                raise DataError(f"model: {name} is not finite; {wrong}")
            if name not in ("cut_", "weight_") and (array < 0).any():
                raise DataError(f"model: {name} holds a number below zero; {wrong}")
        if not isinstance(self.refused_, np.ndarray) or self.refused_.dtype.kind != "U" or self.refused_.shape != (classes,):
            raise DataError(f"model: refused_ is not {classes} reasons; {wrong}")
        if (self.counted_ <= 0).any() or (self.expected_ <= 0).any() or len(self.classes_) != 2:
            raise DataError(f"model: no deposit, no ground, or not two classes; {wrong}")

    def _told(self, columns: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        signs = (0,) * columns if self.signs is None else tuple(self.signs)
        counts = (1,) * columns if self.counts is None else tuple(self.counts)
        if len(signs) != columns or sum(counts) != columns or (self.names is not None and len(self.names) != columns):
            raise ValueError(f"names, signs and counts are not those of {columns} columns; give all three for the columns of X, in order, or none")
        return signs, counts

    def _units_per_row(self, deposits: float, rows: float) -> float:
        if self.background_km2 is None:
            return 1.0
        units = rows * self.background_km2 / self.unit_cell_km2 - deposits
        if units <= deposits:
            raise DataError(
                f"weights of evidence: {rows * self.background_km2:g} km2 of ground in unit cells of {self.unit_cell_km2:g} km2 leave no more cells "
                f"without a deposit than the {deposits:g} with one; give a smaller unit_cell_km2"
            )
        return units / rows

    def _cuts(self, columns: Floats, positive: Array, groups: Array, weight: Floats, sign: int, per_row: float) -> tuple[Floats | float, str]:
        """The cuts of a layer's columns, and why there is none."""
        known = columns[~np.isnan(columns)]
        if not known.size:
            return np.inf, "no value at any sample"
        if np.isin(known, (0, 1)).all():
            return 0.5, ""
        found = evidence_classes.cut(
            columns[:, 0], positive=positive, groups=groups, weight=weight, sign=sign, steps=self.steps, least_sites=self.least_deposits,
            units_per_row=per_row,
        )  # fmt: skip
        return (np.inf, f"no cut leaves {self.least_deposits} deposits on a side") if found is None else (found, "")

    def _weighed(self, found: Counts, signs: Ints, why: str) -> tuple[Any, ...]:
        """The fitted arrays of one layer's classes, weights 0 where refused."""
        weighed = evidence_classes.weights(found)
        reasons = [why or self._refusal(found, weighed, i, int(sign)) for i, sign in enumerate(signs)]
        used = np.array([not reason for reason in reasons])
        area = found.deposits + found.units
        share = area / area.sum() if area.sum() else np.eye(len(area))[0]
        weight, variance = np.where(used, weighed.plus, 0.0), np.where(used, weighed.plus_variance, 0.0)
        return found.deposits, found.rows, weight, variance, share, np.array(reasons, dtype=np.str_)

    def _refusal(self, found: Counts, weighed: Weights, i: int, sign: int) -> str:
        """Why a class is not used; empty where it is."""
        if found.deposits[i] == found.deposits.sum() and found.rows[i] == found.rows.sum():
            return "the only class"
        known = evidence_classes.known(found)[i]
        if known < self.least_deposits:
            return f"{known:g} deposits, fewer than {self.least_deposits}"
        if not found.rows[i]:
            return "no background in it, so no ratio"
        speaks = float(evidence_classes.studentized(weighed)[i])
        if abs(speaks) < self.least_contrast:
            return f"studentised contrast {speaks:.2f}, nearer to 0 than {self.least_contrast:g}"
        return "counts against its sign" if sign * weighed.plus[i] < 0 else ""

    def _classes(self, layer: int) -> slice:
        """Where the classes of a layer stand in the fitted arrays: it has one more than columns."""
        return slice(int(self.first_[layer]) + layer, int(self.first_[layer + 1]) + layer + 1)

    def _coded(self, X: Floats) -> list[Ints]:
        """The class of each row in each layer."""
        return [evidence_classes.coded(X[:, a:b], self.cut_[a:b]) for a, b in zip(self.first_[:-1], self.first_[1:], strict=True)]

    def _omnibus(self, X: Floats, units: Floats) -> Floats:
        """T and its standard deviation: cells of one unique condition share their weights, so their errors add up before they are squared."""
        posterior, deviation = self.predict_both(X)
        _, condition = np.unique(np.column_stack(self._coded(X)), axis=0, return_inverse=True)
        return np.array([(units * posterior).sum(), np.sqrt((np.bincount(condition.ravel(), units * deviation) ** 2).sum())])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # two classes a layer are coarse, and a class under five deposits is silent
        return tags
