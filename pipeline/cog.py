"""COG: a layer of the cube as a cloud-optimised GeoTIFF, the same bytes for any tile size, and its exact statistics.

Everything is counted and written in blocks of 512 cells whose corners are multiples of 512 from the grid's corner, so
neither the chunks of the cube nor the order in which they are read can be seen in the file.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio import shutil
from rasterio._err import CPLE_BaseError  # what a copy raises when the disk fills; it has no public name
from rasterio.enums import Resampling

from pipeline.cube import REGION, Cube
from pipeline.errors import StoreError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING, Array

BLOCK = 512
CACHE_MB = 128  # GDAL's block cache; its default is a share of the machine's memory
THREADS = "ALL_CPUS"  # that pack blocks; any number gives the same bytes
Palette = Mapping[int, tuple[int, int, int, int]]
SYNTHETIC = "YES: made wholly or partly from simulated data; it says nothing about real ground"


@dataclass(frozen=True)
class Block:
    """The cells of one block: `values` (y, x), its upper left cell at `row`, `col` of the grid."""

    row: int
    col: int
    values: Array


def blocks(cube: Cube, layer: str) -> Iterator[Block]:
    """Every block of a layer once; squares of whole chunks are read, so memory does not grow with the region. Cells off the region are missing:
    layers are made a little beyond it, how far hangs on the tiles, and what lies further off may be left of a region that was larger."""
    rows, cols = cube.grid.shape
    side = BLOCK * math.ceil(cube.grid.tile / BLOCK)
    for top in range(0, rows, side):
        for left in range(0, cols, side):
            window = Window(cube.grid, top, left, min(top + side, rows), min(left + side, cols))
            square = cube.read(layer, window)
            off = np.isnan(cube.read(REGION, window))
            if off.any():
                square = np.where(off, np.float32(np.nan) if square.dtype.kind == "f" else MISSING, square)
            for r in range(0, square.shape[0], BLOCK):
                for c in range(0, square.shape[1], BLOCK):
                    yield Block(top + r, left + c, square[r : r + BLOCK, c : c + BLOCK])


@dataclass
class Statistics:
    """Exact statistics of the known cells, to which blocks may be added in any order."""

    cells: int = 0
    known: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    _sums: list[float] = field(default_factory=list)
    _moments: list[tuple[int, float, float]] = field(default_factory=list)

    def add(self, values: Array) -> None:
        """Count a block; NaN and MISSING are unknown."""
        known = known_values(values).astype(np.float64)
        self.cells += values.size
        if known.size == 0:
            return
        total = float(known.sum())
        mean = total / known.size
        self.known += known.size
        self.minimum, self.maximum = min(self.minimum, float(known.min())), max(self.maximum, float(known.max()))
        self._sums.append(total)
        self._moments.append((known.size, mean, float(((known - mean) ** 2).sum())))

    @property
    def mean(self) -> float:
        """Mean of the known cells; NaN for none."""
        return math.fsum(self._sums) / self.known if self.known else math.nan

    @property
    def stddev(self) -> float:
        """Standard deviation of the known cells (the population's, as GDAL writes it); NaN for none."""
        if not self.known:
            return math.nan
        centre = self.mean
        # within blocks and between them, each summed without rounding: no order of blocks can change it
        squares = math.fsum([m2 for _, _, m2 in self._moments] + [n * (mean - centre) ** 2 for n, mean, _ in self._moments])
        return math.sqrt(squares / self.known)

    def tags(self) -> dict[str, str]:
        """The band tags GDAL and QGIS read statistics from; empty when no cell is known."""
        if not self.known:
            return {}
        said = {"MINIMUM": self.minimum, "MAXIMUM": self.maximum, "MEAN": self.mean, "STDDEV": self.stddev}
        share = f"{100 * self.known / self.cells:.4g}"
        return {f"STATISTICS_{word}": repr(value) for word, value in said.items()} | {"STATISTICS_VALID_PERCENT": share}


def known_values(values: Array) -> Array:
    """The cells that are neither NaN nor MISSING, flat."""
    known: Array = ~np.isnan(values) if values.dtype.kind == "f" else values != MISSING
    return values[known]


@dataclass(frozen=True)
class Look:
    """How a layer is kept in a file: its band's name and units, tags of file and band, `nodata`, and how overviews are made.

    With `palette`, codes of 0 to 255 are kept as bytes with these colours (red, green, blue, alpha), MISSING as 0.
    """

    description: str
    units: str
    tags: Mapping[str, str] = field(default_factory=dict)
    band_tags: Mapping[str, str] = field(default_factory=dict)
    palette: Palette | None = None


def look(cube: Cube, layer: str) -> Look:
    """The look of any layer of the cube, from what its array says of itself."""
    said = cube.said(layer)
    tags = {"SOURCE": str(said.get("source", "")), "LICENCE": str(said.get("licence", ""))}
    if said.get("synthetic"):
        tags["SYNTHETIC"] = SYNTHETIC
    return Look(str(said.get("long_name", layer)), str(said.get("units", "1")), tags, {"NATIVE_M": str(said.get("native_m", ""))})


def write(path: Path, cube: Cube, layer: str, look: Look) -> Statistics:
    """Write a layer, as `blocks` gives it, as one COG, whole or not at all, and return its statistics; StoreError when it cannot be written."""
    dtype: str = "uint8" if look.palette else str(cube.kind(layer).dtype)
    nodata: float = 0 if look.palette else math.nan if dtype == "float32" else int(MISSING)
    # a nearest code is a code; the mean of two is another. The nearest of two floats would be noise at low zoom
    resampling = Resampling.average if dtype == "float32" else Resampling.mode
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent) as beside,
            rasterio.Env(GDAL_CACHEMAX=CACHE_MB, GDAL_NUM_THREADS=THREADS, GDAL_TIFF_OVR_BLOCKSIZE=BLOCK, GDAL_PAM_ENABLED="NO"),
        ):
            plain, cog = Path(beside) / "plain.tif", Path(beside) / "cog.tif"
            statistics = _write_plain(plain, cube.grid, blocks(cube, layer), look, dtype, nodata)
            _add_overviews(plain, resampling)
            options = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": BLOCK, "BIGTIFF": "IF_SAFER"}
            options |= {"LEVEL": 1} if dtype == "float32" else {}  # more gains floats a hundredth and takes half as long again
            shutil.copy(plain, cog, driver="COG", OVERVIEWS="FORCE_USE_EXISTING", **options)
            _check_whole(cog, cube.grid)
            cog.replace(path)
    except (OSError, CPLE_BaseError) as error:  # rasterio's own errors of reading and writing are OSErrors
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise StoreError(f"cannot write {path.name} ({reason}); free some space or give another folder") from error
    return statistics


def _write_plain(path: Path, grid: Grid, parts: Iterator[Block], look: Look, dtype: str, nodata: float) -> Statistics:
    statistics = Statistics()
    profile: dict[str, Any] = {
        "driver": "GTiff", "height": grid.rows, "width": grid.cols, "count": 1, "dtype": dtype, "nodata": nodata,
        "crs": rasterio.CRS.from_user_input(grid.crs), "transform": grid.affine(),
        "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "BIGTIFF": "IF_SAFER", "SPARSE_OK": True,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        for block in parts:
            values = block.values
            if look.palette:
                values = np.where(values == MISSING, 0, values).astype(np.uint8)
            statistics.add(block.values)
            rows, cols = values.shape
            file.write(values, 1, window=rasterio.windows.Window(block.col, block.row, cols, rows))
        file.set_band_description(1, look.description)
        file.set_band_unit(1, look.units)
        file.update_tags(**look.tags)
        file.update_tags(1, **look.band_tags, **statistics.tags())
        if look.palette:
            file.write_colormap(1, dict(look.palette))
    return statistics


def _add_overviews(path: Path, resampling: Resampling) -> None:
    """Overviews, each half of the one before, rounded up, until one block holds the last. The COG driver's own would be packed on the way and unpacked again,
    which takes as long as all the rest of a copy. OSError when they are not whole: GDAL says nothing of a disk that fills meanwhile."""
    before = path.stat().st_size
    with rasterio.open(path, "r+") as file:
        factors = [2**level for level in range(1, math.ceil(math.log2(max(*file.shape, BLOCK) / BLOCK)) + 1)]
        if factors:
            file.build_overviews(factors, resampling)
        sides = [[math.ceil(n / factor / BLOCK) for n in file.shape] for factor in factors]
        whole = sum(math.prod(blocks) for blocks in sides) * BLOCK**2 * np.dtype(file.dtypes[0]).itemsize
    if path.stat().st_size < before + whole:
        raise OSError("the overviews could not be written to the end")


def _check_whole(path: Path, grid: Grid) -> None:
    """Read the last block of the full image, which is what a full disk would have cut off."""
    with rasterio.open(path) as file:
        row, col = (BLOCK * ((n - 1) // BLOCK) for n in grid.shape)
        file.read(1, window=rasterio.windows.Window(col, row, grid.cols - col, grid.rows - row))
