"""Populations told apart by the concentration-area fractal."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.recipe import Array, Fit, Layer, Sample, feature

EPOCH = 1


def thresholds(*, of: Sample, classes: int) -> dict[str, Array]:
    """Fit: the concentrations at which the log-log concentration-area curve breaks as `breaks` float64 (classes - 1,), ascending."""
    from pipeline.spatial import fractal

    return {"breaks": fractal.breaks(of.values, classes)}


@feature(
    summary="Class by the concentration-area fractal",
    units="1",
    reference="Cheng, Agterberg, Ballantyne (1994)",
    fit=thresholds,
)
def anomaly_fractal(*, of: Layer, populations: Fit, classes: Annotated[int, Field(ge=2, le=8)] = 3) -> Array:
    """How many of the `classes` - 1 thresholds the cell lies above: 0 background to `classes` - 1 strongest; (y, x) float32, NaN where
    missing.

    Within one population the area above a concentration falls as a power of it, a straight line in logarithms; a break in
    the line is where background gives way to anomaly (Cheng, Agterberg and Ballantyne 1994). For concentrations, not their
    logarithms: cells not above 0 count as background and take no part in the fit, which sees a seeded sample of cells.
    A layer of one value is all background.
    """
    del classes  # only the fit reads it
    above = np.searchsorted(populations.value["breaks"], of.values.astype(np.float64), side="left").astype(np.float32)
    return np.where(np.isfinite(of.values), above, np.float32(np.nan))
