"""Local Moran's I: whether a cell and its surroundings are high or low together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Layer, Sample, feature
from pipeline.spatial.windows import window_reach

EPOCH = 1


def moments(*, of: Sample) -> dict[str, Array]:
    """Fit: mean and population standard deviation of the sample's known cells as `moments` float64 (2,).

    A deviation of 0 is given as 1: a layer that does not vary is not scaled. (0, 1) for a sample without a known cell.
    """
    known = of.values[np.isfinite(of.values)].astype(np.float64)
    mean, deviation = (known.mean(), known.std()) if known.size else (0.0, 0.0)
    return {"moments": np.array([mean, deviation or 1.0])}


def _index_and_surroundings(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return name, f"{name}_around"


@feature(summary="Local Moran's I", units="1", reference="Anselin (1995)", reach=window_reach, outputs=_index_and_surroundings, fit=moments)
def local_moran(*, of: Layer, whole: Fit, radius_m: Annotated[float, Field(gt=0)], at: Cells) -> tuple[Array, Array]:
    """Two (y, x) float32 blocks: `<name>`, the index z * around, above 0 where the cell is like its surroundings and below 0 where it
    stands out; and `<name>_around`, the mean of its neighbours.

    Both in standard deviations: z is the cell minus the mean over the deviation of a seeded sample of the layer, the neighbours are
    the known cells up to `radius_m` away along rows and columns, itself left out, all weighing the same (Anselin 1995). A high
    index with `around` above 0 is a cluster of high values, below 0 one of low values. NaN where the cell is missing or has no
    known neighbour.
    """
    from pipeline.spatial import focal

    mean, deviation = whole.value["moments"]
    z = (of.values - mean) / deviation
    around = z - focal.departure(of.values, at, radius_m=radius_m) / deviation
    return (z * around).astype(np.float32), around.astype(np.float32)
