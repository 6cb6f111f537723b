"""Background: the cells a model may learn "no deposit known" from, tile by tile, for each kind config offers.

Whatever the model learns from, it is scored against a uniform background: the map ranks the whole ground, and a score against
chosen ground answers another question.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.config.frame import Background, Label
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.learning import draws, sampling
from pipeline.node import Call, Table
from pipeline.recipe import Array, Cells, Layer, Vector
from pipeline.spatial import occurrences

EPOCH = 1
CANDIDATES_PER_WANTED = 200  # so many that the exclusion zone cannot use them up
LEAST_SITES = 50  # with fewer sites of other types a model tells their few terranes apart, not what makes this deposit
MOST_EXPLORED = 50_000  # explored cells used, those of lowest draw: polygons may cover a district


@dataclass(frozen=True)
class Offered:
    """What background may be drawn from beside the ground: the occurrences and what `label` asks of them, layers and vector tables by
    name, and where config asks (file and line)."""

    frame: Any
    label: Label
    layers: Mapping[str, LayerMeta]
    tables: Mapping[str, Table]
    where: str


def gather(grid: Grid, background: Background, offered: Offered, *, ground: str, seeds: tuple[int, ...], places: list[int], count: int) -> Call:
    """What every tile gives to the samples. `places` are the cells of known deposits, `count` the background cells wanted.

    ConfigError for a layer or table that is not there, and for a target group that cannot reach 50 sites.
    """
    share = min(1.0, CANDIDATES_PER_WANTED * count / (grid.rows * grid.cols))
    said: dict[str, Any] = {"share": share, "seeds": seeds, "deposits": places}
    layers, where = {"ground": (ground,)}, offered.where
    if background.kind == "target_group":
        return Call(candidates_of_sites, said | {"sites": _sites(grid, offered)}, layers)
    if background.kind == "biased":
        name = background.bias or ""
        if name not in offered.layers:
            raise ConfigError(f"{where}: {registry.unknown('layer', name, offered.layers)}")
        if offered.layers[name].dtype != "float32":
            raise ConfigError(f"{where}: background.bias {name!r} is a category code, and a draw needs a quantity; name a continuous layer, 0 or more")
        said |= {"count": count, "exclude_cells": math.ceil(background.exclude_m / grid.cell_m), "cols": grid.cols}
        return Call(candidates_by_bias, said, layers | {"bias": (name,)})
    if background.kind == "explored":
        name = background.explored or ""
        if name not in offered.tables:
            raise ConfigError(f"{where}: {registry.unknown('vector', name, offered.tables)}")
        if name == offered.label.occurrences:
            raise ConfigError(f"{where}: background.explored names {name!r}, the occurrences sought; give a table of ground that was drilled and is barren")
        return Call(candidates_explored, said, layers, {"explored": offered.tables[name]})
    return Call(candidates, said, layers)


def cell_of(grid: Grid, x: Any, y: Any) -> Array:
    """The global cell each point (metres) lies in, (n,) int64, -1 off the grid."""
    col = np.floor((np.asarray(x, np.float64) - grid.x_m) / grid.cell_m).astype(np.int64)
    row = np.floor((grid.y_m - np.asarray(y, np.float64)) / grid.cell_m).astype(np.int64)
    inside = (col >= 0) & (col < grid.cols) & (row >= 0) & (row < grid.rows)
    return np.where(inside, row * grid.cols + col, -1)


def _sites(grid: Grid, offered: Offered) -> list[int]:
    label = offered.label
    if not label.deposit_type and not label.commodity:
        raise ConfigError(
            f"{offered.where}: background.kind target_group draws on sites of other types, and `label:` takes every type; "
            "give label.deposit_type or label.commodity, or another kind"
        )
    found = occurrences.others(offered.frame, deposit_type=label.deposit_type, commodity=label.commodity)
    sites = sorted({*cell_of(grid, found.geometry.x, found.geometry.y).tolist()} - {-1})
    if len(sites) < LEAST_SITES:
        raise ConfigError(
            f"{offered.where}: background.kind target_group needs {LEAST_SITES} sites of other types and the occurrences hold {len(sites)}: "
            "so few would tell terranes apart, not deposits; add occurrences or use another kind"
        )
    return sites


def candidates(*, ground: Layer, at: Cells, share: float, seeds: tuple[int, ...], deposits: list[int]) -> dict[str, Array]:
    """This tile's share of the cells a uniform background may be drawn from: those of the ground with the lowest draws of any seed.

    `barred` are the deposits' cells that are not ground, `cells` is how many cells of the tile are, `region_cells` how many could be.
    """
    allowed = ground.values > 0  # NaN outside the region is not
    number = at.number[allowed]
    low = [draws.uniform(number, seed=seed, stream="background") < share for seed in seeds]
    barred = np.intersect1d(at.number[ground.values == 0], np.asarray(deposits, np.int64))
    whole = np.count_nonzero(~np.isnan(ground.values))
    return {"cell": number[np.any(low, axis=0)], "barred": barred, "cells": np.array(number.size), "region_cells": np.array(whole)}


def candidates_of_sites(
    *, ground: Layer, at: Cells, share: float, seeds: tuple[int, ...], deposits: list[int], sites: list[int]
) -> dict[str, Array]:  # fmt: skip
    """As `candidates`, and `taught`: the cells of other types' occurrences on this ground, the target group.

    They were found by the same search, where people have looked, so what they share with the deposits cancels. Phillips and others (2009).
    """
    found = candidates(ground=ground, at=at, share=share, seeds=seeds, deposits=deposits)
    return found | {"taught": np.intersect1d(at.number[ground.values > 0], np.asarray(sites, np.int64))}


def candidates_by_bias(
    *, ground: Layer, bias: Layer, at: Cells, share: float, seeds: tuple[int, ...], deposits: list[int], count: int, exclude_cells: int, cols: int
) -> dict[str, Array]:  # fmt: skip
    """As `candidates`, and `taught`: the tile's `count` lowest weighted draws of each seed, each with its weight, `bias` there.

    Cells within `exclude_cells` of any deposit are left out, so that what is left holds the tile's part of any draw of `count`. No cell is
    drawn where the bias is 0 or missing. DataError for a negative bias.
    """
    found = candidates(ground=ground, at=at, share=share, seeds=seeds, deposits=deposits)
    inside = (ground.values > 0) & np.isfinite(bias.values)
    number, weight = at.number[inside], bias.values[inside].astype(np.float64)
    if (weight < 0).any():
        raise DataError(f"background.bias {bias.name!r} holds {weight.min():g}; a draw is in proportion to it, so it must be 0 or more")
    open_ = (weight > 0) & sampling.far(number, np.asarray(deposits, np.int64), ncols=cols, exclude_cells=exclude_cells)
    number, weight = number[open_], weight[open_]
    keep = np.zeros(number.size, bool)
    for seed in seeds:
        keep[np.lexsort((number, sampling.weighted_draws(number, weight, seed=seed)))[:count]] = True
    return found | {"taught": number[keep], "bias": weight[keep]}


def candidates_explored(
    *, ground: Layer, explored: Vector, at: Cells, share: float, seeds: tuple[int, ...], deposits: list[int]
) -> dict[str, Array]:  # fmt: skip
    """As `candidates`, and `taught`: the cells that hold a point of the explored, barren ground or whose centre lies in an area of it.

    Not the cell of a deposit. At most 50 000 of a tile for each seed, those of lowest draw.
    """
    import shapely

    from pipeline.spatial import outline

    found = candidates(ground=ground, at=at, share=share, seeds=seeds, deposits=deposits)
    held = outline.inside(explored.geometry, at.x, at.y)
    points = shapely.get_coordinates(explored.geometry[shapely.get_dimensions(explored.geometry) == 0])
    col = np.floor((points[:, 0] - at.x[0]) / at.cell_m + 0.5).astype(np.int64)
    row = np.floor((at.y[0] - points[:, 1]) / at.cell_m + 0.5).astype(np.int64)
    here = (col >= 0) & (col < at.x.size) & (row >= 0) & (row < at.y.size)
    held[row[here], col[here]] = True
    number = np.setdiff1d(at.number[held & (ground.values > 0)], np.asarray(deposits, np.int64))
    keep = np.zeros(number.size, bool)
    for seed in seeds:
        keep[np.lexsort((number, draws.uniform(number, seed=seed, stream="background")))[:MOST_EXPLORED]] = True
    return found | {"taught": number[keep]}


def taught(
    kind: str, parts: list[dict[str, Array]], pool: Array, *, positives: Array, ncols: int, count: int, at_least: int, exclude_cells: int, seed: int
) -> sampling.Background:  # fmt: skip
    """The cells one draw of the model's background learns from, for a kind other than uniform; `pool` are the candidates of a uniform draw.

    DataError where the ground holds too few.
    """
    cells = np.concatenate([part["taught"] for part in parts])
    if kind == "explored":
        return _explored(cells, pool, positives=positives, ncols=ncols, at_least=at_least, exclude_cells=exclude_cells, seed=seed)
    if not cells.size and kind == "biased":
        raise DataError("background.bias is 0 or missing on all the ground a background may be drawn from; check what the layer covers")
    weights = np.concatenate([part["bias"] for part in parts]) if kind == "biased" else None
    far = cells[sampling.far(cells, positives, ncols=ncols, exclude_cells=exclude_cells)]
    if kind == "target_group" and len(far) < LEAST_SITES:
        raise DataError(
            f"background: {len(far)} sites of other types lie on the permissive ground more than {exclude_cells} cells from a positive, and a target group "
            f"needs {LEAST_SITES}: so few would tell terranes apart, not deposits; add occurrences or use another background.kind"
        )
    return sampling.background(cells, positives=positives, ncols=ncols, count=count, exclude_cells=exclude_cells, seed=seed, weights=weights)


def _explored(cells: Array, pool: Array, *, positives: Array, ncols: int, at_least: int, exclude_cells: int, seed: int) -> sampling.Background:
    barren = np.setdiff1d(cells, positives)
    if not barren.size:
        raise DataError("background: no cell of the explored, barren ground lies on the permissive ground; check what the table covers")
    held = sampling.background(barren, positives=positives, ncols=ncols, count=MOST_EXPLORED, exclude_cells=0, seed=seed).cells
    warning = f"background: {MOST_EXPLORED} of the explored cells are used, those of lowest draw" if held.size < barren.size else None
    if held.size < at_least:
        # the explored cells are in the pool too, hence one draw for all that could be wanted
        more = sampling.background(pool, positives=positives, ncols=ncols, count=at_least, exclude_cells=exclude_cells, seed=seed).cells
        more = np.setdiff1d(more, held)
        draw = draws.uniform(more, seed=seed, stream="background")
        more = more[np.lexsort((more, draw))[: at_least - held.size]]
        warning = f"background: {held.size} cells are explored and barren; {more.size} uniform ones make up {at_least}, and stand for ground not known to be barren"
        held = np.union1d(held, more)
    return sampling.Background(held, warning)
