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
ALONE = (train.STAGE, publish.STAGE)  # stages that one process does, however many there are


@dataclass
class Estimate:
    """What a job will take. `stages`: seconds of one process by stage; `packed`: bytes on disk per byte of layers, as measured; `fit_s`: one fit of the
    model, `fits` of which validation makes; `longest_s`: of validation's jobs the longest, which no other worker can share; `reckoned`: layers and fits
    that could not be rehearsed, whose tiles count as those of a middling layer."""

    stages: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    packed: float = 1.0
    fit_s: float | None = None
    fits: int = 0
    longest_s: float = 0.0
    scored_per_s: float | None = None
    reckoned: list[str] = field(default_factory=list)
    took_s: float = 0.0

    def seconds(self, workers: int) -> float:
        """All of it, by so many processes: tiles and the tests of validation are shared out, the map's fit and the bundle are made by one."""
        shared = sum(seconds / workers for stage, seconds in self.stages.items() if stage not in (*ALONE, validate.STAGE))
        return shared + sum(self.stages[stage] for stage in ALONE) + max(self.longest_s, self.stages[validate.STAGE] / workers)


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
        _bundle(plan, cube, _largest(plan, whole), took, made)
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
    """Fit the model to rows like those it will have, and score cells of a tile, while there is time: what the map, its applicability and its validation
    ask of it, of those that are to be made."""
    graph = plan.graph
    fitting, scoring, trusting, foretelling = (f"{graph.prefix}/{name}" for name in ("model", "prospectivity", "applicability", "foretold"))
    tested, others = _fits(plan)
    every, foretold = sum(tested.values()), others.get(foretelling, 0)
    if not (every or others or any(name in plan.stale for name in (fitting, scoring, trusting))):
        return
    tile = _largest(plan, whole)
    window, rng = plan.grid.window(tile), np.random.default_rng(1)
    cells, (rows, labels) = _evidence(plan, cube, tile, took), _lesson(plan, cube, whole, took, rng)
    model: Any = making.bare(graph.told)(1)
    made.fit_s = _timed(lambda: model.fit(rows, labels))
    made.fits = every + sum(others.values())
    made.stages[train.STAGE] += made.fit_s if fitting in plan.stale else 0.0
    part: Array = np.ascontiguousarray(cells[in_squares(np.ones(window.shape, bool))[:SCORED]])  # as a map asks for them
    part = np.tile(part, (math.ceil(SCORED / len(part)), 1))[:SCORED]
    model.predict_both(part[:200])  # compiled once
    scored = _best(lambda: model.predict_both(part), until) / len(part)
    made.scored_per_s = 1 / scored
    made.stages[predict.STAGE] += _cells(plan, scoring) * scored
    made.stages[validate.STAGE] += made.fit_s * made.fits + scored * foretell.GROUND * foretold
    number = np.arange(len(rows))
    if every:
        x, y = rng.uniform(window.bounds[:2], window.bounds[2:], (len(rows), 2)).T
        samples = SampleTable(rows, tuple(graph.evidence), labels, np.where(labels, number, -1 - number), number, x, y)
        beside = _timed(lambda: nulls.coordinates(samples, samples, seed=1)) + scored * len(rows)
        made.stages[validate.STAGE] += beside * every
        made.longest_s = (made.fit_s + beside) * max(tested.values())
    if trusting in plan.stale:
        kept = rows[: applicability.MOST_REFERENCE]
        # what the map will rest on is not known: a few layers for the most part. On rough ones the nearest row takes ten times what it takes on smooth ones
        weights = rng.permutation(np.linspace(1, 0, kept.shape[1]) ** 3)
        fold, positive = number[: len(kept)] % 2, labels[: len(kept)] == 1
        space = applicability.learnt(kept, counts=(1,) * kept.shape[1], importance=weights, fold=fold, positive=positive)
        applicability.applicability(part[:200], space)  # compiled once
        made.stages[predict.STAGE] += _cells(plan, trusting) * _best(lambda: applicability.applicability(part, space), until) / len(part)


def _lesson(plan: Plan, cube: Cube, whole: list[Index], took: dict[str, list[float]], rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows like those the model will have, (n, layers), drawn from rehearsed tiles, and their labels: as many of each as there will be. Those of deposits are
    shifted at random, so that there is something to learn."""
    config, positives = plan.loaded.config, max(2, len(plan.graph.deposits["name"]))
    many = positives + max(config.background.per_positive * positives, config.background.at_least)
    spread = whole[:: math.ceil(len(whole) / DRAWN_FROM)]
    pool = np.concatenate([rng.permutation(_evidence(plan, cube, tile, took))[: math.ceil(many / len(spread))] for tile in spread])
    rows = pool[rng.choice(len(pool), many, replace=len(pool) < many)]
    labels = (np.arange(many) < positives).astype(np.int8)
    known = np.where(np.isfinite(rows).any(axis=0), rows, 0.0)  # a layer that is missing everywhere has no spread
    rows[:positives] += rng.normal(0, 1, (positives, rows.shape[1])).astype(np.float32) * np.nan_to_num(np.nanstd(known, axis=0))
    return rows, labels


def _fits(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """How many models validation fits, by what is to be made of them: for each score, beside the nulls; and for importance, by the folds of the protocol
    that decides, and for what is foretold."""
    graph, config = plan.graph, plan.loaded.config
    deposits, tested = max(2, len(graph.deposits["name"])), dict[str, int]()
    for name, card in graph.scorecards.items():
        protocol = config.protocols.get(name)
        if protocol is None or card not in plan.stale:  # what other regions teach is tested by leaving out each of them
            continue
        split = protocol.split
        folds = deposits * max(1, split.pairs // deposits) if split.kind == "leave_pair_out" else split.folds
        once_more = split.kind not in ("random", "leave_pair_out") and not protocol.hide  # at random, to say what that would have hidden
        tested[card] = folds * (protocol.seeds + once_more)
    first = config.validation.protocols[0]
    decides = config.protocols[first].split.folds
    if graph.without_suspect and graph.without_suspect in plan.stale:  # as the protocol that decides, once more
        tested[graph.without_suspect] = tested.get(graph.scorecards[first], decides)
    others = {f"{graph.prefix}/importance": decides} | ({f"{graph.prefix}/foretold": predictive.FOLDS} if deposits >= foretell.FEWEST else {})
    return tested, {name: fits for name, fits in others.items() if name in plan.stale}


def _largest(plan: Plan, whole: list[Index]) -> Index:
    """Of the rehearsed tiles the first that is not cut off by the region's end, if any is not."""
    return max(whole, key=lambda tile: math.prod(plan.grid.window(tile).shape))


def _evidence(plan: Plan, cube: Cube, tile: Index, took: dict[str, list[float]]) -> Array:
    """The cells of a rehearsed tile, (n, layers) float32; of a layer that was not made, noise."""
    window, rng = plan.grid.window(tile), np.random.default_rng(tile)
    made = {name for name in plan.graph.evidence if next(iter(_makers(plan, (name,)))) in took}
    layers = [cube.read(name, window).ravel() if name in made else rng.normal(size=math.prod(window.shape)) for name in plan.graph.evidence]
    return np.stack(layers, axis=1).astype(np.float32)


def _bundle(plan: Plan, cube: Cube, tile: Index, took: dict[str, list[float]], made: Estimate) -> None:
    """Write one rehearsed layer of evidence of the tile, again and again side by side, as a bundle's rasters are written, and a corner of it: what a file
    takes however small, and what its cells take."""
    shown = (meta for node in plan.nodes if isinstance(node, LayerNode) and node.name in took for meta in node.outputs)
    layer = next((meta for meta in shown if meta.name in plan.graph.evidence and meta.dtype == "float32"), None)
    if layer is None or publish.is_current(plan.outputs, plan.bundle_key):
        return
    window = plan.grid.window(tile)
    values, (west, _, _, north) = cube.read(layer.name, window), window.bounds
    inside = LayerMeta(REGION, "float32", "1", "Inside the region", "", "", plan.grid.cell_m)
    again, wide, seconds = max(1, SHEET // max(values.shape)), max(plan.grid.tile, SHEET // 4), dict[int, float]()
    for number, sheet in enumerate((values[:CORNER, :CORNER], values[:CORNER, :CORNER], np.tile(values, (again, again)))):
        rows, cols = sheet.shape  # the first is not counted: what writes rasters is imported once
        alone = Cube(cube.path.with_name(f"sheet{number}.zarr"), replace(plan.grid, x_m=west, y_m=north, rows=rows, cols=cols, tile=wide))
        alone.prepare([layer, inside])
        for at in alone.grid.tiles():
            of = alone.grid.window(at)
            alone.write(REGION, at, np.ones(of.shape, np.float32))
            alone.write(layer.name, at, np.ascontiguousarray(sheet[of.r0 : of.r1, of.c0 : of.c1]))
        seconds[sheet.size] = _timed(functools.partial(cog.write, Path(str(cube.path.with_name("sheet.tif"))), alone, layer.name, cog.look(alone, layer.name)))
    few, many = min(seconds), max(seconds)
    each = (seconds[many] - seconds[few]) / max(many - few, 1)
    asked = plan.loaded.config.publish
    copies = min(asked.at_most, len(plan.graph.evidence)) if asked.evidence is None else len(asked.evidence)  # if their licences allow it
    made.stages[publish.STAGE] += (len(plan.graph.rasters) + copies) * (seconds[few] + max(each, 0.0) * math.prod(plan.grid.shape))


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
