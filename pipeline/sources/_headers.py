"""What a raster's header tells before a pixel is read, and what is refused on the strength of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.windows
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from pipeline.errors import DataError
from pipeline.footprint import Bounds, crs_of, first_line, footprint, opened
from pipeline.grid import Grid, Window

MAX_CELLS = 4e10  # some 160 GB a band: a country at 10 m is below
LEAST_JUDGED = 1e8  # cells; a smaller raster cannot do harm, however it is packed
MOST_PACKED = 1000  # times: DEFLATE cannot do better than 1032, so more is empty or forged
BLOCKS_LOOKED_AT = 2000
LOOK = 512  # cells of a side of the coarse look
STRIP = 1 << 24  # pixels read at a time when every one must be looked at


class ElsewhereError(DataError):
    """A raster that does not touch the region: among many files no fault."""


@dataclass(frozen=True)
class Header:
    """What `acquire` needs of a file: the parts it consists of, its pixel on the ground, where it lies."""

    files: tuple[Path, ...]
    native_m: float
    bounds: Bounds | None
    synthetic: bool
    notices: tuple[str, ...]


def judged(path: Path, *, name: str, bands: list[int], crs: str | None, grid: Grid, max_cells: float) -> Header:
    """The header of a raster that can give these bands on this grid; DataError, naming the repair, for one that cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with opened(path) as source:
            _size(source, path, name, max_cells)
            for band in bands:
                if band > source.count:
                    raise DataError(
                        f"{name}: has {source.count} band{'s' * (source.count > 1)}, band {band} was asked for; correct `band:` or `bands:`"
                    )
                if np.dtype(source.dtypes[band - 1]).kind == "c":
                    raise DataError(f"{name}: band {band} is {source.dtypes[band - 1]}; give its magnitude or phase as a band of its own")
                _whole(source, path, name, band)
            if source.transform == Affine.identity():
                raise DataError(f"{name}: says no position on the ground (no geotransform); give a georeferenced file")
            held = crs_of(source, crs)
            lies = footprint(source, held, grid)
            if not lies.touches(Window(grid, 0, 0, *grid.shape)):
                raise ElsewhereError(_elsewhere(name, source, held, grid, crs))
            told = (
                (f"{name}: `crs: {crs}` is used, the file says {source.crs.to_string()[:60]}",) if crs and source.crs and source.crs != held else ()
            )
            synthetic = source.tags().get("SYNTHETIC", "").strip().upper().startswith(("YES", "TRUE", "1"))
            files = tuple(dict.fromkeys([path, *(Path(f) for f in source.files if Path(f).is_file())]))
            return Header(files, lies.native_m, lies.bounds(), synthetic, told)


def holds_value(path: str, *, band: int, nodata: float | None, crs: str | None, grid: Grid) -> bool:
    """Whether a band holds one value in the region; DataError when it cannot be read."""
    with opened(path) as source:
        lies = footprint(source, crs_of(source, crs), grid)
        box = lies.pixels(grid.bounds)
        whole = (0.0, 0.0, float(source.width), float(source.height))
        c0, r0, c1, r1 = (int(v) for v in _clipped(box or whole, whole))
        if c0 >= c1 or r0 >= r1:
            return False
        area = rasterio.windows.Window.from_slices((r0, r1), (c0, c1))
        look = min(r1 - r0, LOOK), min(c1 - c0, LOOK)
        try:
            # a few of its own blocks first: most layers have a value there, and a coarse look unpacks all of a file without overviews
            if any(_any(source, band, nodata, window=block) for block in _blocks(source, band, (r0, r1), (c0, c1))):
                return True
            if _any(source, band, nodata, window=area, out_shape=look):
                return True
            rows = max(1, STRIP // (c1 - c0))
            strips = (rasterio.windows.Window.from_slices((r, min(r + rows, r1)), (c0, c1)) for r in range(r0, r1, rows))
            return look != (r1 - r0, c1 - c0) and any(_any(source, band, nodata, window=strip) for strip in strips)
        except RasterioError as error:
            raise DataError(
                f"{Path(path).name}: cannot be read to the end ({first_line(error)}); it is damaged or cut short: fetch it again"
            ) from error


def extremes(path: str, *, band: int, nodata: float | None, crs: str | None, grid: Grid) -> tuple[float, float]:
    """The least and greatest value of a coarse look at a band in the region, unscaled; (nan, nan) where it sees none."""
    with opened(path) as source:
        whole = (0.0, 0.0, float(source.width), float(source.height))
        c0, r0, c1, r1 = (int(v) for v in _clipped(footprint(source, crs_of(source, crs), grid).pixels(grid.bounds) or whole, whole))
        area = rasterio.windows.Window.from_slices((r0, r1), (c0, c1))
        how = {"window": area, "out_shape": (min(r1 - r0, LOOK), min(c1 - c0, LOOK))}
        values = source.read(band, **how)
        valid = (source.read_masks(band, **how) > 0) if nodata is None else values != nodata
        seen = values[valid & np.isfinite(values)]
        return (float(seen.min()), float(seen.max())) if seen.size else (float("nan"), float("nan"))


def pixel(path: str | Path) -> float:
    """The width of a pixel, in the units of the file's CRS."""
    with opened(path) as source:
        return abs(float(source.transform.a))


def scaling(path: Path, band: int) -> tuple[float, float]:
    """Scale and offset the file states for a band (1 and 0 when it states none)."""
    return _scaling(path, band, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)  # asked for each tile
def _scaling(path: Path, band: int, changed: int) -> tuple[float, float]:
    del changed  # a file that was changed is asked again
    with opened(path) as source:
        return float(source.scales[band - 1]), float(source.offsets[band - 1])


def _any(source: Any, band: int, nodata: float | None, **how: Any) -> bool:
    values = source.read(band, **how)
    valid = (source.read_masks(band, **how) > 0) if nodata is None else values != nodata
    return bool((valid & np.isfinite(values)).any())


def _blocks(source: Any, band: int, rows: tuple[int, int], cols: tuple[int, int]) -> Iterator[rasterio.windows.Window]:
    """A block of the file in the middle of an area and in each of its quarters, none larger than a strip's worth of pixels."""
    down, across = source.block_shapes[band - 1]
    if down * across > STRIP:
        return
    for share, other in ((2, 2), (1, 1), (1, 3), (3, 1), (3, 3)):
        r, c = (start + (end - start) * quarters // 4 for (start, end), quarters in ((rows, share), (cols, other)))
        r, c = r // down * down, c // across * across
        yield rasterio.windows.Window.from_slices((max(r, rows[0]), min(r + down, rows[1])), (max(c, cols[0]), min(c + across, cols[1])))


def _clipped(box: Bounds, whole: Bounds) -> Bounds:
    return max(box[0] - 1, 0), max(box[1] - 1, 0), min(box[2] + 2, whole[2]), min(box[3] + 2, whole[3])


def _size(source: Any, path: Path, name: str, max_cells: float) -> None:
    cells = float(source.width) * source.height
    held = sum(Path(f).stat().st_size for f in source.files if Path(f).is_file()) or path.stat().st_size
    declared = cells * sum(np.dtype(kind).itemsize for kind in source.dtypes)
    if cells > max_cells:
        raise DataError(
            f"{name}: declares {source.width:,} x {source.height:,} pixels, the limit is {max_cells:.0e}; raise `max_cells:` if that is meant"
        )
    if cells > LEAST_JUDGED and declared > MOST_PACKED * held:
        raise DataError(
            f"{name}: declares {source.width:,} x {source.height:,} pixels in a file of {held:,} bytes, more than {MOST_PACKED} to 1; "
            "it is empty, cut short or forged: fetch it again, or cut it to the region"
        )


def _whole(source: Any, path: Path, name: str, band: int) -> None:
    """Refuse a GeoTIFF whose header points behind its end; its blocks are looked at evenly, the last one always."""
    if source.driver != "GTiff":
        return
    size, (high, wide) = path.stat().st_size, source.block_shapes[band - 1]
    across, down = -(-source.width // wide), -(-source.height // high)
    for number in {*range(0, across * down, max(1, across * down // BLOCKS_LOOKED_AT)), across * down - 1}:
        at = f"{number % across}_{number // across}"
        start, length = (source.get_tag_item(f"BLOCK_{what}_{at}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE"))
        if start and length and int(start) + int(length) > size:
            raise DataError(
                f"{name}: its header points to byte {int(start) + int(length):,}, the file ends at {size:,}; it is cut short: fetch it again"
            )


def _elsewhere(name: str, source: Any, crs: Any, grid: Grid, declared: str | None) -> str:
    from rasterio.warp import transform_bounds

    def said(bounds: Bounds, of: Any) -> str:
        try:
            west, south, east, north = transform_bounds(of, "EPSG:4326", *bounds)
        except RasterioError:
            return "no place on Earth"
        return f"{west:.2f} to {east:.2f} E, {south:.2f} to {north:.2f} N"

    repair = "correct `crs:`" if declared else "give a file of the region, or say the right `crs:`"
    return f"{name}: does not touch the region; it covers {said(source.bounds, crs)}, the region {said(grid.bounds, grid.crs)}: {repair}"
