"""EMAG2_V3_20170530_UpCont.tif: 10800 x 5399 pixels of 2', float32, longitude from 0 to 360, no CRS, the lowest float32 for what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

NAME = "geomag/data/EMAG2/EMAG2_V3_20170530/EMAG2_V3_20170530_UpCont.tif"
STEP = 1 / 30
LOWEST = float(np.finfo("float32").min)


def anomaly(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """The field of the fake, nT."""
    return 100 * np.sin(lon * 8) * np.cos(lat * 6)


def make(root: Path, *, step: float = STEP, times: float = 1.0) -> None:
    """The file below `root`; only the ground of the tiny region holds values, the rest takes no room."""
    path = root / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = Affine(step, 0, -1 / 60, 0, -step, 89.9833333333333)
    profile = {"driver": "GTiff", "width": 10800, "height": 5399, "count": 1, "dtype": "float32", "nodata": LOWEST, "transform": transform}
    with rasterio.open(path, "w", tiled=True, compress="deflate", sparse_ok=True, **profile) as file:
        col, row = (int(v) for v in ~transform @ (64.5, 29.5))
        cols, rows = np.meshgrid(np.arange(col, col + 90), np.arange(row, row + 90))
        lon, lat = transform @ (cols + 0.5, rows + 0.5)
        file.write((times * anomaly(lon, lat)).astype("float32"), 1, window=Window(col, row, 90, 90))
