"""Connected pieces of a mask: described tile by tile, joined over the seams. Sums are integers, so any tiling gives one answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.recipe import Array

FIXED = 2**30  # values of 0 to 1 as integers: 2^33 cells fit an int64
FIXED_AMOUNT = 2**48  # amounts, a few thousand in all and little in each cell


@dataclass(frozen=True)
class Piece:
    """One connected piece: its cells, mean, highest value, mean spread, outline in metres, and the sum of its amounts, 0 when none were given."""

    cells: int
    mean: float
    highest: float
    spread: float
    polygon: Any
    amount: float


def describe(high: Array, values: Array, spread: Array, amounts: Array | None = None, *, transform: Any, least_cells: int) -> dict[str, Array]:
    """What a tile says of the pieces of its high ground: sums, the labels along its four edges, and its cells' boxes as run lengths.

    `high`, `values`, `spread` and `amounts`, which add up (NaN is none), are (y, x); `transform` maps (column, row) to metres. A run is
    (label, row, first, last) in cells. A piece of fewer than `least_cells` that touches no edge of the tile can only stay too small, and is
    left out here: on a noisy map those are nearly all.
    """
    labels, count = _worth_keeping(*ndimage.label(high), least_cells)
    index = np.arange(1, count + 1)
    fixed = np.where(labels > 0, np.rint(np.nan_to_num(values, nan=0.0).astype(np.float64) * FIXED), 0).astype(np.int64)
    fixed_spread = np.where(labels > 0, np.rint(np.nan_to_num(spread, nan=0.0).astype(np.float64) * FIXED), 0).astype(np.int64)
    fixed_amount = np.rint(np.nan_to_num(np.zeros(labels.shape) if amounts is None else amounts, nan=0.0).astype(np.float64) * FIXED_AMOUNT)
    flat, n = labels.ravel(), count + 1
    sums, spreads, held = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    np.add.at(held, flat, np.where(labels > 0, fixed_amount, 0).astype(np.int64).ravel())
    np.add.at(sums, flat, fixed.ravel())
    np.add.at(spreads, flat, fixed_spread.ravel())
    highest = np.asarray(ndimage.maximum(values, labels, index), dtype=np.float32).reshape(count)
    return {
        "cells": np.bincount(flat, minlength=n)[1:], "sum": sums[1:], "spread": spreads[1:], "highest": highest, "amount": held[1:],
        "north": labels[0], "south": labels[-1], "west": labels[:, 0], "east": labels[:, -1], "runs": _runs(labels),
        "transform": np.array(tuple(transform)[:6]),
    }  # fmt: skip


def joined(parts: list[dict[str, Array]], tiles_shape: tuple[int, int], *, least_cells: int) -> Iterator[Piece]:
    """The pieces of at least `least_cells`, those that meet across a seam made one; in the order of their first tile."""
    offsets = np.concatenate([[0], np.cumsum([part["cells"].size for part in parts])])
    total = int(offsets[-1])
    if total == 0:
        return
    pairs = np.concatenate([np.empty((0, 2), np.int64), *_seams(parts, tiles_shape, offsets)])
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    count, group = connected_components(links, directed=False)
    cells, sums, spreads, amounts = (np.zeros(count, np.int64) for _ in range(4))
    highest = np.full(count, -np.inf)
    for name, into in (("cells", cells), ("sum", sums), ("spread", spreads), ("amount", amounts)):
        np.add.at(into, group, np.concatenate([part[name] for part in parts]))
    np.maximum.at(highest, group, np.concatenate([part["highest"] for part in parts]))
    kept = np.flatnonzero(cells >= least_cells)
    boxes, owner = _boxes(parts, offsets, keep=(cells >= least_cells)[group])
    owner = group[owner]
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(count + 1))
    for i in kept:
        # runs meet edge to edge: a union of boxes, then the nodes on straight edges are dropped
        polygon = shapely.normalize(shapely.simplify(shapely.union_all(boxes[order[cuts[i] : cuts[i + 1]]]), 0.0))
        mean, spread = sums[i] / FIXED / cells[i], spreads[i] / FIXED / cells[i]
        yield Piece(int(cells[i]), mean, float(highest[i]), spread, polygon, float(amounts[i] / FIXED_AMOUNT))


def _worth_keeping(labels: Array, count: int, least_cells: int) -> tuple[Array, int]:
    """The labels, renumbered, without pieces that are too small and touch no edge."""
    keep = np.bincount(labels.ravel(), minlength=count + 1) >= least_cells
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[edge] = True
    keep[0] = False
    renumbered = np.cumsum(keep) * keep
    return renumbered[labels], int(keep.sum())


def _runs(labels: Array) -> Array:
    padded = np.zeros((labels.shape[0], labels.shape[1] + 2), labels.dtype)
    padded[:, 1:-1] = labels
    change = padded[:, 1:] != padded[:, :-1]
    row, at = np.nonzero(change)
    label = padded[:, 1:][row, at]
    starts = label > 0
    ends = padded[:, :-1][row, at] > 0
    return np.stack([label[starts], row[starts], at[starts], at[ends]], axis=1).astype(np.int64)


def _seams(parts: list[dict[str, Array]], tiles_shape: tuple[int, int], offsets: Array) -> Iterator[Array]:
    down, across = tiles_shape
    for r in range(down):
        for c in range(across):
            here = r * across + c
            for there, mine, other in ((here + 1, "east", "west"), (here + across, "south", "north")):
                if (mine == "east" and c + 1 == across) or (mine == "south" and r + 1 == down):
                    continue
                a, b = parts[here][mine], parts[there][other]
                both = (a > 0) & (b > 0)
                yield np.unique(np.stack([offsets[here] + a[both] - 1, offsets[there] + b[both] - 1], axis=1), axis=0)


def _boxes(parts: list[dict[str, Array]], offsets: Array, *, keep: Array) -> tuple[Array, Array]:
    boxes, owner = [np.empty(0, object)], [np.empty(0, np.int64)]
    for part, offset in zip(parts, offsets, strict=False):
        runs, (a, _, x, _, e, y) = part["runs"], part["transform"]
        runs = runs[keep[offset + runs[:, 0] - 1]]
        boxes.append(shapely.box(x + runs[:, 2] * a, y + (runs[:, 1] + 1) * e, x + runs[:, 3] * a, y + runs[:, 1] * e))
        owner.append(offset + runs[:, 0] - 1)
    return np.concatenate(boxes), np.concatenate(owner)
