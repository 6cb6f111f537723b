"""Occurrences: a table (CSV) or a file of points (GeoPackage, GeoJSON), with what is known of each deposit."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from pipeline.asset import Acquired, Asset, Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.recipe import Array
from pipeline.sources import _files, _records
from pipeline.spatial import occurrences

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

EPOCH = 1
SHOWN = 5  # names in a notice


def points(
    *,
    path: str,
    layer: str | None = None,
    columns: dict[str, str] | None = None,
    crs: str = "EPSG:4326",
    aliases: dict[str, str] | None = None,
    group_within_m: Annotated[float, Field(gt=0)] = 10_000,
    same_name_within_m: Annotated[float, Field(ge=0)] = occurrences.SAME_NAME_WITHIN_M,
    licence: str = "",
    citation: str = "",
    redistribute: bool = True,
    synthetic: bool | None = None,
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
) -> Points:
    """Mineral occurrences from a CSV table, a GeoPackage or a GeoJSON file, by path or https address.

    `columns` says which column of the file is the `name`, `lon` and `lat` (or `x` and `y`), `datum`, `deposit_type`, `commodity`,
    `confidence`, `uncertainty_m`, `synthetic`; one not said is the column of that very name, if there is one. `crs` is that of a table's
    coordinates (a GeoPackage or GeoJSON says its own); a `datum` of a record (WGS84, Kalianpur, Everest, any EPSG code) comes first.
    `group_within_m`, `same_name_within_m`, `aliases`: which records are one deposit (see `pipeline.spatial.occurrences.groups`).
    """
    del licence, citation, redistribute  # said here, written to what is made from it
    for word in columns or {}:
        if word not in _records.COLUMNS:
            near = difflib.get_close_matches(word, _records.COLUMNS, n=1)
            raise ConfigError(
                f"columns: unknown column {word!r}" + (f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(_records.COLUMNS)})")
            )
    return Points(path, layer, columns or {}, crs, aliases or {}, group_within_m, same_name_within_m, synthetic, hosts, sha256)


@dataclass(frozen=True)
class Points:
    """The source `points` with its parameters."""

    path: str
    layer: str | None
    columns: dict[str, str]
    crs: str
    aliases: dict[str, str]
    group_within_m: float
    same_name_within_m: float
    synthetic: bool | None
    hosts: tuple[str, ...]
    sha256: str | None

    def file(self, place: Place) -> Path:
        """Where the file lies on this machine, fetched if it must be."""
        return _files.locate(self.path, place, hosts=self.hosts, sha256=self.sha256)

    def records(self, asset: Asset, place: Place) -> pd.DataFrame:
        """The records as the file holds them, one row each (see `_records.read`)."""
        del place
        return _records.read(Path(asset.path), name=asset.id, layer=self.layer, columns=self.columns, crs=self.crs)

    def acquire(self, place: Place) -> Acquired:
        """The file; DataError when it cannot be opened, lacks a column, or holds no usable record in the region."""
        path = self.file(place)
        asset = _files.asset(self.path, [path], place)
        frame, _ = self.table((asset,), place)
        return Acquired((asset,), synthetic=bool(frame["synthetic"].any()) if self.synthetic is None else self.synthetic)

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """The usable occurrences inside the grid's bounds, ordered by content, and what was noticed.

        Columns: name, deposit_type, commodity, confidence (text, "" when not said), uncertainty_m (float, NaN), synthetic (bool),
        group (int), geometry (points in the grid's CRS). Records without usable coordinates are left out and exact copies merged,
        both told; so are those outside the region. DataError when none is left, and when longitude and latitude look swapped.
        """
        import geopandas as gpd

        from pipeline import vectors

        (asset,) = assets
        name, notices = asset.id, list[str]()
        table = self.records(asset, place)
        told = _records.numbers(table, name)
        notices += told
        x, y = _records.projected(table, place.grid, name)
        inside = _inside(x, y, place.grid)
        if not inside.any():
            raise DataError(_none_left(table, inside, place.grid, name))
        bad, away = ~np.isfinite(x), np.isfinite(x) & ~inside
        if bad.any():
            notices.append(f"{name}: {int(bad.sum())} records without usable coordinates are left out ({_some(table['row'][bad])})")
        if away.any():
            notices.append(f"{name}: {int(away.sum())} records lie outside the region and are left out ({_some(table['name'][away])})")
        kept = table.drop(columns=[c for c in _records.POSITION if c in table])
        frame = gpd.GeoDataFrame(kept[inside], geometry=gpd.points_from_xy(x[inside], y[inside]), crs=place.grid.crs)
        copies = kept[inside].drop(columns="row").assign(x=x[inside], y=y[inside]).duplicated().to_numpy()
        if copies.any():
            notices.append(f"{name}: {int(copies.sum())} exact copies of other records are merged ({_some(frame['name'][copies])})")
        frame = vectors.ordered(frame[~copies].drop(columns="row"))
        group = occurrences.groups(frame, aliases=self.aliases, within_m=self.group_within_m, same_name_within_m=self.same_name_within_m)
        frame.insert(len(frame.columns) - 1, "group", group)
        return frame, tuple(notices)


def _inside(x: Array, y: Array, grid: Grid) -> Array:
    xmin, ymin, xmax, ymax = grid.bounds
    return (x >= xmin) & (x < xmax) & (y > ymin) & (y <= ymax)


def _none_left(table: pd.DataFrame, inside: Array, grid: Grid, name: str) -> str:
    turned = table.rename(columns={"easting": "northing", "northing": "easting"})
    if _inside(*_records.projected(turned, grid, name), grid).any():
        return f"{name}: no record lies in the region as written, but with the two coordinates swapped some do; correct `columns:` (lon is east, lat is north)"
    return f"{name}: none of its {len(inside)} records has usable coordinates in the region ({_some(table['name'])}); check the file, `columns:` and `crs:`"


def _some(values: pd.Series) -> str:
    shown = [str(v) or "no name" for v in values.head(SHOWN)]
    return ", ".join(shown) + (" ..." if len(values) > SHOWN else "")
