"""Validation: the model and its nulls, fitted and scored on the same folds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from pipeline.learning.draws import Floats, Ints, derive
from pipeline.learning.importance import fitted, positive_share
from pipeline.learning.nulls import NULLS
from pipeline.learning.scores import average_precision, capture, prevalence, roc_auc, success_rate_curve
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

__all__ = ["CURVE_AREA", "MODEL", "CrossValidation", "Split", "cross_validate"]

MODEL = "model"
OUTSIDE = -1  # the fold of a row that takes no part in a repeat
CAPTURE_AT = (0.01, 0.05, 0.10)
CURVE_AREA: Floats = np.linspace(0.0, 1.0, 51) ** 2  # closer together at small areas, where targets are


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation found: the JSON-ready `result`, and per seed the fold and out-of-fold score of each row.

    `folds` (seeds, n) int64; `scores` maps "model" and each null to (seeds, n) float64, NaN where no fit was possible.
    """

    result: dict[str, Any]
    folds: Ints
    scores: dict[str, Floats]


def cross_validate(
    table: SampleTable, *, make_model: Callable[[int], BaseEstimator], split: Split, seeds: tuple[int, ...],
    members: npt.NDArray[np.bool_] | None = None,
) -> CrossValidation:  # fmt: skip
    """Score a model and the nulls on rows they were not fitted to.

    `members` (seeds, n) says which rows take part in each repeat, where the background is drawn anew; all of them when None. Of these
    the rows that train are learned from and those that are scored are counted (see `SampleTable`), in the same folds.

    For each seed the folds are dealt anew and `make_model(sub-seed)` is fitted once per fold, with `groups` and weights when its
    fit takes them; whatever it learns from data (medians, scales) it learns inside the fold. Per seed: AUC per fold, their mean and
    sample standard deviation, and over the pooled out-of-fold scores AUC, average precision (chance: the share of
    positives) and the success-rate curve. Overall: means over seeds, and `fold_sd` over every fold of every seed. A fold
    that cannot be scored has `auc` null and a `skipped` reason; it counts in no mean. Pooled figures compare scores of
    different fits, and pooled AUC is biased low under no signal, so verdicts rest on fold means.
    Parker, Gunter and Bedo (2007). DataError as `SampleTable.checked` and `Split.assign`.
    """
    table.checked()
    names = (MODEL, *NULLS)
    fold_of = np.full((len(seeds), len(table)), OUTSIDE, np.int64)
    for row, seed in enumerate(seeds):
        member = np.ones(len(table), bool) if members is None else members[row]
        fold_of[row, member] = split.assign(table.subset(member), seed=seed)
    scores: dict[str, Floats] = {name: np.full(fold_of.shape, np.nan) for name in names}
    skipped: dict[tuple[int, int], str] = {}
    for row, seed in enumerate(seeds):
        for fold in range(split.folds):
            test = (fold_of[row] == fold) & table.scored
            train = split.training(table, fold_of[row], fold) & (fold_of[row] != OUTSIDE) & table.trains
            reason = _unfit(table, train, test)
            if reason:
                skipped[row, fold] = reason
                continue
            taught, held_out = table.subset(train), table.subset(test)
            for name in names:
                sub_seed = derive(seed, name, fold)
                if name == MODEL:
                    scores[name][row, test] = _model_score(make_model(sub_seed), taught, held_out)
                else:
                    scores[name][row, test] = NULLS[name](taught, held_out, seed=sub_seed)
    blocks = split.blocks(table)
    protocol = {
        "split": split.describe(),
        "kind": split.kind,
        "folds": split.folds,
        "seeds": list(seeds),
        "blocks": None if blocks is None else len(np.unique(blocks)),
        "blocks_with_positives": None if blocks is None else len(np.unique(blocks[table.positive])),
        **_counts(table.subset(table.scored if members is None else table.scored & members[0])),
    }
    scored = {name: _scored(table, seeds, fold_of, scores[name], split.folds, skipped) for name in names}
    return CrossValidation({"protocol": protocol, "scores": scored}, fold_of, scores)


def _model_score(model: BaseEstimator, train: SampleTable, test: SampleTable) -> Floats:
    return positive_share(fitted(model, train), test.values)


def _unfit(table: SampleTable, train: Any, test: Any) -> str | None:
    if not test.any():
        return "no cell in the fold"
    if not table.positive[train].any():
        return "no positive left to train on"
    if table.positive[train].all():
        return "no background left to train on"
    return None


def _scored(
    table: SampleTable, seeds: tuple[int, ...], fold_of: Ints, scores: Floats, folds: int, skipped: dict[tuple[int, int], str]
) -> dict[str, Any]:
    per_seed: list[dict[str, Any]] = []
    curves = []
    for row, seed in enumerate(seeds):
        by_fold = [_fold(table, fold, (fold_of[row] == fold) & table.scored, scores[row], skipped.get((row, fold))) for fold in range(folds)]
        held = np.isfinite(scores[row])
        label, score = table.label[held], scores[row][held]
        curves.append(success_rate_curve(label, score, CURVE_AREA))
        figures = {
            "pooled_auc": _plain(roc_auc(label, score)),
            "average_precision": _plain(average_precision(label, score)),
            "chance_average_precision": _plain(prevalence(label)),
            "capture": [_plain(share) for share in capture(label, score, at=CAPTURE_AT)],
        }
        aucs = [fold["auc"] for fold in by_fold]
        per_seed.append({"seed": int(seed), "fold_mean": _mean(aucs), "fold_sd": _sd(aucs), **figures, "folds": by_fold})
    means = {name: _mean([seed[name] for seed in per_seed]) for name in ("pooled_auc", "average_precision", "chance_average_precision")}
    captured = [_mean([seed["capture"][i] for seed in per_seed]) for i in range(len(CAPTURE_AT))]
    return {
        "fold_mean": _mean([seed["fold_mean"] for seed in per_seed]),
        "fold_sd": _sd([fold["auc"] for seed in per_seed for fold in seed["folds"]]),
        **means,
        "capture": {"area": list(CAPTURE_AT), "captured": captured},
        "success_rate": {"area": [_plain(a) for a in CURVE_AREA], "captured": [_plain(c) for c in np.mean(curves, axis=0)]},
        "per_seed": per_seed,
    }


def _fold(table: SampleTable, fold: int, test: Any, scores: Floats, skipped: str | None) -> dict[str, Any]:
    held_out = table.subset(test)
    if skipped is None and not held_out.positive.any():
        skipped = "no positive in the fold"
    elif skipped is None and held_out.positive.all():
        skipped = "no background in the fold"
    auc = _plain(roc_auc(held_out.label, scores[test])) if skipped is None else None
    return {"fold": fold, **_counts(held_out), "auc": auc, "skipped": skipped}


def _counts(table: SampleTable) -> dict[str, int]:
    positive = table.positive
    return {
        "positives": int(positive.sum()),
        "groups": len(np.unique(table.group[positive])),
        "background": int((~positive).sum()),
    }


def _mean(values: list[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return _plain(math.fsum(held) / len(held)) if held else None


def _sd(values: list[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return _plain(float(np.std(held, ddof=1))) if len(held) > 1 else None


def _plain(value: float) -> float | None:
    """Six places, as JSON can hold it: None for NaN."""
    return None if math.isnan(value) else round(float(value), 6)
