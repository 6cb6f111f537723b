"""Connected pieces of a mask: described tile by tile, joined over the seams. Sums are integers, so any tiling gives one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.recipe import Array

SUM, KNOWN, LOW, HIGH = "sum of ", "known of ", "low of ", "high of "  # what a part tells of a further layer
FIXED = 2**30  # values of 0 to 1 as integers: 2^33 cells fit an int64


@dataclass(frozen=True)
class Piece:
    """One connected piece: its cells, mean, highest value, mean spread, and outline in metres.

    `best`: the centre (x, y) of the cell with the highest value, the northernmost and then westernmost of equals. `means`: those of
    further layers over its cells with a value, None where none has one; `ranges`: lowest and highest of them. `amount`: the sum of its amounts, 0 when
    none were given.
    """

    cells: int
    mean: float
    highest: float
    spread: float
    polygon: Any
    best: tuple[float, float]
    means: Mapping[str, float | None] = field(default_factory=dict)
    amount: float = 0.0
    ranges: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)


def describe(
    high: Array, values: Array, spread: Array, amounts: Array | None = None, *, tile: tuple[int, int], transform: Any, least_cells: int,
    more: Mapping[str, Array] | None = None, ranges: Mapping[str, Array] | None = None,
) -> dict[str, Array]:  # fmt: skip
    """What a tile says of the pieces of its high ground: sums, the labels along its four edges, and its cells' boxes as run lengths.

    `high`, `values`, `spread` and the layers of `more`, all of 0 to 1 or counts, `amounts`, which add up (NaN is none), and the layers of `ranges`,
    of any size, are (y, x); `tile` says which it is, row and column, and `transform` maps (column, row) to metres. A run is (label, row, first, last) in cells.
    A piece of fewer than `least_cells` that touches no edge of the tile can only stay too small, and is left out here: on a
    noisy map those are nearly all.
    """
    labels, count = _worth_keeping(*ndimage.label(high), least_cells)
    flat, n = labels.ravel(), count + 1
    highest = np.full(count, -np.inf, np.float32)
    np.maximum.at(highest, labels[labels > 0] - 1, values[labels > 0].astype(np.float32))
    told = {}
    for name, layer in (more or {}).items():
        told[SUM + name] = _sums(layer, labels, count)
        told[KNOWN + name] = np.bincount(flat[~np.isnan(layer).ravel()], minlength=n)[1:]
    for name, layer in (ranges or {}).items():
        for word, start, least in ((LOW, np.inf, np.fmin), (HIGH, -np.inf, np.fmax)):
            told[word + name] = np.full(n, start)
            least.at(told[word + name], flat, layer.ravel().astype(np.float64))
            told[word + name] = told[word + name][1:]
    held = _sums(np.zeros(labels.shape) if amounts is None else amounts, labels, count)
    return told | {
        "cells": np.bincount(flat, minlength=n)[1:], "sum": _sums(values, labels, count), "spread": _sums(spread, labels, count), "highest": highest,
        "best": _best(values, labels, highest, transform), "amount": held,
        # copies: a view would keep the whole tile for as long as its part waits for the others
        "north": labels[0].copy(), "south": labels[-1].copy(), "west": labels[:, 0].copy(), "east": labels[:, -1].copy(), "runs": _runs(labels),
        "transform": np.array(tuple(transform)[:6]), "tile": np.array(tile),
    }  # fmt: skip


def joined(parts: list[dict[str, Array]], *, least_cells: int) -> Iterator[Piece]:
    """The pieces of at least `least_cells`, those that meet across a seam made one; in the order of their first tile. A tile that is not there holds none."""
    offsets = np.concatenate([[0], np.cumsum([part["cells"].size for part in parts])])
    total = int(offsets[-1])
    if total == 0:
        return
    pairs = np.concatenate([np.empty((0, 2), np.int64), *_seams(parts, offsets)])
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    count, group = connected_components(links, directed=False)
    cells, sums, spreads, amounts = (np.zeros(count, np.int64) for _ in range(4))
    highest = np.full(count, -np.inf)
    further = [key.removeprefix(SUM) for key in parts[0] if key.startswith(SUM)]
    added = {key: np.zeros(count, np.int64) for name in further for key in (SUM + name, KNOWN + name)}
    for name, into in (("cells", cells), ("sum", sums), ("spread", spreads), ("amount", amounts), *added.items()):
        np.add.at(into, group, np.concatenate([part[name] for part in parts]))
    ends = {}
    for key in (k for k in parts[0] if k.startswith((LOW, HIGH))):
        ends[key] = np.full(count, np.inf if key.startswith(LOW) else -np.inf)
        (np.fmin if key.startswith(LOW) else np.fmax).at(ends[key], group, np.concatenate([part[key] for part in parts]))
    ranged = [key.removeprefix(LOW) for key in ends if key.startswith(LOW)]
    top, place = (np.concatenate([part[name] for part in parts]) for name in ("highest", "best"))
    np.maximum.at(highest, group, top)
    order = np.lexsort((place[:, 0], -place[:, 1], -top))
    best = place[order[np.unique(group[order], return_index=True)[1]]]
    kept = np.flatnonzero(cells >= least_cells)
    sides, owner = _sides(parts, offsets, keep=(cells >= least_cells)[group])
    owner = group[owner]
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(count + 1))
    for i in kept:
        # runs meet edge to edge: a union of boxes, then the nodes on straight edges are dropped. Boxes of one piece at a time: of all they
        # would be some hundred bytes for each run of cells in the region
        boxes = shapely.box(*sides[order[cuts[i] : cuts[i + 1]]].T)
        polygon = shapely.normalize(shapely.simplify(shapely.union_all(boxes), 0.0))
        means = {name: added[SUM + name][i] / FIXED / added[KNOWN + name][i] if added[KNOWN + name][i] else None for name in further}
        ranges = {name: _range(float(ends[LOW + name][i]), float(ends[HIGH + name][i])) for name in ranged}
        mean, spread, where = sums[i] / FIXED / cells[i], spreads[i] / FIXED / cells[i], (float(best[i, 0]), float(best[i, 1]))
        yield Piece(int(cells[i]), mean, float(highest[i]), spread, polygon, where, means, float(amounts[i] / FIXED), ranges)


def _range(low: float, high: float) -> tuple[float, float] | None:
    return (low, high) if low <= high else None


def _sums(values: Array, labels: Array, count: int) -> Array:
    inside, sums = labels > 0, np.zeros(count + 1, np.int64)
    fixed = np.rint(np.nan_to_num(values[inside], nan=0.0).astype(np.float64) * FIXED).astype(np.int64)
    np.add.at(sums, labels[inside], fixed)
    return sums[1:]


def _best(values: Array, labels: Array, highest: Array, transform: Any) -> Array:
    """The centre of each piece's first cell of the highest value, by rows from the north; (pieces, 2) metres."""
    a, _, x, _, e, y = tuple(transform)[:6]
    row, col = np.nonzero(labels)
    label = labels[row, col] - 1
    is_top = values[row, col] == highest[label]
    _, first = np.unique(label[is_top], return_index=True)
    return np.stack([x + (col[is_top][first] + 0.5) * a, y + (row[is_top][first] + 0.5) * e], axis=1)


def _worth_keeping(labels: Array, count: int, least_cells: int) -> tuple[Array, int]:
    """The labels, renumbered, without pieces that are too small and touch no edge."""
    keep = np.bincount(labels.ravel(), minlength=count + 1) >= least_cells
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[edge] = True
    keep[0] = False
    renumbered = (np.cumsum(keep) * keep).astype(np.int32)  # edges of all tiles wait for each other
    return renumbered[labels], int(keep.sum())


def _runs(labels: Array) -> Array:
    padded = np.zeros((labels.shape[0], labels.shape[1] + 2), labels.dtype)
    padded[:, 1:-1] = labels
    change = padded[:, 1:] != padded[:, :-1]
    row, at = np.nonzero(change)
    label = padded[:, 1:][row, at]
    starts = label > 0
    ends = padded[:, :-1][row, at] > 0
    return np.stack([label[starts], row[starts], at[starts], at[ends]], axis=1).astype(np.int32)


def _seams(parts: list[dict[str, Array]], offsets: Array) -> Iterator[Array]:
    at = {(int(part["tile"][0]), int(part["tile"][1])): i for i, part in enumerate(parts)}
    for (r, c), here in at.items():
        for beside, mine, other in (((r, c + 1), "east", "west"), ((r + 1, c), "south", "north")):
            there = at.get(beside)
            if there is None:
                continue
            a, b = parts[here][mine], parts[there][other]
            both = (a > 0) & (b > 0)
            yield np.unique(np.stack([offsets[here] + a[both] - 1, offsets[there] + b[both] - 1], axis=1), axis=0)


def _sides(parts: list[dict[str, Array]], offsets: Array, *, keep: Array) -> tuple[Array, Array]:
    """West, south, east and north of each run of the pieces kept, and the piece it is of."""
    sides, owner = [np.empty((0, 4))], [np.empty(0, np.int64)]
    for part, offset in zip(parts, offsets, strict=False):
        runs, (a, _, x, _, e, y) = part["runs"], part["transform"]
        runs = runs[keep[offset + runs[:, 0] - 1]]
        sides.append(np.stack([x + runs[:, 2] * a, y + (runs[:, 1] + 1) * e, x + runs[:, 3] * a, y + runs[:, 1] * e], axis=1))
        owner.append(offset + runs[:, 0] - 1)
    return np.concatenate(sides), np.concatenate(owner)
