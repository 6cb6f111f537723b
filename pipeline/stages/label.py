"""Label: from occurrences to samples, and the evidence at them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.config.frame import Background, Label
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.learning import sampling
from pipeline.node import Call, FitNode
from pipeline.recipe import MISSING, Array, Cells, Fit, Layers
from pipeline.spatial import occurrences
from pipeline.stages import background as grounds

EPOCH = 5
STAGE = "label"


def deposits(frame: Any, label: Label, *, none_will_do: bool = False) -> tuple[dict[str, list[Any]], list[str]]:
    """The occurrences that become positives, as plain lists (name, x, y, group, weight, uncertainty_m: 0 unless jittered), and notices.

    ConfigError for a column the occurrences lack. DataError when none is left, unless none will do: for a model that learns from none, or
    a system that may have no ground here.
    """
    for column in (*label.weights, *(["uncertainty_m"] if label.jitter else [])):
        if column not in frame.columns:
            asks, there = "weights" if column in label.weights else "jitter", ", ".join(c for c in frame.columns if c != "geometry")
            raise ConfigError(f"label.{asks}: the occurrences have no column {column!r} (there are: {there})")
    chosen, notices = occurrences.select(
        frame, deposit_type=label.deposit_type, commodity=label.commodity, confidence=label.confidence, refuse=label.refuse
    )
    if len(chosen) == 0 and none_will_do:
        return {name: [] for name in ("name", "x", "y", "group", "weight", "uncertainty_m")}, [*notices, "no known deposit of this kind: the map is not tested"]
    if len(chosen) == 0:
        raise DataError(
            f"no occurrence of {len(frame)} is left to learn from (deposit_type {list(label.deposit_type)}, commodity "
            f"{list(label.commodity)}, confidence {list(label.confidence)}); loosen `label:` or add occurrences"
        )
    groups = occurrences.groups(chosen, aliases=label.aliases, within_m=label.group_within_m)
    x, y = chosen.geometry.x.to_numpy(), chosen.geometry.y.to_numpy()
    weight, silent = occurrences.weights(chosen, label.weights)
    unsure = np.nan_to_num(chosen["uncertainty_m"].to_numpy(np.float64)) if label.jitter else np.zeros(len(chosen))
    said = {"name": chosen["name"].astype(str).tolist(), "x": x.tolist(), "y": y.tolist(), "group": [int(g) for g in groups]}
    return said | {"weight": weight.tolist(), "uncertainty_m": unsure.tolist()}, [*notices, *silent]


def nodes(
    grid: Grid, *, prefix: str, evidence: tuple[str, ...], deposits: Mapping[str, list[Any]], background: Background,
    offered: grounds.Offered, seeds: tuple[int, ...], ground: str, labelled: bool, measured: str | None = None,
) -> list[FitNode]:  # fmt: skip
    """Two fits: `<prefix>/samples`, which cells, the background drawn anew for each seed; `<prefix>/table`, the evidence at them.

    `ground` is the layer that is above 0 where the map is made, `measured` one that has a value where people have looked closely: what a background that
    is `evened` goes by, and nothing where there is none. `labelled` says whether the model cannot do without known deposits.
    """
    count = max(background.at_least, background.per_positive * len(deposits["x"]))
    corner = {"x_m": grid.x_m, "y_m": grid.y_m, "cell_m": grid.cell_m, "rows": grid.rows, "cols": grid.cols}
    said = {"deposits": dict(deposits), "corner": corner, "at_least": background.at_least, "per_positive": background.per_positive}
    said |= {"exclude_cells": math.ceil(background.exclude_m / grid.cell_m), "seeds": seeds, "labelled": labelled, "kind": background.drawn}
    at = grounds.cell_of(grid, deposits["x"], deposits["y"])
    places, of = np.unique(at[at >= 0], return_inverse=True)
    sure = np.full(places.size, np.inf)
    np.minimum.at(sure, of, np.asarray(deposits["uncertainty_m"], np.float64)[at >= 0])  # a cell is known as well as its best record
    jittered = sampling.spread(places, radius_m=sure, cell_m=grid.cell_m, shape=grid.shape, seed=seeds[0])
    said |= {"spread": {"cell": jittered.cells.tolist(), "of": places[jittered.owner].tolist()}}
    most = grounds.MOST_EXPLORED * len(seeds) if background.kind == "explored" else 0
    cells = np.concatenate([places, jittered.cells])
    chosen = FitNode(
        f"{prefix}/samples", STAGE, Call(samples, said),
        grounds.gather(grid, background, offered, ground=ground, seeds=seeds, places=cells.tolist(), count=count),
        grounds.CANDIDATES_PER_WANTED * count * len(seeds) * 16, beyond=grid.tiles_of(cells),
    )  # fmt: skip
    looked = (measured,) if measured and background.evened else ()
    table = FitNode(
        f"{prefix}/table", STAGE, Call(assemble, {"names": evidence}, fits={"samples": chosen.name}),
        Call(values_at, {}, {"evidence": evidence, "measured": looked}, fits={"samples": chosen.name}),
        (2 * count * len(seeds) + most) * (4 * len(evidence) + 64) * 3,
    )  # fmt: skip
    return [chosen, table]


def samples(
    *, parts: list[dict[str, Array]], deposits: Mapping[str, Any], corner: Mapping[str, Any], at_least: int, per_positive: int,
    exclude_cells: int, seeds: tuple[int, ...], labelled: bool, kind: str, spread: Mapping[str, list[int]],
) -> dict[str, Array]:  # fmt: skip
    """Positive cells, one for the deposits in it, and background cells far enough from them: cell, label, group, x, y.

    `drawn` (n, seeds) says in which draw of the background a cell takes part; positives take part in all. `trains` and `scored`: whether
    models learn from it and whether scores count it: a background of another `kind` than uniform trains, and then the uniform one is scored
    alone, so a cell may stand in two rows. `spread`: other cells a deposit may lie in for want of a better position; they train only, in its
    group, and share its `weight`, which undivided is `whole_weight`. `outside` names the deposits off permissive ground, which a map
    confined to it cannot learn from or find; `cells` counts its cells, of `cell_km2` each. No sample where it has none.
    """
    cell_m, cols = corner["cell_m"], corner["cols"]
    ground, whole = (int(sum(part[name] for part in parts)) for name in ("cells", "region_cells"))
    col = np.floor((np.asarray(deposits["x"], np.float64) - corner["x_m"]) / cell_m).astype(np.int64)
    row = np.floor((corner["y_m"] - np.asarray(deposits["y"], np.float64)) / cell_m).astype(np.int64)
    inside = (col >= 0) & (col < cols) & (row >= 0) & (row < corner["rows"])
    barred = inside & np.isin(row * cols + col, np.concatenate([part["barred"] for part in parts]))
    outside = np.array(sorted(np.asarray(deposits["name"], str)[barred]), dtype=str)
    of = {"outside": outside, "cells": np.array(ground), "region_cells": np.array(whole), "cell_km2": np.array(cell_m**2 / 1e6)}
    if ground == 0:
        return _no_sample(len(seeds)) | of
    if labelled and not inside.any():
        raise DataError("none of the occurrences lies on the region's grid; check their coordinates and the region's bounds")
    inside &= ~barred
    if labelled and not inside.any():
        raise DataError(
            f"every known deposit ({', '.join(outside[:3])}, ...) lies outside the permissive ground as mapped; widen within_m or add classes "
            "under system.permissive, or correct the occurrences"
        )
    cells, groups, whole_weight = *np.empty((2, 0), np.int64), np.empty(0)
    if inside.any():
        cells, groups = sampling.positives(row[inside], col[inside], np.asarray(deposits["group"], np.int64)[inside], ncols=cols)
        whole_weight = np.zeros(cells.size)
        np.maximum.at(whole_weight, np.searchsorted(cells, (row * cols + col)[inside]), np.asarray(deposits["weight"], np.float64)[inside])
    moved, owner = _moved(spread, cells, np.concatenate([part["barred"] for part in parts]))
    count = max(at_least, per_positive * len(cells))
    pool = np.concatenate([part["cell"] for part in parts])
    wanted = {"positives": np.concatenate([cells, moved]), "ncols": cols, "count": count, "exclude_cells": exclude_cells}
    backgrounds = [sampling.background(pool, seed=seed, **wanted) for seed in seeds]
    taught = [grounds.taught(kind, parts, pool, seed=seed, at_least=at_least, **wanted) for seed in seeds] if kind != "uniform" else []
    scored, trains = _drawn([b.cells for b in backgrounds]), _drawn([b.cells for b in taught] or [cells[:0]] * len(seeds))
    cell, count_of = np.concatenate([cells, moved, scored[0], trains[0]]), [cells.size, moved.size, scored[0].size, trains[0].size]
    one, off = np.ones(scored[0].size + trains[0].size), cells.size + moved.size
    warnings = [b.warning for b in (*taught, *backgrounds) if b.warning]
    share = whole_weight / (1 + np.bincount(owner, minlength=cells.size))
    return {
        "cell": cell,
        "label": np.repeat(np.array([1, 1, 0, 0], np.int8), count_of),
        "group": np.concatenate([groups, groups[owner], -1 - np.arange(cell.size - off)]),
        "x": corner["x_m"] + (cell % cols + 0.5) * cell_m,
        "y": corner["y_m"] - (cell // cols + 0.5) * cell_m,
        "weight": np.concatenate([share, share[owner], one]),
        "whole_weight": np.concatenate([whole_weight, whole_weight[owner], one]),
        "trains": np.repeat([True, True, kind == "uniform", True], count_of),
        "scored": np.repeat([True, False, True, False], count_of),
        "drawn": np.concatenate([np.ones((off, len(seeds)), bool), scored[1], trains[1]]),
        "warning": np.array(next(iter(warnings), "")),
        **of,
    }


def _moved(spread: Mapping[str, list[int]], cells: Array, barred: Array) -> tuple[Array, Array]:
    """The other cells in which the deposits of `cells` may lie, on the ground; and which of `cells` each stands in for."""
    cell, of = np.asarray(spread["cell"], np.int64), np.asarray(spread["of"], np.int64)
    kept = np.isin(of, cells) & ~np.isin(cell, barred)
    return cell[kept], np.searchsorted(cells, of[kept])


def _drawn(cells: list[Array]) -> tuple[Array, Array]:
    """The cells of any of the draws, ascending, and in which of them each is, (n, draws)."""
    union = np.unique(np.concatenate(cells))
    return union, np.stack([np.isin(union, drawn) for drawn in cells], axis=1)


def _no_sample(seeds: int) -> dict[str, Array]:
    """The samples of a region without permissive ground."""
    whole = dict.fromkeys(("cell", "group"), np.empty(0, np.int64)) | dict.fromkeys(("x", "y"), np.empty(0))
    whole |= dict.fromkeys(("trains", "scored"), np.empty(0, bool)) | dict.fromkeys(("weight", "whole_weight"), np.empty(0))
    return whole | {"label": np.empty(0, np.int8), "drawn": np.empty((0, seeds), bool), "warning": np.array("")}


def values_at(*, evidence: Layers, measured: Layers, samples: Fit, at: Cells) -> dict[str, Array]:
    """The evidence at the samples of this tile: `row` into the samples, `values` (n, layers) float32, and `measured`, whether that layer, if there is one,
    has a value there. Reads no layer for none."""
    cell = samples.value["cell"]
    first, last = at.number[0, 0], at.number[-1, -1]
    near = np.flatnonzero((cell >= first) & (cell <= last))
    row, col = np.divmod(cell[near] - first, at.number[1, 0] - first) if at.number.shape[0] > 1 else (0 * near, cell[near] - first)
    here = col < at.number.shape[1]
    near, row, col = near[here], row[here], col[here]
    if near.size == 0:
        return {"row": near, "values": np.empty((0, len(evidence)), np.float32), "measured": np.empty(0, bool)}
    there = np.zeros(near.size, bool)
    for layer in measured:
        there = layer.values[row, col] != MISSING if layer.values.dtype.kind == "i" else np.isfinite(layer.values[row, col])
    return {"row": near, "values": np.stack([layer.values[row, col] for layer in evidence], axis=1).astype(np.float32), "measured": there}


def assemble(*, parts: list[dict[str, Array]], samples: Fit, names: tuple[str, ...]) -> bytes:
    """The sample table: evidence, labels, groups and places in the order of the samples."""
    from pipeline.learning.table import SampleTable

    held = samples.value
    values = np.full((held["cell"].size, len(names)), np.nan, np.float32)
    measured = np.zeros(held["cell"].size, bool)
    for part in parts:
        values[part["row"]], measured[part["row"]] = part["values"], part["measured"]
    rest = {name: held[name] for name in ("label", "group", "cell", "x", "y", "weight", "trains", "scored")}
    return SampleTable(values=values, names=tuple(names), measured=measured, **rest).to_bytes()
