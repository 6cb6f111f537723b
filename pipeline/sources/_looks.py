"""A source of scenes: asked of a catalogue, thinned to the best looks, read tile by tile as one picture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import Array
from pipeline.sources import _catalogue, _composite, _scenes, _stored
from pipeline.sources._scenes import Item, Product, Scene
from pipeline.warp import Method

Day = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Year = Annotated[int, Field(ge=1980, le=2100)]
Percent = Annotated[float, Field(ge=0, le=100)]
Index = Annotated[float, Field(ge=-1, le=1)]
Most = Annotated[int, Field(ge=1, le=60)]
LOOKS = "clear_looks"
CHOOSING = ("api", "collection", "hosts", "sas_url", "years", "season", "max_cloud_percent", "max_looks", "platforms", "leave_out")
YEARS = (2022, 2023, 2024)


@dataclass(frozen=True)
class Sensor:
    """What one source file says of its product. `mask`: the role of the quality band, and `clear`, which of its codes are clear ground;
    `mask_m` its pixel, `dtypes` what each role must be stored as, `units`, `native_m` and `words` of each role."""

    product: Product
    dtypes: Mapping[str, str]
    units: Mapping[str, str]
    native_m: Mapping[str, float]
    words: Mapping[str, str]
    mask: str = ""
    clear: Callable[[Array, str], Array] | None = None
    mask_m: float = 0.0


@dataclass(frozen=True)
class Looks:
    """A source of scenes with its parameters."""

    sensor: Sensor
    api: str
    collection: str
    bands: tuple[str, ...]
    years: tuple[int, ...]
    season: tuple[str, str]
    max_cloud_percent: float
    max_looks: int
    masks: _composite.Masks
    hosts: tuple[str, ...]
    way: Literal["median", "best"] = "median"
    sas_url: str = ""
    suitable: Callable[[Item], bool] = lambda _: True
    prepared: Callable[[list[Item], Looks, Place], list[Item]] = lambda items, _, __: items

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that may be read of a scene."""
        mask = (self.sensor.mask,) if self.sensor.mask else ()
        return tuple(dict.fromkeys((*self.bands, *self.masks.roles(), *mask)))

    def acquire(self, place: Place) -> Acquired:
        """The scenes the picture is made of; DataError when there is none."""
        question = _catalogue.Question(
            self.api, self.collection, _catalogue.surroundings(place.grid), periods(self.years, self.season), self.max_cloud_percent
        )
        items, notices = _catalogue.answer(question, hosts=self.hosts, cache=place.cache, offline=place.offline)
        items = [item for item in items if _cloud(item) <= self.max_cloud_percent and self.suitable(item)]
        fresh, old = _scenes.newest(items, self.sensor.product)
        fresh = self.prepared(fresh, self, place)
        source = _scenes.From(self.hosts, self.sas_url, str(place.shelf), place.offline)
        found = _scenes.scenes(fresh, self.sensor.product, self.roles, place.grid, source)
        chosen = _scenes.best(found, self.max_looks)
        if not chosen:
            raise DataError(
                f"{self.collection}: no scene of the years {', '.join(map(str, self.years))}, {self.season[0]} to {self.season[1]}, with at most "
                f"{self.max_cloud_percent:g} % cloud touches the region; widen `years:`, `season:` or `max_cloud_percent:`"
            )
        told = f"{len(chosen)} of {len(found)} scenes are read" + (f", {old} more were processed again since" if old else "")
        synthetic = any(item["properties"].get("synthetic") is True for item in fresh)
        return Acquired(tuple(chosen), self._layers(), (*notices, told), synthetic, together=True, choosing=CHOOSING)

    def read_all(self, assets: tuple[Asset, ...], window: Window) -> tuple[Array, ...]:
        """Every layer on a window, in the order of `acquire`: (y, x) float32 with NaN (the scene code int32 with MISSING), the same bits whatever the
        window. What is held at a time does not grow with the window: the looks of one piece of it."""
        scenes = [asset for asset in assets if isinstance(asset, Scene)]
        if self.way == "best":
            return _composite.best(scenes, self.bands, window, value=self._value)
        return _composite.median(scenes, self.bands, window, clear=self._clear, value=self._value, masks=self.masks)

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Nothing before the tiles: a look at every scene would fetch what the tiles fetch anyway, and each tile judges what it reads."""

    def _layers(self) -> tuple[LayerInfo, ...]:
        s = self.sensor
        bands = tuple(LayerInfo(role, s.units[role], s.words[role], s.native_m[role], "float32") for role in self.bands)
        coarsest = max(s.native_m[role] for role in self.bands)
        codes = (LayerInfo("scene", "1", "Code of the scene a cell is taken from", coarsest, "int32"),) if self.way == "best" else ()
        return (*bands, *codes, LayerInfo(LOOKS, "1", "Number of clear looks", coarsest, "float32"))

    def _value(self, scene: Scene, role: str, window: Window) -> Array:
        band = scene.bands[role]
        read = _stored.onto(scene, role, window=window, resampling="bilinear", dtype=self.sensor.dtypes[role])
        return np.asarray(read * band.scale + band.offset, np.float32)

    def _clear(self, scene: Scene, _: str, window: Window) -> Array:
        # classes have no mean: the pixel under the centre of a fine cell, the commonest of a coarse one, and none where the centre has no data
        mask, clear = self.sensor.mask, self.sensor.clear
        assert clear is not None
        coarse = window.grid.cell_m > 2 * self.sensor.mask_m
        ways: tuple[Method, ...] = ("nearest", "mode") if coarse else ("nearest",)
        read = [_stored.onto(scene, mask, window=window, resampling=way, dtype=self.sensor.dtypes[mask]) for way in ways]
        seen, codes = np.isfinite(read[0]) & np.isfinite(read[-1]), read[-1]
        return seen & clear(np.where(seen, codes, 0).astype(np.int64), f"{self.collection}: {scene.id}")


def periods(years: tuple[int, ...], season: tuple[str, str]) -> tuple[str, ...]:
    """The season of each year as an interval of time; one that ends before it begins runs into the next year."""
    for day in season:
        try:
            dt.date(2001, *map(int, day.split("-")))
        except ValueError:
            raise ConfigError(f"`season:` {day} is not a day of every year; give month and day, such as 05-01") from None
    (start, end), turn = season, season[1] < season[0]
    return tuple(f"{year}-{start}T00:00:00Z/{year + turn}-{end}T23:59:59Z" for year in sorted(set(years)))


def check_bands(bands: tuple[str, ...], known: Mapping[str, Any], word: str) -> tuple[str, ...]:
    """The bands asked for, each once, in the product's own order; ConfigError for one it does not have."""
    from pipeline.sources._files import nearest

    for band in bands:
        if band not in known:
            raise ConfigError(f"`bands:` of {word}: there is no band {band!r}{nearest(band, known)}")
    if not bands:
        raise ConfigError(f"`bands:` of {word} is empty; name at least one of {', '.join(known)}")
    return tuple(band for band in known if band in bands)


def _cloud(item: Item) -> float:
    return float(item["properties"].get("eo:cloud_cover") or 0.0)
