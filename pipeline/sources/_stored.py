"""One band of a scene onto the grid: the bytes a tile needs from declared hosts, signed if they must be, held against what the catalogue said."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.fetch import download
from pipeline.footprint import Bounds, opened
from pipeline.grid import Window
from pipeline.ranged import Remote
from pipeline.recipe import Array
from pipeline.sources import _signing
from pipeline.sources._scenes import Band, Scene
from pipeline.warp import Method, read_onto

MOST_BYTES = 4 * 10**9  # of one file of a scene
STICKS = 0.02  # of a side: what rounding of an outline's corners makes
OFF = 0.01  # of a pixel: more, and the file lies elsewhere than its catalogue says


def onto(scene: Scene, role: str, *, window: Window, resampling: Method, dtype: str) -> Array:
    """Stored values of a band on the cells of a window: (y, x) float64, NaN where missing; DataError when it is not what the catalogue said."""
    band = scene.bands[role]
    remote = Remote(
        band.href, scene.hosts, Path(scene.path), f"{scene.id}: {band.href.rsplit('/', 1)[-1]}", band.version, _sign(scene.sas_url, scene.hosts),
        offline=scene.offline, max_bytes=MOST_BYTES,
    )  # fmt: skip
    _check(remote, scene, band, dtype)
    values, _ = read_onto(remote, band=band.index, window=window, resampling=resampling, nodata=band.nodata)
    return values.astype(np.float64, copy=False)


def whole(href: str, hosts: tuple[str, ...], sas_url: str, place: Place, max_bytes: int) -> Path:
    """A file of a catalogue, whole, on the shelf."""
    return download(href, hosts=hosts, shelf=place.shelf, max_bytes=max_bytes, sign=_sign(sas_url, hosts), offline=place.offline)


def _sign(sas_url: str, hosts: tuple[str, ...]) -> partial[str] | None:
    return partial(_signing.signed, sas_url=sas_url, hosts=hosts) if sas_url else None


def _check(remote: Remote, scene: Scene, band: Band, dtype: str) -> None:
    name = remote.name
    with opened(remote) as source:
        if band.index > source.count:
            raise DataError(f"{name}: has {source.count} bands, number {band.index} is wanted; the file is not the product the catalogue names")
        if source.dtypes[band.index - 1] != dtype:
            raise DataError(f"{name}: is stored as {source.dtypes[band.index - 1]}, the product as {dtype}; the file is not what the catalogue names")
        if scene.epsg is not None and source.crs != CRS.from_user_input(scene.epsg):
            raise DataError(
                f"{name}: the file says {source.crs}, its catalogue {scene.epsg}; one of them lies: leave the scene out with `leave_out:`"
            )
        if band.transform is None and scene.outline is not None and _sticks_out(scene.outline, source):
            raise DataError(
                f"{name}: covers {_degrees(_lonlat(source))}, its catalogue says {_degrees(scene.outline)}; one of them lies: leave the scene out with `leave_out:`"
            )
        if band.transform is not None:
            t, said = source.transform, np.array(band.transform)
            off = np.abs(np.array([t.a, t.b, t.c, t.d, t.e, t.f]) - said).max() / abs(t.a)
            if off > OFF or (band.shape is not None and tuple(source.shape) != band.shape):
                raise DataError(
                    f"{name}: lies elsewhere than its catalogue says, so the tiles it touches are unknown; leave the scene out with `leave_out:`"
                )


def _sticks_out(outline: Bounds, source: Any) -> bool:
    """Whether an outline reaches outside its file by more than STICKS of a side: an outline holds the pixels with a value, so never more than all."""
    west, south, east, north = _lonlat(source)
    wide, high = STICKS * (east - west), STICKS * (north - south)
    return outline[0] < west - wide or outline[1] < south - high or outline[2] > east + wide or outline[3] > north + high


def _lonlat(source: Any) -> Bounds:
    return tuple(map(float, transform_bounds(source.crs, "EPSG:4326", *source.bounds)))  # type: ignore[return-value]


def _degrees(bounds: Bounds) -> str:
    west, south, east, north = bounds
    return f"{west:.2f} to {east:.2f} E, {south:.2f} to {north:.2f} N"
