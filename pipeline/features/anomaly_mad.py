"""Departure from the median in robust standard deviations."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Fit, Layer, Sample, feature

EPOCH = 1
NORMAL = 1.4826  # what makes the MAD of a normal population its standard deviation


def median_and_mad(*, of: Sample) -> dict[str, Array]:
    """Fit: median and median absolute deviation of the sample's known cells as `moments` float64 (2,).

    A deviation of 0 is given as 1 / 1.4826: a layer that mostly does not vary is not scaled. NaN for a sample without a known cell.
    """
    known = of.values[np.isfinite(of.values)].astype(np.float64)
    if not known.size:
        return {"moments": np.full(2, np.nan)}
    median = np.median(known)
    return {"moments": np.array([median, np.median(np.abs(known - median)) or 1.0 / NORMAL])}


@feature(summary="Anomaly by the median absolute deviation", units="1", reference="Reimann, Filzmoser, Garrett (2005)", fit=median_and_mad)
def anomaly_mad(*, of: Layer, moments: Fit) -> Array:
    """(value - median) / (1.4826 MAD) of the layer; (y, x) float32, 0 at the median; NaN where missing.

    Above 2 is the classical threshold of an anomaly, with median and MAD in place of mean and standard deviation, which the
    anomalies themselves would raise (Reimann, Filzmoser and Garrett 2005). Median and MAD are those of a seeded sample of
    cells. Take logarithms of skewed concentrations first.
    """
    median, deviation = moments.value["moments"]
    answer = ((of.values.astype(np.float64) - median) / (NORMAL * deviation)).astype(np.float32)
    return np.where(np.isfinite(of.values), answer, np.float32(np.nan))
