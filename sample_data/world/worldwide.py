"""Global grids in degrees: what a 2-arc-minute product keeps of a field known at the detail of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.transform import Affine
from scipy.ndimage import map_coordinates

from sample_data.world.facts import shapes
from sample_data.world.frame import Floats, Frame, to_metres

STEP_DEG = 1.0 / 30.0


@dataclass(frozen=True)
class Degrees:
    """A grid in WGS84 degrees: `values` (latitude, longitude) with row 0 in the north, and its affine
    transform.
    """

    values: Floats
    transform: Affine


def resampled(frame: Frame, field: Floats, *, margin_deg: float = 0.2) -> Degrees:
    """The field at the centres of 2-minute cells around the province, bilinear; edge values beyond."""
    west, south, east, north = shapes("outline").total_bounds
    left, right = np.floor((west - margin_deg) / STEP_DEG), np.ceil((east + margin_deg) / STEP_DEG)
    bottom, top = np.floor((south - margin_deg) / STEP_DEG), np.ceil((north + margin_deg) / STEP_DEG)
    lon = (np.arange(left, right) + 0.5) * STEP_DEG
    lat = (np.arange(top, bottom, -1.0) - 0.5) * STEP_DEG
    x, y = to_metres(*np.meshgrid(lon, lat))
    row, col = (frame.top - y) / frame.cell_m - 0.5, (x - frame.left) / frame.cell_m - 0.5
    values = map_coordinates(field, [row, col], order=1, mode="nearest")
    return Degrees(
        np.asarray(values, dtype=np.float64),
        Affine(STEP_DEG, 0.0, left * STEP_DEG, 0.0, -STEP_DEG, top * STEP_DEG),
    )
