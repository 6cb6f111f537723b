"""The floor: `python floor.py MAP.tif LAYER.tif ...` reads all layers block by block and writes one raster, and computes nothing but their sum."""

import sys

import numpy as np
import rasterio

out, *layers = sys.argv[1:]
files = [rasterio.open(path) for path in layers]
with rasterio.open(out, "w", **files[0].profile) as file:
    for _, window in files[0].block_windows(1):
        file.write(np.sum([layer.read(1, window=window) for layer in files], axis=0, dtype=np.float32), 1, window=window)
