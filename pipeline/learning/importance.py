"""How much of the skill on held-out ground rests on each feature: permutation importance in spatial folds, correlated features together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.base import BaseEstimator

from pipeline.learning.draws import Floats, Ints, derive
from pipeline.learning.fitted import fitted
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable

ALIKE = 0.7  # features whose ranks correlate above this are shuffled together: shuffled alone, each would be stood in for by the other


def refitted(table: SampleTable, *, make_model: Callable[[int], BaseEstimator], fold: Ints, seed: int) -> list[Any]:
    """A model for each fold, fitted to the rows of the others that train; None where what is scored of the fold, or what is left to learn
    from, has one class only.

    `fold` (n,) holds a fold number per row, below 0 for rows that take no part.
    """
    models: list[Any] = []
    for part in range(int(fold.max(initial=-1)) + 1):
        test, train = (fold == part) & table.scored, (fold >= 0) & (fold != part) & table.trains
        both = len(np.unique(table.label[test])) == 2 and len(np.unique(table.label[train])) == 2
        models.append(fitted(make_model(derive(seed, "importance", part)), table.subset(train), fold[train]) if both else None)  # its folds are blocks
    return models


def drops(table: SampleTable, *, models: Sequence[Any], fold: Ints, columns: Sequence[Sequence[int]], seed: int, repeats: int = 5) -> Floats:
    """Loss of AUC on each held-out fold when a set of columns is shuffled among its scored rows; (folds, sets), NaN where a fold has no model.

    `models` and `fold` as of `refitted`. `columns` are the sets, shuffled together. The mean over `repeats` shuffles. Breiman (2001),
    Strobl and others (2008) on correlated predictors.
    """
    found = np.full((len(models), len(columns)), np.nan)
    for part, model in enumerate(models):
        if model is None:
            continue
        test = (fold == part) & table.scored
        values, label = table.values[test], table.label[test]
        base = roc_auc(label, positive_share(model, values))
        random = np.random.default_rng(derive(seed, "shuffle", part))
        orders = [random.permutation(len(values)) for _ in range(repeats)]
        for i, chosen in enumerate(columns):
            lost = []
            for order in orders:
                shuffled = values.copy()
                shuffled[:, list(chosen)] = values[order][:, list(chosen)]
                lost.append(base - roc_auc(label, positive_share(model, shuffled)))
            found[part, i] = np.mean(lost)
    return found


def shares(single: Sequence[float], together: Sequence[float], sets: Sequence[Sequence[int]]) -> Floats:
    """How much each feature weighs: its own drop, or its equal part of its set's where that is more; not below 0; (features,).

    Shuffled alone, a feature that has a double costs nothing, though the model rests on the two.
    """
    weights = np.clip(np.nan_to_num(np.asarray(single, np.float64)), 0.0, None)
    for drop, members in zip(together, sets, strict=True):
        weights[list(members)] = np.maximum(weights[list(members)], np.nan_to_num(drop) / len(members))
    return weights


def positive_share(model: Any, values: Any) -> Floats:
    """The model's score of positives; (n,)."""
    return np.asarray(model.predict_proba(values)[:, list(model.classes_).index(1)], np.float64)


def features(counts: Sequence[int]) -> list[list[int]]:
    """The columns of each feature, from how many layers each gave."""
    first = np.concatenate([[0], np.cumsum(counts)])
    return [list(range(a, b)) for a, b in itertools.pairwise(first)]


def alike(values: Any, counts: Sequence[int]) -> list[list[int]]:
    """Sets of features, by number, whose layers rank the samples much alike, each in order; single features among them.

    Average-linkage clusters of 1 - |Spearman's rho|, of two features the largest over their layers; missing values rank at the median.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.stats import rankdata

    sets = features(counts)
    if len(sets) == 1:
        return [[0]]
    filled = np.where(np.isfinite(values), values, np.nan_to_num(np.nanmedian(np.where(np.isfinite(values).any(axis=0), values, 0.0), axis=0)))
    ranks = np.apply_along_axis(rankdata, 0, filled)
    ranks = ranks - ranks.mean(axis=0)
    length = np.linalg.norm(ranks, axis=0)
    unit = ranks / np.where(length > 0, length, 1.0)
    rho = np.abs(unit.T @ unit)
    apart = np.zeros((len(sets), len(sets)))
    for i, one in enumerate(sets):
        for j in range(i + 1, len(sets)):
            apart[i, j] = apart[j, i] = 1.0 - min(1.0, float(rho[np.ix_(one, sets[j])].max()))
    cluster = fcluster(linkage(squareform(apart), "average"), 1.0 - ALIKE, "distance")
    return sorted([np.flatnonzero(cluster == c).tolist() for c in np.unique(cluster)])
