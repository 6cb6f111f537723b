"""Acquire: resolve every source to assets, layers and aligned vector tables, before the first tile is computed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import registry
from pipeline.asset import Acquired, Asset, Place
from pipeline.config import Loaded
from pipeline.config.frame import Use
from pipeline.errors import ConfigError, MissingError, ProspectError
from pipeline.grid import Grid
from pipeline.ledger import key_of
from pipeline.node import Table
from pipeline.sources import _files

if TYPE_CHECKING:
    import geopandas as gpd

BOUNDARY = "boundary"
JOINED = "joined"
OCCURRENCES = ("name", "deposit_type", "commodity", "confidence", "group")  # the columns a table of them has


@dataclass
class Found:
    """What the sources gave: assets and layers by source key, aligned tables, and notices for the user."""

    place: Place
    acquired: dict[str, Acquired] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what a table is joined of
    notices: list[str] = field(default_factory=list)

    def frame(self, key: str) -> gpd.GeoDataFrame:
        """A vector or occurrence table, whole, in the grid's CRS."""
        import geopandas as gpd

        return gpd.read_file(self.tables[key].path, engine="pyogrio")

    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of each table, from its header."""
        import pyogrio

        return {key: tuple(map(str, pyogrio.read_info(table.path)["fields"])) for key, table in self.tables.items()}


def ground(loaded: Loaded) -> Grid:
    """The region's grid, from its bounds or its boundary."""
    region = loaded.config.region
    try:
        bounds = region.bounds or _boundary_bounds(loaded, region.crs, region.boundary or "")
        return Grid.covering(bounds, crs=region.crs, cell_m=region.cell_m, tile=region.tile)
    except ConfigError as error:
        raise ConfigError(f"{loaded.where('region')}: {error}") from None


def acquire(loaded: Loaded, grid: Grid, cache: Path) -> Found:
    """Ask every source for its assets, refuse what cannot be used, and align the vector tables to the grid's CRS.

    Offline, what every source lacks is told in one MissingError.
    """
    found = Found(Place(loaded.root, cache, grid, loaded.config.run.offline), notices=list(loaded.notices))
    uses = dict(loaded.config.sources)
    if loaded.config.region.boundary:
        vector = registry.find("sources", "vector")
        uses[BOUNDARY] = Use(use="vector", with_=registry.parameters(vector).model_validate({"path": loaded.config.region.boundary}))
    uses = dict(sorted(uses.items(), key=lambda entry: entry[1].use == JOINED))  # what is joined comes after its parts
    for key, use in uses.items():
        with _told(loaded, key):
            found.sources[key] = registry.find("sources", use.use)(**_expanded(use))
    # tables first: what they import is imported while the files of rasters are hashed
    order = sorted(uses, key=lambda key: (uses[key].use == JOINED, not hasattr(found.sources[key], "table")))
    missing, notices = dict[str, tuple[str, ...]](), dict[str, list[str]]()
    with _files.ahead([path for key in order if isinstance(path := getattr(uses[key].with_, "path", None), str)], found.place):
        for key in order:
            try:
                with _told(loaded, key):
                    if uses[key].use != JOINED:
                        notices[key] = _acquired(found, key, uses[key])
                    elif not missing:
                        _join_tables(found, key, uses[key], found.sources[key])
            except MissingError as error:
                missing[key] = error.names
    if missing:
        raise MissingError([f"{key}: {name}" for key in uses for name in missing.get(key, ())])
    found.notices += [f"{key}: {notice}" for key in uses for notice in notices.get(key, ())]
    found.acquired = {key: found.acquired[key] for key in uses}
    found.tables = {key: found.tables[key] for key in uses if key in found.tables}
    return found


@contextlib.contextmanager
def _told(loaded: Loaded, key: str) -> Iterator[None]:
    """Errors of a source with its name, and where it is written."""
    try:
        yield
    except MissingError:
        raise
    except ProspectError as error:
        raise type(error)(f"{loaded.where('sources', key)}: {key}: {error}") from error


def _acquired(found: Found, key: str, use: Use) -> list[str]:
    """Ask one source; what it noticed."""
    source = found.sources[key]
    found.acquired[key] = acquired = source.acquire(found.place)
    if not acquired.layers:
        return [*acquired.notices, *_align_table(found, key, use, source, acquired.assets)]
    source.check_values(acquired.assets, found.place.grid)
    return list(acquired.notices)


def _align_table(found: Found, key: str, use: Use, source: Any, assets: tuple[Asset, ...]) -> list[str]:
    from pipeline import vectors

    grid = found.place.grid
    function = registry.find("sources", use.use)
    said = use.said(), registry.epoch(function), [(a.id, a.version) for a in assets], grid.crs, grid.bounds, library_versions()
    version = key_of(*said)
    path = found.place.cache / "vectors" / f"{key}-{version[:24]}.fgb"
    notes = path.with_suffix(".json")
    if not (path.is_file() and notes.is_file()):
        from pipeline.cube import write_atomically

        frame, notices = source.table(assets, found.place)
        vectors.store(frame, path)
        write_atomically(notes, "\n".join(notices).encode())
    found.tables[key] = Table(key, path, version)
    return notes.read_text().splitlines()


def _join_tables(found: Found, key: str, use: Use, source: Any) -> None:
    from pipeline import vectors

    for name in source.of:
        if name not in found.tables:
            raise ConfigError(registry.unknown("table", name, found.tables))
        if not set(OCCURRENCES) <= set(found.columns()[name]):
            raise ConfigError(f"joins {name!r}, which is no table of occurrences; join points, usgs_mrds, usgs_porphyry and their like")
    parts = [(name, found.tables[name].version) for name in source.of]
    version = key_of(use.said(), registry.epoch(registry.find("sources", use.use)), parts, library_versions())
    path = found.place.cache / "vectors" / f"{key}-{version[:24]}.fgb"
    if not path.is_file():
        vectors.store(source.join({name: found.frame(name) for name in source.of}), path)
    found.parts[key] = source.of
    found.tables[key] = Table(key, path, version)
    found.acquired[key] = Acquired((), synthetic=any(found.acquired[name].synthetic for name in source.of))


@cache
def library_versions() -> dict[str, str]:
    """The versions of the libraries that decide numbers: part of every key."""
    from importlib.metadata import version

    deciding = ("numpy", "scipy", "numba", "rasterio", "pyproj", "shapely", "pyogrio", "odc-geo", "scikit-learn", "skops", "gstools", "harmonica", "ppigrf", "verde")
    return {name: version(name) for name in deciding}


def _expanded(use: Use) -> dict[str, Any]:
    return use.with_.model_dump()


def _boundary_bounds(loaded: Loaded, crs: str, written: str) -> tuple[float, float, float, float]:
    import pyogrio

    path = loaded.path(written)
    try:
        info = pyogrio.read_info(path, force_total_bounds=True)
    except Exception as error:  # pyogrio raises several kinds for a file that is no vector
        raise ConfigError(f"boundary {written!r} cannot be read ({error}); expected a polygon file such as GeoJSON") from error
    if not info["crs"]:
        raise ConfigError(f"boundary {written!r} says no CRS; save it with one, GeoJSON in longitude and latitude for example")
    from pipeline.spatial import outline

    return outline.projected_bounds(info["total_bounds"], info["crs"], crs)

