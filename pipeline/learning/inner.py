"""Folds within a training set, for what a model must learn from its own held-out scores: weights of a stack, settings, calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from pipeline.learning.blocks import folds, unite
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.fitted import given

Mask = npt.NDArray[np.bool_]


def inner_folds(codes: Ints, *, groups: Any, blocks: Any, count: int, seed: int) -> Ints | None:
    """The inner fold of each row; (n,) int64 in 0..count-1. None with fewer than two deposit groups: none could be held out.

    `codes` (n,) is 1 for positives. Whole `blocks` (n,), joined where a deposit group spans them, are dealt as by `blocks.folds`; where there
    are none, or all positives lie in one, whole `groups` (n,); without groups, rows. Only blocks show what a model is worth
    where nothing near it was taught. ValueError for groups or blocks of another length. Varma and Simon (2006) on nesting.
    """
    label = codes.astype(np.int8)
    own = _numbered("groups", np.arange(len(codes)) if groups is None else groups, len(codes))
    units = [own] if blocks is None else [unite(_numbered("blocks", blocks, len(codes)), own, label), own]
    for unit in units:
        if len(np.unique(unit[label == 1])) > 1:
            return folds(unit, label, folds=count, seed=seed, groups=own)
    return None


def sides(fold_of: Ints, codes: Ints) -> Iterator[tuple[Mask, Mask]]:
    """Training and held-out rows of each fold that holds any and leaves both classes to train on; (n,) each."""
    for fold in np.unique(fold_of):
        test = np.asarray(fold_of == fold)
        if len(np.unique(codes[~test])) == 2:
            yield ~test, test


def held_out(model: Any, X: Any, codes: Ints, fold_of: Ints, *, groups: Any, blocks: Any, bags: int, sample_weight: Any = None) -> Floats:
    """The score of each row by a copy of the model, of at most `bags` bags, not taught its fold; (n,) float64, NaN where a fold left one class."""
    offered = {"groups": groups, "blocks": blocks, "sample_weight": sample_weight}
    found = np.full(len(X), np.nan)
    fewer = {"bags": min(bags, model.bags)} if hasattr(model, "bags") else {}
    for train, test in sides(fold_of, codes):
        held = {name: ids if ids is None else np.asarray(ids)[train] for name, ids in offered.items()}
        taught = clone(model).set_params(**fewer).fit(X[train], codes[train], **given(model, **held))
        found[test] = taught.predict_proba(X[test])[:, 1]
    return found


def _numbered(name: str, ids: Any, rows: int) -> Ints:
    if np.shape(ids) != (rows,):
        raise ValueError(f"{name} has shape {np.shape(ids)}; expected one of the {name} for each of the {rows} rows")
    return np.asarray(np.unique(ids, return_inverse=True)[1], np.int64)
