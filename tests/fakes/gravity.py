"""A grid of WGM2012 as a GeoTIFF: 2' pixels, EPSG:4326, mGal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rasterio.transform import from_origin

from tests import tiny

NAME = "WGM2012_Bouguer_ponc_2min.tif"


def make(root: Path, *, times: float = 1.0) -> None:
    """The file below `root`, over some 3 degrees."""
    rows, cols = np.mgrid[:90, :90]
    values = -180 + 40 * np.sin(cols / 8.0) * np.cos(rows / 9.0)
    tiny.save(root / NAME, (times * values).astype("float32"), "EPSG:4326", from_origin(64.4, 29.6, 1 / 30, 1 / 30), nodata=-9999)
