"""Spatial leave-pair-out: the AUC of a model, one deposit and one background cell held out at a time. For when deposits are few.

Airola and others (2019): with few positives, folds pool scores of different models, which biases AUC low, and neighbours in the training
rows bias it high; leaving out a pair, and all that lies near either, does neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator

from pipeline.learning import intervals
from pipeline.learning.draws import Floats, derive, uniform
from pipeline.learning.heldout import MODEL, NAMES, Mask, score_all
from pipeline.learning.ranges import floors
from pipeline.learning.table import SampleTable


def leave_pair_out(
    table: SampleTable, *, make_model: Callable[[int], BaseEstimator], pairs: int, buffer_m: float, seeds: tuple[int, ...], members: Mask | None = None
) -> dict[str, Any]:
    """The result of a validation, as `cross_validate` gives it, where a fold is one deposit group and its AUC the share of its pairs won.

    Each group meets the same number of background cells, `pairs` per seed in all and at least one each, those of lowest draw. For a pair
    the model is fitted without the group, the background cell, and every row within `buffer_m` of either; a group of several cells scores
    the mean of theirs. A tie counts half. Scored rows alone are met, and what trains is learned from; near a group is near any of its rows, scored
    or not. `members` as in `held_out`. No surface is scored, so `reliability` is None. DataError as `SampleTable.checked`.
    """
    table.checked()
    ids = np.unique(table.group[table.positive & table.scored])
    each = min(max(1, pairs // len(ids)), int((~table.positive & table.scored).sum()))
    places = np.column_stack((table.x, table.y))
    won: dict[str, list[list[float | None]]] = {name: [] for name in NAMES}
    for row, seed in enumerate(seeds):
        member = np.ones(len(table), bool) if members is None else members[row]
        rows: dict[str, list[float | None]] = {name: [] for name in NAMES}
        for group in ids:
            found = _met(table, places, group, member, make_model, each=each, buffer_m=buffer_m, seed=seed)
            for name in NAMES:
                rows[name].append(round(math.fsum(found[name]) / len(found[name]), 6) if found[name] else None)
        for name in NAMES:
            won[name].append(rows[name])
    first = table if members is None else table.subset(members[0])
    scored = first.subset(first.scored)
    protocol = {
        "split": f"leave-pair-out, {each} pairs a deposit group, {buffer_m / 1000:g} km around both left out", "kind": "leave_pair_out",
        "folds": len(ids), "seeds": list(seeds), "blocks": None, "blocks_with_positives": None, "positives": int(scored.positive.sum()),
        "groups": len(ids), "background": int((~scored.positive).sum()), "floors": floors(first), "apart_km": round(buffer_m / 1000, 3),
    }  # fmt: skip
    known = [floor for floor in floors(first).values() if floor is not None]
    protocol["floors_met"] = bool(buffer_m / 1000 >= max(known)) if known else None
    weight = intervals.weights(ids, seed=seeds[0])
    draws = {name: _draws(np.array(won[name], np.float64), weight) for name in NAMES}
    scores = {name: _told(won[name], seeds, ids, intervals.interval(draws[name])) for name in NAMES}
    apart = {
        name: {"mean": _less(scores[MODEL]["fold_mean"], scores[name]["fold_mean"]), "interval": intervals.interval(draws[MODEL] - draws[name])}
        for name in NAMES if name != MODEL
    }  # fmt: skip
    told = [
        {"group": int(group), "cells": int((table.scored & (table.group == group)).sum()), "percentile": _percent([row[i] for row in won[MODEL]])}
        for i, group in enumerate(ids)
    ]
    return {"protocol": protocol, "scores": scores, "difference": apart, "ranks": told, "reliability": None}


def _met(
    table: SampleTable, places: Floats, group: int, member: npt.NDArray[np.bool_], make_model: Callable[[int], BaseEstimator], *, each: int,
    buffer_m: float, seed: int,
) -> dict[str, list[float]]:  # fmt: skip
    """For the model and each null, 1 for every pair the group wins, 0 for one it loses, a half for a tie."""
    of_group = member & (table.group == group)
    own = np.flatnonzero(of_group & table.scored)
    ground = np.flatnonzero(member & ~table.positive & table.scored)
    drawn = ground[np.argsort(uniform(table.cell[ground], seed=seed, stream=f"pairs {group}"), kind="stable")[:each]]
    won: dict[str, list[float]] = {name: [] for name in NAMES}
    near = cKDTree(places[of_group]).query(places)[0] < buffer_m
    for other in drawn:
        train = member & table.trains & ~near & (table.group != group) & (np.hypot(*(places - places[other]).T) >= buffer_m)
        train &= table.cell != table.cell[other]  # which may stand in a second row, to be learned from
        if len(np.unique(table.label[train])) < 2:
            continue
        test = table.subset(np.append(own, other))
        found = score_all(make_model, table.subset(train), test, seed=seed, part=derive(seed, int(group), int(table.cell[other])))
        for name, score in found.items():
            apart = float(score[:-1].mean() - score[-1])
            won[name].append(0.5 if apart == 0 else float(apart > 0))
    return won


def _draws(won: Floats, weight: Floats) -> Floats:
    """The mean over groups and seeds when groups are redrawn; (replicates,)."""
    known = np.isfinite(won)
    share = np.where(known.any(axis=0), np.where(known, won, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    held = np.isfinite(share)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weight[:, held] @ share[held]) / weight[:, held].sum(axis=1), np.float64)


def _told(won: list[list[float | None]], seeds: tuple[int, ...], ids: Any, interval: list[float] | None) -> dict[str, Any]:
    per_seed = []
    for seed, row in zip(seeds, won, strict=True):
        folds = [
            {"fold": int(i), "group": int(group), "auc": auc, "skipped": None if auc is not None else "nothing left to train on"}
            for i, (group, auc) in enumerate(zip(ids, row, strict=True))
        ]
        per_seed.append({"seed": int(seed), "fold_mean": _mean(row), "folds": folds})
    return {"fold_mean": _mean([seed["fold_mean"] for seed in per_seed]), "interval": interval, "per_seed": per_seed}


def _mean(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return round(math.fsum(known) / len(known), 6) if known else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 6)


def _percent(values: list[Any]) -> float | None:
    mean = _mean(values)
    return None if mean is None else round(100 * mean, 3)
