"""Logistic membership, its ends taken from the layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Fit, Layer, Sample, feature

EPOCH = 1
Quantile = Annotated[float, Field(ge=0, le=1)]


def ends(*, of: Sample, least_quantile: float, most_quantile: float) -> dict[str, Array]:
    """Fit: the sample's values at the two quantiles as `ends` float64 (2,); NaN where no cell of the sample is known."""
    known = of.values[np.isfinite(of.values)].astype(np.float64)
    found = np.quantile(known, [least_quantile, most_quantile]) if known.size else np.full(2, np.nan)
    return {"ends": found}


def _own_cell(parameters: Mapping[str, Any], _: float) -> float:
    """Its own cell only; refuses, at plan time, a curve without a direction."""
    least, most = parameters.get("least_quantile", 0.0), parameters.get("most_quantile", 1.0)
    if least == most:
        raise ConfigError(f"least_quantile and most_quantile are both {least:g}; give two, such as 0 and 1, or 1 and 0 for a falling curve")
    return 0.0


@feature(summary="Logistic membership", units="1", reference="Yousefi, Nykänen (2016)", reach=_own_cell, fit=ends, membership=True, scale="share")
def logistic_membership(*, of: Layer, at_ends: Fit, least_quantile: Quantile = 0.0, most_quantile: Quantile = 1.0) -> Array:
    """Membership 1 / (1 + exp(-s (value - i))), 0.01 at the layer's least and 0.99 at its largest value; (y, x) float32, 0 to 1,
    NaN where missing.

    The inflection i lies half-way between the two ends and the slope s is 2 ln 99 over their difference, so no
    expert sets a midpoint (Yousefi and Nykänen 2016). The ends are quantiles of a seeded sample of the layer, so one
    wild cell need not stretch the curve: give 0.02 and 0.98 to leave tails out. `least_quantile: 1, most_quantile: 0` makes it
    fall, as for a distance. A layer of one value is 1/2 everywhere.
    """
    from pipeline.spatial import membership

    del least_quantile, most_quantile  # only the fit reads them
    least_at, most_at = at_ends.value["ends"]
    return membership.logistic(of.values, least_at=float(least_at), most_at=float(most_at))
