"""Contained metal: deposits of uncertain number, each of log-normal tonnage and grade."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri

from pipeline.learning.draws import Floats, derive, uniform

DRAWS = 20_000
NEVER = 1e-6  # numbers of deposits less likely than this, together, are taken as the largest that is likelier


def log_normal(p90: float, p50: float, p10: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of an amount that 90, 50 and 10 % of deposits reach: the median is kept, the width is that
    of the other two."""
    return math.log(p50), math.log(p10 / p90) / (2 * float(ndtri(0.9)))


def metal_t(tonnage_mt: Mapping[str, float], grade_percent: Mapping[str, float], correlation: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of the metal in one deposit, tonnes: ore times grade, both log-normal, so it is too."""
    (ore, ore_sd), (grade, grade_sd) = log_normal(**tonnage_mt), log_normal(**grade_percent)
    return ore + math.log(1e6) + grade - math.log(100.0), math.sqrt(ore_sd**2 + grade_sd**2 + 2 * correlation * ore_sd * grade_sd)


def sums(mean: float, sd: float, *, most: int, seed: int) -> Floats:
    """Draws of the metal in 1, 2, ... `most` deposits together, each row sorted; (most, DRAWS) tonnes. One seed gives one answer anywhere."""
    places = np.arange(DRAWS)
    drawn = np.stack([uniform(places, seed=derive(seed, "metal", i), stream="deposit") for i in range(most)]) if most else np.empty((0, DRAWS))
    one = np.exp(mean + sd * ndtri(np.clip(drawn, 1e-9, 1 - 1e-9)))
    return np.asarray(np.sort(np.cumsum(one, axis=0), axis=1))


def likely(chance: Floats) -> int:
    """The largest number of deposits that is not next to impossible."""
    beyond = 1.0 - np.cumsum(chance)
    return int(np.argmax(beyond <= NEVER)) if (beyond <= NEVER).any() else len(chance) - 1


def contained(chance: Floats, held: Floats, mean: float, sd: float, *, level: float = 0.9) -> tuple[float, float, float]:
    """Expected metal, and the ends of its central interval, tonnes, where `chance` (n,) is that of 0, 1, ... deposits and `held` are `sums`.

    The expectation is exact; a quantile is that of the mixture of no metal and of the drawn sums, each as likely as its number of deposits.
    """
    expected = float(np.arange(len(chance)) @ chance) * math.exp(mean + sd**2 / 2)
    most = min(likely(chance), len(held))
    weight = np.concatenate([chance[: most + 1], [0.0]])
    weight[most] += 1.0 - chance[: most + 1].sum()
    values = np.concatenate([[0.0], held[:most].ravel()])
    each = np.concatenate([[weight[0]], np.repeat(weight[1 : most + 1] / DRAWS, DRAWS)])
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(each[order])
    ends = np.minimum(np.searchsorted(reached, np.array([1 - level, 1 + level]) / 2 - 1e-12), len(order) - 1)
    low, high = values[order][ends]
    return expected, float(low), float(high)
