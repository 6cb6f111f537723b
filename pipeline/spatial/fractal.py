"""Break points of the concentration-area curve: where one population of values gives way to the next."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array

LEVELS = 128  # of concentration, evenly spaced in its logarithm
LEAST_CELLS = 10  # an area of fewer cells is chance
LEAST_LEVELS = 3  # of a segment: two always lie on a line


def breaks(values: Array, classes: int) -> Array:
    """The `classes - 1` concentrations, ascending, at which straight pieces of the log-log concentration-area curve meet: float64.

    The area at or above each of 128 concentrations, a power law of it within one population, is cut into `classes` lines
    with the least sum of squares over all possible cuts. Cheng, Agterberg and Ballantyne (1994). Values not above 0 are left out. Where the
    levels are too few for the pieces, every break is the largest value (infinite if there is none).
    """
    known = np.sort(values[np.isfinite(values) & (values > 0)].astype(np.float64))
    top = known[-1] if known.size else np.inf
    if not known.size or known[0] == top:
        return np.full(classes - 1, top)
    level = np.linspace(np.log(known[0]), np.log(top), LEVELS)
    area = known.size - np.searchsorted(known, np.exp(level), side="left")
    held = area >= LEAST_CELLS
    if held.sum() < LEAST_LEVELS * classes:
        return np.full(classes - 1, top)
    ends = _cuts(_misfit(level[held], np.log(area[held])), classes)
    return np.exp(0.5 * (level[held][ends] + level[held][ends - 1]))  # type: ignore[no-any-return]


def _misfit(x: Array, y: Array) -> Array:
    """Sum of squares about the best line through the points first to last, both included: (n, n); infinite where too few."""
    sums = [np.concatenate([[0.0], np.cumsum(v)]) for v in (x, y, x * x, x * y, y * y)]
    count = np.arange(1, len(x) + 1)[None, :] - np.arange(len(x))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        sx, sy, xx, xy, yy = (total[None, 1:] - total[:-1, None] for total in sums)
        spread, shared = xx - sx * sx / count, xy - sx * sy / count
        left = yy - sy * sy / count - shared * shared / spread
    return np.where(count >= LEAST_LEVELS, np.maximum(left, 0.0), np.inf)


def _cuts(misfit: Array, classes: int) -> Array:
    """Where each piece but the first begins, for the least total misfit; the lowest cuts of equally good ones."""
    best, began = misfit[0], []
    for _ in range(classes - 1):
        total = best[:-1, None] + misfit[1:]  # a piece ends at the row's point, the next begins after it
        began.append(np.argmin(total, axis=0) + 1)
        best = total.min(axis=0)
    ends, last = [], len(misfit) - 1
    for firsts in reversed(began):
        ends.append(firsts[last])
        last = firsts[last] - 1
    return np.array(ends[::-1])
