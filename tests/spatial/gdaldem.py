"""An independent answer: GDAL's own gdaldem, called in the library that comes inside rasterio's wheel."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline.recipe import Array

NODATA = -9999.0


def gdaldem(mode: str, values: Array, *, cell_m: float, folder: Path) -> Array:
    """`gdaldem <mode>` with its defaults (Horn) over a (y, x) float32 block, NaN where it gives nodata."""
    library = _library()
    source, target = folder / "dem.tif", folder / f"{mode}.tif"
    rows, cols = values.shape
    place = {"crs": "EPSG:6933", "transform": from_origin(0, 0, cell_m, cell_m), "nodata": NODATA}
    shape = {"width": cols, "height": rows, "count": 1, "dtype": "float32"}
    with rasterio.open(source, "w", driver="GTiff", **shape, **place) as dataset:
        dataset.write(np.where(np.isnan(values), NODATA, values).astype(np.float32), 1)
    read_only_raster = 2
    opened = library.GDALOpenEx(str(source).encode(), read_only_raster, None, None, None)
    made = library.GDALDEMProcessing(str(target).encode(), opened, mode.encode(), None, None, None)
    assert made, "GDAL gave no answer"
    library.GDALClose(made)
    library.GDALClose(opened)
    with rasterio.open(target) as dataset:
        answer = dataset.read(1)
        return np.where(answer == dataset.nodata, np.nan, answer).astype(np.float32)


def _library() -> ctypes.CDLL:
    site = Path(rasterio.__file__).parent
    held = [*site.parent.glob("rasterio.libs/libgdal*"), *site.glob(".dylibs/libgdal*")]
    if not held:
        pytest.skip("this rasterio does not carry its own libgdal; the analytic tests stand alone")
    library = ctypes.CDLL(str(held[0]))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.GDALOpenEx.restype = library.GDALDEMProcessing.restype = pointer
    library.GDALOpenEx.argtypes = [text, ctypes.c_uint, pointer, pointer, pointer]
    library.GDALDEMProcessing.argtypes = [text, pointer, text, text, pointer, pointer]
    library.GDALClose.argtypes = [pointer]
    library.GDALAllRegister()
    return library
