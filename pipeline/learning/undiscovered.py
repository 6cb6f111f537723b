"""Undiscovered deposits: an expert's N90, N50 and N10 as a distribution, and the chance that a piece of the ground holds some."""

from __future__ import annotations

import numpy as np

from pipeline.learning.draws import Floats


def number_distribution(n90: int, n50: int, n10: int) -> Floats:
    """The chance of 0, 1, ... n10 undiscovered deposits, (n10 + 1,), from the numbers held to be reached with 90, 50 and 10 % confidence.

    The rule of the three-part assessments' Mark3 program: a tenth of the chance lies from 0 to N90, four tenths from N90 to N50, four
    from N50 to N10, spread evenly but that an inner end of a range counts half (the end at 0 counts whole), and the last tenth at N10.
    Root, Menzie and Scott (1992); Singer and Menzie (2010). Whole numbers that rise from 0, or the answer has no meaning.
    """
    chance = np.zeros(n10 + 1)
    for first, last, share in ((0, n90, 0.1), (n90, n50, 0.4), (n50, n10, 0.4), (n10, n10, 0.1)):
        weight = np.ones(last - first + 1)
        if last > first:
            weight[-1] = 0.5
            weight[0] = 1.0 if first == 0 and share == 0.1 else 0.5
        chance[first : last + 1] += share * weight / weight.sum()
    return chance


def at_least_one(chance: Floats, share: float) -> float:
    """The chance that ground holds one deposit or more, where each lies in it with the chance `share`, mixed over how many there are.

    1 less the sum of P(n) (1 - share)^n: never more than the expected number, and less where the number is uncertain than for a Poisson
    count of the same mean.
    """
    return float(1.0 - np.sum(chance * (1.0 - share) ** np.arange(len(chance))))


def count_distribution(chance: Floats, share: float) -> Floats:
    """The chance that ground holds 0, 1, ... deposits, (n,), where each of an uncertain number lies in it with the chance `share`.

    `chance` (n,) is that of 0, 1, ... deposits in all: a binomial count, mixed over how many there are.
    """
    from scipy.stats import binom

    n = np.arange(len(chance))
    return np.asarray((chance[:, None] * binom.pmf(n[None, :], n[:, None], share)).sum(axis=0), np.float64)


def count_interval(chance: Floats, *, level: float = 0.9) -> tuple[int, int]:
    """The central interval of a count of which `chance` (n,) is that of 0, 1, ...: the least counts reached with its two tails."""
    reached = np.cumsum(chance) / chance.sum()
    low, high = (int(np.searchsorted(reached, tail - 1e-12)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return low, high
