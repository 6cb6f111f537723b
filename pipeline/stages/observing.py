"""Observing: what to look at next for a target, so that its place would change most for what the look costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.bundle import Column
from pipeline.config import Loaded
from pipeline.errors import ConfigError
from pipeline.learning.draws import Floats
from pipeline.recipe import Array

EPOCH = 1
QUARTILES = (0.25, 0.75)
COLUMNS = {
    "next_observation": Column("str", "Look at next", "", "The observation that could change its rank most for what it costs; empty where none would."),
    "next_rank_change": Column("Int64", "Places at stake", "", "Between how many places that observation could move it."),
}


def asked(loaded: Loaded, features: tuple[str, ...], counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """The observations of config as plain values, the columns of evidence they settle in place of the features; ConfigError for what is no evidence."""
    first = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    told = []
    for name, one in loaded.config.targets.observations.items():
        for feature in one.features:
            if feature not in features:
                where = loaded.where("targets", "observations", name, "features")
                raise ConfigError(f"{where}: {registry.unknown('evidence', feature, features)}")
        columns = [column for feature in one.features for column in range(first[features.index(feature)], first[features.index(feature) + 1])]
        told.append({"title": one.title, "cost": one.cost, "columns": columns, "maps": one.maps, "visits": one.visits})
    return told


def best(
    targets: list[dict[str, Any]], values: Array, *, ground: Array, model: Any, observations: list[dict[str, Any]], weights: Mapping[str, float]
) -> list[dict[str, Any]]:
    """For each target the words of COLUMNS.

    An observation of features may find them, at the best cell (`values`, (n, columns)), at either quartile of the background (`ground`, (rows, columns)),
    and the model says what the cell would then be; one that maps the rock makes inferred rock measured, and asks nothing where none is inferred; a
    visit may find the best cell better or worse by the refit spread. Each outcome gives a merit and so a place among the new targets, all else as it is:
    the places between the best and the worst outcome, now included, over the cost. The cheapest of equals, then the first in config.
    """
    from pipeline.learning import merit

    new = np.array([target["status"] == "new" for target in targets], bool)
    if not observations or not new.any():
        return [dict.fromkeys(COLUMNS) for _ in targets]
    parts = np.array([[np.nan if (p := t[f"merit_{name}"]) is None else p for name in merit.PARTS] for t in targets], np.float64)
    known = {name: weight if np.isfinite(parts[:, i]).any() else 0.0 for i, (name, weight) in enumerate((n, weights[n]) for n in merit.PARTS)}
    merits, top = merit.merit(parts, known), max(target["max_prospectivity"] for target in targets)
    found: list[list[tuple[float, float, int, int]]] = [[] for _ in targets]
    for place, one in enumerate(observations):
        outcomes = _outcomes(targets, values, parts, ground, model, one, top)
        worth = np.stack([merits, *(merit.merit(outcome, known) for outcome in outcomes)])
        for i in np.flatnonzero(new):
            if one["maps"] and not targets[i]["inferred_share"]:
                continue
            others = merits[new & (np.arange(len(targets)) != i)]
            ranks = 1 + (others[None, :] > worth[:, [i]]).sum(axis=1)
            change = int(ranks.max() - ranks.min())
            found[i].append((-change / one["cost"], one["cost"], place, change))
    told = []
    for choices in found:
        value, _, place, change = min(choices, default=(0.0, 0.0, 0, 0))
        told.append({"next_observation": observations[place]["title"], "next_rank_change": change} if value < 0 else dict.fromkeys(COLUMNS))
    return told


def _outcomes(
    targets: list[dict[str, Any]], values: Array, parts: Floats, ground: Array, model: Any, one: Mapping[str, Any], top: float
) -> list[Floats]:
    """The parts of merit of all targets under each outcome."""
    from pipeline.learning import merit

    then = parts.copy()
    if one["maps"]:
        then[:, merit.PARTS.index("confidence")] = [
            merit.confidence(applicability=t["mean_applicability"], mean=t["mean_prospectivity"], spread=t["mean_uncertainty"], inferred=0.0) for t in targets
        ]
    here = merit.PARTS.index("prospectivity")
    outcomes = [then]
    for share in QUARTILES if one["columns"] else ():
        rows = values.copy()
        rows[:, one["columns"]] = _quantile(ground[:, one["columns"]], share)
        outcome = then.copy()
        outcome[:, here] = np.asarray(model.predict_both(rows)[0], np.float64) / max(top, np.finfo(float).tiny)
        outcomes.append(outcome)
    for sign in (-1, 1) if one["visits"] else ():
        outcome = then.copy()
        outcome[:, here] = [np.clip(t["max_prospectivity"] + sign * t["mean_uncertainty"], 0, 1) / max(top, np.finfo(float).tiny) for t in targets]
        outcomes.append(outcome)
    return outcomes


def _quantile(ground: Array, share: float) -> Array:
    """The value at a share of each column's known values; (columns,) float32, NaN where none is known."""
    held = np.sort(ground, axis=0)  # NaN last
    count = np.isfinite(held).sum(axis=0)
    at = np.clip(np.ceil(share * count).astype(int) - 1, 0, None)
    return np.where(count > 0, held[at, np.arange(held.shape[1])], np.nan).astype(np.float32) if len(held) else np.full(ground.shape[1], np.nan, np.float32)
