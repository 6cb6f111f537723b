"""Reliability: whether a model that says "twice as many here" is right, on ground it did not see."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats

CLASSES = 10
SURE = 0.999  # a share of 1 would be an intensity without bound
ENOUGH = 10.0  # deposits expected in a class from which a ratio of counts says something


Scale = Literal["odds", "complementary_log", "share"]
NO_SCALE = "its answers are cut off at 1 after a division by a share of its own in every fit, so they add up to no number of deposits"


def intensity(share: Any, scale: Scale = "odds") -> Floats:
    """Deposits per area up to an unknown constant, from a model's score of positives, 0 to 1, against uniform background; any shape, float64.

    By the `scale` of the model's answer (`scale_of`). `odds`, p / (1 - p), of a classifier: with background that stands for area they are
    proportional to the density of deposits, whatever weight the two classes had (Fithian and Hastie 2013). `complementary_log`, -log(1 - p), of an
    answer that is 1 - exp(-intensity) (cloglog; Phillips and others 2017). `share`, p itself, of the probability that a unit cell holds a
    deposit, whose sum is the number expected (Agterberg and Cheng 2002). NaN stays NaN.
    """
    share = np.clip(np.asarray(share, np.float64), 0.0, SURE)
    if scale == "complementary_log":
        return np.asarray(-np.log1p(-share), np.float64)
    return share if scale == "share" else np.asarray(share / (1.0 - share), np.float64)


def score_of(density: float, scale: Scale = "odds") -> float:
    """The score that stands for an intensity: what `intensity` undoes."""
    if scale == "complementary_log":
        return float(-np.expm1(-density))
    return density if scale == "share" else density / (1.0 + density)


def scale_of(model: Any) -> Scale | None:
    """How a model's answer is turned into an intensity: what it declares as `intensity_scale`, None for none, else odds."""
    scale: Scale | None = getattr(model, "intensity_scale", "odds")
    return scale


def floored(density: Any, mean: float, finds: float) -> Floats:
    """Intensities of which none is below the least that so many `finds`, 1 or more, can tell from none, the `mean` over the ground / finds; any shape, float64.

    Where a model saw no deposit it says there are next to none. But all ground of that least rate together, however much it is, would be expected to hold one
    of the finds at most, and to see none on it is no surprise. Finds are groups of deposits, each found or not by itself. NaN stays NaN.
    """
    return np.asarray(np.maximum(density, mean / finds), np.float64)


def poisson_interval(count: float, *, level: float = 0.9) -> tuple[float, float]:
    """The exact central interval of a Poisson mean of which `count`, 0 or more, were seen. Garwood (1936)."""
    from scipy.stats import chi2

    tail = (1.0 - level) / 2.0
    low = float(chi2.ppf(tail, 2.0 * count) / 2.0) if count > 0 else 0.0
    return low, float(chi2.ppf(1.0 - tail, 2.0 * count + 2.0) / 2.0)


def reliability(label: npt.NDArray[Any], scores: Floats, scale: Scale | None = "odds", *, finds: float = math.inf) -> dict[str, Any] | None:
    """Deposits observed against expected in each tenth of the area, by predicted intensity on held-out ground; None without any score.

    `scale` as of `intensity`; without one there are no `classes`, and `untested` says why. `finds` as of `floored`: the number of groups of deposits.

    `label` (n,) 1 for deposits and 0 for uniform background, `scores` (repeats, n) out-of-fold, NaN for rows not scored in a repeat. In each
    repeat the background is cut at its tenths, ties going down, so that a class may cover more or less of it (`area` says how much). A class
    expects as many of all scored deposits as its background holds of the summed intensity: one constant for all ground, so that folds
    are compared too. Counts are means over repeats, and so need not be whole; `interval` is the 90 % Poisson interval of the observed
    count. `worst_ratio` is the largest ratio, either way up, of the two where 10 or more are expected; None where none is.
    """
    if scale is None:
        return {"classes": [], "worst_ratio": None, "enough": ENOUGH, "scale": None, "untested": NO_SCALE}
    found = np.array([counts for row in scores if (counts := _counts(label[np.isfinite(row)], row[np.isfinite(row)], scale, finds)) is not None])
    if not len(found):
        return None
    area, expected, observed = found.mean(axis=0)
    classes = []
    for i in range(CLASSES):
        low, high = poisson_interval(observed[i])
        classes.append(
            {
                "class": i + 1, "area": round(float(area[i]), 6), "expected": round(float(expected[i]), 6), "observed": round(float(observed[i]), 6),
                "interval": [round(low, 6), round(high, 6)], "agrees": bool(low <= expected[i] <= high),
            }
        )  # fmt: skip
    many = expected >= ENOUGH
    seen = np.maximum(observed[many], 0.5)  # none seen where some were expected is half a deposit: a ratio must be a number
    worst = round(float(np.maximum(seen / expected[many], expected[many] / seen).max()), 6) if many.any() else None
    return {"classes": classes, "worst_ratio": worst, "enough": ENOUGH, "scale": scale, "untested": None}


def _counts(label: npt.NDArray[Any], score: Floats, scale: Scale, finds: float) -> tuple[Floats, Floats, Floats] | None:
    ground, known = score[label == 0], score[label == 1]
    density = intensity(ground, scale)
    if not ground.size or not known.size or density.sum() == 0:
        return None
    density = floored(density, density.mean(), finds)
    edges = np.quantile(ground, np.arange(1, CLASSES) / CLASSES, method="inverted_cdf")
    here = np.searchsorted(edges, ground, side="left")
    expected = np.bincount(here, weights=density, minlength=CLASSES) * (known.size / density.sum())
    observed = np.bincount(np.searchsorted(edges, known, side="left"), minlength=CLASSES).astype(np.float64)
    return np.bincount(here, minlength=CLASSES) / ground.size, expected, observed
