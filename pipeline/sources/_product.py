"""Public products as their makers document them: what a file of one must look like, and one clear error when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.asset import Acquired, Asset, Place
from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.sources import _files, _headers, _vectorfile
from pipeline.sources.raster import Raster
from pipeline.sources.vector import VectorFile, kinds

if TYPE_CHECKING:
    import geopandas as gpd

Shape = Literal["points", "lines", "polygons"]
HALF = 0.5  # of a pixel: what a header may round


@dataclass(frozen=True)
class Expected:
    """A raster product: its name, the least and the greatest value it can hold in its units, its pixel in degrees where it has but one."""

    product: str
    low: float
    high: float
    pixel_deg: float | None = None


@dataclass(frozen=True)
class ProductRaster(Raster):
    """A raster that must be the product it is taken for."""

    expected: Expected
    member: str = ""

    def file(self, place: Place) -> Path:
        """The file, out of its archive where it comes in one."""
        return _files.member(super().file(place), self.path, self.member, place)

    def acquire(self, place: Place) -> Acquired:
        """As any raster; DataError too when its pixels are not those of the product."""
        acquired = super().acquire(place)
        wanted, found = self.expected.pixel_deg, _headers.pixel(acquired.assets[0].path)
        if wanted is not None and abs(found - wanted) > HALF * wanted / 100:
            raise DataError(
                f"{acquired.assets[0].id}: its pixels are {found:.6g} wide, those of {self.expected.product} are {wanted:.6g} degrees; "
                "it is another product or was resampled: fetch it again, or read it with `use: raster`"
            )
        return acquired

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """As any raster; DataError too for values the product cannot hold."""
        super().check_values(assets, grid)
        (asset,), said = assets, self.expected
        for _, band in self.bands:
            scale, offset = self._scaling(asset.path, band)
            low, high = _headers.extremes(asset.path, band=band, nodata=self.nodata, crs=self.crs, grid=grid)
            low, high = sorted((low * scale + offset, high * scale + offset))
            if low < said.low or high > said.high:
                raise DataError(
                    f"{asset.id}: holds values from {low:.6g} to {high:.6g} {self.units} in the region, {said.product} can hold {said.low:g} to "
                    f"{said.high:g}; it is another product, in other units, or its `nodata:` is not said"
                )


@dataclass(frozen=True)
class ProductVector(VectorFile):
    """A vector file that must be the product it is taken for: it has the columns `kept` (theirs to ours, letter case apart) and one shape.

    `among`: the values one of our columns may have; unlike `where`, a file may lack some of them.
    """

    product: str
    shape: Shape
    kept: Mapping[str, str]
    member: str = ""
    among: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def file(self, place: Place) -> Path:
        """The file, out of its archive where it comes in one."""
        return _files.member(super().file(place), self.path, self.member, place)

    def acquire(self, place: Place) -> Acquired:
        """As any vector file; DataError too when it lacks a column of the product."""
        acquired = super().acquire(place)
        self.columns_of(acquired.assets[0])
        return acquired

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """As any vector file, with the product's columns alone, under our names."""
        frame, notices = super().table(assets, place)
        (asset,) = assets
        held = dict(kinds(frame))
        if held and set(held) != {self.shape}:
            raise DataError(f"{asset.id}: holds {', '.join(held)}, {self.product} holds {self.shape}; it is another product: check the address or path")
        names = self.columns_of(asset)
        frame = frame[[*names, frame.geometry.name]].rename(columns=names)
        for column, values in self.among.items():
            frame = frame[_vectorfile.texts(frame[column]).isin(values)].reset_index(drop=True)
        return frame, notices

    def columns_of(self, asset: Asset) -> dict[str, str]:
        """The columns as the file spells them, to our names."""
        head = _vectorfile.head(asset.path, name=asset.id, layer=self.layer, crs=self.crs)
        spelt = {column.casefold(): column for column in head.columns}
        for column in self.kept:
            if column.casefold() not in spelt:
                raise DataError(
                    f"{asset.id}: has no column {column!r}, which {self.product} has{_files.nearest(column, head.columns)}: "
                    "it is another product or another edition: check the address, or read it with `use: vector`"
                )
        return {spelt[column.casefold()]: ours for column, ours in self.kept.items()}
