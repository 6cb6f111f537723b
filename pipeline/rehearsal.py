"""Rehearsal: twenty seconds of a job before it is done, in a scratch cube, to say how long the whole will take and what it will not fit."""

from __future__ import annotations

import functools
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import cog, tasks
from pipeline.cube import REGION, Cube, LayerMeta
from pipeline.grid import Index
from pipeline.learning import applicability, nulls, predictive
from pipeline.learning.table import SampleTable
from pipeline.node import LayerNode
from pipeline.planning import Plan
from pipeline.recipe import Array
from pipeline.spatial.squares import in_squares
from pipeline.stages import foretell, making, predict, publish, train, validate

SECONDS = 20.0
OF_TILES = 0.6  # the share of them for tiles; the rest is for fitting the model and scoring with it
SCORED = 20_000  # cells of the tile that are scored
CORNER, SHEET = 16, 2048  # cells of a side of the rasters that tell what a file takes and what its cells take
DRAWN_FROM = 16  # tiles that the model's rows are drawn from at most
ALONE = (train.STAGE, validate.STAGE, publish.STAGE)  # stages that one process does, however many there are


@dataclass
class Estimate:
    """What a job will take. `stages`: seconds of one process by stage; `packed`: bytes on disk per byte of layers, as measured; `fit_s`: one fit of the
    model, `fits` of which validation makes; `reckoned`: layers and fits that could not be rehearsed, whose tiles count as those of a middling
    layer."""

    stages: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    packed: float = 1.0
    fit_s: float | None = None
    fits: int = 0
    scored_per_s: float | None = None
    reckoned: list[str] = field(default_factory=list)
    took_s: float = 0.0

    def seconds(self, workers: int) -> float:
        """All of it, by so many processes: tiles are shared out, fits and the bundle are made by one."""
        return sum(seconds if stage in ALONE else seconds / workers for stage, seconds in self.stages.items())


def rehearse(plan: Plan, *, seconds: float = SECONDS) -> Estimate:
    """Time the plan's own tasks on tiles from its middle outwards, for as long as given, then the model of the config on what they made.

    Nothing of it is kept. What a tile reads from its neighbours is missing, so halos are read but empty. A layer that rests on a fit cannot be rehearsed
    and counts as a middling one of those that were; to the map and its applicability is added what it takes to score cells. Validation is the fits of the
    model and of the null that is fitted, the bundle its rasters. What fits take beyond that, targets above all, is not in it.
    """
    begun, made = time.monotonic(), Estimate()
    with tempfile.TemporaryDirectory(prefix="prospect-rehearsal-") as folder:
        cube = Cube(Path(folder) / "rehearsal.zarr", plan.grid)
        cube.prepare([meta for node in plan.nodes if isinstance(node, LayerNode) for meta in node.outputs])
        took, whole = _tiles(plan, cube, begun + OF_TILES * seconds)
        made.packed = _packed(Path(folder), plan, took)
        _model(plan, cube, whole, took, made, begun + seconds)
        _bundle(plan, cube, whole[-1], took, made)
    middling = float(np.median([np.median(seconds) for seconds in took.values()])) if took else 0.0
    for node in plan.nodes:
        todo = plan.tasks(node)
        if node.name in took:
            made.stages[node.stage] += float(np.median(took[node.name][1:] or took[node.name])) * todo
        elif todo:
            made.stages[node.stage] += middling * todo
            made.reckoned.append(node.name)
    made.took_s = time.monotonic() - begun
    return made


def _tiles(plan: Plan, cube: Cube, until: float) -> tuple[dict[str, list[float]], list[Index]]:
    """Seconds of each layer and gathering that rests on no fit, tile after tile of the map; the first holds what is compiled once. The whole tiles."""
    took: dict[str, list[float]] = defaultdict(list)
    middle = [(n - 1) / 2 for n in plan.grid.tiles_shape]
    mapped = next(node for node in plan.nodes if node.name == f"{plan.graph.prefix}/prospectivity")
    order = sorted(plan.asked(mapped) or (), key=lambda tile: (math.dist(tile, middle), tile))
    whole = list[Index]()
    for tile in order:
        for node in plan.nodes:
            call = node.call if isinstance(node, LayerNode) else node.gather
            if call is None or call.read_fits() or call.elsewhere or any(name not in took for name in _makers(plan, call.read_layers())):
                continue
            if time.monotonic() > until:
                return dict(took), whole or order[:1]
            outputs, since = node.outputs if isinstance(node, LayerNode) else (), time.monotonic()
            task = tasks.Task(cube, node.name, call.near(plan.grid.window(tile).bounds), tile, {}, outputs)
            tasks.write_tile(task) if outputs else tasks.gather_tile(task)
            took[node.name].append(time.monotonic() - since)
        whole.append(tile)
    return dict(took), whole


def _makers(plan: Plan, layers: tuple[str, ...]) -> set[str]:
    return {node.name for node in plan.nodes if isinstance(node, LayerNode) for meta in node.outputs if meta.name in layers}


def _packed(folder: Path, plan: Plan, took: dict[str, list[float]]) -> float:
    chunks = sum(path.stat().st_size for path in folder.rglob("c/*/*") if path.is_file())
    side = min(plan.grid.tile, plan.grid.rows), min(plan.grid.tile, plan.grid.cols)
    layers = sum(len(took[node.name]) * len(node.outputs) for node in plan.nodes if isinstance(node, LayerNode) and node.name in took)
    return min(1.0, chunks / max(4 * math.prod(side) * layers, 1)) if layers else 1.0


def _model(plan: Plan, cube: Cube, whole: list[Index], took: dict[str, list[float]], made: Estimate, until: float) -> None:
    """Fit the model to rows like those it will have, and score cells of the tile, while there is time: what a map, its applicability and its validation
    ask of it."""
    graph, config = plan.graph, plan.loaded.config
    scoring, trusting = f"{graph.prefix}/prospectivity", f"{graph.prefix}/applicability"
    if scoring not in plan.stale and f"{graph.prefix}/model" not in plan.stale:
        return
    window, rng = plan.grid.window(whole[-1]), np.random.default_rng(1)
    cells = _evidence(plan, cube, whole[-1], took)
    positives = max(2, len(graph.deposits["name"]))
    many = positives + max(config.background.per_positive * positives, config.background.at_least)
    spread = whole[:: math.ceil(len(whole) / DRAWN_FROM)]
    drawn = [rng.permutation(_evidence(plan, cube, tile, took))[: math.ceil(many / len(spread))] for tile in spread]
    rows = rng.permutation(np.concatenate(drawn))[:many]
    labels = np.zeros(len(rows), np.int8)
    labels[:positives] = 1
    rows[:positives] += rng.normal(0, 1, rows[:positives].shape).astype(np.float32) * np.nan_to_num(np.nanstd(rows, axis=0))
    model: Any = making.bare(graph.told)(1)
    made.fit_s = _timed(lambda: model.fit(rows, labels))
    protocols = [config.protocols[name] for name in config.validation.protocols]
    # a spatial split is made once more at random, to say what that would have hidden; importance is told by the folds of the protocol that decides
    tested = sum(protocol.split.folds * (protocol.seeds + (protocol.split.kind != "random")) for protocol in protocols)
    made.fits = tested + protocols[0].split.folds + predictive.FOLDS
    made.stages[train.STAGE] += made.fit_s
    x, y = rng.uniform(window.bounds[:2], window.bounds[2:], (len(rows), 2)).T
    number = np.arange(len(rows))
    samples = SampleTable(rows, tuple(graph.evidence), labels, np.where(labels, number, -1 - number), number, x, y)
    null_s = _timed(lambda: nulls.coordinates(samples, samples, seed=1))
    part: Array = np.ascontiguousarray(cells[in_squares(np.ones(window.shape, bool))[:SCORED]])  # as a map asks for them
    model.predict_both(part[:200])  # compiled once
    scored = _best(lambda: model.predict_both(part), until) / len(part)
    made.scored_per_s = 1 / scored
    made.stages[validate.STAGE] += made.fit_s * made.fits + (null_s + scored * len(rows)) * tested + scored * foretell.GROUND * predictive.FOLDS
    made.stages[predict.STAGE] += _cells(plan, scoring) * scored
    if plan.stale.get(trusting):
        kept = rows[: applicability.MOST_REFERENCE]
        # what the map will rest on is not known: a few layers for the most part. On rough ones the nearest row takes ten times what it takes on smooth ones
        weights = rng.permutation(np.linspace(1, 0, kept.shape[1]) ** 3)
        fold, positive = number[: len(kept)] % 2, labels[: len(kept)] == 1
        space = applicability.learnt(kept, counts=(1,) * kept.shape[1], importance=weights, fold=fold, positive=positive)
        applicability.applicability(part[:200], space)  # compiled once
        made.stages[predict.STAGE] += _cells(plan, trusting) * _best(lambda: applicability.applicability(part, space), until) / len(part)


def _evidence(plan: Plan, cube: Cube, tile: Index, took: dict[str, list[float]]) -> Array:
    """The cells of a rehearsed tile, (n, layers) float32; of a layer that was not made, noise."""
    window, rng = plan.grid.window(tile), np.random.default_rng(tile)
    made = {name for name in plan.graph.evidence if next(iter(_makers(plan, (name,)))) in took}
    layers = [cube.read(name, window).ravel() if name in made else rng.normal(size=math.prod(window.shape)) for name in plan.graph.evidence]
    return np.stack(layers, axis=1).astype(np.float32)


def _bundle(plan: Plan, cube: Cube, tile: Index, took: dict[str, list[float]], made: Estimate) -> None:
    """Write one rehearsed layer of the tile, again and again side by side, as a bundle's rasters are written, and a corner of it: what a file takes however
    small, and what its cells take."""
    node = next((node for node in plan.nodes if isinstance(node, LayerNode) and node.name in took and node.outputs[0].dtype == "float32"), None)
    if node is None or publish.is_current(plan.outputs, plan.bundle_key):
        return
    window, name = plan.grid.window(tile), node.outputs[0].name
    values, (west, _, _, north) = cube.read(name, window), window.bounds
    inside = LayerMeta(REGION, "float32", "1", "Inside the region", "", "", plan.grid.cell_m)
    again, seconds = max(1, SHEET // max(values.shape)), dict[int, float]()
    for number, sheet in enumerate((values[:CORNER, :CORNER], values[:CORNER, :CORNER], np.tile(values, (again, again)))):
        rows, cols = sheet.shape  # the first is not counted: what writes rasters is imported once
        alone = Cube(cube.path.with_name(f"sheet{number}.zarr"), replace(plan.grid, x_m=west, y_m=north, rows=rows, cols=cols))
        alone.prepare([node.outputs[0], inside])
        for at in alone.grid.tiles():
            of = alone.grid.window(at)
            alone.write(REGION, at, np.ones(of.shape, np.float32))
            alone.write(name, at, np.ascontiguousarray(sheet[of.r0 : of.r1, of.c0 : of.c1]))
        seconds[sheet.size] = _timed(functools.partial(cog.write, Path(str(cube.path.with_name("sheet.tif"))), alone, name, cog.look(alone, name)))
    few, many = min(seconds), max(seconds)
    each = (seconds[many] - seconds[few]) / max(many - few, 1)
    made.stages[publish.STAGE] += len(plan.graph.rasters) * (seconds[few] + max(each, 0.0) * math.prod(plan.grid.shape))


def _cells(plan: Plan, layer: str) -> int:
    """Cells of the tiles that a layer is to be made on."""
    return sum(math.prod(plan.grid.window(tile).shape) for tile in plan.stale.get(layer, ()))


def _best(act: Callable[[], Any], until: float) -> float:
    """Seconds of it, the less of two where there is time for two."""
    once = _timed(act)
    return min(once, _timed(act)) if time.monotonic() + once < until else once


def _timed(act: Callable[[], Any]) -> float:
    since = time.monotonic()
    act()
    return time.monotonic() - since
