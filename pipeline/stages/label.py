"""Label: from occurrences to samples, and the evidence at them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.config.frame import Background, Label
from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.learning import draws, sampling
from pipeline.learning.table import SampleTable
from pipeline.node import Call, FitNode
from pipeline.recipe import Array, Cells, Fit, Layer, Layers
from pipeline.spatial import occurrences

EPOCH = 3
STAGE = "label"
CANDIDATES_PER_WANTED = 200  # so many that the exclusion zone cannot use them up


def deposits(frame: Any, label: Label, *, none_will_do: bool = False) -> tuple[dict[str, list[Any]], list[str]]:
    """The occurrences that become positives, as plain lists (name, x, y, group), and notices.

    DataError when none is left, unless none will do: for a model that learns from none, or a system that may have no ground here.
    """
    chosen, notices = occurrences.select(
        frame, deposit_type=label.deposit_type, commodity=label.commodity, confidence=label.confidence, refuse=label.refuse
    )
    if len(chosen) == 0 and none_will_do:
        return {"name": [], "x": [], "y": [], "group": []}, [*notices, "no known deposit of this kind: the map is not tested"]
    if len(chosen) == 0:
        raise DataError(
            f"no occurrence of {len(frame)} is left to learn from (deposit_type {list(label.deposit_type)}, commodity "
            f"{list(label.commodity)}, confidence {list(label.confidence)}); loosen `label:` or add occurrences"
        )
    groups = occurrences.groups(chosen, aliases=label.aliases, within_m=label.group_within_m)
    x, y = chosen.geometry.x.to_numpy(), chosen.geometry.y.to_numpy()
    said = {"name": chosen["name"].astype(str).tolist(), "x": x.tolist(), "y": y.tolist(), "group": [int(g) for g in groups]}
    return said, notices


def nodes(
    grid: Grid, *, prefix: str, evidence: tuple[str, ...], deposits: Mapping[str, list[Any]], background: Background,
    seeds: tuple[int, ...], ground: str, labelled: bool,
) -> list[FitNode]:  # fmt: skip
    """Two fits: `<prefix>/samples`, which cells, the background drawn anew for each seed; `<prefix>/table`, the evidence at them.

    `ground` is the layer that is above 0 where the map is made. `labelled` says whether the model cannot do without known deposits.
    """
    count = max(background.at_least, background.per_positive * len(deposits["x"]))
    share = min(1.0, CANDIDATES_PER_WANTED * count / (grid.rows * grid.cols))
    corner = {"x_m": grid.x_m, "y_m": grid.y_m, "cell_m": grid.cell_m, "rows": grid.rows, "cols": grid.cols}
    said = {"deposits": dict(deposits), "corner": corner, "at_least": background.at_least, "per_positive": background.per_positive}
    said |= {"exclude_cells": math.ceil(background.exclude_m / grid.cell_m), "seeds": seeds, "labelled": labelled}
    inside = [(x, y) for x, y in zip(deposits["x"], deposits["y"], strict=True) if _on(grid, x, y)]
    places = [math.floor((grid.y_m - y) / grid.cell_m) * grid.cols + math.floor((x - grid.x_m) / grid.cell_m) for x, y in inside]
    chosen = FitNode(
        f"{prefix}/samples", STAGE, Call(samples, said),
        Call(candidates, {"share": share, "seeds": seeds, "deposits": sorted(set(places))}, {"ground": (ground,)}),
        CANDIDATES_PER_WANTED * count * len(seeds) * 16,
    )  # fmt: skip
    table = FitNode(
        f"{prefix}/table", STAGE, Call(assemble, {"names": evidence}, fits={"samples": chosen.name}),
        Call(values_at, {}, {"evidence": evidence}, fits={"samples": chosen.name}), count * len(seeds) * (4 * len(evidence) + 48) * 3,
    )  # fmt: skip
    return [chosen, table]


def _on(grid: Grid, x: float, y: float) -> bool:
    return 0 <= x - grid.x_m < grid.cols * grid.cell_m and 0 <= grid.y_m - y < grid.rows * grid.cell_m


def candidates(*, ground: Layer, at: Cells, share: float, seeds: tuple[int, ...], deposits: list[int]) -> dict[str, Array]:
    """This tile's share of the cells a background may be drawn from: those of the ground with the lowest draws of any seed.

    `barred` are the deposits' cells that are not ground, `cells` is how many cells of the tile are, `region_cells` how many could be.
    """
    allowed = ground.values > 0  # NaN outside the region is not
    number = at.number[allowed]
    low = [draws.uniform(number, seed=seed, stream="background") < share for seed in seeds]
    barred = np.intersect1d(at.number[ground.values == 0], np.asarray(deposits, np.int64))
    whole = np.count_nonzero(~np.isnan(ground.values))
    return {"cell": number[np.any(low, axis=0)], "barred": barred, "cells": np.array(number.size), "region_cells": np.array(whole)}


def samples(
    *, parts: list[dict[str, Array]], deposits: Mapping[str, Any], corner: Mapping[str, Any], at_least: int, per_positive: int,
    exclude_cells: int, seeds: tuple[int, ...], labelled: bool,
) -> dict[str, Array]:  # fmt: skip
    """Positive cells, one for the deposits in it, and background cells far enough from them: cell, label, group, x, y.

    `drawn` (n, seeds) says in which draw of the background a cell takes part; positives take part in all. `outside` names the deposits
    off permissive ground, which a map confined to it cannot learn from or find; `cells` counts its cells, of `cell_km2` each. No sample
    where it has none.
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
    cells, groups = np.empty((2, 0), np.int64)
    if inside.any():
        cells, groups = sampling.positives(row[inside], col[inside], np.asarray(deposits["group"], np.int64)[inside], ncols=cols)
    count = max(at_least, per_positive * len(cells))
    pool = np.concatenate([part["cell"] for part in parts])
    backgrounds = [
        sampling.background(pool, positives=cells, ncols=cols, count=count, exclude_cells=exclude_cells, seed=seed) for seed in seeds
    ]
    union = np.unique(np.concatenate([background.cells for background in backgrounds]))
    cell = np.concatenate([cells, union])
    drawn = np.stack([np.isin(union, background.cells) for background in backgrounds], axis=1)
    return {
        "cell": cell,
        "label": np.repeat(np.array([1, 0], np.int8), [cells.size, union.size]),
        "group": np.concatenate([groups, -1 - np.arange(union.size)]),
        "x": corner["x_m"] + (cell % cols + 0.5) * cell_m,
        "y": corner["y_m"] - (cell // cols + 0.5) * cell_m,
        "drawn": np.concatenate([np.ones((cells.size, len(seeds)), bool), drawn]),
        "warning": np.array(next((background.warning for background in backgrounds if background.warning), "")),
        **of,
    }


def _no_sample(seeds: int) -> dict[str, Array]:
    """The samples of a region without permissive ground."""
    whole = dict.fromkeys(("cell", "group"), np.empty(0, np.int64)) | dict.fromkeys(("x", "y"), np.empty(0))
    return whole | {"label": np.empty(0, np.int8), "drawn": np.empty((0, seeds), bool), "warning": np.array("")}


def values_at(*, evidence: Layers, samples: Fit, at: Cells) -> dict[str, Array]:
    """The evidence at the samples of this tile: `row` into the samples, `values` (n, layers) float32. Reads no layer for none."""
    cell = samples.value["cell"]
    first, last = at.number[0, 0], at.number[-1, -1]
    near = np.flatnonzero((cell >= first) & (cell <= last))
    row, col = np.divmod(cell[near] - first, at.number[1, 0] - first) if at.number.shape[0] > 1 else (0 * near, cell[near] - first)
    here = col < at.number.shape[1]
    near, row, col = near[here], row[here], col[here]
    if near.size == 0:
        return {"row": near, "values": np.empty((0, len(evidence)), np.float32)}
    return {"row": near, "values": np.stack([layer.values[row, col] for layer in evidence], axis=1).astype(np.float32)}


def assemble(*, parts: list[dict[str, Array]], samples: Fit, names: tuple[str, ...]) -> bytes:
    """The sample table: evidence, labels, groups and places in the order of the samples."""
    held = samples.value
    values = np.full((held["cell"].size, len(names)), np.nan, np.float32)
    for part in parts:
        values[part["row"]] = part["values"]
    return SampleTable(
        values=values, names=tuple(names), label=held["label"], group=held["group"], cell=held["cell"], x=held["x"], y=held["y"]
    ).to_bytes()
