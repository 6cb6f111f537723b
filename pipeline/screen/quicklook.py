"""One layer in a terminal: its statistics, where it is from, whether it is up to date, and a sketch; or as a file."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from pipeline import cog, files, flow, registry
from pipeline.cube import REGION
from pipeline.errors import ConfigError, StoreError
from pipeline.ledger import hash_of, key_of
from pipeline.node import LayerNode
from pipeline.publishers import rasters
from pipeline.recipe import MISSING, Array
from pipeline.screen import bars, console, endings, spending
from pipeline.stages import publish

if TYPE_CHECKING:
    from pipeline.planning import Plan

WIDTH, HEIGHT = 72, 32
RAMP = ".:-=+*#%@"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHOWN_CLASSES = 12
DRAFT = "a draft: not validated, so there is no score, and nothing says where not to believe it"


def show(plan: Plan, layer: str) -> None:
    """Print what a layer holds. Every cell is counted once, block by block."""
    screen, (name, node) = console(), _found(plan, layer)
    meta = next(meta for meta in node.outputs if meta.name == name)
    stale, every = len(plan.stale.get(node.name, ())), len(plan.asked(node) or ())
    if stale and stale == every:
        raise StoreError(f"layer {layer!r} is not made yet ({plan.why[node.name]}); run `prospect map {plan.loaded.config.region.name}`")
    sketch, statistics, classes = _Sketch(plan), cog.Statistics(), Counter[int]()
    for block in cog.blocks(plan.cube, name):
        statistics.add(block.values)
        sketch.add(block)
        if meta.dtype == "int32":
            codes, counts = np.unique(cog.known_values(block.values), return_counts=True)
            classes.update(dict(zip(codes.tolist(), counts.tolist(), strict=True)))
    screen.print(f"{layer}: {meta.long_name}, {meta.units}", style="bold")
    screen.print(f"from {meta.source} · licence {meta.licence} · resolves {meta.native_m:g} m", soft_wrap=True)
    if meta.synthetic:
        screen.print("synthetic: made wholly or partly from simulated data")
    if moved := _moved(plan):
        screen.print(f"shown of the region as it was: its own layer must be made again ({moved})")
    screen.print("up to date" if not stale else f"{stale} of {every} tiles must be made again ({plan.why[node.name]})")
    screen.print(f"{statistics.known:,} of {statistics.cells:,} cells known ({statistics.known / statistics.cells:.1%})")
    if classes:
        for (code, count), letter in zip(classes.most_common(SHOWN_CLASSES), LETTERS, strict=False):
            screen.print(f"  {letter}  class {code}: {count:,} cells ({count / statistics.known:.1%})")
        if len(classes) > SHOWN_CLASSES:
            screen.print(f"  and {len(classes) - SHOWN_CLASSES} classes more")
    elif statistics.known:
        s = statistics
        screen.print(f"least {s.minimum:.6g}, mean {s.mean:.6g}, most {s.maximum:.6g}, standard deviation {s.stddev:.6g}")
    screen.print("\n".join(sketch.lines(classes)), soft_wrap=True)


def export(plan: Plan, layer: str, to: Path | None) -> None:
    """Write a layer that is up to date as a COG; StoreError when it is not, or cannot be written."""
    name, node = _found(plan, layer)
    if stale := plan.stale.get(node.name):
        raise StoreError(
            f"layer {layer!r} is not up to date ({len(stale)} tiles, {plan.why[node.name]}); run `prospect map {plan.loaded.config.region.name}` first"
        )
    if moved := _moved(plan):
        raise StoreError(f"the region itself is not up to date ({moved}); run `prospect map {plan.loaded.config.region.name}` first")
    path = to or Path(f"{layer.replace('/', '_')}.tif")
    cog.write(path, plan.cube, name, rasters.look(plan.cube, name))
    console().print(f"wrote {endings.shown_path(path.resolve())}", soft_wrap=True)


def _moved(plan: Plan) -> str:
    """Why the layer that says what is region must be made again; empty when it need not."""
    return plan.why[REGION] if plan.stale.get(REGION) else ""


def only(plan: Plan, layer: str, *, say: Callable[[str], None], profile: bool = False) -> None:
    """Make one layer and what it rests on, and write it beside the bundle, `NAME.LAYER.tif`; a file of the same is left as it is.

    What a model says is a draft: the file and the last line say that nothing was validated. `profile`: print where the seconds went, and write it as
    `NAME.LAYER.profile.json`.
    """
    name, node = _found(plan, layer)
    path = plan.outputs.with_name(f"{plan.outputs.name}.{layer.replace('/', '_')}.tif")
    publish.check_writable(plan.outputs)
    with bars.watching() as progress:
        made = flow.make(plan, (name, REGION), progress, say=say)  # of a layer only what lies in the region is shown
    begun = time.monotonic()
    shown, key = rasters.look(plan.cube, name), key_of(hash_of(plan.keys[name]), hash_of(plan.keys[REGION]))
    draft = name.startswith(f"{plan.graph.prefix}/")
    config, taught_by = plan.loaded.config, [teacher.region for teacher in plan.graph.teachers] if draft else []
    own = rasters.named(config.region.title, config.region.name, config.system.name, taught_by=taught_by, synthetic=plan.graph.synthetic)
    tags = {**shown.tags, **own, "LAYER_KEY": key} | ({"VALIDATED": DRAFT} if draft else {})
    if _key_of(path) != key:
        cog.write(path, plan.cube, name, replace(shown, tags=tags))
    took = time.monotonic() - begun
    screen, region = console(), plan.loaded.config.region.name
    screen.print(f"{endings.shown_path(path)}: {next(meta.long_name for meta in node.outputs if meta.name == name)}", soft_wrap=True)
    if draft:
        screen.print(f"{DRAFT}; `prospect map {region}` goes on from here", soft_wrap=True)
    if profile:
        spent = spending.told(made.spent, file_seconds=took)
        files.write(path.with_suffix(".profile.json"), json.dumps(spent, indent=1).encode())
        screen.print(spending.table(spent))


def _key_of(path: Path) -> str:
    try:
        with rasterio.open(path) as file:
            return str(file.tags().get("LAYER_KEY", ""))
    except RasterioError:
        return ""


def _found(plan: Plan, layer: str) -> tuple[str, LayerNode]:
    makers = {meta.name: node for node in plan.nodes if isinstance(node, LayerNode) for meta in node.outputs}
    name = plan.graph.rasters.get(layer, layer)
    if name not in makers:
        raise ConfigError(registry.unknown("layer", layer, [*plan.graph.rasters, *(n for n in makers if "/" not in n)]))
    return name, makers[name]


class _Sketch:
    """A layer in characters, each the mean of its cells, or the class of its middle cell."""

    def __init__(self, plan: Plan) -> None:
        rows, cols = plan.grid.shape
        # a character is about twice as high as it is wide
        scale = min(WIDTH / cols, 2 * HEIGHT / rows, 1)
        self.width, self.height = max(1, round(cols * scale)), max(1, round(rows * scale / 2))
        self._row = np.arange(rows) * self.height // rows
        self._col = np.arange(cols) * self.width // cols
        self._sum, self._count = np.zeros(self.height * self.width), np.zeros(self.height * self.width)
        self._mid_row = (np.arange(self.height) * 2 + 1) * rows // (2 * self.height)
        self._mid_col = (np.arange(self.width) * 2 + 1) * cols // (2 * self.width)
        self._codes = np.full((self.height, self.width), MISSING, np.int64)

    def add(self, block: cog.Block) -> None:
        """Take in one block."""
        values, (height, width) = block.values, block.values.shape
        if values.dtype.kind == "i":
            rows = np.flatnonzero((self._mid_row >= block.row) & (self._mid_row < block.row + height))
            cols = np.flatnonzero((self._mid_col >= block.col) & (self._mid_col < block.col + width))
            self._codes[np.ix_(rows, cols)] = values[np.ix_(self._mid_row[rows] - block.row, self._mid_col[cols] - block.col)]
            return
        spot = self._row[block.row : block.row + height, None] * self.width + self._col[block.col : block.col + width]
        known = ~np.isnan(values)
        self._sum += np.bincount(spot[known], values[known], minlength=self._sum.size)
        self._count += np.bincount(spot[known], minlength=self._count.size)

    def lines(self, classes: Counter[int]) -> list[str]:
        """The sketch, top line first; a space where nothing is known."""
        if classes:
            letter = dict(zip([code for code, _ in classes.most_common(SHOWN_CLASSES)], LETTERS, strict=False))
            return ["".join(" " if code == MISSING else letter.get(int(code), "?") for code in row).rstrip() for row in self._codes]
        return self._shaded()

    def _shaded(self) -> list[str]:
        known = self._count > 0
        if not known.any():
            return []
        means: Array = np.divide(self._sum, self._count, out=np.zeros_like(self._sum), where=known)
        low, high = np.percentile(means[known], (2, 98))
        step = np.clip((means - low) / ((high - low) or 1) * len(RAMP), 0, len(RAMP) - 1).astype(int)
        picture = np.where(known, np.array(list(RAMP))[step], " ").reshape(self.height, self.width)
        return ["".join(row).rstrip() for row in picture]
