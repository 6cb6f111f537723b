"""A raster of a service: asked for in pieces on its own lattice of pixels, laid side by side and kept as one file."""

from __future__ import annotations

import math
import os
import secrets
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.errors import RasterioError
from rasterio.merge import merge

from pipeline.asset import Acquired, Place
from pipeline.cube import write_atomically
from pipeline.errors import DataError, MissingError
from pipeline.shelf import digest_of, file_sha256
from pipeline.sources import _files
from pipeline.sources._vectorfile import around
from pipeline.sources.raster import Raster

Bounds = tuple[float, float, float, float]

SIDE = 2000  # pixels of a piece
MOST_PIXELS = 400_000_000
AROUND = 8  # pixels about the region that a kernel may look at
MEMORY_MB = 64
LAID = {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}


@dataclass(frozen=True)
class Lattice:
    """The pixels a service has: its CRS, the upper left corner of one, their width and height, and the bounds of all."""

    crs: str
    x: float
    y: float
    wide: float
    high: float
    bounds: Bounds

    def pieces(self, asked: Bounds, name: str) -> Iterator[tuple[Bounds, int, int]]:
        """Bounds, columns and rows of pieces that cover what is asked, as far as there are pixels; their edges are edges of pixels."""
        west, south, east, north = (f(a, b) for f, a, b in zip((max, max, min, min), asked, self.bounds, strict=True))
        if west >= east or south >= north:
            raise DataError(f"{name}: does not touch the region; it covers {self.bounds} in {self.crs}: ask the survey for the coverage of the region")
        c0, c1 = math.floor((west - self.x) / self.wide + 1e-6), math.ceil((east - self.x) / self.wide - 1e-6)
        r0, r1 = math.floor((self.y - north) / self.high + 1e-6), math.ceil((self.y - south) / self.high - 1e-6)
        if (c1 - c0) * (r1 - r0) > MOST_PIXELS:
            many = (c1 - c0) * (r1 - r0)
            raise DataError(f"{name}: has {many:,} pixels over the region, the limit is {MOST_PIXELS:,}; ask the survey for the file")
        for row in range(r0, r1, SIDE):
            for col in range(c0, c1, SIDE):
                cols, rows = min(SIDE, c1 - col), min(SIDE, r1 - row)
                left, top = self.x + col * self.wide, self.y - row * self.high
                yield (left, top - rows * self.high, left + cols * self.wide, top), cols, rows


@dataclass(frozen=True)
class ServedRaster(Raster):
    """A raster of a service; `path` is its address."""

    def file(self, place: Place) -> Path:
        """Its pixels over the region as they are now, kept under the name of their content; offline as they were last."""
        held = place.shelf / "layers" / f"{digest_of(repr(self), place.grid.id)}.last"
        if place.offline:
            path = held.with_name(held.read_text()) if held.is_file() else held
            if not held.is_file() or not path.is_file():
                raise MissingError([_files.name_of(self.path)])
            return path
        path = self._laid(place)
        write_atomically(held, path.name.encode())
        return path

    def acquire(self, place: Place) -> Acquired:
        """As any raster; what it came from is the service."""
        acquired = super().acquire(place)
        return replace(acquired, assets=tuple(replace(asset, origin=_files.name_of(self.path)) for asset in acquired.assets))

    @abstractmethod
    def lattice(self, place: Place) -> Lattice:
        """The pixels the service has."""

    @abstractmethod
    def piece(self, place: Place, bounds: Bounds, cols: int, rows: int) -> Path:
        """The GeoTIFF of a piece."""

    def _laid(self, place: Place) -> Path:
        name, lattice = _files.name_of(self.path), self.lattice(place)
        try:
            crs = CRS(lattice.crs)
        except CRSError as error:
            raise DataError(f"{name}: its CRS {lattice.crs[:60]!r} is not understood by PROJ; ask the survey for the file") from error
        wanted = around(place.grid, 0, crs)
        wide, high = AROUND * lattice.wide, AROUND * lattice.high
        near = wanted[0] - wide, wanted[1] - high, wanted[2] + wide, wanted[3] + high
        pieces = [self._checked(self.piece(place, *asked), lattice, name) for asked in lattice.pieces(near, name)]
        folder = place.shelf / "layers"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"served-{secrets.token_hex(4)}.tif"
        merge(sorted(pieces), dst_path=draft, mem_limit=MEMORY_MB, dst_kwds=LAID)
        path = folder / f"{file_sha256(draft)[:16]}-served.tif"
        os.replace(draft, path)
        return path

    @staticmethod
    def _checked(path: Path, lattice: Lattice, name: str) -> Path:
        """A piece that is a raster on the lattice; DataError for anything else."""
        try:
            with rasterio.open(path) as piece:
                held, kind = piece.transform, piece.driver
        except (RasterioError, OSError) as error:
            said = " ".join(path.read_bytes()[:300].decode("utf-8", "replace").split())
            raise DataError(f"{name}: its answer is no raster ({said[:200]}); the service changed, refuses, or does not give GeoTIFF") from error
        off = ((held.c - lattice.x) / lattice.wide, (lattice.y - held.f) / lattice.high, held.a / lattice.wide - 1, -held.e / lattice.high - 1)
        if kind != "GTiff" or abs(off[2]) > 1e-6 or abs(off[3]) > 1e-6 or any(abs(value - round(value)) > 0.01 for value in off[:2]):
            raise DataError(
                f"{name}: answers on other pixels than it says it has ({held.a:g} by {-held.e:g} at {held.c:g}, {held.f:g}); ask the survey for the file"
            )
        return path
