"""How sure a score is: the blocks of ground it was measured on, drawn again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats, Ints, uniform

REPLICATES = 1000
LEVEL = 0.90


def weights(unit: Ints, *, seed: int, replicates: int = REPLICATES) -> Floats:
    """How often each unit of ground is drawn in each replicate; (replicates, units) in the order of `np.unique(unit)`.

    A draw belongs to the unit and the replicate (Poisson with mean 1), so that one piece of ground weighs alike in every fold, seed and model
    of a replicate: differences between them are paired. Bootstrap of blocks: Efron and Tibshirani (1993); Poisson weights: Hanley and
    MacGibbon (2006).
    """
    from scipy.stats import poisson

    units = np.unique(unit)
    drawn = np.stack([uniform(units, seed=seed, stream=f"bootstrap {i}") for i in range(replicates)])
    return np.asarray(poisson.ppf(drawn, 1.0), np.float64)


def auc_draws(label: npt.NDArray[Any], score: Floats, unit: Ints, weight: Floats) -> Floats:
    """AUC of the rows in each replicate; (replicates,), NaN where it drew no positive or no background.

    `unit` (n,) holds the place of each row's unit among the columns of `weight`. Pairs of a positive and a background cell weigh as the
    product of their units' weights; ties count half.
    """
    positive = np.asarray(label) == 1
    own, of = np.unique(unit, return_inverse=True)
    wins = np.zeros((len(own), len(own)))
    for place in np.flatnonzero(positive):
        above = (score[place] > score[~positive]) + 0.5 * (score[place] == score[~positive])
        wins[of[place]] += np.bincount(of[~positive], above, len(own))
    drawn = weight[:, own]
    pairs = (drawn @ np.bincount(of[positive], minlength=len(own))) * (drawn @ np.bincount(of[~positive], minlength=len(own)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((drawn @ wins) * drawn).sum(axis=1) / pairs, np.float64)


def fold_mean_draws(label: npt.NDArray[Any], scores: Floats, fold_of: Ints, unit: Ints, weight: Floats) -> Floats:
    """The mean over the folds of all seeds of `auc_draws`; (replicates,). `scores`, `fold_of` (seeds, n), NaN where a row was not scored."""
    place = np.searchsorted(np.unique(unit), unit)
    found = []
    for score, fold in zip(scores, fold_of, strict=True):
        for one in np.unique(fold[np.isfinite(score)]):
            rows = (fold == one) & np.isfinite(score)
            if len(np.unique(label[rows])) == 2:
                found.append(auc_draws(label[rows], score[rows], place[rows], weight))
    if not found:
        return np.full(len(weight), np.nan)
    held = np.stack(found)
    known = np.isfinite(held)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, held, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan), np.float64)


def capture_draws(label: npt.NDArray[Any], score: Floats, unit: Ints, weight: Floats, *, at: tuple[float, ...]) -> Floats:
    """Share of positives captured in the best shares `at` of the background, in each replicate; (replicates, len(at)).

    As `scores.success_rate_curve`: within tied scores positives and area grow together.
    """
    order = np.argsort(-score, kind="stable")
    place = np.searchsorted(np.unique(unit), unit)[order]
    positive = (np.asarray(label) == 1)[order]
    falling = score[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    shares, found = np.asarray(at, np.float64), np.full((len(weight), len(at)), np.nan)
    for i, drawn in enumerate(weight):
        row = drawn[place]
        area, caught = np.cumsum(np.where(positive, 0.0, row))[ends], np.cumsum(np.where(positive, row, 0.0))[ends]
        if area[-1] > 0 and caught[-1] > 0:
            found[i] = np.interp(shares * area[-1], np.append(0.0, area), np.append(0.0, caught)) / caught[-1]
    return found


def interval(draws: Floats, *, level: float = LEVEL) -> list[float] | None:
    """The central `level` of the draws, ends included; None where fewer than half of them are known."""
    known = draws[np.isfinite(draws)]
    if len(known) < len(draws) / 2:
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return [round(float(low), 6), round(float(high), 6)]
