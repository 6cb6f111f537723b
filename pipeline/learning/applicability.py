"""Area of applicability: how unlike anything the model was taught with a cell is, in the evidence the model rests on.

Meyer and Pebesma (2021), with three changes said where they are made: a feature of several layers weighs once, classes differ by 0 or 1
(Gower 1971), and missing evidence lowers the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.near import nearest, nearest_place

Space = Mapping[str, npt.NDArray[Any]]
MOST_REFERENCE = 4000  # rows a space should hold; the mean distance is over all their pairs
HALF = 2.0  # dissimilarities at which applicability is 0, in thresholds: at the threshold it is a half


def learnt(values: npt.NDArray[np.float32], *, counts: tuple[int, ...], importance: Floats, fold: Ints, positive: npt.NDArray[np.bool_]) -> Space:
    """The space of evidence a model was taught in, as arrays a fit can keep.

    `values` (n, layers), NaN missing: positives, and background of ground that was explored. `counts` says how many layers each feature
    gave, in order, and `importance` (features,) how much held-out skill rests on it; what is below 0 counts 0, and all count alike where
    none is above. `fold` (n,) are the spatial folds: a row's own dissimilarity is measured to rows of other folds, since a map is made
    for places like those, not for neighbours. Layers are scaled to unit standard deviation; a feature of k layers weighs once, each by
    its root of k, and one of 0 or 1 only, such as classes, differs by 0 or 1. The threshold is the upper whisker of the rows' own
    dissimilarities. DataError with fewer than two folds.
    """
    if len(np.unique(fold)) < 2:
        raise DataError("applicability: the reference samples lie in one fold; use smaller validation blocks")
    held = values.astype(np.float64)
    fill = np.nan_to_num(np.nanmedian(np.where(np.isfinite(held).any(axis=0), held, 0.0), axis=0))
    weight = np.repeat(_weights(importance), counts)
    space = {"centre": fill, "scale": weight * _scales(held, counts), "weights": _weights(importance), "counts": np.array(counts)}
    space |= {"low": _bound(held, np.fmin), "high": _bound(held, np.fmax)}
    points = _placed(held, space)
    mean = float(pdist(points).mean())
    mean = mean if mean > 0 else 1.0
    own = np.empty(len(points))
    for part in np.unique(fold):
        own[fold == part] = cKDTree(points[fold != part]).query(points[fold == part])[0] / mean
    return space | {"points": points, "positive": np.asarray(positive), "mean": np.array(mean), "own": own, "threshold": np.array(whisker(own))}


def whisker(values: Floats) -> float:
    """The largest value that is not above the third quartile by more than one and a half times the quartiles' distance."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(values[values <= high + 1.5 * (high - low)].max())


def dissimilarity(values: npt.NDArray[np.float32], space: Space) -> tuple[Floats, Floats]:
    """How far each row, (n, layers), is from the nearest reference row and from the nearest positive, in mean distances; (n,) each.

    Missing values stand at the reference's median.
    """
    held, positive = np.asarray(space["points"], np.float64), np.asarray(space["positive"], bool)
    found, ore = nearest(values, held, positive, centre=space["centre"], scale=space["scale"])
    mean = float(space["mean"])
    return found / mean, ore / mean


def nearest_row(values: npt.NDArray[np.float32], space: Space) -> Ints:
    """The place of the reference row that each row, (n, layers), is nearest to; (n,)."""
    return nearest_place(values, np.asarray(space["points"], np.float64), centre=space["centre"], scale=space["scale"])


def applicability(values: npt.NDArray[np.float32], space: Space) -> Floats:
    """1 where a row equals a reference row, 0.5 at the threshold, 0 from twice it on, times the weight of the evidence that is known; (n,).

    So below 0.5 the map is asked about ground unlike any it was taught with, and should not be believed.
    """
    return believed(dissimilarity(values, space)[0], values, space)


def believed(nearest: Floats, values: npt.NDArray[np.float32], space: Space) -> Floats:
    """The applicability of rows whose dissimilarity to the nearest reference row is known already; (n,)."""
    threshold = max(float(space["threshold"]), np.finfo(float).tiny)
    return np.clip(1.0 - nearest / (HALF * threshold), 0.0, 1.0) * known_weight(values, space)


def known_weight(values: npt.NDArray[np.float32], space: Space) -> Floats:
    """The share of the features' weight that rests on a layer with a value here, 0 to 1; (n,)."""
    known = any_of(np.isfinite(values), space["counts"])
    weights = np.asarray(space["weights"], np.float64)
    total = np.zeros(len(values))
    for weight, column in zip(weights, np.ascontiguousarray(known.T), strict=True):  # one by one: a matrix product adds in an order that depends on the rows at hand
        total += weight * column
    return np.asarray(total / weights.sum(), np.float64)


def outside(values: npt.NDArray[np.float32], space: Space) -> Floats:
    """The share of features with a layer beyond what the reference rows hold, 0 to 1; missing values are not beyond; (n,)."""
    with np.errstate(invalid="ignore"):
        beyond = (values < space["low"]) | (values > space["high"])
    return np.asarray(np.count_nonzero(any_of(beyond, space["counts"]), axis=1) / len(space["counts"]), np.float64)


def any_of(layers: npt.NDArray[np.bool_], counts: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether it is so of any layer of each feature: (n, layers) to (n, features), `counts` layers to a feature, in order."""
    if (counts == 1).all():
        return layers
    found: npt.NDArray[np.bool_] = np.logical_or.reduceat(layers, np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=1)
    return found


def _weights(importance: Floats) -> Floats:
    weights = np.clip(np.nan_to_num(np.asarray(importance, np.float64)), 0.0, None)
    return weights / weights.max() if weights.max() > 0 else np.ones_like(weights)


def _scales(values: Floats, counts: tuple[int, ...]) -> Floats:
    """What each layer is multiplied by, apart from its feature's weight."""
    scales, first = np.zeros(values.shape[1]), 0
    for count in counts:
        block = values[:, first : first + count]
        finite = block[np.isfinite(block)]
        if finite.size and np.isin(finite, (0.0, 1.0)).all():
            scales[first : first + count] = 1.0 if count == 1 else np.sqrt(0.5)  # one class for another changes two layers
        else:
            spread = np.array([np.std(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in block.T])
            scales[first : first + count] = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), 0.0) / np.sqrt(count)
        first += count
    return scales


def _bound(values: Floats, best: np.ufunc) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = np.asarray(best.reduce(values, axis=0), np.float32)
    return found


def _placed(values: Floats, space: Space) -> Floats:
    centre, scale = np.asarray(space["centre"], np.float64), np.asarray(space["scale"], np.float64)
    return (np.where(np.isfinite(values), values, centre) - centre) * scale
