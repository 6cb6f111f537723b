"""The equal-area grid of the sample, and the two kinds of random field drawn on it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy import fft
from scipy.ndimage import distance_transform_edt
from shapely.geometry.base import BaseGeometry

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


@lru_cache(maxsize=2)
def _transformer(inverse: bool) -> Transformer:
    source, target = (CRS, "EPSG:4326") if inverse else ("EPSG:4326", CRS)
    return Transformer.from_crs(source, target, always_xy=True)


def to_metres(lon: Floats | float, lat: Floats | float) -> tuple[Floats, Floats]:
    """Easting and northing in metres of WGS84 degrees; same shape as the input."""
    x, y = _transformer(False).transform(lon, lat)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def to_degrees(x: Floats | float, y: Floats | float) -> tuple[Floats, Floats]:
    """Longitude and latitude in WGS84 degrees of easting and northing in metres."""
    lon, lat = _transformer(True).transform(x, y)
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


@dataclass(frozen=True)
class Frame:
    """A north-up grid in `CRS`; (y, x) row 0 in the north; `left` and `top` are multiples of `cell_m`."""

    cell_m: float
    left: float
    top: float
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def transform(self) -> Affine:
        """From column and row to easting and northing in metres."""
        return Affine(self.cell_m, 0.0, self.left, 0.0, -self.cell_m, self.top)

    def centres(self) -> tuple[Floats, Floats]:
        """Easting and northing of the cell centres in metres, two (y, x) arrays."""
        x = self.left + (np.arange(self.width) + 0.5) * self.cell_m
        y = self.top - (np.arange(self.height) + 0.5) * self.cell_m
        grids = np.meshgrid(x, y)
        return grids[0], grids[1]

    def cell_of(self, x: Floats, y: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the cells holding the points, clipped to the grid."""
        row = np.floor((self.top - np.asarray(y)) / self.cell_m).astype(np.intp)
        col = np.floor((np.asarray(x) - self.left) / self.cell_m).astype(np.intp)
        return np.clip(row, 0, self.height - 1), np.clip(col, 0, self.width - 1)

    def around(self, x: float, y: float, reach_m: float) -> tuple[tuple[slice, slice], Floats, Floats]:
        """The window of cells within `reach_m` of a point, and the offsets east and north of their centres,
        in metres.
        """
        row, col = (int(v) for v in self.cell_of(np.asarray(x), np.asarray(y)))
        n = int(np.ceil(reach_m / self.cell_m)) + 1
        rows = np.arange(max(0, row - n), min(self.height, row + n + 1))
        cols = np.arange(max(0, col - n), min(self.width, col + n + 1))
        east = self.left + (cols[None, :] + 0.5) * self.cell_m - x
        north = self.top - (rows[:, None] + 0.5) * self.cell_m - y
        window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1))
        shape = (len(rows), len(cols))
        return window, np.broadcast_to(east, shape), np.broadcast_to(north, shape)

    def burn(self, shapes: Iterable[BaseGeometry], *, touched: bool = False) -> Bools:
        """True in the cells whose centre (or, with `touched`, any part) meets one of the shapes; metres."""
        found = [shape for shape in shapes if not shape.is_empty]
        if not found:
            return np.zeros(self.shape, dtype=bool)
        burnt = rasterize(found, out_shape=self.shape, transform=self.transform, all_touched=touched, dtype="uint8")
        return np.asarray(burnt == 1)

    def distance_m(self, where: Bools) -> Floats:
        """Distance in metres from each cell centre to the nearest True one; 1e9 where there is none."""
        if not where.any():
            return np.full(self.shape, 1e9)
        return np.asarray(distance_transform_edt(~where), dtype=np.float64) * self.cell_m


def frame_around(outline: BaseGeometry, *, cell_m: float, margin_m: float = 20_000.0) -> Frame:
    """The smallest frame on multiples of `cell_m` holding an outline (metres) and a margin on every side."""
    west, south, east, north = outline.bounds
    left = np.floor((west - margin_m) / cell_m)
    right = np.ceil((east + margin_m) / cell_m)
    bottom = np.floor((south - margin_m) / cell_m)
    top = np.ceil((north + margin_m) / cell_m)
    return Frame(cell_m, float(left * cell_m), float(top * cell_m), int(top - bottom), int(right - left))


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of one named thing, so that adding a thing leaves the draws of all others as they
    were.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _coloured(frame: Frame, seed: int, name: str, gain: Floats) -> Floats:
    white = stream(seed, name).standard_normal(frame.shape)
    field = np.asarray(fft.irfft2(fft.rfft2(white) * gain, s=frame.shape), dtype=np.float64)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def wavenumber(shape: tuple[int, int], cell_m: float) -> Floats:
    """Radial frequency in cycles per metre for `rfft2` of an array of this shape."""
    fy = fft.fftfreq(shape[0], cell_m)[:, None]
    fx = fft.rfftfreq(shape[1], cell_m)[None, :]
    return np.asarray(np.hypot(fy, fx), dtype=np.float64)


def smooth_noise(frame: Frame, seed: int, name: str, *, scale_m: float) -> Floats:
    """Gaussian field of mean 0 and deviation 1 with Gaussian correlation of length `scale_m`; periodic at the
    frame.
    """
    return _coloured(frame, seed, name, np.exp(-2.0 * (np.pi * scale_m * wavenumber(frame.shape, frame.cell_m)) ** 2))


def rough_noise(frame: Frame, seed: int, name: str, *, slope: float, longest_m: float) -> Floats:
    """Fractal field, mean 0, deviation 1: power falls as frequency to `-slope`, flat beyond `longest_m`
    (Turcotte, 1997).
    """
    return _coloured(frame, seed, name, (wavenumber(frame.shape, frame.cell_m) + 1.0 / longest_m) ** (-slope / 2.0))
