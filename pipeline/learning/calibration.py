"""Calibration: how far differences in predicted intensity are to be believed, learnt on ground no model saw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats, Ints
from pipeline.learning.intervals import interval
from pipeline.learning.reliability import Scale, floored, intensity

EXPONENTS: Floats = np.linspace(0.0, 2.0, 201)
LEAST = 1e-6  # of the largest intensity, where nothing else says what the least is: a deposit where a model said never would else rule alone
FEWEST = 5  # deposits from which an exponent is learnt
POOREST = 0.1  # of the ground, that held-out deposits are asked about
HALVINGS = 40  # of the range that the least is sought in
BELIEVED = 5.0  # finds: what the map says of that ground weighs as much as so many counted there


def calibrated(share: Any, exponent: float, scale: Scale = "odds", *, mean: float = 0.0, finds: float = math.inf) -> Floats:
    """Intensity of a score of 0 to 1, as a share of the largest a score can have, raised to the exponent; any shape, float64. NaN stays NaN.

    Before it is raised none is below the least that so many `finds` can tell where the intensity over the ground is `mean` on average (see
    `reliability.floored`).
    """
    return np.asarray((floored(intensity(share, scale), mean, finds) / intensity(1.0, scale)) ** exponent, np.float64)


def exponent(
    label: npt.NDArray[Any], scores: Floats, unit: Ints, weight: Floats, scale: Scale | None = "odds", *, finds: float = math.inf
) -> dict[str, Any] | None:
    """The power of the predicted intensity that tells best where held-out deposits lie, its 90 % interval over redrawn blocks, and the power to `use`.

    An exponent is 1 where the intensity is right, below where it is too bold, above where it is too timid. To use is 1, or the upper end of the interval where
    that is less: the least change that held-out deposits do not speak against, and never one that makes the map bolder. For the models that score them were
    taught with less than the map's and are more timid than it, and a power above 1 takes from the poorest ground, of which a model knows least: in worlds where
    the truth is known it made hidden deposits less likely. `label` (n,) 1 for deposits and 0 for uniform background, `scores` (repeats, n) out-of-fold, NaN
    where not scored, `unit` (n,) and `weight` (replicates, units) as `intervals.weights` gives them. A deposit's chance to lie in a cell is that cell's
    intensity among all: the likelihood of a Poisson process whose total is free, maximal over EXPONENTS; the slope of Cox (1958) for a density. Mean over
    repeats. Before it is raised no intensity is below what so many `finds`, 1 or more, can tell (see `reliability.floored`). None with fewer than FEWEST
    deposits, and without a `scale` (see `reliability.intensity`).
    """
    positive = np.asarray(label) == 1
    if scale is None or positive[np.isfinite(scores).any(axis=0)].sum() < FEWEST:
        return None
    place = np.unique(unit, return_inverse=True)[1]
    units = weight.shape[1]
    gain, known = np.zeros((units, len(EXPONENTS))), np.zeros(units)
    grounds = []
    for score in scores:
        held = np.isfinite(score)
        if not (held & positive).any() or not (held & ~positive).any():
            continue
        # of the largest, and never 0: the total is free, so a constant changes nothing
        density = intensity(np.where(held, score, 0.0), scale)
        mean = density[held & ~positive].mean()
        told = np.log(np.maximum(floored(density, mean, finds) / intensity(1.0, scale), 0.0 if mean / finds > 0 else LEAST))
        at, ground = place[held & positive], place[held & ~positive]
        gain += np.bincount(at, told[held & positive], units)[:, None] * EXPONENTS
        known += np.bincount(at, minlength=units)
        grounds.append(np.stack([np.bincount(ground, np.exp(e * told[held & ~positive]), units) for e in EXPONENTS], axis=1))
    if not grounds:
        return None
    drawn = np.concatenate([np.ones((1, units)), weight])
    with np.errstate(divide="ignore", invalid="ignore"):
        likely = drawn @ gain - (drawn @ known)[:, None] / len(grounds) * sum(np.log(drawn @ ground) for ground in grounds)
    likely[~np.isfinite(likely).all(axis=1) | (drawn @ known == 0)] = np.nan
    best = np.array([np.nan if np.isnan(row).any() else _peak(row) for row in likely])
    ends = interval(best[1:])
    return {"exponent": round(float(best[0]), 6), "interval": ends, "use": min(1.0, ends[1]) if ends else 1.0}


def finds_told(label: npt.NDArray[Any], scores: Floats, group: Ints, scale: Scale | None = "odds", *, finds: float) -> float:
    """The number of finds by which the least intensity is reckoned (see `reliability.floored`): `finds`, or fewer, at least 1, where held-out deposits lie on
    the poorest tenth of the ground more often than is expected.

    A map is boldest where it says there is next to nothing: it saw no deposit there, and of ground that only a coarse map covers it sees little. So the
    number expected on that tenth becomes (BELIEVED + observed) / (BELIEVED + expected) times what it was, and the least is raised until it is. That is the
    mean of a Poisson rate under a gamma prior (Clayton and Kaldor 1987; theirs is learnt, this one is fixed), as if BELIEVED finds had been counted where
    the map expected as many. The least is never lowered: no deposit where few are expected is no news. `label` (n,), `scores` (repeats, n) and `scale` as
    for `exponent`; `group` (n,): deposits of one group are one find, each its part. Ties go down, so that the tenth may be more; counts are means over repeats.
    """
    positive = np.asarray(label) == 1
    if scale is None:
        return finds
    told: list[tuple[Floats, int]] = []
    counts: list[tuple[float, float]] = []
    for score in scores:
        held = np.isfinite(score)
        ground, known = (intensity(score[held & of], scale) for of in (~positive, positive))
        if not known.size or not ground.any():
            continue
        ground.sort()
        edge, mean = np.quantile(ground, POOREST, method="inverted_cdf"), ground.mean()
        told.append((ground / mean, int(np.searchsorted(ground, edge, side="right"))))
        of_find, cells = np.unique(group[held & positive], return_inverse=True, return_counts=True)[1:]
        counts.append((float((1 / cells[of_find])[known <= edge].sum()), len(cells) * _share(*told[-1], 1 / finds)))
    observed, expected = np.mean(counts, axis=0) if counts else (0.0, 0.0)
    factor = (BELIEVED + observed) / (BELIEVED + expected)
    if factor <= 1:
        return finds
    low, high, wanted = 1 / finds, 1.0, factor * np.mean([_share(*one, 1 / finds) for one in told])
    for _ in range(HALVINGS):
        level = (low + high) / 2
        low, high = (level, high) if np.mean([_share(*one, level) for one in told]) < wanted else (low, level)
    return 1 / high


def _share(ground: Floats, poor: int, least: float) -> float:
    """Of all deposits, the share expected on the first `poor` of the ground's intensities, none of them below `least`."""
    raised = np.maximum(ground, least)
    return float(raised[:poor].sum() / raised.sum())


def _peak(likely: Floats) -> float:
    """The exponent at the top of a concave curve: of the parabola through the highest point and its neighbours."""
    i = int(np.argmax(likely))
    if i in (0, len(EXPONENTS) - 1):
        return float(EXPONENTS[i])
    before, top, after = likely[i - 1 : i + 2]
    bent = before - 2 * top + after
    return float(EXPONENTS[i] + (0.0 if bent == 0 else 0.5 * (before - after) / bent) * (EXPONENTS[1] - EXPONENTS[0]))
