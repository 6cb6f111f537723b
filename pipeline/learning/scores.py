"""How well scores rank positives above background: ROC, precision and success-rate curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats

CURVE_AREA: Floats = np.linspace(0.0, 1.0, 51) ** 2  # closer together at small areas, where targets are
Labels = npt.NDArray[Any]


def roc_auc(label: Labels, score: Floats) -> float:
    """Area under the ROC curve: the chance that a positive scores above a background cell, ties counting half.

    0.5 is chance; NaN when either class is absent. Mann and Whitney (1947), by mid-ranks.
    """
    from scipy.stats import rankdata

    positive = np.asarray(label) == 1
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    ranks = rankdata(np.asarray(score, np.float64))
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def average_precision(label: Labels, score: Floats) -> float:
    """Mean precision over the positives, cells of equal score entering together; `prevalence` is chance. NaN when no positive."""
    if not np.any(np.asarray(label) == 1):
        return float("nan")
    reached, captured = _steps(label, score)
    share = np.diff(captured, prepend=0.0) / captured[-1]
    return float((share * captured / reached).sum())


def prevalence(label: Labels) -> float:
    """Share of positives: the average precision a blind ranking expects. NaN when empty."""
    positive = np.asarray(label) == 1
    return float(positive.mean()) if positive.size else float("nan")


def success_rate_curve(label: Labels, score: Floats, area: Floats) -> Floats:
    """Share of positives captured in the best-scored share `area` of the ground; 0..1 each; NaN when a class is absent.

    The background cells, drawn evenly, stand for the ground. Within tied scores positives and area grow together,
    so a constant score gives the diagonal. Agterberg and Bonham-Carter (2005), Chung and Fabbri (2003).
    """
    if len(np.unique(np.asarray(label) == 1)) < 2:
        return np.full(np.shape(area), np.nan)
    reached, captured = _steps(label, score)
    covered = reached - captured
    x = np.concatenate(([0.0], covered / covered[-1]))
    y = np.concatenate(([0.0], captured / captured[-1]))
    # Between two areas the curve runs from the last step at the one to the first at the other; np.interp asks for distinct areas.
    area = np.asarray(area, np.float64)
    before = np.clip(np.searchsorted(x, area, side="right") - 1, 0, len(x) - 1)
    after = np.minimum(before + 1, len(x) - 1)
    width = x[after] - x[before]
    part = np.divide(area - x[before], width, out=np.zeros_like(area), where=width > 0)
    return np.asarray(y[before] + part * (y[after] - y[before]), np.float64)


def capture(label: Labels, score: Floats, *, at: Sequence[float] = (0.01, 0.05, 0.10)) -> tuple[float, ...]:
    """The success-rate curve at a few shares of area."""
    return tuple(float(share) for share in success_rate_curve(label, score, np.asarray(at)))


def prediction_area(area: Floats, captured: Floats) -> dict[str, float] | None:
    """Where the curve of captured deposits meets that of ground left out: `captured`, `area`, and `normalized_density`, their ratio.

    `area`, `captured` (n,), rising from 0 to 1: a success-rate curve. The further up they meet, the more deposits lie in the less ground;
    a density of 1 is chance. None where nothing was captured. Yousefi and Carranza (2015).
    """
    if not np.isfinite(captured).all():
        return None
    apart = np.asarray(captured) - (1.0 - np.asarray(area))
    after = int(np.argmax(apart >= 0))
    before = max(after - 1, 0)
    step = apart[after] - apart[before]
    part = -apart[before] / step if step > 0 else 0.0
    at = float(area[before] + part * (area[after] - area[before]))
    return {"captured": 1.0 - at, "area": at, "normalized_density": (1.0 - at) / at if at > 0 else float("inf")}


def _steps(label: Labels, score: Floats) -> tuple[Floats, Floats]:
    """Counts of cells and of positives at or above each distinct score, from the highest."""
    score = np.asarray(score, np.float64)
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    captured = np.cumsum((np.asarray(label) == 1)[order], dtype=np.float64)[ends]
    return ends + 1.0, captured
