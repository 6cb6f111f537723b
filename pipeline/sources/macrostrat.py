"""Macrostrat: the geological maps of the world it has put together, lithology and age of each unit."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

import numpy as np
import shapely
from pydantic import Field
from pyproj import CRS

from pipeline.asset import Acquired, Asset, Place
from pipeline.errors import DataError
from pipeline.sources import _files, _kept, _legend
from pipeline.sources._classed import Classed, coded
from pipeline.sources._product import ProductVector
from pipeline.sources._vectorfile import around

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

URL = "https://macrostrat.org/api/v2/geologic_units/map"
HOSTS = ("macrostrat.org", "www.macrostrat.org")
MOST_ASKED = 2000  # questions to a free service for one region
MOST_BYTES = 50_000_000  # of one answer
KEPT = {"map_id": "map_id", "name": "name", "lith": "lithology", "descrip": "description", "t_age": "youngest_ma", "b_age": "oldest_ma"}
NATIVE_M = {"small": 10_000.0, "medium": 2500.0, "large": 500.0}  # half a millimetre to a millimetre of the sheets there are of each


def macrostrat(
    *,
    gives: Literal["classes", "units"] = "classes",
    scale: Literal["small", "medium", "large"] = "medium",
    step_km: Annotated[float, Field(ge=1)] = 20,
    url: str = URL,
    hosts: tuple[str, ...] = HOSTS,
    margin_m: Annotated[float, Field(ge=0)] = 0,
    licence: str = "CC BY 4.0 (Macrostrat), and that of each map",
    citation: str = "Peters, Husson and Czaplewski (2018), Macrostrat, Geochemistry, Geophysics, Geosystems 19, doi:10.1029/2018GC007467",
    redistribute: bool = True,
) -> Compiled | Classed:
    """Units of geological maps, world, EPSG:4326, from Macrostrat's service: name, lithology, description and ages in million years.

    `gives: units` is their polygons; `classes` one categorical layer in the legend of the systems, told from the words for the rock and the age
    (see `south_asia_geology`). `scale` is that of the maps asked for. The service answers for a point, with the whole polygon there, so a
    lattice of points `step_km` apart is asked, but not those that lie in a polygon already known: a unit that no point hits is not seen and
    its ground is missing. At most 2000 questions are asked for a region; a larger one wants a wider step.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    said: dict[str, Any] = {
        "path": url, "layer": None, "where": {}, "crs": None, "margin_m": margin_m, "synthetic": None, "hosts": hosts, "sha256": None,
        "product": "an answer of Macrostrat", "shape": "polygons", "kept": KEPT, "scale": scale, "step_km": step_km,
    }  # fmt: skip
    if gives == "units":
        return Compiled(**said)
    return Classed(Coded(**said), "Geological map (Macrostrat)", NATIVE_M[scale])


@dataclass(frozen=True)
class Compiled(ProductVector):
    """The units under a lattice of points."""

    scale: str = "medium"
    step_km: float = 20

    def file(self, place: Place) -> Path:
        """The units near the region, asked for and kept."""
        lon, lat = self._lattice(place)
        found: dict[str, dict[str, Any]] = {}
        known: list[Any] = []
        for x, y in zip(lon, lat, strict=True):
            if any(shapely.contains_xy(shape, x, y) for shape in known):
                continue
            for feature in self._at(x, y, place):
                number = str(feature["properties"].get("map_id", ""))
                if number not in found:
                    found[number] = feature
                    shape = shapely.make_valid(shapely.geometry.shape(feature["geometry"]))
                    shapely.prepare(shape)
                    known.append(shape)
        if not found:
            raise DataError(f"{_files.name_of(self.path)}: knows no geological map of scale {self.scale} in the region; ask for another `scale:`")
        return _kept.kept(_frame(list(found.values()), self.path), place, "macrostrat")

    def acquire(self, place: Place) -> Acquired:
        """As any product; what it came from is the service."""
        acquired = super().acquire(place)
        return replace(acquired, assets=tuple(replace(asset, origin=_files.name_of(self.path)) for asset in acquired.assets))

    def _lattice(self, place: Place) -> tuple[Any, Any]:
        west, south, east, north = around(place.grid, self.margin_m, CRS(4326))
        step = self.step_km / 111.2
        points = [(x, y) for y in _middles(south, north, step) for x in _middles(west, east, step / max(math.cos(math.radians(y)), 0.1))]
        if len(points) > MOST_ASKED:
            raise DataError(
                f"{_files.name_of(self.path)}: {len(points):,} points would be asked for, the limit is {MOST_ASKED}; use a wider `step_km:` "
                f"({self.step_km * math.sqrt(len(points) / MOST_ASKED):.0f} or more), or a map you fetched yourself with `use: vector`"
            )
        # five digits, a metre: the same question, and so the same copy of its answer, whatever the last bits are
        return np.round([x for x, _ in points], 5), np.round([y for _, y in points], 5)

    def _at(self, lon: float, lat: float, place: Place) -> list[dict[str, Any]]:
        from pipeline.fetch import download

        asked = f"{self.path}?{urlencode({'lat': f'{lat:.5f}', 'lng': f'{lon:.5f}', 'scale': self.scale, 'format': 'geojson_bare'})}"
        path = download(asked, hosts=_files.hosts_of(self.path, self.hosts), shelf=place.shelf, max_bytes=MOST_BYTES, offline=place.offline)
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            said = said.get("success", {}).get("data", said) if "type" not in said else said
            features = said["features"]
            return [feature for feature in features if feature["geometry"] and feature["properties"] is not None]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{_files.name_of(self.path)}: its answer is no GeoJSON of map units ({type(error).__name__}); the service changed, or is ill"
            ) from error


@dataclass(frozen=True)
class Coded(Compiled):
    """The units with the class of each."""

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """`said` (name and rock) and `code`, NaN for water."""
        frame, notices = super().table(assets, place)
        words = [" ".join(str(v) for v in row if isinstance(v, str)) for row in zip(frame["lithology"], frame["name"], frame["description"], strict=True)]
        ages = zip(words, frame["youngest_ma"].astype(float), frame["oldest_ma"].astype(float), strict=True)
        codes = [_legend.class_of_unit(*unit) for unit in ages]
        return coded(frame, [word[:40] for word in words], np.array([math.nan if code is None else code for code in codes])), notices


def _middles(low: float, high: float, step: float) -> np.ndarray[Any, Any]:
    """The middles of equal parts of at most `step`."""
    parts = math.ceil((high - low) / step)
    return low + (np.arange(parts) + 0.5) * (high - low) / parts


def _frame(features: list[dict[str, Any]], name: str) -> gpd.GeoDataFrame:
    import geopandas as gpd

    missing = next((column for column in KEPT if column not in features[0]["properties"]), None)
    if missing:
        raise DataError(f"{_files.name_of(name)}: its units have no {missing!r}; the service changed: read a map you fetched yourself with `use: vector`")
    return gpd.GeoDataFrame.from_features(features, crs="EPSG:4326")[["geometry", *KEPT]]
