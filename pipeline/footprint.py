"""How a raster file lies to a grid: its CRS, its pixels per cell, where the two meet. Headers only, no pixel is read."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform as project

from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.ranged import Remote
from pipeline.recipe import Array

Bounds = tuple[float, float, float, float]

DRIVERS = ("GTiff", "AAIGrid", "EHdr", "ENVI", "HFA", "SRTMHGT")  # no VRT: what it points to could change unseen
CACHE_MB = 64  # of blocks that GDAL holds unpacked, of a whole process; its default is a share of the machine's memory
os.environ.setdefault("GDAL_CACHEMAX", str(CACHE_MB))  # it is asked for once, before the first block
CURVED = 0.01  # of a box's side: more than the edge of a box bends between two points of its outline


@contextlib.contextmanager
def opened(path: str | Path | Remote, **options: Any) -> Iterator[Any]:
    """The raster as rasterio gives it; DataError when it is not there or not a raster of a kind we read."""
    if not isinstance(path, Remote):
        with source_of(Path(path), **options) as source:
            yield source
        return
    with contextlib.ExitStack() as stack:
        yield _judged(path.name, lambda: stack.enter_context(path.opened(**options)))


def source_of(path: Path, **options: Any) -> Any:
    """The raster of a file as rasterio gives it, to be closed by the caller; errors as `opened`."""
    if not path.is_file():
        raise DataError(f"{path.name}: no such file; check the path in the config, or fetch it first")
    return _judged(path.name, lambda: rasterio.open(path, **options))


def _judged(name: str, take: Callable[[], Any]) -> Any:
    expected = f"expected {', '.join(DRIVERS)}: fetch it again, or convert it with `rio convert`"
    try:
        source = take()
    except (RasterioError, OSError) as error:
        raise DataError(f"{name}: cannot be opened as a raster ({first_line(error)}); {expected}") from error
    if source.driver not in DRIVERS:
        source.close()
        raise DataError(f"{name}: is a {source.driver} file; {expected}")
    return source


def crs_of(source: Any, declared: str | None) -> CRS:
    """The CRS declared in config, else the file's own; DataError when neither can be used."""
    name = Path(source.name).name
    if declared is None:
        if source.crs is None:
            raise DataError(f"{name}: the raster says no CRS; add `crs: EPSG:...` to its source")
        return source.crs
    try:
        return CRS.from_user_input(declared)
    except (CRSError, ValueError) as error:
        raise DataError(f"{name}: `crs: {declared}` is not understood by PROJ; give an EPSG code") from error


@dataclass(frozen=True)
class Footprint:
    """A raster against a grid: `across`, `down` are its pixels per cell along its columns and rows, at the grid's centre.

    `transform` is the file's, turned by 360 degrees where its longitudes are counted another way.
    """

    transform: Affine
    crs: CRS
    shape: tuple[int, int]
    grid: Grid
    across: float
    down: float

    @property
    def kernel(self) -> float:
        """Pixels that any kernel may look beyond a cell: cubic looks 2 cells or 2 pixels, whichever is more; twice that."""
        return 4.0 * max(1.0, self.across, self.down)

    @property
    def native_m(self) -> float:
        """Side of a pixel on the ground, metres, at the grid's centre: the root of its area."""
        return self.grid.cell_m / math.sqrt(self.across * self.down)

    def pixels(self, bounds: Bounds) -> Bounds | None:
        """(column, row, column, row) that bounds in the grid's CRS cover, a little more, not clipped; None when nowhere."""
        found = project(CRS.from_string(self.grid.crs), self.crs, *_lattice(bounds))
        cols, rows = _applied(~self.transform, *found[:2])
        good = np.isfinite(cols) & np.isfinite(rows)
        if not good.any():
            return None
        c0, r0, c1, r1 = (float(v) for v in (cols[good].min(), rows[good].min(), cols[good].max(), rows[good].max()))
        wide, high = CURVED * (c1 - c0), CURVED * (r1 - r0)
        return c0 - wide, r0 - high, c1 + wide, r1 + high

    def touches(self, window: Window, margin: float = 0.0) -> bool:
        """Whether the raster holds a pixel within `margin` pixels of the window; in doubt, yes."""
        box = self.pixels(window.bounds)
        if box is None:
            return False
        (c0, r0, c1, r1), (rows, cols) = box, self.shape
        return c1 >= -margin and c0 <= cols + margin and r1 >= -margin and r0 <= rows + margin

    def columns_covered(self) -> float:
        """How many of its columns the grid covers."""
        box = self.pixels(self.grid.bounds)
        return max(0.0, min(box[2], self.shape[1]) - max(box[0], 0.0)) if box else 0.0

    def bounds(self) -> Bounds | None:
        """Where its pixels can reach on the grid, a kernel's margin included, in the grid's CRS; None means everywhere."""
        box = self.pixels(self.grid.bounds)
        if box is None:
            return None
        inside = max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(self.shape[1])), min(box[3], float(self.shape[0]))
        if inside == box or inside[0] >= inside[2] or inside[1] >= inside[3]:
            return None
        found = project(self.crs, CRS.from_string(self.grid.crs), *_applied(self.transform, *_lattice(inside)))
        xs, ys = np.asarray(found[0]), np.asarray(found[1])
        if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
            return None
        margin = self.grid.cell_m * (1 + self.kernel / min(self.across, self.down))
        wide, high = margin + CURVED * np.ptp(xs), margin + CURVED * np.ptp(ys)
        return float(xs.min() - wide), float(ys.min() - high), float(xs.max() + wide), float(ys.max() + high)


def footprint(source: Any, crs: CRS, grid: Grid) -> Footprint:
    """How an open raster lies to a grid; DataError when the grid's centre cannot be said in the raster's CRS."""
    xmin, ymin, xmax, ymax = grid.bounds
    x, y, half = (xmin + xmax) / 2, (ymin + ymax) / 2, grid.cell_m / 2
    found = project(CRS.from_string(grid.crs), crs, [x - half, x + half, x, x], [y, y, y - half, y + half])
    cols, rows = _applied(~source.transform, *found[:2])
    across, down = math.hypot(cols[1] - cols[0], cols[3] - cols[2]), math.hypot(rows[1] - rows[0], rows[3] - rows[2])
    if not (math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0):
        raise DataError(f"{Path(source.name).name}: its CRS does not reach the middle of the region; check `crs:` of its source")
    lies = Footprint(source.transform, crs, source.shape, grid, across, down)
    if not crs.is_geographic:
        return lies
    # longitudes may be counted from 0 to 360 where PROJ answers -180 to 180: take the turn that covers most of the grid
    turns = (replace(lies, transform=Affine.translation(turn, 0) @ source.transform) for turn in (0, -360, 360))
    return max(turns, key=Footprint.columns_covered)


def first_line(error: BaseException) -> str:
    """What a library said, without its tail."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _applied(transform: Affine, x: Any, y: Any) -> tuple[Array, Array]:
    x, y, t = np.asarray(x), np.asarray(y), transform
    return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


def _lattice(bounds: Bounds) -> tuple[Array, Array]:
    # inner points too: the raster's pole or seam may lie inside
    x, y = np.meshgrid(np.linspace(bounds[0], bounds[2], 9), np.linspace(bounds[1], bounds[3], 9))
    return x.ravel(), y.ravel()
