"""What all fakes of satellites see: one invented ground, its clouds, and cloud-optimised files of it in UTM."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from pyproj import Transformer
from rasterio.io import MemoryFile

Array = np.ndarray[Any, Any]
LARGE = 1000  # pixels of a side


@dataclass(frozen=True)
class Frame:
    """One granule's square: UTM zone, upper left corner in metres, side in metres."""

    epsg: int
    x: float
    y: float
    side_m: float

    def transform(self, pixel_m: float) -> Affine:
        return Affine(pixel_m, 0, self.x, 0, -pixel_m, self.y)

    def shape(self, pixel_m: float) -> tuple[int, int]:
        return (round(self.side_m / pixel_m),) * 2

    def lonlat(self, pixel_m: float) -> tuple[Array, Array]:
        return _lonlat(self, pixel_m)

    def outline(self) -> list[list[float]]:
        x = [self.x, self.x + self.side_m, self.x + self.side_m, self.x, self.x]
        y = [self.y - self.side_m, self.y - self.side_m, self.y, self.y, self.y - self.side_m]
        lon, lat = Transformer.from_crs(self.epsg, 4326, always_xy=True).transform(x, y)
        return [[float(a), float(b)] for a, b in zip(lon, lat, strict=True)]

    def geometry(self) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": [self.outline()]}

    def bbox(self) -> list[float]:
        lon, lat = zip(*self.outline(), strict=True)
        return [min(lon), min(lat), max(lon), max(lat)]

    @classmethod
    def around(cls, epsg: int, lon: float, lat: float, side_m: float, step_m: float = 1000) -> Frame:
        """A square about a point, its corner on whole kilometres."""
        x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
        return cls(epsg, math.floor((x - side_m / 2) / step_m) * step_m, math.ceil((y + side_m / 2) / step_m) * step_m, side_m)


@lru_cache(maxsize=1)  # one band after the other asks for the same
def _lonlat(frame: Frame, pixel_m: float) -> tuple[Array, Array]:
    """Longitude and latitude of each pixel's middle, (y, x) float64; of a large frame between those of every 50th pixel, which costs a hundredth."""
    rows, cols = frame.shape(pixel_m)
    step = 50 if rows > LARGE else 1
    across, down = (np.append(np.arange(0, side - 1, step), side - 1) if step > 1 else np.arange(side) for side in (cols, rows))
    x, y = np.meshgrid(frame.x + (across + 0.5) * pixel_m, frame.y - (down + 0.5) * pixel_m)
    lon, lat = Transformer.from_crs(frame.epsg, 4326, always_xy=True).transform(x, y)
    if step > 1:
        lon, lat = (_between(_between(values, down, rows).T, across, cols).T for values in (lon, lat))
    return np.asarray(lon), np.asarray(lat)


def _between(values: Array, at: Array, count: int) -> Array:
    """Rows of numbers (n, m), known at rows `at`, on all of `count` rows by straight lines."""
    place = np.interp(np.arange(count), at, np.arange(at.size))
    low = np.minimum(place.astype(int), at.size - 2)
    share = (place - low)[:, None]
    return values[low] * (1 - share) + values[low + 1] * share


def ground(lon: Array, lat: Array, band: int) -> Array:
    """Reflectance of the invented ground, 0.05 to 0.5, smooth, another for each band."""
    u, v = (lon - 65) * 40, (lat - 28) * 40
    return 0.25 + 0.12 * np.sin(u / (2 + band) + band) * np.cos(v / (3 + band)) + 0.08 * np.sin((u + v) / 1.7 + 2 * band)


def clouds(lon: Array, lat: Array, seed: int) -> tuple[Array, Array]:
    """Cloud and the shadow beside it: (y, x) bool each."""
    rng = np.random.default_rng(seed)
    cloud, shade = np.zeros(lon.shape, bool), np.zeros(lon.shape, bool)
    for x, y, r in zip(rng.uniform(lon.min(), lon.max(), 4), rng.uniform(lat.min(), lat.max(), 4), rng.uniform(0.03, 0.1, 4), strict=True):
        cloud |= np.hypot(lon - x, lat - y) < r
        shade |= np.hypot(lon - x - 0.06, lat - y - 0.04) < r
    return cloud, shade & ~cloud


def save(path: Path, bands: Array | list[Array], epsg: int, transform: Affine, *, nodata: float | None, block: int = 256) -> int:
    """A cloud-optimised GeoTIFF of one band or several, with overviews, that says it is synthetic; the bytes it has."""
    stack = np.stack(bands) if isinstance(bands, list) else bands[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    count, rows, cols = stack.shape
    profile = {"driver": "GTiff", "height": rows, "width": cols, "count": count, "dtype": stack.dtype, "nodata": nodata}
    with MemoryFile() as memory:
        with memory.open(crs=f"EPSG:{epsg}", transform=transform, **profile) as file:
            file.write(stack)
            file.update_tags(SYNTHETIC="YES")
        with memory.open() as file:
            how = {"driver": "COG", "blocksize": block, "compress": "DEFLATE", "overview_resampling": "average" if nodata is not None else "nearest"}
            rasterio.shutil.copy(file, str(path), **how)
    return path.stat().st_size


def item(name: str, collection: str, frame: Frame, properties: dict[str, Any], assets: dict[str, Any]) -> dict[str, Any]:
    """A STAC item over a frame, in the catalogue's form, marked synthetic."""
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "geometry": frame.geometry(), "bbox": frame.bbox(), "links": [],
        "properties": {"proj:epsg": frame.epsg, "synthetic": True, **properties}, "assets": assets,
    }  # fmt: skip


def asset(href: str, frame: Frame, pixel_m: float, size: int, **more: Any) -> dict[str, Any]:
    """An asset with its grid, as catalogues state it."""
    t = frame.transform(pixel_m)
    return {
        "href": href, "type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"], "file:size": size,
        "proj:shape": list(frame.shape(pixel_m)), "proj:transform": [t.a, t.b, t.c, t.d, t.e, t.f], **more,
    }  # fmt: skip

