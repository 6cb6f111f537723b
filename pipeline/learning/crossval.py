"""Validation: the model and its nulls, fitted and scored on the same folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from pipeline.learning import intervals
from pipeline.learning.calibration import exponent, finds_told
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.heldout import MODEL, OUTSIDE, HeldOut, Seen, held_out
from pipeline.learning.ranges import apart_m, floors
from pipeline.learning.reliability import Scale, reliability
from pipeline.learning.scores import CURVE_AREA, average_precision, capture, prediction_area, prevalence, roc_auc, success_rate_curve
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

__all__ = ["CURVE_AREA", "MODEL", "CrossValidation", "Split", "cross_validate", "floors_met", "optimism"]

CAPTURE_AT = (0.01, 0.05, 0.10)
SOUGHT = (0.5, 0.8, 0.9)  # shares of deposits for which the ground to search is told
CAPTURE_REPLICATES = 300  # each sorts nothing but sums every row of every seed


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation found: the JSON-ready `result`, and per seed the fold and out-of-fold score of each row.

    `folds` (seeds, n) int64; `scores` maps "model" and each null to (seeds, n) float64, NaN where no fit was possible.
    """

    result: dict[str, Any]
    folds: Ints
    scores: Mapping[str, Floats]


def cross_validate(
    table: SampleTable, *, make_model: Callable[[int], BaseEstimator], split: Split, seeds: tuple[int, ...],
    members: npt.NDArray[np.bool_] | None = None, seen: Seen | None = None, scale: Scale | None = "odds",
) -> CrossValidation:  # fmt: skip
    """Score a model and the nulls on rows they were not fitted to (see `held_out` for `members` and `seen`).

    Of the rows that take part those that train are learned from and those that are scored are counted (see `SampleTable`), in the same folds.
    Whatever the model learns from data (medians, scales) it learns inside the fold. Per seed: AUC per fold, their mean and
    sample standard deviation, and over the pooled out-of-fold scores AUC, average precision (chance: the share of
    positives) and the prediction-rate curve. Overall: means over seeds, and `fold_sd` over every fold of every seed; `interval` and
    `capture.interval` are 90 % by redrawing blocks of ground (see `intervals`), and `difference` is the paired one of the model to each
    null. A fold that cannot be scored has `auc` null and a `skipped` reason; it counts in no mean. Pooled figures compare scores of
    different fits, and pooled AUC is biased low under no signal, so verdicts rest on fold means. Parker, Gunter and Bedo (2007).
    DataError as `SampleTable.checked` and `Split.assign`.
    """
    table.checked()
    found = held_out(table, make_model=make_model, split=split, seeds=seeds, members=members, seen=seen)
    of_first = table if members is None else table.subset(members[0])
    blocks, units, first = split.blocks(of_first), split.units(table), found.folds[0]
    trains = [split.training(table, first, fold) & (first != OUTSIDE) & table.trains for fold in range(int(first.max()) + 1)]
    apart = apart_m(table, first, lambda fold: trains[fold])
    protocol = {
        "split": split.describe(),
        "kind": split.kind,
        "folds": max(split.folds, len(trains)) if split.kind != "clusters" else len(trains),
        "seeds": list(seeds),
        "blocks": None if blocks is None else len(np.unique(blocks)),
        "blocks_with_positives": None if blocks is None else len(np.unique(blocks[of_first.positive])),
        **_counts(of_first.subset(of_first.scored)),
        "floors": floors(of_first),
        "apart_km": None if apart is None else round(apart / 1000, 3),
    }
    protocol["floors_met"] = floors_met(protocol)
    return CrossValidation({"protocol": protocol, **figures(table, seeds, found, units, scale)}, found.folds, found.scores)


def figures(table: SampleTable, seeds: tuple[int, ...], found: HeldOut, units: Ints, scale: Scale | None = "odds") -> dict[str, Any]:
    """The figures of held-out scores: `scores` by name, the `difference` of the model to each null, the `ranks` of held-out deposits, and the
    model's `reliability` and `calibration`, its answers being of `scale`."""
    weight = intervals.weights(units, seed=seeds[0])
    draws = {name: intervals.fold_mean_draws(table.label, score, found.folds, units, weight) for name, score in found.scores.items()}
    scored = {name: _scored(table, seeds, found, name) for name in found.scores}
    for name, score in found.scores.items():
        scored[name]["interval"] = intervals.interval(draws[name])
        captured = _captured(table, score[0], units, weight[:CAPTURE_REPLICATES], at=CAPTURE_AT)
        scored[name]["capture"]["interval"] = [intervals.interval(column) for column in captured.T]
    rate, redrawn = scored[MODEL]["prediction_rate"], weight[:CAPTURE_REPLICATES]
    curves = np.mean([_captured(table, score, units, redrawn, at=tuple(CURVE_AREA)) for score in found.scores[MODEL]], axis=0)
    rate["interval"] = [intervals.interval(column) for column in curves.T]
    scored[MODEL]["search"] = search(rate["captured"], curves)
    scored[MODEL]["success_rate"] = {
        "area": [_plain(a) for a in CURVE_AREA], "captured": [_plain(c) for c in np.mean(found.taught, axis=0)] if found.taught else None,
    }  # fmt: skip
    apart = {
        name: {"mean": _less(scored[MODEL]["fold_mean"], scored[name]["fold_mean"]), "interval": intervals.interval(draws[MODEL] - draw)}
        for name, draw in draws.items() if name != MODEL
    }  # fmt: skip
    finds = float(len(np.unique(table.group[table.positive & table.scored])))
    told = reliability(table.label, found.scores[MODEL], scale, finds=finds)
    rows = np.unique(units, return_inverse=True)[1]
    finds = finds_told(table.label, found.scores[MODEL], table.group, scale, finds=finds)
    right = exponent(table.label, found.scores[MODEL], rows, weight, scale, finds=finds)
    if right is not None:
        right["finds"] = round(finds, 6)
    return {"scores": scored, "difference": apart, "ranks": ranks(table, found), "reliability": told, "calibration": right}


def paired(table: SampleTable, one: CrossValidation, other: HeldOut, units: Ints, *, seed: int) -> dict[str, Any]:
    """The model of `other`, held out in the same folds, beside that of `one`: its `fold_mean`, and the `difference` that `one` makes with its
    90 % interval, blocks drawn alike for both."""
    weight = intervals.weights(units, seed=seed)
    with_, without = (intervals.fold_mean_draws(table.label, found.scores[MODEL], found.folds, units, weight) for found in (one, other))
    seeds = tuple(range(len(other.folds)))
    mean = _scored(table, seeds, other, MODEL)["fold_mean"]
    apart = {"mean": _less(one.result["scores"][MODEL]["fold_mean"], mean), "interval": intervals.interval(with_ - without)}
    return {"fold_mean": mean, "difference": apart}


def floors_met(protocol: Mapping[str, Any]) -> bool | None:
    """Whether held-out deposits are further from those that teach than the evidence reaches and than neighbours lie; None if not known."""
    known = [floor for floor in protocol["floors"].values() if floor is not None]
    return None if protocol["apart_km"] is None or not known else bool(protocol["apart_km"] >= max(known))


def optimism(
    table: SampleTable, *, make_model: Callable[[int], BaseEstimator], split: Split, seed: int, members: npt.NDArray[np.bool_] | None, honest: Mapping[str, Any]
) -> dict[str, Any]:
    """How much a random split would flatter: mean fold AUC of model and coordinates under one, and its excess over the `honest` scores.

    Positives that are not scored are left out: at random they would come to lie on both sides.
    """
    still = table.scored | ~table.positive
    table, members = table.subset(still), None if members is None else members[:, still]
    one = None if members is None else members[:1]
    found = held_out(table, make_model=make_model, split=Split(kind="random", folds=split.folds), seeds=(seed,), members=one)
    auc = {name: _scored(table, (seed,), found, name)["fold_mean"] for name in (MODEL, "coordinates")}
    return {"split": f"random split in {split.folds} folds, for the gap only", "auc": auc, "gap": _less(auc[MODEL], honest[MODEL]["fold_mean"])}


def ranks(table: SampleTable, found: HeldOut) -> list[dict[str, Any]]:
    """For each deposit group the percentile of its best scored cell among the background it was held out with, mean over seeds: 100 is above all."""
    told = []
    for group in np.unique(table.group[table.positive & table.scored]):
        rows, at = table.scored & (table.group == group), []
        for fold, score in zip(found.folds, found.scores[MODEL], strict=True):
            for part in np.unique(fold[rows]):
                ground = score[(fold == part) & ~table.positive & np.isfinite(score)]
                best = score[rows & (fold == part)].max()
                if np.isfinite(best) and len(ground):
                    at.append(100 * float(np.mean((ground < best) + 0.5 * (ground == best))))
        told.append({"group": int(group), "cells": int(rows.sum()), "percentile": round(math.fsum(at) / len(at), 3) if at else None})
    return told


def search(captured: Sequence[float | None], curves: Floats, *, sought: Sequence[float] = SOUGHT) -> list[dict[str, Any]]:
    """The share of the ground to search for each `sought` share of deposits: where the prediction-rate curve over CURVE_AREA first reaches it,
    and the 90 % interval of that over `curves` (replicates, areas). None where it is not reached."""
    told = []
    for share in sought:
        redrawn = np.array([_reach(curve, share) for curve in curves])
        told.append({"captured": share, "area": _plain(_reach(np.array(captured, np.float64), share)), "interval": intervals.interval(redrawn)})
    return told


def _reach(captured: Floats, share: float) -> float:
    after = np.flatnonzero(captured >= share)
    if not len(after):
        return float("nan")
    i = int(after[0])
    if i == 0:
        return float(CURVE_AREA[0])
    step = captured[i] - captured[i - 1]
    return float(CURVE_AREA[i - 1] + (CURVE_AREA[i] - CURVE_AREA[i - 1]) * ((share - captured[i - 1]) / step if step > 0 else 1.0))


def _captured(table: SampleTable, score: Floats, units: Ints, weight: Floats, *, at: tuple[float, ...]) -> Floats:
    """Shares captured in the best shares `at` of the ground in each replicate, from the scores of one seed; (replicates, len(at))."""
    held = np.isfinite(score)
    place = np.unique(units, return_inverse=True)[1][held]
    if len(np.unique(table.label[held])) < 2:
        return np.full((len(weight), len(at)), np.nan)
    own, of = np.unique(place, return_inverse=True)
    return intervals.capture_draws(table.label[held], score[held], of, weight[:, own], at=at)


def _scored(table: SampleTable, seeds: tuple[int, ...], found: HeldOut, name: str) -> dict[str, Any]:
    per_seed: list[dict[str, Any]] = []
    curves = []
    for row, seed in enumerate(seeds):
        fold_of, scores = found.folds[row], found.scores[name][row]
        parts = range(max(int(fold_of.max()), max((part for at, part in found.skipped if at == row), default=0)) + 1)
        by_fold = [_fold(table, fold, (fold_of == fold) & table.scored, scores, found.skipped.get((row, fold))) for fold in parts]
        held = np.isfinite(scores)
        label, score = table.label[held], scores[held]
        curves.append(success_rate_curve(label, score, CURVE_AREA))
        told = {
            "pooled_auc": _plain(roc_auc(label, score)),
            "average_precision": _plain(average_precision(label, score)),
            "chance_average_precision": _plain(prevalence(label)),
            "capture": [_plain(share) for share in capture(label, score, at=CAPTURE_AT)],
        }
        aucs = [fold["auc"] for fold in by_fold]
        per_seed.append({"seed": int(seed), "fold_mean": _mean(aucs), "fold_sd": _sd(aucs), **told, "folds": by_fold})
    means = {key: _mean([seed[key] for seed in per_seed]) for key in ("pooled_auc", "average_precision", "chance_average_precision")}
    captured = [_mean([seed["capture"][i] for seed in per_seed]) for i in range(len(CAPTURE_AT))]
    curve = np.mean(curves, axis=0)
    meets = prediction_area(CURVE_AREA, curve)
    return {
        "fold_mean": _mean([seed["fold_mean"] for seed in per_seed]),
        "fold_sd": _sd([fold["auc"] for seed in per_seed for fold in seed["folds"]]),
        **means,
        "capture": {"area": list(CAPTURE_AT), "captured": captured},
        "prediction_rate": {"area": [_plain(a) for a in CURVE_AREA], "captured": [_plain(c) for c in curve]},
        "prediction_area": None if meets is None else {key: _plain(value) if math.isfinite(value) else None for key, value in meets.items()},
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


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 6)


def _plain(value: float) -> float | None:
    """Six places, as JSON can hold it: None for NaN."""
    return None if math.isnan(value) else round(float(value), 6)
