"""A global model of lithosphere thickness: half a degree, EPSG:4326, km."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rasterio.transform import from_origin

from tests import tiny

NAME = "lab.tif"


def make(root: Path, *, times: float = 1.0) -> None:
    """The file below `root`."""
    rows, cols = np.mgrid[:360, :720]
    values = 120 + 60 * np.sin(cols / 5.0) * np.cos(rows / 5.0)
    tiny.save(root / NAME, (times * values).astype("float32"), "EPSG:4326", from_origin(-180, 90, 0.5, 0.5), nodata=-1)
