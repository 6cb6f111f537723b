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
from pipeline.stages.align import REGION

EPOCH = 1
STAGE = "label"
CANDIDATES_PER_WANTED = 200  # so many that the exclusion zone cannot use them up


def deposits(frame: Any, label: Label) -> tuple[dict[str, list[Any]], list[str]]:
    """The occurrences that become positives, as plain lists (name, x, y, group), and notices; DataError when none is left."""
    chosen, notices = occurrences.select(
        frame, deposit_type=label.deposit_type, commodity=label.commodity, confidence=label.confidence, refuse=label.refuse
    )
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
    seeds: tuple[int, ...],
) -> list[FitNode]:  # fmt: skip
    """Two fits: `<prefix>/samples`, which cells, the background drawn anew for each seed; `<prefix>/table`, the evidence at them."""
    count = max(background.at_least, background.per_positive * len(deposits["x"]))
    share = min(1.0, CANDIDATES_PER_WANTED * count / (grid.rows * grid.cols))
    corner = {"x_m": grid.x_m, "y_m": grid.y_m, "cell_m": grid.cell_m, "rows": grid.rows, "cols": grid.cols}
    said = {"deposits": dict(deposits), "corner": corner, "at_least": background.at_least, "per_positive": background.per_positive}
    said |= {"exclude_cells": math.ceil(background.exclude_m / grid.cell_m), "seeds": seeds}
    chosen = FitNode(
        f"{prefix}/samples", STAGE, Call(samples, said),
        Call(candidates, {"share": share, "seeds": seeds}, {"region": (REGION,)}), CANDIDATES_PER_WANTED * count * len(seeds) * 16,
    )  # fmt: skip
    table = FitNode(
        f"{prefix}/table", STAGE, Call(assemble, {"names": evidence}, fits={"samples": chosen.name}),
        Call(values_at, {}, {"evidence": evidence}, fits={"samples": chosen.name}), count * len(seeds) * (4 * len(evidence) + 48) * 3,
    )  # fmt: skip
    return [chosen, table]


def candidates(*, region: Layer, at: Cells, share: float, seeds: tuple[int, ...]) -> dict[str, Array]:
    """This tile's share of the cells a background may be drawn from: those of the region with the lowest draws of any seed."""
    number = at.number[~np.isnan(region.values)]
    low = [draws.uniform(number, seed=seed, stream="background") < share for seed in seeds]
    return {"cell": number[np.any(low, axis=0)]}


def samples(
    *, parts: list[dict[str, Array]], deposits: Mapping[str, Any], corner: Mapping[str, Any], at_least: int, per_positive: int,
    exclude_cells: int, seeds: tuple[int, ...],
) -> dict[str, Array]:  # fmt: skip
    """Positive cells, one for the deposits in it, and background cells far enough from them: cell, label, group, x, y.

    `drawn` (n, seeds) says in which draw of the background a cell takes part; positives take part in all.
    """
    cell_m, cols = corner["cell_m"], corner["cols"]
    col = np.floor((np.asarray(deposits["x"]) - corner["x_m"]) / cell_m).astype(np.int64)
    row = np.floor((corner["y_m"] - np.asarray(deposits["y"])) / cell_m).astype(np.int64)
    inside = (col >= 0) & (col < cols) & (row >= 0) & (row < corner["rows"])
    if not inside.any():
        raise DataError("none of the occurrences lies on the region's grid; check their coordinates and the region's bounds")
    cells, groups = sampling.positives(row[inside], col[inside], np.asarray(deposits["group"])[inside], ncols=cols)
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
    }


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
