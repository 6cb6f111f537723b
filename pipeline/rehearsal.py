"""Rehearsal: twenty seconds of a job before it is done, in a scratch cube, to say how long the whole will take and what it will not fit."""

from __future__ import annotations

import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import tasks
from pipeline.cube import Cube
from pipeline.grid import Index
from pipeline.node import LayerNode
from pipeline.planning import Plan
from pipeline.recipe import Array
from pipeline.stages import making

SECONDS = 20.0
OF_TILES = 0.6  # the share of them for tiles; the rest is for fitting the model and scoring with it
SCORED = 20_000  # cells of the tile that are scored


@dataclass
class Estimate:
    """What a job will take. `stages`: seconds of one process by stage; `packed`: bytes on disk per byte of layers, as measured; `fit_s`: one fit of the
    model, `fits` of which the protocols ask for at least; `left_out`: layers and fits that could not be rehearsed."""

    stages: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    packed: float = 1.0
    fit_s: float | None = None
    fits: int = 0
    scored_per_s: float | None = None
    left_out: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it, by one process."""
        return sum(self.stages.values())


def rehearse(plan: Plan, *, seconds: float = SECONDS) -> Estimate:
    """Time the plan's own tasks on tiles from its middle outwards, for as long as given, then the model of the config on what they made.

    Nothing of it is kept. What a tile reads from its neighbours is missing, so halos are read but empty. A layer that rests on a fit cannot be rehearsed,
    but for the map itself, whose cost is the model's.
    """
    begun, made = time.monotonic(), Estimate()
    with tempfile.TemporaryDirectory(prefix="prospect-rehearsal-") as folder:
        cube = Cube(Path(folder) / "rehearsal.zarr", plan.grid)
        cube.prepare([meta for node in plan.nodes if isinstance(node, LayerNode) for meta in node.outputs])
        took, tile = _tiles(plan, cube, begun + OF_TILES * seconds)
        made.packed = _packed(Path(folder), plan, took)
        _model(plan, cube, tile, took, made, begun + seconds)
    for node in plan.nodes:
        todo = plan.tasks(node)
        if node.name in took:
            made.stages[node.stage] += float(np.median(took[node.name][1:] or took[node.name])) * todo
        elif todo and node.name != f"{plan.graph.prefix}/prospectivity":
            made.left_out.append(node.name)
    made.took_s = time.monotonic() - begun
    return made


def _tiles(plan: Plan, cube: Cube, until: float) -> tuple[dict[str, list[float]], Index]:
    """Seconds of each layer and gathering that rests on no fit, tile after tile of the map; the first holds what is compiled once. The last whole tile."""
    took: dict[str, list[float]] = defaultdict(list)
    middle = [(n - 1) / 2 for n in plan.grid.tiles_shape]
    mapped = next(node for node in plan.nodes if node.name == f"{plan.graph.prefix}/prospectivity")
    order = sorted(plan.asked(mapped) or (), key=lambda tile: (math.dist(tile, middle), tile))
    whole = order[0]
    for tile in order:
        for node in plan.nodes:
            call = node.call if isinstance(node, LayerNode) else node.gather
            if call is None or call.read_fits() or call.elsewhere or any(name not in took for name in _makers(plan, call.read_layers())):
                continue
            if time.monotonic() > until:
                return dict(took), whole
            outputs, since = node.outputs if isinstance(node, LayerNode) else (), time.monotonic()
            task = tasks.Task(cube, node.name, call.near(plan.grid.window(tile).bounds), tile, {}, outputs)
            tasks.write_tile(task) if outputs else tasks.gather_tile(task)
            took[node.name].append(time.monotonic() - since)
        whole = tile
    return dict(took), whole


def _makers(plan: Plan, layers: tuple[str, ...]) -> set[str]:
    return {node.name for node in plan.nodes if isinstance(node, LayerNode) for meta in node.outputs if meta.name in layers}


def _packed(folder: Path, plan: Plan, took: dict[str, list[float]]) -> float:
    chunks = sum(path.stat().st_size for path in folder.rglob("c/*/*") if path.is_file())
    side = min(plan.grid.tile, plan.grid.rows), min(plan.grid.tile, plan.grid.cols)
    layers = sum(len(took[node.name]) * len(node.outputs) for node in plan.nodes if isinstance(node, LayerNode) and node.name in took)
    return min(1.0, chunks / max(4 * math.prod(side) * layers, 1)) if layers else 1.0


def _model(plan: Plan, cube: Cube, tile: Index, took: dict[str, list[float]], made: Estimate, until: float) -> None:
    """Fit the model to rows like those it will have, and score cells of the tile, while there is time: the map's cost, and the least of validation's."""
    graph, config = plan.graph, plan.loaded.config
    scoring = f"{graph.prefix}/prospectivity"
    if scoring not in plan.stale and f"{graph.prefix}/model" not in plan.stale:
        return
    window, rng = plan.grid.window(tile), np.random.default_rng(1)
    known = [name for name in graph.evidence if next(iter(_makers(plan, (name,)))) in took]
    cells = np.stack([cube.read(name, window).ravel().astype(np.float32) for name in known], axis=1) if known else np.zeros((math.prod(window.shape), 0), "f4")
    lacking = rng.normal(size=(len(cells), len(graph.evidence) - len(known))).astype(np.float32)
    cells = np.concatenate([cells, lacking], axis=1)
    positives = max(2, len(graph.deposits["name"]))
    rows = cells[rng.integers(0, len(cells), positives + max(config.background.per_positive * positives, config.background.at_least))]
    labels = np.zeros(len(rows), np.int8)
    labels[:positives] = 1
    rows[:positives] += rng.normal(0, 1, rows[:positives].shape).astype(np.float32) * np.nan_to_num(np.nanstd(rows, axis=0))
    model: Any = making.bare(graph.told)(1)
    made.fit_s = _timed(lambda: model.fit(rows, labels))
    protocols = [config.protocols[name] for name in config.validation.protocols]
    made.fits = sum(protocol.split.folds * protocol.seeds for protocol in protocols)
    made.stages["train"] += made.fit_s
    made.stages["validate"] += made.fit_s * made.fits
    part: Array = cells[:SCORED]
    model.predict_both(part[:200])  # compiled once
    once = _timed(lambda: model.predict_both(part))
    again = _timed(lambda: model.predict_both(part)) if time.monotonic() + once < until else once
    made.scored_per_s = len(part) / min(once, again)
    made.stages["predict"] += sum(math.prod(plan.grid.window(t).shape) for t in plan.stale.get(scoring, ())) / made.scored_per_s


def _timed(act: Callable[[], Any]) -> float:
    since = time.monotonic()
    act()
    return time.monotonic() - since
