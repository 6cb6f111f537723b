"""The one reprojection: a band of a raster file onto a window of a grid, the same bits whatever the window.

GDAL's warper looks at the chunk it is given: to approximate the transformation, to pick source pixels, to widen a kernel.
Measured from 2' onto 30 m with a WarpedVRT per tile and tolerance 1e-6, 99 % of bilinear cells differ between tiles of 37,
128 and 512 cells, and two of 529,000 nearest ones; at 1e-30, none, yet some still in the last bit where source and grid share
a CRS. So each warp here covers one whole block of the grid's own lattice, with scales fixed from the layer and the whole
grid: for a given cell the very same calls are made, whatever window is asked for.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio.windows
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from pipeline.errors import DataError
from pipeline.footprint import Footprint, crs_of, first_line, footprint, opened
from pipeline.grid import Window
from pipeline.kept import kept
from pipeline.ranged import Remote
from pipeline.recipe import Array

Method = Literal["nearest", "bilinear", "cubic", "average", "mode"]

BLOCK = 256  # cells; divides the usual tile of 512, so no cell is warped twice there
TOLERANCE = 1e-30  # pixels: GDAL then transforms every cell on its own (rasterio cannot say 0)
LEFT_PER_CELL = 4.0  # an overview is read only while this many of its pixels remain to a cell's side
SAME = 1e-6  # of a cell: two lattices closer than this are one
NEAR = 1e-5  # of nodata: GDAL takes floats for it that are off by a few in the last place
SMOOTH: tuple[Method, ...] = ("bilinear", "cubic", "average")  # overviews of categories are often averaged: never read


def read_onto(
    path: str | Path | Remote, *, band: int, window: Window, resampling: Method, nodata: float | None = None, crs: str | None = None
) -> tuple[Array, Array]:
    """One band on the cells of a window: values (y, x) float64 (float32 where a band of that type is copied) and validity (y, x) bool; values are NaN where
    invalid.

    `nodata` and `crs` stand in for the file's own. NaN and infinite pixels are missing. A cell is valid when the pixel under its
    centre is (for "average" and "mode": any pixel under it); missing pixels have no weight. Onto coarser cells `bilinear` and
    `cubic` widen as GDAL's do. A file on the grid's own lattice is copied. DataError when the file cannot be read to the end.
    """
    with kept(path) as source, _told(path):
        held = crs_of(source, crs)
        shift = _shift(source, crs or held.to_wkt(), window)
        if shift is not None:
            return _copied(source, band, window, shift, nodata)
        level = _overview(source, band, footprint(source, held, window.grid), resampling)
    values = np.full(window.shape, np.nan)
    with _told(path), _one_band(path, band, level) as (source, alpha):
        lies = footprint(source, held, window.grid)
        options = _options(lies, source, nodata) | {"resampling": Resampling[resampling], "src_alpha": alpha}
        for block in _blocks(window):
            if lies.touches(block, lies.kernel):
                with WarpedVRT(source, transform=window.grid.affine(block.r0, block.c0), **options) as warped:
                    _lay(values, window, block, warped.read(1))
    values[~np.isfinite(values)] = np.nan
    return values, ~np.isnan(values)


def _options(lies: Footprint, source: Any, nodata: float | None) -> dict[str, Any]:
    return {
        "src_crs": lies.crs, "src_transform": lies.transform, "crs": CRS.from_string(lies.grid.crs), "width": BLOCK, "height": BLOCK, "tolerance": TOLERANCE,
        "src_nodata": _missing(source, nodata), "nodata": math.nan, "dtype": "float64", "sample_grid": "YES", "source_extra": 8,
        "xscale": repr(1 / lies.across), "yscale": repr(1 / lies.down), "unified_src_nodata": "NO",
    }  # fmt: skip


def _shift(source: Any, crs: str, window: Window) -> tuple[int, int] | None:
    """Rows and columns from the file's corner to the window's, when both are on one lattice."""
    t, grid = source.transform, window.grid
    bent = max(abs(t.b), abs(t.d), abs(t.a - grid.cell_m), abs(t.e + grid.cell_m)) * max(source.shape)
    if bent > SAME * grid.cell_m or not _same(crs, grid.crs):
        return None
    col, row = (grid.x_m - t.c) / grid.cell_m, (t.f - grid.y_m) / grid.cell_m
    if max(abs(col - round(col)), abs(row - round(row))) > SAME:
        return None
    return round(row) + window.r0, round(col) + window.c0


@lru_cache(maxsize=256)  # asked for every tile of every layer; texts, for an object of PROJ's is one thread's
def _same(one: str, other: str) -> bool:
    return bool(CRS.from_user_input(one) == CRS.from_string(other))


def _copied(source: Any, band: int, window: Window, shift: tuple[int, int], nodata: float | None) -> tuple[Array, Array]:
    (row, col), (rows, cols) = shift, window.shape
    kind = np.float32 if source.dtypes[band - 1] == "float32" else np.float64
    r0, c0, r1, c1 = max(row, 0), max(col, 0), min(row + rows, source.height), min(col + cols, source.width)
    read, good = np.empty((0, 0), kind), np.empty((0, 0), bool)
    if r0 < r1 and c0 < c1:
        part = rasterio.windows.Window.from_slices((r0, r1), (c0, c1))
        read = source.read(band, window=part).astype(kind, copy=False)
        lowest, highest = float(read.min()), float(read.max())  # not both finite where any pixel is not
        good = np.ones(read.shape, bool) if math.isfinite(lowest) and math.isfinite(highest) else np.isfinite(read)
        if nodata is not None:
            good &= read != nodata
        elif not _told_by_nan(source, band) and _may_be_missing(source, band, read, (lowest, highest)):
            good &= source.read_masks(band, window=part) > 0
        if not good.all():
            np.copyto(read, np.nan, where=~good)
        if read.shape == window.shape:
            return read, good
    values, valid = np.full(window.shape, np.nan, kind), np.zeros(window.shape, bool)
    at = slice(r0 - row, r0 - row + len(read)), slice(c0 - col, c0 - col + read.shape[1])
    values[at], valid[at] = read, good
    return values, valid


def _may_be_missing(source: Any, band: int, read: Array, ends: tuple[float, float]) -> bool:
    """Whether the mask of what was read has to be asked: not where only nodata tells what is missing, and no value comes near it."""
    if source.mask_flag_enums[band - 1] != [MaskFlags.nodata]:
        return True
    near = NEAR * abs(source.nodata)
    if source.nodata < ends[0] - near or source.nodata > ends[1] + near:  # neither, where a pixel is NaN
        return False
    return bool((np.abs(read - source.nodata) <= near).any())


def _told_by_nan(source: Any, band: int) -> bool:
    """Whether only NaN and infinite pixels of a band are missing, so that its mask need not be read."""
    flags = source.mask_flag_enums[band - 1]
    return flags == [MaskFlags.all_valid] or (flags == [MaskFlags.nodata] and math.isnan(source.nodata))


def _overview(source: Any, band: int, lies: Footprint, resampling: Method) -> int | None:
    """The coarsest overview that leaves LEFT_PER_CELL pixels to a cell's side: decided by layer and grid, never by window."""
    most = min(lies.across, lies.down) / LEFT_PER_CELL if resampling in SMOOTH else 0.0
    good = [level for level, factor in enumerate(source.overviews(band)) if factor <= most]
    return good[-1] if good else None


@contextlib.contextmanager
def _one_band(path: str | Path | Remote, band: int, level: int | None) -> Iterator[tuple[Any, int]]:
    """The file as if it held one band (and its alpha): the warper computes, and judges missing pixels over, all it sees."""
    options = {} if level is None else {"overview_level": level}
    with opened(path, **options) as source:
        if source.count == 1:
            yield source, 0
            return
        alphas = [i for i, kind in enumerate(source.colorinterp, 1) if kind == ColorInterp.alpha and i != band][:1]
        bands = ",".join(map(str, [band, *alphas]))
        name = source.name if isinstance(path, Remote) else Path(path).resolve()  # a remote one is there while it is open
        with rasterio.open(f"vrt://{name}?bands={bands}", **options) as part:
            yield part, 2 if alphas else 0


def _missing(source: Any, nodata: float | None) -> float | None:
    """The value GDAL leaves out: the declared one or the file's, if the type can hold it; NaN for floats without one."""
    held, kind = source.nodata if nodata is None else nodata, np.dtype(source.dtypes[0])
    if kind.kind == "f":
        return math.nan if held is None else float(held)
    if held is None or held % 1 or not np.iinfo(kind).min <= held <= np.iinfo(kind).max:
        return None
    return float(held)


def _blocks(window: Window) -> Iterator[Window]:
    """The blocks that a window touches, of the lattice of blocks that starts at the grid's corner and goes on outside it."""
    for r0 in range(window.r0 // BLOCK * BLOCK, window.r1, BLOCK):
        for c0 in range(window.c0 // BLOCK * BLOCK, window.c1, BLOCK):
            yield Window(window.grid, r0, c0, r0 + BLOCK, c0 + BLOCK)


def _lay(values: Array, window: Window, block: Window, read: Array) -> None:
    r0, c0, r1, c1 = max(block.r0, window.r0), max(block.c0, window.c0), min(block.r1, window.r1), min(block.c1, window.c1)
    part = read[r0 - block.r0 : r1 - block.r0, c0 - block.c0 : c1 - block.c0]
    values[r0 - window.r0 : r1 - window.r0, c0 - window.c0 : c1 - window.c0] = part


@contextlib.contextmanager
def _told(path: str | Path | Remote) -> Iterator[None]:
    try:
        yield
    except (RasterioError, OSError) as error:
        name = path.name if isinstance(path, Remote) else Path(path).name
        raise DataError(f"{name}: cannot be read to the end ({first_line(error)}); it is damaged or cut short: fetch it again") from error
