"""Potassium, thorium and uranium as red, green and blue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.recipe import Array, Fit, Layer, Sample, feature

EPOCH = 1
Tail = Annotated[float, Field(ge=0, lt=0.5)]


def stretches(*, potassium: Sample, thorium: Sample, uranium: Sample, tail: Tail) -> dict[str, Array]:
    """Fit: `low` and `high` (3,), the sample's `tail` and 1 - `tail` quantiles of each; NaN where one has no value."""
    held = [sample.values[np.isfinite(sample.values)] for sample in (potassium, thorium, uranium)]
    ends = [np.quantile(values, [tail, 1 - tail]) if values.size else np.full(2, np.nan) for values in held]
    low, high = np.array(ends).T
    return {"low": low, "high": high}


def _colours(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"{name}_red", f"{name}_green", f"{name}_blue")


@feature(
    summary="Ternary image of radiometrics",
    units="1",
    reference="International Atomic Energy Agency (2003)",
    outputs=_colours,
    fit=stretches,
    evidence=False,  # for the eye: its stretch follows the region, so the same rock has other colours elsewhere
)
def ternary(*, potassium: Layer, thorium: Layer, uranium: Layer, stretch: Fit, tail: Tail = 0.01) -> tuple[Array, ...]:
    """Potassium as red, thorium as green, uranium as blue: three blocks (y, x) float32 from 0 to 1, for display and never for a model.

    Each runs straight from its `tail` quantile of the region to that of 1 - `tail`, clipped at both ends; 0 where it hardly varies; NaN where
    that layer is missing. White is rich in all three, black poor; the usual colours of IAEA (2003, TECDOC-1363).
    """
    del tail  # only the fit reads it
    blocks = []
    for layer, low, high in zip((potassium, thorium, uranium), stretch.value["low"], stretch.value["high"], strict=True):
        width = high - low
        values = np.clip((layer.values - low) / width, 0, 1) if width > 0 else layer.values > high
        blocks.append(np.where(np.isnan(layer.values), np.nan, values).astype(np.float32))
    return tuple(blocks)
