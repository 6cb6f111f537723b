"""Scores of rows by models that did not see them: each fold's model, and the nulls beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from pipeline.learning.draws import Floats, Ints, derive
from pipeline.learning.fitted import fitted
from pipeline.learning.importance import positive_share
from pipeline.learning.nulls import NULLS
from pipeline.learning.scores import CURVE_AREA, success_rate_curve
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

MODEL = "model"
NAMES = (MODEL, *NULLS)
OUTSIDE = -1  # the fold of a row that takes no part in a repeat
Mask = npt.NDArray[np.bool_]
Seen = Callable[[Mask, Mask], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class HeldOut:
    """Per seed the fold and the out-of-fold score of each row: `folds` (seeds, n) int64, `scores` by name (seeds, n), NaN where no fit was
    possible, and why not: `skipped` by seed and fold. `taught`: for each fold of the first seed how its model ranks what it was fitted to, as a
    success-rate curve at `scores.CURVE_AREA`, over the scored rows of its side of the split."""

    folds: Ints
    scores: Mapping[str, Floats]
    skipped: Mapping[tuple[int, int], str]
    taught: tuple[Floats, ...] = ()


def held_out(
    table: SampleTable, *, make_model: Callable[[int], BaseEstimator], split: Split, seeds: tuple[int, ...], members: Mask | None = None,
    seen: Seen | None = None, names: tuple[str, ...] = NAMES,
) -> HeldOut:  # fmt: skip
    """For each seed the folds are dealt anew, and `make_model(sub-seed)` and the nulls are fitted once per fold.

    `members` (seeds, n) says which rows take part in each repeat, where the background is drawn anew; all of them when None. Of these the rows
    that train are learned from and the rows that are scored get a score, see `SampleTable`. `seen`, given the masks of all rows on a fold's
    training side and in the fold, gives the evidence of all rows as it would be known were the ground of the fold unmapped. `names`: the model,
    and those of the nulls that are wanted.
    """
    fold_of = np.full((len(seeds), len(table)), OUTSIDE, np.int64)
    for row, seed in enumerate(seeds):
        member = np.ones(len(table), bool) if members is None else members[row]
        fold_of[row, member] = split.assign(table.subset(member), seed=seed)
    scores: dict[str, Floats] = {name: np.full(fold_of.shape, np.nan) for name in names}
    skipped: dict[tuple[int, int], str] = {}
    taught: list[Floats] = []
    for row, seed in enumerate(seeds):
        for fold in range(max(split.folds, int(fold_of[row].max()) + 1)):
            ground, side = fold_of[row] == fold, split.training(table, fold_of[row], fold) & (fold_of[row] != OUTSIDE)
            test, train, known = ground & table.scored, side & table.trains, side & table.scored
            reason = unfit(table, train, test)
            if reason:
                skipped[row, fold] = reason
                continue
            shown = table if seen is None else table.showing(seen(side, ground))
            asked = test | known if row == 0 else test
            taught_on = shown.subset(train)
            found = score_all(make_model, taught_on, shown.subset(asked), seed=seed, part=fold, blocks=split.units(taught_on), names=names)
            for name, score in found.items():
                scores[name][row, test] = score[test[asked]]
            if row == 0:
                taught.append(success_rate_curve(table.label[known], found[MODEL][known[asked]], CURVE_AREA))
    return HeldOut(fold_of, scores, skipped, tuple(taught))


def score_all(
    make_model: Callable[[int], BaseEstimator], train: SampleTable, test: SampleTable, *, seed: int, part: int, blocks: Ints | None = None,
    names: tuple[str, ...] = NAMES,
) -> dict[str, Floats]:  # fmt: skip
    """The score of each test row, (n,), by the model and each null. `blocks`: the pieces of ground of the training rows, for models with folds
    of their own."""
    found = {name: null(train, test, seed=derive(seed, name, part)) for name, null in NULLS.items() if name in names}
    return found | {MODEL: positive_share(fitted(make_model(derive(seed, MODEL, part)), train, blocks), test.values)}


def unfit(table: SampleTable, train: Any, test: Any) -> str | None:
    """Why a fold cannot be scored; None when it can be."""
    if not test.any():
        return "no cell in the fold"
    if not table.positive[train].any():
        return "no positive left to train on"
    if table.positive[train].all():
        return "no background left to train on"
    return None
