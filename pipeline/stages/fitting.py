"""Fitting: how a feature's own `fit` is given what it asks for: a seeded sample, a whole survey on its own step, a vector table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import drawn, registry
from pipeline.config.frame import Use
from pipeline.cube import REGION, LayerMeta
from pipeline.errors import ResourceError
from pipeline.grid import Grid
from pipeline.learning import draws
from pipeline.node import Call, FitNode, Table
from pipeline.recipe import Array, Cells, Layer, Layers, Places, Sample, Samples, Shifts, Vector, Whole

EPOCH = 2
STAGE = "derive"
SAMPLE_CELLS = 1_000_000  # a fit sees at most about this many cells: 8 bytes each and layer
WHOLE_SIDE = 2500  # a survey held in one piece has at most this many cells a side
WHOLE_BYTES = 400  # per cell of it: measured 330 at the peak of a Fourier filter over the padded survey
HELD_BYTES = 160  # per cell of a survey worked on by windows: what was gathered and put together, a gradient, and sums


def node(
    grid: Grid, name: str, use: Use, layers: Mapping[str, tuple[str, ...]], plain: Mapping[str, Any], vectors: Mapping[str, Table],
    lines: Mapping[str, str], known: Mapping[str, LayerMeta],
) -> FitNode:  # fmt: skip
    """The node of a feature's fit, or of a feature that draws: gathered tile by tile when it reads layers, at once when it reads only vectors."""
    function = registry.find("features", use.use)
    recipe = registry.declared(function)
    fit = recipe.fit or function  # what draws lines is its own fit
    needs, wants = registry.dependencies(function), registry.dependencies(fit)
    names = tuple(n for p, group in layers.items() if p in wants for n in group)
    of = [(p, None if needs[p] in (Layer, Whole) else len(group)) for p, group in layers.items() if p in wants]
    said: dict[str, Any] = {"word": use.use, "said": dict(plain), "dealt": of, "epoch": registry.epoch(function)}
    corner = [grid.x_m, grid.y_m, grid.cell_m]
    tables = {p: table for p, table in vectors.items() if p in wants}
    read = {p: name for p, name in lines.items() if p in wants}
    if Whole in wants.values():
        native_m = max(known[n].native_m for n in names)
        step = _step(grid, name, max(native_m, plain.get("step_m") or 0.0), windowed=recipe.windowed)
        said |= {"step": step, "corner": corner, "shape": list(grid.shape), "tile": grid.tile, "crs": grid.crs}
        gather = Call(whole_tile, {"step": step}, {"layers": names})
        cells = (grid.rows // step + 1) * (grid.cols // step + 1)
        in_pieces = HELD_BYTES * cells + WHOLE_BYTES * WHOLE_SIDE**2
        held = min(WHOLE_BYTES * cells, in_pieces) if recipe.windowed else WHOLE_BYTES * cells
        everywhere = frozenset(grid.tiles())  # a filter's answer near the border hangs on what lies beyond
        return FitNode(name, STAGE, Call(fit_whole, said, vectors=tables, drawn=read), gather, held * len(names), of_map=True, tiles=everywhere)
    if Places in wants.values():
        said |= {"corner": corner, "cols": grid.cols}
    share = min(1.0, SAMPLE_CELLS / (grid.rows * grid.cols))
    inputs = {"layers": names, "region": (REGION,)}
    sampled = Call(sample_cells, {"share": share, "seed": 0}, inputs) if names else None
    if Shifts in wants.values():
        sampled = Call(sample_shifts, {"share": share, "seed": 0}, inputs, reach_m=grid.cell_m)
        said |= {"shifts": len(names)}
    return FitNode(name, STAGE, Call(fit_sample, said, vectors=tables, drawn=read), sampled, int(2 * SAMPLE_CELLS * (8 + 4 * len(names))), of_map=not names)


def sample_cells(*, layers: Layers, region: Layer, at: Cells, share: float, seed: int) -> dict[str, Array]:
    """The values at this tile's share of a seeded choice of cells of the region, any tile size giving the same choice."""
    chosen = (region.values > 0) & (draws.uniform(at.number.ravel(), seed=seed, stream="sample").reshape(at.number.shape) < share)
    return {str(i): layer.values[chosen] for i, layer in enumerate(layers)} | {"cell": at.number[chosen]}


def sample_shifts(*, layers: Layers, region: Layer, at: Cells, share: float, seed: int) -> dict[str, Array]:
    """As `sample_cells`, and for each layer i as `shift<i>` the value less that of the next cell to the east; of the tile without its halo."""
    number = at.number[1:-1, 1:-1]
    chosen = (region.values[1:-1, 1:-1] > 0) & (draws.uniform(number.ravel(), seed=seed, stream="sample").reshape(number.shape) < share)
    found = {str(i): layer.values[1:-1, 1:-1][chosen] for i, layer in enumerate(layers)}
    shifts = {f"shift{i}": (layer.values[1:-1, 1:-1] - layer.values[1:-1, 2:])[chosen] for i, layer in enumerate(layers)}
    return found | shifts | {"cell": number[chosen]}


def whole_tile(*, layers: Layers, step: int) -> dict[str, Array]:
    """The tile's means over squares of `step` cells, float64, NaN where a square holds no value; a last, smaller square counts too."""
    return {str(i): _means(layer.values, step) for i, layer in enumerate(layers)}


def fit_sample(
    *, word: str, said: dict[str, Any], dealt: list[tuple[str, int | None]], epoch: int, parts: list[dict[str, Array]] | None = None,
    corner: list[float] | None = None, cols: int = 1, shifts: int = 0, **tables: Vector,
) -> dict[str, Array]:  # fmt: skip
    """Run a feature's own `fit` on the sampled cells, in the order of their global numbers, and on its vector tables."""
    del epoch  # only part of the key
    held, places = [], dict[str, Any]()
    if parts is not None:
        number = np.concatenate([part["cell"] for part in parts])
        order = np.argsort(number, kind="stable")
        if corner is not None:
            row, col = np.divmod(number[order], cols)
            where = Places(corner[0] + (col + 0.5) * corner[2], corner[1] - (row + 0.5) * corner[2], number[order])
            places |= {name: where for name, kind in _wants(word).items() if kind is Places}
        apart = Shifts(Sample(np.concatenate([part[f"shift{i}"] for part in parts])[order]) for i in range(shifts))
        places |= {name: apart for name, kind in _wants(word).items() if kind is Shifts}
        held = [Sample(np.concatenate([part[str(i)] for part in parts])[order]) for i in range(_count(dealt))]
    return _run(word, _dealt(dealt, held, Samples) | said | tables | places)


def fit_whole(
    *, parts: list[dict[str, Array]], word: str, said: dict[str, Any], dealt: list[tuple[str, int | None]], epoch: int, step: int,
    corner: list[float], shape: list[int], tile: int, crs: str, **tables: Vector,
) -> dict[str, Array]:  # fmt: skip
    """Run a feature's own `fit` on whole layers, put together from the tiles' means."""
    del epoch  # only part of the key
    across = -(-shape[1] // tile)
    x_m, y_m, cell_m = corner
    held = []
    for i in range(_count(dealt)):
        rows = [np.concatenate([part[str(i)] for part in parts[r : r + across]], axis=1) for r in range(0, len(parts), across)]
        values = np.concatenate(rows, axis=0)
        x = x_m + (np.arange(values.shape[1]) + 0.5) * step * cell_m
        y = y_m - (np.arange(values.shape[0]) + 0.5) * step * cell_m
        held.append(Whole(values, x, y, step * cell_m, crs))
    return _run(word, _dealt(dealt, held, tuple) | said | tables)


def _step(grid: Grid, name: str, most_m: float, *, windowed: bool) -> int:
    """Cells to a side of the means: the largest power of two within `most_m`, what the source resolves or is asked for, whatever the tile."""
    step = 1
    while 2 * step * grid.cell_m <= most_m:
        step *= 2
    if grid.tile % step:
        raise ResourceError(f"{name} works on squares of {step} cells, and region.tile {grid.tile} is no multiple of that; use a power of two")
    if max(grid.rows, grid.cols) > WHOLE_SIDE * step and not windowed:
        raise ResourceError(
            f"{name} holds a survey of {grid.rows // step} x {grid.cols // step} cells in one piece, at most {WHOLE_SIDE} a side fit; "
            "give a larger step_m where it has one, use a coarser region.cell_m, or state the survey's true native_m at its source"
        )
    return step


def _means(values: Array, step: int) -> Array:
    rows, cols = -(-values.shape[0] // step), -(-values.shape[1] // step)
    padded = np.full((rows * step, cols * step), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, step, cols, step).swapaxes(1, 2).reshape(rows, cols, step * step)
    held = ~np.isnan(blocks)
    with np.errstate(invalid="ignore"):
        return np.where(held, blocks, 0.0).sum(axis=2) / np.where(held.any(axis=2), held.sum(axis=2), np.nan)  # type: ignore[no-any-return]


def _count(of: list[tuple[str, int | None]]) -> int:
    return sum(count or 1 for _, count in of)


def _dealt(of: list[tuple[str, int | None]], held: list[Any], several: Any) -> dict[str, Any]:
    queue = list(held)
    return {name: queue.pop(0) if count is None else several(queue.pop(0) for _ in range(count)) for name, count in of} if held else {}


def _wants(word: str) -> dict[str, type]:
    function = registry.find("features", word)
    return registry.dependencies(registry.declared(function).fit or function)


def _run(word: str, offered: Mapping[str, Any]) -> dict[str, Array]:
    function = registry.find("features", word)
    recipe = registry.declared(function)
    fit = recipe.fit or function
    taken = registry.dependencies(fit).keys() | registry.parameters(fit).model_fields.keys()
    answer: Any = fit(**{k: v for k, v in offered.items() if k in taken})
    return answer if recipe.columns is None else drawn.packed(answer, columns=recipe.columns)
