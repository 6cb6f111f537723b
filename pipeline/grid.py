"""The grid as a value: one CRS, one cell size, one origin, cut into tiles.

Two rasters are on the same grid or they do not meet. The cell and the origin are exact in binary and the
origin is a multiple of the cell, so the coordinates of a tile equal those of the whole grid to the last bit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

Index = tuple[int, int]
BINARY_STEP = 1024  # a cell that is a whole number of 1/1024 m, times any cell count we meet, is exact in float64


@dataclass(frozen=True)
class Grid:
    """A region's grid. Rows run from north to south, columns from west to east; arrays are (y, x).

    `crs` is any PROJ-readable text of a projected CRS in metres, `cell_m` the side of a square cell,
    `x_m`, `y_m` the upper left corner, `rows`, `cols` the shape, `tile` the side of a tile in cells.
    """

    crs: str
    cell_m: float
    x_m: float
    y_m: float
    rows: int
    cols: int
    tile: int

    @classmethod
    def covering(cls, bounds: tuple[float, float, float, float], *, crs: str, cell_m: float, tile: int) -> Grid:
        """The smallest grid over `bounds` (xmin, ymin, xmax, ymax in metres of `crs`) whose origin is a multiple of
        the cell; ConfigError when the CRS is not metric, the cell is not exact in binary or the bounds are empty."""
        _check_metric(crs)
        if not cell_m > 0 or (cell_m * BINARY_STEP) % 1:
            raise ConfigError(
                f"cell_m {cell_m!r} is not a positive number exact in binary; use a whole number of metres (30, 250, 1000)"
            )
        xmin, ymin, xmax, ymax = bounds
        if not all(map(math.isfinite, bounds)) or xmin >= xmax or ymin >= ymax:
            raise ConfigError(f"bounds {bounds} are empty or not finite; expected xmin < xmax and ymin < ymax in metres")
        west, north = math.floor(xmin / cell_m), math.ceil(ymax / cell_m)
        cols, rows = math.ceil(xmax / cell_m) - west, north - math.floor(ymin / cell_m)
        cell_m = float(cell_m)
        return cls(crs, cell_m, west * cell_m, north * cell_m, rows, cols, tile)

    @cached_property
    def geobox(self) -> GeoBox:
        """The whole grid as an odc-geo GeoBox."""
        from odc.geo.geobox import GeoBox  # not at the top: it brings dask and xarray, which a run may do without

        return GeoBox((self.rows, self.cols), self.affine(), self.crs)

    @cached_property
    def wkt(self) -> str:
        """The CRS as WKT."""
        return CRS(self.crs).to_wkt()

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits that name this grid, tile size included."""
        said = (self.wkt, self.cell_m, self.x_m, self.y_m, self.rows, self.cols, self.tile)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.cols

    @property
    def tiles_shape(self) -> tuple[int, int]:
        """Tiles down and across."""
        return -(-self.rows // self.tile), -(-self.cols // self.tile)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax) in metres."""
        return self.x_m, self.y_m - self.rows * self.cell_m, self.x_m + self.cols * self.cell_m, self.y_m

    def tiles(self) -> Iterator[Index]:
        """Every tile (row, column), row by row: the one order used wherever an order matters."""
        down, across = self.tiles_shape
        return ((r, c) for r in range(down) for c in range(across))

    def window(self, tile: Index, halo: int = 0) -> Window:
        """The cells of one tile, with `halo` more on each side (which may lie outside the grid)."""
        r0, c0 = tile[0] * self.tile, tile[1] * self.tile
        r1, c1 = min(r0 + self.tile, self.rows), min(c0 + self.tile, self.cols)
        return Window(self, r0 - halo, c0 - halo, r1 + halo, c1 + halo)

    def near(self, tile: Index, halo: int) -> list[Index]:
        """The tiles that hold a cell within `halo` cells of this tile, itself included, in grid order."""
        window, (down, across) = self.window(tile, halo), self.tiles_shape
        rows = range(max(window.r0, 0) // self.tile, min((min(window.r1, self.rows) - 1) // self.tile, down - 1) + 1)
        cols = range(max(window.c0, 0) // self.tile, min((min(window.c1, self.cols) - 1) // self.tile, across - 1) + 1)
        return [(r, c) for r in rows for c in cols]

    def holding(self, x: np.ndarray, y: np.ndarray) -> set[Index]:
        """The tiles that hold one of the points, x and y in metres; points outside the grid lie in none."""
        rows, cols = np.floor((self.y_m - y) / self.cell_m).astype(np.int64), np.floor((x - self.x_m) / self.cell_m).astype(np.int64)
        inside = (rows >= 0) & (rows < self.rows) & (cols >= 0) & (cols < self.cols)
        return set(self.tiles_of(rows[inside] * self.cols + cols[inside]))

    def tiles_of(self, cells: np.ndarray) -> frozenset[Index]:
        """The tiles that hold one of these cells, by their numbers, row * columns + column."""
        rows, cols = np.divmod(cells, self.cols)
        return frozenset(zip((rows // self.tile).tolist(), (cols // self.tile).tolist(), strict=True))

    def affine(self, row: int = 0, col: int = 0) -> Affine:
        """The transform whose origin is the upper left corner of cell (row, col)."""
        return Affine(self.cell_m, 0.0, self.x_m + col * self.cell_m, 0.0, -self.cell_m, self.y_m - row * self.cell_m)

    def area_distortion(self) -> float:
        """Largest relative error of a cell's area over the grid's corners, edges and centre (0 = equal-area)."""
        xmin, ymin, xmax, ymax = self.bounds
        xs, ys = np.meshgrid(np.linspace(xmin, xmax, 5), np.linspace(ymin, ymax, 5))
        proj = Proj(self.crs)
        lon, lat = proj(xs.ravel(), ys.ravel(), inverse=True)
        return float(np.nanmax(np.abs(np.asarray(proj.get_factors(lon, lat).areal_scale) - 1.0)))


@dataclass(frozen=True)
class Window:
    """A rectangle of cells of a grid: rows r0 to r1 and columns c0 to c1, ends excluded; may reach outside."""

    grid: Grid
    r0: int
    c0: int
    r1: int
    c1: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.r1 - self.r0, self.c1 - self.c0

    @property
    def geobox(self) -> GeoBox:
        """This window as an odc-geo GeoBox."""
        from odc.geo.geobox import GeoBox

        return GeoBox(self.shape, self.grid.affine(self.r0, self.c0), self.grid.crs)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax) in metres."""
        g = self.grid
        return (g.x_m + self.c0 * g.cell_m, g.y_m - self.r1 * g.cell_m, g.x_m + self.c1 * g.cell_m, g.y_m - self.r0 * g.cell_m)

    @property
    def tile(self) -> Index:
        """The tile (row, column) that holds its middle: of a tile with a halo, that tile."""
        return (self.r0 + self.r1) // 2 // self.grid.tile, (self.c0 + self.c1) // 2 // self.grid.tile

    def x(self) -> np.ndarray:
        """Centres of the columns, metres, (columns,) float64."""
        return self.grid.x_m + (np.arange(self.c0, self.c1) + 0.5) * self.grid.cell_m

    def y(self) -> np.ndarray:
        """Centres of the rows, metres, north first, (rows,) float64."""
        return self.grid.y_m - (np.arange(self.r0, self.r1) + 0.5) * self.grid.cell_m

    def cells(self) -> np.ndarray:
        """Global cell numbers, row * columns of the whole grid + column; (y, x) int64. Inside the grid only."""
        return np.arange(self.r0, self.r1)[:, None] * np.int64(self.grid.cols) + np.arange(self.c0, self.c1)[None, :]


def _check_metric(crs: str) -> None:
    try:
        parsed = CRS(crs)
    except CRSError as error:
        raise ConfigError(f"crs {crs!r} is not understood by PROJ; give an EPSG code or a PROJ string ({error})") from error
    if not parsed.is_projected or parsed.axis_info[0].unit_name not in ("metre", "meter", "m"):
        raise ConfigError(f"crs {crs!r} is not a projected CRS in metres; choose an equal-area one for the region")
