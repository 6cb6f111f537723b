"""Runs a feature over a small region as the shell would: tile by tile, with the halo it declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from pipeline import drawn as lines
from pipeline import registry
from pipeline.grid import Grid, Index, Window
from pipeline.recipe import MISSING, Array, Bands, Cells, Fit, Layer, Layers, Places, Sample, Samples, Shifts, Vector, Whole

CRS = "EPSG:6933"
CELL_M = 100.0
ROWS, COLS = 83, 71  # no multiple of any tile, so the last tiles are cut


@dataclass(frozen=True)
class Region:
    """A grid, and by name the whole layers and the geometries on it, with the columns of each."""

    grid: Grid
    layers: Mapping[str, Array]
    geometry: Mapping[str, Array]
    columns: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    def cut(self, tile: int) -> Region:
        """The same ground in tiles of another size."""
        return replace(self, grid=replace(self.grid, tile=tile))

    def with_layer(self, name: str, values: Array) -> Region:
        """The same ground with one layer exchanged."""
        return replace(self, layers={**self.layers, name: values})

    def with_geometry(self, name: str, geometry: list[Any], columns: Mapping[str, Array] | None = None) -> Region:
        """The same ground with one set of geometries exchanged, and with it its columns."""
        exchanged = {**self.geometry, name: np.array(geometry, dtype=object)}
        return replace(self, geometry=exchanged, columns={**self.columns, name: columns or {}})

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
    """What the feature's `fit` makes of every cell, missing ones included, and of whole tables, by the name of the parameter that takes it."""
    function, said = registry.find("features", word), checked(word, said)
    fit, needs = registry.declared(function).fit, registry.dependencies(function)
    if fit is None:
        return {}
    takes = registry.parameters(fit).model_fields.keys() | registry.dependencies(fit).keys()
    show: Any = _whole if surveyed(word) else lambda region, name: Sample(region.layers[name].ravel())
    samples: dict[str, Any] = {name: [show(region, n) for n in names] for name, names in layers_of(word, said).items()}
    samples = {name: held[0] if needs[name] is Layer else Samples(held) for name, held in samples.items()}
    tables = {name: Vector(region.geometry[said[name]], region.columns[said[name]]) for name, kind in needs.items() if kind is Vector}
    at = region.cut(max(region.grid.shape)).cells((0, 0), 0)
    x, y = np.meshgrid(at.x, at.y)
    where = Places(x.ravel(), y.ravel(), at.number.ravel())
    places: dict[str, Any] = {name: where for name, kind in registry.dependencies(fit).items() if kind is Places}
    named = [n for names in layers_of(word, said).values() for n in names]
    east = {n: np.pad(region.layers[n][:, 1:], ((0, 0), (0, 1)), constant_values=np.nan) for n in named if region.layers[n].dtype.kind == "f"}
    shifts = Shifts(Sample((region.layers[n] - values).ravel()) for n, values in east.items())
    places |= {name: shifts for name, kind in registry.dependencies(fit).items() if kind is Shifts}
    given = {name: value for name, value in ({**said, **samples, **tables, **places}).items() if name in takes}
    return {name: Fit(fit(**given)) for name, kind in needs.items() if kind is Fit}


def drawn(word: str, said: Mapping[str, Any], region: Region) -> Vector:
    """The lines a feature draws of whole layers, as the shell keeps and reads them; fails on a changed input."""
    function, said = registry.find("features", word), checked(word, said)
    columns = registry.declared(function).columns
    assert columns is not None, f"{word} draws nothing"
    wholes = {name: _whole(region, said[name]) for name, kind in registry.dependencies(function).items() if kind is Whole}
    before = {name: whole.values.copy() for name, whole in wholes.items()}
    for whole in wholes.values():
        whole.values.flags.writeable = False
    answer = function(**{**said, **wholes})
    assert all(np.array_equal(wholes[name].values, values, equal_nan=True) for name, values in before.items())
    return lines.whole(lines.packed(answer, columns=columns))


def drawing_words() -> list[str]:
    """The features that draw lines and give no layer."""
    return [word for word in registry.words("features") if registry.declared(registry.find("features", word)).columns is not None]


def surveyed(word: str) -> bool:
    """Whether the feature's `fit` takes a whole layer: the tile function then looks the answer up, and of the layer sees only its gaps."""
    fit = registry.declared(registry.find("features", word)).fit
    return fit is not None and Whole in registry.dependencies(fit).values()


def _whole(region: Region, name: str) -> Whole:
    at = region.cells((0, 0), 0) if region.grid.tile >= max(region.grid.shape) else region.cut(max(region.grid.shape)).cells((0, 0), 0)
    return Whole(region.layers[name].astype(np.float64), at.x, at.y, region.grid.cell_m, region.grid.crs)


def checked(word: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What config would say, checked by the feature's own schema and with its defaults filled in."""
    return registry.parameters(registry.find("features", word))(**said).model_dump()


def layers_of(word: str, said: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The layers each parameter reads; here a source of bands bears the name of its sensor."""
    function = registry.find("features", word)
    names: dict[str, tuple[str, ...]] = {}
    for parameter, kind in registry.dependencies(function).items():
        if kind is Layer:
            names[parameter] = (said[parameter],)
        elif kind is Layers:
            names[parameter] = tuple(said[parameter])
        elif kind is Bands:
            sensor = said[parameter]
            names[parameter] = tuple(f"{sensor}_{role}" for role in registry.declared(function).roles[sensor])
    return names


def halo_of(word: str, said: Mapping[str, Any]) -> int:
    """The cells the shell adds on each side: the declared reach rounded up, none where no layer is read."""
    function = registry.find("features", word)
    if not layers_of(word, said):
        return 0
    return math.ceil(registry.declared(function).reach(checked(word, said), CELL_M) / CELL_M - 1e-9)


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
    read = {
        parameter: [Layer.of(_block(region.layers[n], region.grid.window(tile, halo)), cell_m=region.grid.cell_m, halo=halo, name=n) for n in names]
        for parameter, names in layers_of(function.__name__, said).items()
    }
    for name, kind in registry.dependencies(function).items():
        if kind is Layer:
            bound[name] = read[name][0]
        elif kind is Layers:
            bound[name] = Layers(read[name])
        elif kind is Bands:
            bound[name] = Bands({layer.name.rpartition("_")[2]: layer for layer in read[name]})
        elif kind is Vector:
            reach = registry.declared(function).reach(said, region.grid.cell_m)
            bound[name] = _touching(region, said[name], tile, reach)
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


def _touching(region: Region, name: str, tile: Index, reach_m: float) -> Vector:
    """Features that touch the tile grown by the reach; in a changing order, for a query promises none."""
    xmin, ymin, xmax, ymax = region.grid.window(tile).bounds
    box = shapely.box(xmin - reach_m, ymin - reach_m, xmax + reach_m, ymax + reach_m)
    found = np.flatnonzero(shapely.intersects(region.geometry[name], box))
    found = np.roll(found[::-1] if sum(tile) % 2 else found, tile[1])
    return Vector(region.geometry[name][found], {column: values[found] for column, values in region.columns.get(name, {}).items()})


@contextmanager
def _guarded(bound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read-only inputs, compared with a copy afterwards."""
    arrays: list[Array] = []
    for value in bound.values():
        if isinstance(value, Layer):
            arrays.append(value.values)
        elif isinstance(value, Layers):
            arrays += [layer.values for layer in value]
        elif isinstance(value, Bands):
            arrays += [layer.values for layer in value.values()]
        elif isinstance(value, Vector):
            arrays += [value.geometry, *value.columns.values()]
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
