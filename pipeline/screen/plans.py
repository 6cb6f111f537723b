"""A plan as a table: what would be made, why, and what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.node import FitNode, LayerNode, Node
from pipeline.screen import console, endings, shown_bytes
from pipeline.stages import publish

if TYPE_CHECKING:
    from pipeline.planning import Plan


def show(plan: Plan) -> None:
    """Print the plan on standard output."""
    screen, grid = console(), plan.grid
    config = plan.loaded.config
    screen.print(f"{config.region.title} · {config.system.title}", style="bold")
    screen.print(f"grid: {grid.rows} x {grid.cols} cells of {grid.cell_m:g} m, {math.prod(grid.tiles_shape)} tiles of {grid.tile}, {grid.crs}")
    for region, other in plan.waiting_for.items():
        todo = f"{len(other.stale)} of its layers and fits are to be made first, in its own cube" if other.stale else "its lesson is made"
        screen.print(f"{region} teaches: {todo}", soft_wrap=True)
    current = publish.is_current(plan.outputs, plan.bundle_key)
    if not plan.stale and current:
        screen.print(f"nothing to do: {len(plan.nodes)} layers and fits and the outputs are up to date")
    if plan.stale:
        screen.print(_table(plan))
        written, cells = to_write(plan)
        held = max((n.bytes for n in plan.nodes if isinstance(n, FitNode) and n.name in plan.stale), default=0)
        fresh = len(plan.nodes) - len(plan.stale)
        screen.print(
            f"to make: {len(plan.stale)} of {len(plan.nodes)} layers and fits ({fresh} up to date), {cells:,} cells, "
            f"{shown_bytes(written)} before compression; the largest fit may hold {shown_bytes(held)} of the {config.run.memory_gb:g} GB allowed"
        )
    if not current:
        screen.print(f"then the outputs, in {endings.shown_path(plan.outputs)}/")
    for notice in plan.notices:
        screen.print(f"  - {notice}", soft_wrap=True)


def _table(plan: Plan) -> Table:
    table = Table("stage", "layer or fit", "tiles to do", "reads", "memory", "why", box=None, pad_edge=False, header_style="bold")
    for node in plan.nodes:
        if node.name in plan.stale:
            tiles = plan.asked(node)
            asks = isinstance(node, LayerNode) or node.gather
            # of a fit that asks only where another says, it is not known before that one is made
            todo = "-" if not asks else "a few" if tiles is None else f"{plan.tasks(node)} of {len(tiles)}"
            memory = shown_bytes(node.bytes) if isinstance(node, FitNode) else ""
            table.add_row(node.stage, node.name, todo, _read(plan, node), memory, plan.why.get(node.name, ""))
    return table


def _read(plan: Plan, node: Node) -> str:
    """How many times its own cells a tile reads because of the halo; empty where it reads no neighbour."""
    grid = plan.grid
    side = min(grid.tile, max(grid.rows, grid.cols))
    most = max((call.halo(grid.cell_m) for call in node.calls), default=0)
    return f"{((side + 2 * most) / side) ** 2:.2f} x" if most else ""


def to_write(plan: Plan) -> tuple[int, int]:
    """Bytes and cells of the tiles to be written; every dtype of the cube has 4 bytes."""
    cells = 0
    for node in plan.nodes:
        if isinstance(node, LayerNode):
            for tile in plan.stale.get(node.name, ()):
                cells += math.prod(plan.grid.window(tile).shape) * len(node.outputs)
    return 4 * cells, cells
