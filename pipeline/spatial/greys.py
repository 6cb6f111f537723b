"""Grey levels: a continuous layer cut into a few equal steps, the same in every tile."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Sample

TAILS = (0.02, 0.98)  # beyond these quantiles all is one level: outliers would leave the rest no contrast


def grey_range(*, of: Sample) -> dict[str, Array]:
    """Fit: the ends of the grey scale, the sample's 2nd and 98th percentile, as `ends` float64 (2,); zeros for a sample without
    a known cell."""
    known = of.values[np.isfinite(of.values)].astype(np.float64)
    return {"ends": np.quantile(known, TAILS) if known.size else np.zeros(2)}


def levels_of(values: Array, *, ends: Array, levels: int) -> Array:
    """The level 0 to `levels` - 1 of each cell, (y, x) int16, -1 where missing or infinite.

    Equal steps between the ends, and whatever lies beyond them in the last level of its side. Where both ends are one value,
    what is above it has the top level and the rest the lowest.
    """
    low, high = (float(end) for end in ends)
    known = np.isfinite(values)
    above = np.where(known, values, low).astype(np.float64) - low
    scaled = above * (levels / (high - low)) if high > low else np.where(above > 0, np.inf, 0.0)
    return np.where(known, np.clip(np.floor(scaled), 0, levels - 1), -1).astype(np.int16)
