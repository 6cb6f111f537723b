"""Merit: several things a target should have, each from 0 to 1, weighed together; and how far the ranking hangs on the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pipeline.learning.draws import Floats, Ints, derive, uniform

PARTS = ("prospectivity", "confidence", "access", "footprint")
DRAWS = 1000
SPREAD = 0.3
TOP = 10


def confidence(*, applicability: float | None, mean: float, spread: float, inferred: float | None) -> float:
    """How far a target may be believed, 0 to 1: the mean of those known of its applicability, of 1 less the refit spread as a share of its
    `mean` prospectivity, and of the share of it that rests on measured rock."""
    steady = max(0.0, 1.0 - spread / mean) if mean > 0 else 0.0
    known = [steady, *([] if applicability is None else [applicability]), *([] if inferred is None else [1.0 - inferred])]
    return math.fsum(known) / len(known)


def access(hours: Mapping[str, float | None], goals: Mapping[str, tuple[float, float]]) -> float:
    """How near its goals a target is, 0 to 1: the weighted mean over goals, by name (half_h, weight), of what halves every `half_h` hours; 0 for
    one that cannot be reached. Exponential decay after Hansen (1959) and Wilson (1971)."""
    worth = [(0.0 if (hours_to := hours[name]) is None else 0.5 ** (hours_to / half_h)) * weight for name, (half_h, weight) in goals.items()]
    return math.fsum(worth) / math.fsum(weight for _, weight in goals.values())


def relative(values: Floats) -> Floats:
    """Values of 0 or more as shares of the largest; (n,). All 0 where none is above 0."""
    top = values.max(initial=0.0)
    return np.asarray(values / top if top > 0 else np.zeros(len(values)), np.float64)


def merit(parts: Floats, weights: Mapping[str, float]) -> Floats:
    """The weighted mean of the parts, (n, len(PARTS)) in the order of PARTS; (n,). A part that is NaN for all weighs nothing."""
    weight = np.array([weights[name] for name in PARTS])
    return np.asarray(_weighed(parts, weight[None, :])[0])


def staying(parts: Floats, weights: Mapping[str, float], *, order: Floats, seed: int) -> Floats:
    """For each target the share of draws in which it is among the TOP by merit, when each weight varies alone and evenly by SPREAD; (n,).

    `order` (n,) settles equal merits, higher first. With no more than TOP targets each always stays.
    """
    n = len(parts)
    if n <= TOP:
        return np.ones(n)
    drawn = np.stack([uniform(np.arange(DRAWS), seed=derive(seed, "merit", name), stream="weights") for name in PARTS], axis=1)
    weight = np.array([weights[name] for name in PARTS]) * (1.0 + SPREAD * (2.0 * drawn - 1.0))
    held = np.zeros(n)
    for row in _weighed(parts, weight):
        held[np.lexsort((-order, -row))[:TOP]] += 1
    return held / DRAWS


def places(merits: Floats, order: Floats) -> Ints:
    """The place of each target, 1 for the highest merit; equal merits by `order`, higher first; (n,)."""
    place = np.empty(len(merits), np.int64)
    place[np.lexsort((-order, -merits))] = np.arange(1, len(merits) + 1)
    return place


def _weighed(parts: Floats, weight: Floats) -> Floats:
    """(draws, n) from parts (n, p) and weights (draws, p)."""
    known = ~np.isnan(parts).all(axis=0) if len(parts) else np.ones(parts.shape[1], bool)
    weight = np.where(known, weight, 0.0)
    held = np.nan_to_num(parts)
    total = sum((weight[:, [i]] * held[:, i] for i in range(parts.shape[1])), start=np.zeros((len(weight), len(parts))))
    return np.asarray(total / weight.sum(axis=1)[:, None], np.float64)
