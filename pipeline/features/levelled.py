"""Surveys that overlap, as one."""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array, Fit, Layers, Samples, feature

EPOCH = 1
LEAST_MET = 100  # sampled cells in which a survey and those levelled before it both hold a value


def shifts(*, of: Samples, gain: bool) -> dict[str, Array]:
    """Fit: `gain` and `shift` (n,) of each layer, 1 and 0 of the first."""
    gains, offsets = np.ones(len(of)), np.zeros(len(of))
    whole = of[0].values.astype(np.float64)
    for i, sample in enumerate(of[1:], 1):
        values = sample.values.astype(np.float64)
        both = np.isfinite(whole) & np.isfinite(values)
        if both.sum() < LEAST_MET:
            raise DataError(
                f"layer {i + 1} of `of` meets those before it in {both.sum()} sampled cells, and levelling needs {LEAST_MET}; name the layers so that "
                "each overlaps one before it"
            )
        level, own = np.median(whole[both]), np.median(values[both])
        spread = np.median(np.abs(values[both] - own))
        gains[i] = np.median(np.abs(whole[both] - level)) / spread if gain and spread > 0 else 1.0
        offsets[i] = np.median(whole[both] - gains[i] * values[both])
        whole = np.where(np.isfinite(whole), whole, gains[i] * values + offsets[i])
    return {"gain": gains, "shift": offsets}


@feature(summary="Surveys levelled to one", units="input", reference="Luyendyk (1997)", fit=shifts)
def levelled(*, of: Layers, level: Fit, gain: bool = False) -> Array:
    """Several surveys of one quantity brought to the level of the first, in its units; (y, x) float32: of each cell the mean of those that
    hold a value, NaN where none does.

    Each is shifted by the median difference to those before it where they overlap (100 sampled cells at least, DataError otherwise); with `gain`
    it is first scaled so that the median absolute deviations agree there. Two constants a survey: a tilt or a drift between them
    stays and makes a seam (Luyendyk 1997 on merging airborne grids). Config lists the survey to trust most first.
    """
    del gain  # only the fit reads it
    total, count = np.zeros(of[0].values.shape), np.zeros(of[0].values.shape)
    for layer, scale, shift in zip(of, level.value["gain"], level.value["shift"], strict=True):
        held = np.isfinite(layer.values)
        total += np.where(held, scale * layer.values.astype(np.float64) + shift, 0.0)
        count += held
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
