"""A raster file: one band or several, continuous or categorical, in any CRS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import Field

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING, Array
from pipeline.sources import _files, _headers
from pipeline.warp import Method, read_onto

EPOCH = 1

Kind = Literal["continuous", "categorical"]
Sensor = Literal["sentinel2", "landsat", "aster"]
Band = Annotated[int, Field(ge=1)]
Suffix = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
OF_KIND: dict[str, tuple[Method, ...]] = {"continuous": get_args(Method)[:4], "categorical": ("nearest", "mode")}


def raster(
    *,
    path: str,
    band: Band = 1,
    bands: dict[Suffix, Band] | None = None,
    kind: Kind = "continuous",
    resampling: Method | None = None,
    nodata: float | None = None,
    crs: str | None = None,
    scale: float | None = None,
    offset: float | None = None,
    units: str = "1",
    long_name: str = "",
    native_m: Annotated[float, Field(gt=0)] | None = None,
    licence: str = "",
    citation: str = "",
    redistribute: bool = True,
    synthetic: bool | None = None,
    sensor: Sensor | None = None,
    max_cells: Annotated[float, Field(gt=0)] = _headers.MAX_CELLS,
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
) -> Raster:
    """A raster file (GeoTIFF, ASCII grid, ENVI, EHdr, Erdas, SRTM), by path or https address.

    `band` gives one layer of the source's name, `bands` several (`{blue: 1}` under `sentinel2` is layer `sentinel2_blue`).
    `nodata` and `crs` stand in for the file's own; values become value * `scale` + `offset` (default: what the file says).
    `resampling` is bilinear for continuous layers and nearest for categorical ones unless said; classes are never averaged.
    `native_m` is what the data truly resolve (default: the pixel); `synthetic` is read from the file's tag SYNTHETIC unless
    said. `redistribute: false` keeps every layer made of it out of the evidence that is copied into outputs (the map itself is made of all).
    `sensor` says which one made the bands, so that a feature it cannot resolve is refused. `hosts` are those an address
    may redirect to, `sha256` what the file must be.
    """
    del licence, citation, redistribute, sensor  # said here, written to every layer made from it
    chosen: Method = resampling or ("bilinear" if kind == "continuous" else "nearest")
    if chosen not in OF_KIND[kind]:
        raise ConfigError(f"resampling {chosen!r} is not for a {kind} layer; use one of {', '.join(OF_KIND[kind])}")
    if bands is not None and (band != 1 or not bands):
        raise ConfigError("give `band:` or a `bands:` of at least one line, not both")
    if kind == "categorical" and (scale is not None or offset is not None):
        raise ConfigError("`scale:` and `offset:` are for continuous layers; classes are codes")
    chosen_bands = tuple(bands.items()) if bands else (("", band),)
    return Raster(path, chosen_bands, kind, chosen, nodata, crs, scale, offset, units, long_name, native_m, synthetic, max_cells, hosts, sha256)


@dataclass(frozen=True)
class Raster:
    """The source `raster` with its parameters; `bands` pairs each layer's suffix with its band."""

    path: str
    bands: tuple[tuple[str, int], ...]
    kind: Kind
    resampling: Method
    nodata: float | None
    crs: str | None
    scale: float | None
    offset: float | None
    units: str
    long_name: str
    native_m: float | None
    synthetic: bool | None
    max_cells: float
    hosts: tuple[str, ...]
    sha256: str | None

    def file(self, place: Place) -> Path:
        """Where the file lies on this machine, fetched if it must be."""
        return _files.locate(self.path, place, hosts=self.hosts, sha256=self.sha256)

    def acquire(self, place: Place) -> Acquired:
        """The file, judged by its header: DataError when it cannot give these layers on this grid."""
        path = self.file(place)
        header = _headers.judged(
            path, name=_files.name_of(self.path), bands=[b for _, b in self.bands], crs=self.crs, grid=place.grid, max_cells=self.max_cells
        )
        info = [
            LayerInfo(
                suffix, self.units, " ".join(filter(None, (self.long_name, suffix))), self.native_m or header.native_m,
                "float32" if self.kind == "continuous" else "int32",
            )
            for suffix, _ in self.bands
        ]  # fmt: skip
        asset = _files.asset(self.path, header.files, place, header.bounds)
        synthetic = header.synthetic if self.synthetic is None else self.synthetic
        return Acquired((asset,), tuple(info), header.notices, synthetic)

    def read(self, assets: tuple[Asset, ...], suffix: str, window: Window) -> Array:
        """One layer on a window: (y, x) float32 with NaN, or int32 with MISSING; the same bits whatever the window."""
        (asset,) = assets
        band = dict(self.bands)[suffix]
        values, valid = read_onto(asset.path, band=band, window=window, resampling=self.resampling, nodata=self.nodata, crs=self.crs)
        if self.kind == "categorical":
            return self._codes(values, valid, asset.id)
        scale, offset = self._scaling(asset.path, band)
        if (scale, offset) == (1.0, 0.0) and values.dtype == np.float32:
            return np.add(values, np.float32(0), out=values)  # as the sum below: a 0 has no sign
        with np.errstate(over="ignore"):
            scaled = (values.astype(np.float64, copy=False) * scale + offset).astype(np.float32)
        scaled[~np.isfinite(scaled)] = np.nan
        return scaled

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Refuse a layer without one value in the region: a coarse look, then, only if that finds nothing, every pixel."""
        (asset,) = assets
        for suffix, band in self.bands:
            if not _headers.holds_value(asset.path, band=band, nodata=self.nodata, crs=self.crs, grid=grid):
                which = f"band {band}" + (f" ({suffix})" if suffix else "")
                raise DataError(f"{asset.id}: {which} holds no value in the region, only nodata; check `nodata:` and `band:`, or leave it out")

    def _codes(self, values: Array, valid: Array, name: str) -> Array:
        codes = np.where(valid, values, float(MISSING))
        odd = (codes % 1 != 0) | (np.abs(codes) > 2**31)
        if odd.any():
            raise DataError(f"{name}: holds {codes[odd][0]:g}; `kind: categorical` wants whole numbers of 32 bits: use `kind: continuous`")
        return codes.astype(np.int32)

    def _scaling(self, path: str, band: int) -> tuple[float, float]:
        own = _headers.scaling(Path(path), band) if self.scale is None or self.offset is None else (1.0, 0.0)
        return own[0] if self.scale is None else self.scale, own[1] if self.offset is None else self.offset
