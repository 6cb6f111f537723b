"""Stream samples to the ground they drain."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Layer, Vector, Whole, feature
from pipeline.spatial import tables

EPOCH = 1
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def told_downstream(
    *, of: Vector, terrain: Whole, column: str, snap_m: float, detection: Literal["half", "as_is"], transform: Literal["none", "log"]
) -> dict[str, Array]:
    """Fit: `values` (y, x), what the first sample downstream of each square says, and the centres `y`, `x`."""
    from pipeline.spatial import assays, catchments

    points = assays.located(of, assays.measured(of, column, detection=detection, transform=transform))
    return {"values": catchments.spread(points, terrain, snap_m=snap_m), "y": terrain.y, "x": terrain.x}


@feature(
    summary="Stream samples over their catchments",
    units="the column's",
    reference="Bonham-Carter, Goodfellow (1986), Wang, Liu (2006)",
    fit=told_downstream,
    check=tables.columns_are_there,
    units_of=tables.assay_units,
)
def catchment_mean(
    *,
    of: Vector,
    terrain: Layer,
    column: str,
    snap_m: Positive,
    told: Fit,
    at: Cells,
    step_m: Positive | None = None,
    detection: Literal["half", "as_is"] = "half",
    transform: Literal["none", "log"] = "none",
    unit: str = "1",
) -> Array:
    """What the first stream sample downstream of the cell says, in its column's units (their natural logarithm with `transform: log`);
    (y, x) float32; NaN where no sample lies downstream or the terrain is missing.

    A sediment sample is a mean of the ground it drains, not of the ground around it (Bonham-Carter and Goodfellow 1986): it speaks for its
    catchment down from the next samples upstream, which speak for theirs. It stands on the square within `snap_m` that drains most; several on
    one square count as their mean. Dilution on the way down is not undone. The terrain is `terrain` on squares of about `step_m`,
    at most 2500 a side; see `drainage` for its limits. Values below detection as in `kriged`.
    """
    del of, column, snap_m, step_m, detection, transform, unit  # the fit reads them, and whoever reads the layer the unit
    x, y, values = (told.value[name] for name in ("x", "y", "values"))
    step = (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    rows = np.clip(np.floor((y[0] - at.y) / step + 0.5), 0, len(y) - 1).astype(np.int64)
    cols = np.clip(np.floor((at.x - x[0]) / step + 0.5), 0, len(x) - 1).astype(np.int64)
    return np.where(np.isnan(terrain.values), np.nan, values[rows[:, None], cols]).astype(np.float32)
