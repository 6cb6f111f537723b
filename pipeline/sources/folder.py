"""A folder of raster files as one layer: sheets of a survey, tiles of a terrain model, scenes side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING, Array
from pipeline.sources import _files, _headers
from pipeline.sources.raster import Band, Kind, Raster, Sensor, Suffix, raster
from pipeline.warp import Method

EPOCH = 1

MOST_FILES = 20_000
SHOWN = 5  # names in a message
OnTop = Literal["first", "last"]


def folder(
    *,
    path: str,
    glob: str = "*.tif",
    on_top: OnTop = "first",
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
    synthetic: bool | None = None,
    sensor: Sensor | None = None,
    max_cells: Annotated[float, Field(gt=0)] = _headers.MAX_CELLS,
) -> Folder:
    """All raster files of a folder on this machine that `glob` finds (`**/*.tif` looks into folders below too), as one layer or one per band.

    They may differ in CRS and pixel; each is read, checked and reprojected by itself, as by `raster`, whose words mean the same here. Where several
    have a value in a cell, that of the `first` or the `last` by name is taken, whole numbers of the name counted as numbers (`sheet2` before
    `sheet10`); nothing is averaged over a seam. Files that do not touch the region are passed over and counted in a notice. `native_m` is that of
    the coarsest unless said.
    """
    one = raster(
        path="", band=band, bands=bands, kind=kind, resampling=resampling, nodata=nodata, crs=crs, scale=scale, offset=offset, units=units,
        long_name=long_name, native_m=native_m, licence=licence, citation=citation, synthetic=synthetic, sensor=sensor, max_cells=max_cells,
    )  # fmt: skip
    return Folder(path, glob, on_top, one)


@dataclass(frozen=True)
class Folder:
    """The source `folder`: where, which, what lies on top, and how each file is read."""

    path: str
    glob: str
    on_top: OnTop
    one: Raster

    def acquire(self, place: Place) -> Acquired:
        """The files that touch the region, in the order they are laid; DataError when there are none or one cannot give its layers."""
        found, outside, synthetic = self._files(place), 0, False
        assets: list[Asset] = []
        natives: list[float] = []
        notices: list[str] = []
        for written, file in found:
            try:
                header = _headers.judged(
                    file, name=written, bands=[b for _, b in self.one.bands], crs=self.one.crs, grid=place.grid, max_cells=self.one.max_cells
                )
            except _headers.ElsewhereError:
                outside += 1
                continue
            assets.append(_files.asset(written, header.files, place, header.bounds))
            natives.append(header.native_m)
            notices += header.notices
            synthetic = synthetic or header.synthetic
        if not assets:
            raise DataError(f"{self._name}: none of its {len(found)} files touches the region ({self._listed(found)}); check `path:`, `glob:` and `crs:`")
        if outside:
            notices.append(f"{self._name}: {outside} of {len(found)} files do not touch the region and are passed over")
        layers = [
            LayerInfo(
                suffix, self.one.units, " ".join(filter(None, (self.one.long_name, suffix))), self.one.native_m or max(natives),
                "float32" if self.one.kind == "continuous" else "int32",
            )
            for suffix, _ in self.one.bands
        ]  # fmt: skip
        return Acquired(tuple(assets), tuple(layers), tuple(notices), synthetic if self.one.synthetic is None else self.one.synthetic)

    def read(self, assets: tuple[Asset, ...], suffix: str, window: Window) -> Array:
        """One layer on a window: (y, x) float32 with NaN, or int32 with MISSING; the same bits whatever the window."""
        whole: Array | None = None
        for asset in assets:
            if asset.bounds is None or _touch(asset.bounds, window.bounds):
                part = self.one.read((asset,), suffix, window)
                whole = part if whole is None else np.where(_missing(whole), part, whole)
                if not _missing(whole).any():
                    break
        if whole is not None:
            return whole
        return np.full(window.shape, np.nan, np.float32) if self.one.kind == "continuous" else np.full(window.shape, MISSING, np.int32)

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Refuse files that cannot be read, and a layer without one value in the region in any of them."""
        for suffix, band in self.one.bands:
            held = [_headers.holds_value(a.path, band=band, nodata=self.one.nodata, crs=self.one.crs, grid=grid) for a in assets]
            if not any(held):
                which = f"band {band}" + (f" ({suffix})" if suffix else "")
                raise DataError(f"{self._name}: {which} holds no value in the region in any of {len(assets)} files, only nodata; check `nodata:` and `band:`")

    @property
    def _name(self) -> str:
        return f"{_files.name_of(self.path).rstrip('/')}/{self.glob}"

    def _files(self, place: Place) -> list[tuple[str, Path]]:
        """The name each file goes by and where it lies, in the order they are laid: what is on top first."""
        base = place.resolve(self.path)
        if not base.is_dir():
            raise DataError(f"{_files.name_of(self.path)}: no such folder below {place.root.name}/; check `path:` in the config")
        if Path(self.glob).is_absolute() or ".." in Path(self.glob).parts:
            raise DataError(f"{self._name}: `glob:` leads out of the folder; give the folder that is meant as `path:`")
        names = sorted({file.relative_to(base).as_posix() for file in base.glob(self.glob) if file.is_file()}, key=_by_name)
        if not names:
            held = sorted(file.name for file in base.iterdir())
            raise DataError(f"{self._name}: finds no file (the folder holds {', '.join(held[:SHOWN]) or 'nothing'}); correct `glob:`, for example '*.tif'")
        if len(names) > MOST_FILES:
            raise DataError(f"{self._name}: finds {len(names):,} files, the limit is {MOST_FILES:,}; name fewer, or merge them (`rio merge`)")
        names = names[::-1] if self.on_top == "last" else names
        return [(f"{_files.name_of(self.path).rstrip('/')}/{name}", base / name) for name in names]

    def _listed(self, found: list[tuple[str, Path]]) -> str:
        return ", ".join(file.name for _, file in found[:SHOWN]) + (" ..." if len(found) > SHOWN else "")


def _by_name(name: str) -> tuple[list[tuple[int, int, str]], str]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name.casefold()) if part], name


def _missing(values: Array) -> Array:
    return np.isnan(values) if values.dtype.kind == "f" else values == MISSING


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1]
