"""Runs a feature over a small region as the shell would: tile by tile, with the halo it declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from pipeline import registry
from pipeline.grid import Grid, Index, Window
from pipeline.recipe import MISSING, Array, Cells, Fit, Layer, Sample, Vector

CRS = "EPSG:6933"
CELL_M = 100.0
ROWS, COLS = 83, 71  # no multiple of any tile, so the last tiles are cut


@dataclass(frozen=True)
class Region:
    """A grid, and by name the whole layers and the geometries on it."""

    grid: Grid
    layers: Mapping[str, Array]
    geometry: Mapping[str, Array]

    def cut(self, tile: int) -> Region:
        """The same ground in tiles of another size."""
        return replace(self, grid=replace(self.grid, tile=tile))

    def with_layer(self, name: str, values: Array) -> Region:
        """The same ground with one layer exchanged."""
        return replace(self, layers={**self.layers, name: values})

    def with_geometry(self, name: str, geometry: list[Any]) -> Region:
        """The same ground with one set of geometries exchanged."""
        return replace(self, geometry={**self.geometry, name: np.array(geometry, dtype=object)})

    def cells(self, tile: Index, halo: int) -> Cells:
        """Where a tile and its halo are."""
        grid, window = self.grid, self.grid.window(tile, halo)
        rows, cols = np.arange(window.r0, window.r1), np.arange(window.c0, window.c1)
        inside = ((rows >= 0) & (rows < grid.rows))[:, None] & ((cols >= 0) & (cols < grid.cols))[None, :]
        number = np.where(inside, rows[:, None] * grid.cols + cols[None, :], -1)
        return Cells(window.x(), window.y(), number, grid.cell_m, halo, grid.rows * grid.cols)


def empty_region() -> Region:
    """A region off the origin of its CRS, negative coordinates included, with nothing on it."""
    return Region(Grid(CRS, CELL_M, -2300.0, 4700.0, ROWS, COLS, max(ROWS, COLS)), {}, {})


def centres() -> tuple[Array, Array]:
    """Metres east and north of every cell's centre, (y, x) each."""
    at = empty_region().cells((0, 0), 0)
    x, y = np.meshgrid(at.x, at.y)
    return x, y


def over(word: str, values: Array, **said: Any) -> Array:
    """A feature with one output of one layer `of`, over the whole region."""
    region = empty_region().with_layer("layer", values.astype(np.float32))
    return run(word, {"of": "layer", **said}, region)[0]


def around(word: str, geometry: list[Any], **said: Any) -> Array:
    """A feature of the geometries `of`, over the whole region."""
    return run(word, {"of": "shapes", **said}, empty_region().with_geometry("shapes", geometry))[0]


def fitted(word: str, said: Mapping[str, Any], region: Region) -> dict[str, Fit]:
    """What the feature's `fit` makes of every valid cell, by the name of the parameter that takes it."""
    function, said = registry.find("features", word), checked(word, said)
    fit, needs = registry.declared(function).fit, registry.dependencies(function)
    if fit is None:
        return {}
    takes = registry.parameters(fit).model_fields.keys() | registry.dependencies(fit).keys()
    given: dict[str, Any] = {
        name: _sample(region.layers[value]) if needs.get(name) is Layer else value for name, value in said.items() if name in takes
    }
    return {name: Fit(fit(**given)) for name, kind in needs.items() if kind is Fit}


def checked(word: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What config would say, checked by the feature's own schema and with its defaults filled in."""
    return registry.parameters(registry.find("features", word))(**said).model_dump()


def halo_of(word: str, said: Mapping[str, Any]) -> int:
    """The cells the shell adds on each side: the declared reach rounded up, none where no layer is read."""
    function = registry.find("features", word)
    if Layer not in registry.dependencies(function).values():
        return 0
    return math.ceil(registry.declared(function).reach(said, CELL_M) / CELL_M - 1e-9)


def run(word: str, said: Mapping[str, Any], region: Region, fits: Mapping[str, Fit] | None = None) -> tuple[Array, ...]:
    """The feature over the whole region, tile by tile; fails on a misshapen answer or a changed input."""
    said = checked(word, said)
    fits = fitted(word, said, region) if fits is None else fits
    function = registry.find("features", word)
    halo = halo_of(word, said)
    whole: dict[int, Array] = {}
    for tile in region.grid.tiles():
        with _guarded(_bound(function, said, region, fits, tile, halo)) as bound:
            answer = function(**bound)
        window, framed = region.grid.window(tile), region.grid.window(tile, halo)
        for i, block in enumerate(answer if isinstance(answer, tuple) else (answer,)):
            assert block.shape == framed.shape, f"{word} gave {block.shape} for a block of {framed.shape}"
            target = whole.setdefault(i, np.zeros(region.grid.shape, dtype=block.dtype))
            inner = block[halo : framed.shape[0] - halo, halo : framed.shape[1] - halo]
            target[window.r0 : window.r1, window.c0 : window.c1] = inner
    return tuple(whole.values())


def _bound(
    function: Callable[..., Any],
    said: Mapping[str, Any],
    region: Region,
    fits: Mapping[str, Fit],
    tile: Index,
    halo: int,
) -> dict[str, Any]:
    bound = {**said, **fits}
    for name, kind in registry.dependencies(function).items():
        if kind is Layer:
            block = _block(region.layers[said[name]], region.grid.window(tile, halo))
            bound[name] = Layer.of(block, cell_m=region.grid.cell_m, halo=halo, name=said[name])
        elif kind is Vector:
            reach = registry.declared(function).reach(said, region.grid.cell_m)
            bound[name] = Vector(_touching(region, said[name], tile, reach), {})
        elif kind is Cells:
            bound[name] = region.cells(tile, halo)
    return bound


def _block(values: Array, window: Window) -> Array:
    """A window of a whole layer, missing outside the grid."""
    missing = np.nan if values.dtype.kind == "f" else MISSING
    rows, cols = np.arange(window.r0, window.r1), np.arange(window.c0, window.c1)
    inside = ((rows >= 0) & (rows < values.shape[0]))[:, None] & ((cols >= 0) & (cols < values.shape[1]))
    taken = values[np.clip(rows, 0, values.shape[0] - 1)[:, None], np.clip(cols, 0, values.shape[1] - 1)]
    return np.where(inside, taken, np.array(missing, dtype=values.dtype))


def _touching(region: Region, name: str, tile: Index, reach_m: float) -> Array:
    """Geometries that touch the tile grown by the reach; in a changing order, for a query promises none."""
    xmin, ymin, xmax, ymax = region.grid.window(tile).bounds
    box = shapely.box(xmin - reach_m, ymin - reach_m, xmax + reach_m, ymax + reach_m)
    found = region.geometry[name][shapely.intersects(region.geometry[name], box)]
    return np.roll(found[::-1] if sum(tile) % 2 else found, tile[1])


def _sample(values: Array) -> Sample:
    return Sample(values[~np.isnan(values)] if values.dtype.kind == "f" else values[values != MISSING])


@contextmanager
def _guarded(bound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read-only inputs, compared with a copy afterwards."""
    arrays: list[Array] = []
    for value in bound.values():
        if isinstance(value, Layer):
            arrays.append(value.values)
        elif isinstance(value, Vector):
            arrays.append(value.geometry)
        elif isinstance(value, Cells):
            arrays += [value.x, value.y, value.number]
        elif isinstance(value, Fit):
            arrays += list(value.value.values())
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    yield bound
    for array, copy in zip(arrays, before, strict=True):
        same = np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")
        assert same, "a feature changed one of its inputs"
