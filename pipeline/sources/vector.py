"""A vector file: faults, roads, protected areas, outlines; points, lines or polygons in any CRS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from pipeline.asset import Acquired, Asset, Place
from pipeline.errors import DataError
from pipeline.recipe import Array
from pipeline.sources import _files, _vectorfile

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1


def vector(
    *,
    path: str,
    layer: str | None = None,
    where: dict[str, list[str]] | None = None,
    crs: str | None = None,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "",
    citation: str = "",
    redistribute: bool = True,
    synthetic: bool | None = None,
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
) -> VectorFile:
    """A vector file (GeoPackage, GeoJSON, Shapefile, FlatGeobuf ...), by path or https address.

    `layer` names the one meant when there are several, `where` the values a column may have (`{kind: [old]}`). `crs` stands in
    for the file's own. Features up to `margin_m` outside the region are kept: no distance should be asked for beyond that.
    `redistribute: false` keeps the features out of every output. `synthetic` is read from a column of that name unless said.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return VectorFile(path, layer, where or {}, crs, margin_m, synthetic, hosts, sha256)


@dataclass(frozen=True)
class VectorFile:
    """The source `vector` with its parameters."""

    path: str
    layer: str | None
    where: Mapping[str, list[str]]
    crs: str | None
    margin_m: float
    synthetic: bool | None
    hosts: tuple[str, ...]
    sha256: str | None

    def file(self, place: Place) -> Path:
        """Where the file lies on this machine, fetched if it must be."""
        return _files.locate(self.path, place, hosts=self.hosts, sha256=self.sha256)

    def acquire(self, place: Place) -> Acquired:
        """The file, judged by its header: DataError when it cannot give features near this grid."""
        path = self.file(place)
        name = _files.name_of(self.path)
        head = _vectorfile.head(path, name=name, layer=self.layer, crs=self.crs)
        for column in self.where:
            if column not in head.columns:
                raise DataError(f"{name}: layer {head.layer!r} has no column {column!r}{_files.nearest(column, head.columns)}")
        head.check_touches(place.grid, self.margin_m)
        asset = _files.asset(self.path, head.files, place)
        return Acquired((asset,), synthetic=head.says_synthetic() if self.synthetic is None else self.synthetic)

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """The features in the grid's CRS within `margin_m` of the grid, ordered by content, and what was noticed.

        Features without geometry or with coordinates that are no numbers are dropped, invalid polygons repaired; both are told.
        DataError when `where` names a value the file does not hold, or when points, lines and polygons come mixed.
        """
        from pipeline import vectors

        (asset,) = assets
        head = _vectorfile.head(asset.path, name=asset.id, layer=self.layer, crs=self.crs)
        frame = head.near(place.grid, self.margin_m)
        for column, wanted in self.where.items():
            head.check_values(column, wanted)
            frame = frame[_vectorfile.texts(frame[column]).isin([_vectorfile.text(w) for w in wanted])]
        notices: list[str] = []
        frame = _clean(frame, asset.id, place.grid.crs, notices)
        _check_kind(frame, asset.id)
        frame = _vectorfile.within(frame, place.grid, self.margin_m)
        if frame.empty:
            notices.append(f"{asset.id}: holds no feature within {self.margin_m / 1000:g} km of the region")
        return vectors.ordered(frame), tuple(notices)


def _clean(frame: gpd.GeoDataFrame, name: str, crs: str, notices: list[str]) -> gpd.GeoDataFrame:
    """Drop what has no shape, repair what crosses itself, and reproject; each told."""
    import geopandas as gpd
    import shapely

    def dropped(frame: gpd.GeoDataFrame, keep: Array, why: str) -> gpd.GeoDataFrame:
        if not keep.all():
            notices.append(f"{name}: {int((~keep).sum())} of {len(keep)} features {why}, left out")
        return frame[keep]

    frame = dropped(frame, (~(frame.geometry.isna() | frame.geometry.is_empty)).to_numpy(), "have no geometry")
    frame = dropped(frame, _vectorfile.finite(frame), "have coordinates that are no numbers")
    shapes = np.array(frame.geometry.array)
    broken = ~shapely.is_valid(shapes) & (shapely.get_dimensions(shapes) == 2)
    if broken.any():
        notices.append(f"{name}: {int(broken.sum())} of {len(shapes)} polygons cross or touch themselves, repaired")
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
        frame = dropped(frame, ~shapely.is_empty(shapes), "have no area")
    frame = frame.to_crs(crs)
    return dropped(frame, _vectorfile.finite(frame), "cannot be placed in the region's CRS")


def _check_kind(frame: gpd.GeoDataFrame, name: str) -> None:
    counts = dict(kinds(frame))
    if len(counts) > 1:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        raise DataError(f"{name}: mixes {said}; one kind is wanted: pick a `layer:`, filter with `where:`, or split the file")
    if "collections" in counts:
        raise DataError(f"{name}: holds geometry collections; split them into points, lines or polygons")


def kinds(frame: gpd.GeoDataFrame) -> Iterator[tuple[str, int]]:
    """How many points, lines, polygons and collections there are, of those there are any."""
    families = {"points": ("Point", "MultiPoint"), "lines": ("LineString", "MultiLineString", "LinearRing"), "polygons": ("Polygon", "MultiPolygon")}
    kinds = frame.geometry.geom_type
    for family, members in families.items():
        if count := int(kinds.isin(members).sum()):
            yield family, count
    if count := int((kinds == "GeometryCollection").sum()):
        yield "collections", count
