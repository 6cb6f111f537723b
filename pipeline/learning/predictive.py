"""What is still to be found, foretold: of so many further deposits, how many will lie on a piece of the map, and how sure that is.

A score on held-out deposits says how well the map did; what a reader wants is how it will do. That is less sure, for two reasons at once: the share was
learnt from few deposits, which come in clusters, and the further ones are few and come in clusters too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, betabinom, norm

from pipeline.learning.draws import Floats
from pipeline.learning.intervals import LEVEL

QUADRATURE = 200  # values a share may take, of equal chance
LEAST = 1e-9  # a share of exactly 0 or 1 would admit no other outcome


class Share(NamedTuple):
    """A share of deposits: its `value`, the number of deposits it was learnt from, and by how much their clusters widen its variance, 1 or more."""

    value: float
    deposits: int
    design: float


class Ranking(NamedTuple):
    """How deposits lie in the ranking of the ground, as normal scores of the share of ground above each: their `mean` and `deviation`."""

    mean: float
    deviation: float


def share_of(value: float, drawn: Floats, deposits: int) -> Share:
    """A share and its design effect (Kish 1965): the variance of its block-bootstrap replicates over that of as many independent deposits.

    Never below 1, which replicates of few blocks may fall to by chance, nor above the number of deposits: then all are one cluster.
    """
    held = drawn[np.isfinite(drawn)]
    at = min(max(value, 0.5 / max(deposits, 1)), 1 - 0.5 / max(deposits, 1))
    alone = at * (1 - at) / max(deposits, 1)
    found = float(held.var()) / alone if len(held) > 1 else 1.0
    return Share(float(value), int(deposits), float(min(max(found, 1.0), max(deposits, 1))))


def number_chances(share: Share, further: int) -> Floats:
    """The chance that 0, 1, ... of `further` deposits lie where `share` of them is expected; (further + 1,).

    Beta-binomial twice over: the share itself is known as from deposits over design effect independent ones (Beta posterior of Jeffreys' prior), and
    given the share the further ones are as clustered as those it was learnt from: their counts vary by the same correlation within clusters.
    """
    if further == 0:
        return np.ones(1)
    effective = share.deposits / share.design
    levels = (np.arange(QUADRATURE) + 0.5) / QUADRATURE
    shares = np.clip(beta.ppf(levels, effective * share.value + 0.5, effective * (1 - share.value) + 0.5), LEAST, 1 - LEAST)
    alike = (share.design - 1) / max(share.deposits - 1, 1)  # correlation of two deposits of the sample
    counts = np.arange(further + 1)
    if alike <= LEAST:
        from scipy.stats import binom

        return np.asarray(binom.pmf(counts, further, shares[:, None]).mean(axis=0), np.float64)
    spread = 1 / alike - 1
    return np.asarray(betabinom.pmf(counts, further, shares[:, None] * spread, (1 - shares[:, None]) * spread).mean(axis=0), np.float64)


def mixed(share: Share, numbers: Floats) -> Floats:
    """`number_chances` over an uncertain number of further deposits: `numbers` (k,) is the chance of 0, 1, ... of them; (k,)."""
    found = np.zeros(len(numbers))
    for further in np.flatnonzero(numbers):
        chances = number_chances(share, int(further))
        found[: len(chances)] += numbers[further] * chances
    return found


def central(chances: Floats, *, level: float = LEVEL) -> tuple[int, int]:
    """The least and the largest count of the central `level`: at most half of the rest lies below the one, and above the other."""
    below = np.cumsum(chances)
    tail = (1 - level) / 2
    low = int(np.searchsorted(below, tail * below[-1], side="right"))
    high = int(np.searchsorted(below, (1 - tail) * below[-1], side="left"))
    return low, min(max(high, low), len(chances) - 1)


def ranking(label: npt.NDArray[Any], score: Floats, weight: Floats | None = None) -> Ranking:
    """Where the positives lie in the ranking of the background, as the binormal curve that fits (Dorfman and Alf 1969; here by moments).

    `weight` (n,): how often each row counts, as in a replicate of the bootstrap. NaN where no positive or no background counts.
    """
    positive = np.asarray(label) == 1
    counts = np.ones(len(score)) if weight is None else np.asarray(weight, np.float64)
    if counts[positive].sum() <= 0 or counts[~positive].sum() <= 0:
        return Ranking(float("nan"), float("nan"))
    order = np.argsort(score[~positive], kind="stable")
    ground, mass = score[~positive][order], np.concatenate(([0.0], np.cumsum(counts[~positive][order])))
    total = mass[-1]
    under, upto = (mass[np.searchsorted(ground, score[positive], side=side)] for side in ("left", "right"))
    below = (0.5 * (under + upto) + 0.5) / (total + 1)
    z, w = norm.ppf(below), counts[positive] / counts[positive].sum()
    mean = float(w @ z)
    return Ranking(mean, float(np.sqrt(max(w @ (z - mean) ** 2, 1e-4))))


def captured(found: Ranking, area: Floats) -> Floats:
    """Share of deposits in the best `area` of the ground by a binormal ranking, 0 to 1; shape of `area`."""
    z = norm.isf(np.clip(area, 0.0, 1.0))
    return np.asarray(norm.sf((z - found.mean) / found.deviation), np.float64)


def intensity_of_ranks(found: Ranking, ranks: Floats) -> Floats:
    """Share of all deposits in each cell of the ground, from its rank: `ranks` (n,) from 0, the best, to n - 1; adds up to 1 over the ground."""
    n = len(ranks)
    edges = captured(found, np.arange(n + 1) / n)
    return np.asarray(np.diff(edges)[np.asarray(ranks, np.int64)], np.float64)
