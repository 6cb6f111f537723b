"""Potassium beyond what thorium explains."""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array, Fit, Layer, Sample, feature

EPOCH = 1


def usual_ratio(*, potassium: Sample, thorium: Sample) -> dict[str, Array]:
    """Fit: mean potassium over mean thorium as `ratio` float64 (1,), of the sampled cells where both are known."""
    known = np.isfinite(potassium.values) & np.isfinite(thorium.values)
    k, th = (part.values[known].astype(np.float64) for part in (potassium, thorium))
    if not known.any() or th.mean() <= 0:
        raise DataError("thorium is nowhere known together with potassium, or not positive on average; give the concentrations of one survey")
    return {"ratio": np.array([k.mean() / th.mean()])}


@feature(summary="Potassium beyond thorium", units="input", reference="Saunders et al. (1987), Pires (1995)", fit=usual_ratio)
def potassic_alteration(*, potassium: Layer, thorium: Layer, usual: Fit) -> Array:
    """Potassium less what thorium leads to expect, in potassium's units; (y, x) float32; 0 where the ratio is the region's usual one,
    NaN where either is missing.

    K - (mean K / mean Th) Th. Rock type, moisture and counting geometry move both alike; hydrothermal potassium comes alone (Saunders
    et al. 1987; Pires 1995). Left a difference, not divided by what is expected as Pires does: the quotient runs away over
    thorium-poor ground. Negative over leached ground and thorium-rich sands.
    """
    expected = usual.value["ratio"][0] * thorium.values.astype(np.float64)
    beyond: Array = (potassium.values - expected).astype(np.float32)
    return beyond
