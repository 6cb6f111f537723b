"""What a worker does: bind a call to one tile or to what the tiles gave, run it, and write or return the answer."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import chunks, lending, registry
from pipeline.artefacts import packed, unpacked
from pipeline.cube import Cube, LayerMeta
from pipeline.errors import DataError, ProspectError, StoreError
from pipeline.grid import Index, Window
from pipeline.ledger import holder
from pipeline.node import Call
from pipeline.recipe import Array, Bands, Cells, Fit, Layer, Layers, Vector

Bounds = tuple[float, float, float, float]
EVERYTHING_M = 1e8  # a fit sees its vector tables whole


_LIMITING, _LIMITS, _FITS = threading.Lock(), list[Any](), list[None]()  # of numeric libraries, while fits run
_AT_WRITING: set[object] = set()  # what this process is writing at this moment


@dataclass(frozen=True)
class Task:
    """One unit of work, all a worker needs beside the store: `tile` None means a fit's last step. `run` is the token of the run that asks for it."""

    cube: Cube
    node: str
    call: Call
    tile: Index | None
    fit_keys: Mapping[str, str]
    outputs: tuple[LayerMeta, ...] = ()
    run: str = ""


@dataclass(frozen=True)
class Effort:
    """What a task took: seconds in the worker, cells it covered, bytes it gave to the store, layers before compression."""

    seconds: float
    cells: int
    bytes: int


def write_tile(task: Task) -> Effort:
    """Compute a tile of a layer node and write each output's chunk."""
    begun = time.monotonic()
    answer = _called(task)
    arrays = answer if isinstance(answer, tuple) else (answer,)
    if len(arrays) != len(task.outputs):
        raise DataError(f"{task.node}: gave {len(arrays)} arrays for {len(task.outputs)} layers; this is a fault of the recipe {task.call.word}")
    halo, written = task.call.halo(task.cube.grid.cell_m), 0
    trimmed = [values[halo : values.shape[0] - halo, halo : values.shape[1] - halo] if halo else values for values in arrays]
    with _asked_for(task):
        for meta, values in zip(task.outputs, trimmed, strict=True):
            task.cube.write(meta.name, _tile(task), np.ascontiguousarray(values, dtype=meta.dtype))
            written += values.size * np.dtype(meta.dtype).itemsize
    return Effort(time.monotonic() - begun, sum(values.size for values in trimmed), written)


def write_tiles(calls: list[tuple[Any, ...]]) -> list[Any]:
    """Several jobs, one after another, for a later may read what an earlier one wrote: each a function of this module and what it is called with.

    What each answers, up to the first that fails: what is done is told, and the error is that job's own when it is asked for again as the first.
    """
    answers: list[Any] = []
    with chunks.holding():
        for function, *given in calls:
            try:
                answers.append(function(*given))
            except Exception:
                if not answers:
                    raise
                break
    return answers


def gather_tile(task: Task) -> tuple[Any, Effort]:
    """Compute what one tile gives to a fit: a small mapping of arrays, as the bytes of an artefact, for it may wait long for those of other tiles."""
    begun = time.monotonic()
    part = packed(_called(task))
    return part, Effort(time.monotonic() - begun, math.prod(task.cube.grid.window(_tile(task)).shape), 0)


def save_fit(task: Task, key: str, parts: Mapping[str, Any] | None, keep: Mapping[str, str] | None = None) -> Effort:
    """Run a fit's last step and keep its artefact under its key; `parts` are what the tiles gave, by name in grid order, kept under the keys `keep`."""
    begun = time.monotonic()
    chunks.let_go()
    _give_back()
    if parts is not None:
        parts = {tile: unpacked(part) if isinstance(part, bytes) else part for tile, part in parts.items()}
    with _single_threaded():  # a fit's sums may depend on the thread count
        value = _called(task, **({} if parts is None else {"parts": list(parts.values())}))
    if parts and keep is not None:
        task.cube.save_parts(task.node, keep, parts)
    size = task.cube.save_fit(task.node, key, value)
    del parts, value
    _give_back()
    return Effort(time.monotonic() - begun, 0, size)


def _give_back() -> None:
    """Give the system what this process has freed. The C library keeps it in pieces between what is used, 100 to 200 MB of a worker after a fit, and large
    arrays of the next come from the system all the same."""
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """One thread for each fit. The limit is the process's: of fits that run beside each other the last to end takes it off."""
    from threadpoolctl import threadpool_limits

    with _LIMITING:
        _LIMITS.append(threadpool_limits(1))
        _FITS.append(None)
    try:
        yield
    finally:
        with _LIMITING:
            _FITS.pop()
            if not _FITS:
                for limit in reversed(_LIMITS):  # the first remembers what was before
                    limit.restore_original_limits()
                _LIMITS.clear()


async def settled() -> None:
    """Wait, in a worker, until what it is writing at this moment is written."""
    at_work = set(_AT_WRITING)
    while at_work & _AT_WRITING:
        await asyncio.sleep(0.02)


@contextlib.contextmanager
def _asked_for(task: Task) -> Iterator[None]:
    """Write only for the run that holds the store: a task of one that died, or was cut off and replaced, must not overwrite what came after it.

    The run is asked for as the last thing before the write. What is written at the moment the store changes hands, `settled` waits for. A fit needs no
    such care: its name holds its key, so a late one is as good as an early one.
    """
    mark = object()
    _AT_WRITING.add(mark)
    try:
        if task.run and holder(task.cube.path) != task.run:
            raise StoreError(f"{task.node}: the run that asked for this tile no longer holds the store; nothing was written")
        yield
    finally:
        _AT_WRITING.discard(mark)


def _called(task: Task, **more: Any) -> Any:
    try:
        return task.call.function(**_bound(task), **more)
    except ProspectError as error:
        raise type(error)(f"{task.node}: {error}") from error


def _bound(task: Task) -> dict[str, Any]:
    cube = task.cube
    call = lending.borrowed(cube, task.call)
    bound: dict[str, Any] = dict(call.parameters)
    # a last step reads a fit once: held on to, outlines of targets would stay in the memory of a worker for the rest of the run
    fit_of = _fit if task.tile is not None else _fit.__wrapped__
    for name, fit in call.fits.items():
        bound[name] = fit_of(cube, fit, task.fit_keys[fit])
    for name, other in call.elsewhere.items():
        bound[name] = fit_of(other.cube, other.fit, other.key)
    if task.tile is None:
        everywhere = _grown(cube.grid.bounds, EVERYTHING_M)
        bound |= {name: _vector(table.path, everywhere) for name, table in call.vectors.items()}
        return bound | {name: _drawn(fit_of(cube, fit, task.fit_keys[fit]), everywhere) for name, fit in call.drawn.items()}
    halo = call.halo(cube.grid.cell_m)
    window = cube.grid.window(task.tile, halo)
    for name, kind in registry.dependencies(call.function).items():
        if kind is Layer:
            bound[name] = _layer(cube, call.layers[name][0], window, halo)
        elif kind is Layers:
            bound[name] = Layers(_layer(cube, layer, window, halo) for layer in call.layers[name])
        elif kind is Bands:
            bound[name] = Bands({layer.rpartition("_")[2]: _layer(cube, layer, window, halo) for layer in call.layers[name]})
        elif kind is Vector:
            near = _grown(cube.grid.window(task.tile).bounds, call.reach_m)
            lines = call.drawn.get(name)
            bound[name] = _drawn(_fit(cube, lines, task.fit_keys[lines]), near) if lines else _vector(call.vectors[name].path, near)
        elif kind is Cells:
            bound[name] = _cells(window, halo)
        elif kind is Window:
            bound[name] = window
    if call.assets:
        bound["assets"] = call.assets
    return bound


def _layer(cube: Cube, name: str, window: Window, halo: int) -> Layer:
    return Layer(partial(cube.read, name, window), name=name, cell_m=cube.grid.cell_m, halo=halo)


def _vector(path: Path, bounds: Bounds) -> Vector:
    from pipeline import vectors

    return vectors.touching(path, bounds)


def _drawn(lines: Fit, bounds: Bounds) -> Vector:
    from pipeline import drawn

    return drawn.touching(lines.value, bounds)


def _grown(bounds: Bounds, reach_m: float) -> Bounds:
    return bounds[0] - reach_m, bounds[1] - reach_m, bounds[2] + reach_m, bounds[3] + reach_m


def _cells(window: Window, halo: int) -> Cells:
    grid = window.grid
    rows, cols = np.arange(window.r0, window.r1), np.arange(window.c0, window.c1)
    off_rows, off_cols = (rows < 0) | (rows >= grid.rows), (cols < 0) | (cols >= grid.cols)
    number: Array = window.cells()
    number[off_rows], number[:, off_cols] = -1, -1
    return Cells(window.x(), window.y(), number, grid.cell_m, halo, grid.rows * grid.cols)


@lru_cache(maxsize=8)  # a model is read once per worker, not once per tile
def _fit(cube: Cube, fit: str, key: str) -> Fit:
    return Fit(cube.load_fit(fit, key))


def _tile(task: Task) -> Index:
    assert task.tile is not None
    return task.tile
