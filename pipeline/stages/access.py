"""Access: hours from each target to roads, rails, ports and whatever else config names, over ground and along lines that may leave the region."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.config.targets import Access
from pipeline.errors import ConfigError, ResourceError
from pipeline.grid import Grid, Window
from pipeline.node import Call, FitNode, Table
from pipeline.recipe import Array, Fit, Layer, Layers, Vector

EPOCH = 1
STAGE = "delineate"
MOST_GROUND = 1_000_000  # cells of the ground travelled over
GROUND_BYTES = 600  # for each: eight edges, sorted, and what the search keeps
LINE_BYTES = 100_000_000  # lines, goals and the targets themselves
FIXED = 2**20  # slowness as integers, so that its means are the same for any tiles


def node(loaded: Loaded, grid: Grid, *, prefix: str, tables: Mapping[str, Table], region: str) -> FitNode | None:
    """`<prefix>/access`, hours of each of `<prefix>/pieces` to each goal; None where config names no goal.

    ConfigError for a vector that is no source, ResourceError for more ground than can be held.
    """
    said = loaded.config.targets.access
    if said is None:
        return None
    for name in said.network:
        _known(loaded, name, tables, "network", name)
    for name, goal in said.to.items():
        _known(loaded, goal.of, tables, "to", name, "of")
    cells = step_cells(said, grid)
    rows, cols = -(-grid.rows // cells), -(-grid.cols // cells)
    if rows * cols > MOST_GROUND:
        least = math.ceil(math.sqrt(grid.rows * grid.cols * grid.cell_m**2 / MOST_GROUND))
        raise ResourceError(
            f"{loaded.where('targets', 'access')}: travel over {rows} x {cols} squares of {cells * grid.cell_m:g} m is more than can be held "
            f"({MOST_GROUND:,} squares); give targets.access.step_m of {least} or more"
        )
    elevation = loaded.config.targets.elevation
    layers = {"region": (region,), "elevation": (elevation,) if elevation else ()}
    gather = Call(slow_ground, {"cells": cells}, layers, reach_m=grid.cell_m if elevation else 0.0)
    parameters = {
        "shape": [rows, cols], "corner": [grid.x_m, grid.y_m], "step_m": cells * grid.cell_m, "ground_km_h": said.ground_km_h,
        "network": {name: way.model_dump(mode="json") for name, way in said.network.items()},
        "to": {name: goal.of for name, goal in said.to.items()},
    }  # fmt: skip
    vectors = {name: tables[name] for name in dict.fromkeys([*said.network, *(goal.of for goal in said.to.values())])}
    call = Call(travelled, parameters, vectors=vectors, fits={"pieces": f"{prefix}/pieces"})
    return FitNode(f"{prefix}/access", STAGE, call, gather, GROUND_BYTES * rows * cols + LINE_BYTES, of_map=True)


def step_cells(said: Access, grid: Grid) -> int:
    """Cells to a side of a square of ground: the step asked for, in whole cells."""
    return max(1, round(said.step_m / grid.cell_m))


def _known(loaded: Loaded, name: str, tables: Mapping[str, Table], *spot: str) -> None:
    if name not in tables:
        raise ConfigError(f"{loaded.where('targets', 'access', *spot)}: {registry.unknown('vector', name, tables)}")


def slow_ground(*, region: Layer, elevation: Layers, at: Window, cells: int) -> dict[str, Array]:
    """For each square of `cells` x `cells` that this tile touches, its `row` and `col`, how many cells of the region it holds here, and the sum of
    their slowness, as an integer; cells without elevation count as flat."""
    from pipeline.spatial import terrain, travel

    halo = region.halo
    inner = (slice(halo, -halo), slice(halo, -halo)) if halo else (slice(None), slice(None))
    inside = ~np.isnan(region.values[inner])
    slow = np.ones(inside.shape)
    if elevation:
        steep = terrain.slope_degrees(elevation[0].values, cell_m=at.grid.cell_m)[inner]
        slow = np.where(np.isnan(steep), 1.0, travel.slowness(np.nan_to_num(steep)))
    row, col = np.nonzero(inside)
    across = -(-at.grid.cols // cells)
    square = (row + at.r0 + halo) // cells * np.int64(across) + (col + at.c0 + halo) // cells
    found, of = np.unique(square, return_inverse=True)
    total = np.zeros(found.size, np.int64)
    np.add.at(total, of, np.rint(slow[inside] * FIXED).astype(np.int64))
    return {"row": found // across, "col": found % across, "held": np.bincount(of, minlength=found.size), "slow": total}


def travelled(
    *, parts: list[dict[str, Array]], pieces: Fit, shape: list[int], corner: list[float], step_m: float, ground_km_h: float,
    network: Mapping[str, Mapping[str, float]], to: Mapping[str, str], **vectors: Vector,
) -> list[dict[str, float | None]]:  # fmt: skip
    """For each piece the hours from its best cell to the nearest feature of each goal; None where no way leads there."""
    from pipeline.spatial import travel

    held, slow = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for part in parts:
        np.add.at(held, (part["row"], part["col"]), part["held"])
        np.add.at(slow, (part["row"], part["col"]), part["slow"])
    factor = np.where(held > 0, slow / FIXED / np.maximum(held, 1), np.nan)
    ground = travel.Terrain(factor, corner[0], corner[1], step_m, ground_km_h)
    lines = [travel.Line(vectors[name].geometry, way["km_h"], way["join_h"]) for name, way in network.items()]
    places = np.array([piece["best"] for piece in pieces.value], np.float64).reshape(-1, 2)
    found = travel.hours(places, {name: vectors[of].geometry for name, of in to.items()}, terrain=ground, lines=lines)
    return [{name: round(float(there[i]), 4) if np.isfinite(there[i]) else None for name, there in found.items()} for i in range(len(places))]
