"""Spatial blocks, and the assignment of whole blocks to folds.

A random split lets a cell's neighbour train the model that is tested on the cell; a block split does not.
Roberts and others (2017).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints, uniform
from pipeline.united import united

Labels = npt.NDArray[np.int8]
_ROW = 2**31


def square_blocks(x: Floats, y: Floats, *, block_m: float, origin: tuple[float, float] = (0.0, 0.0)) -> Ints:
    """The block of side `block_m` metres each point lies in; (n,) int64, the same id for the same place in any table.

    A point on an edge belongs to the block east or north of it.
    """
    column = np.floor((np.asarray(x, np.float64) - origin[0]) / block_m).astype(np.int64)
    row = np.floor((np.asarray(y, np.float64) - origin[1]) / block_m).astype(np.int64)
    return row * _ROW + column


def extent_blocks(x: Floats, y: Floats, *, nx: int, ny: int, bounds: tuple[float, float, float, float]) -> Ints:
    """The block, of `nx` by `ny` equal ones over `bounds` (west, south, east, north), of each point; (n,) in 0..nx*ny-1.

    Numbered by rows from the north-west. Points outside the bounds belong to the nearest block.
    """
    west, south, east, north = bounds
    if not (east > west and north > south):
        raise DataError(f"validation blocks: bounds {bounds} have no area; the samples must span both x and y")
    column = np.clip(np.floor((np.asarray(x, np.float64) - west) / (east - west) * nx), 0, nx - 1)
    row = np.clip(np.floor((north - np.asarray(y, np.float64)) / (north - south) * ny), 0, ny - 1)
    return np.asarray(row * nx + column, np.int64)


def unite(blocks: Ints, groups: Ints, label: Labels) -> Ints:
    """Block ids with every two blocks that share a deposit group made one, under the lowest id; (n,) int64.

    Blocks are joined, rather than a stray cell moved, because a moved cell would leave its neighbours on the other
    side of the split. Chains of long groups make large blocks: that is what the data can support.
    """
    blocks = np.asarray(blocks, np.int64)
    ids, block_of = np.unique(blocks, return_inverse=True)
    positive = np.asarray(label) == 1
    group_ids, group_of = np.unique(np.asarray(groups)[positive], return_inverse=True)
    component = united(block_of[positive], group_of + len(ids), len(ids) + len(group_ids))[: len(ids)]
    lowest = np.full(len(ids) + len(group_ids), np.iinfo(np.int64).max)
    np.minimum.at(lowest, component, ids)
    return lowest[component][block_of]


def folds(blocks: Ints, label: Labels, *, folds: int, seed: int, groups: Ints | None = None) -> Ints:
    """Whole blocks dealt to folds; (n,) int64 in 0..folds-1, decided by the block ids and the seed alone.

    Blocks come in an order drawn from their ids. One with positives goes to the fold that has fewest positive groups
    (positives, without `groups`), so every fold gets one while there are enough such blocks; one without goes to the fold
    that has fewest cells. DataError when all the positives lie in one block: nothing could be held out.
    """
    ids, block_of, sizes = np.unique(np.asarray(blocks, np.int64), return_inverse=True, return_counts=True)
    positive = np.flatnonzero(np.asarray(label) == 1)
    kinds = positive if groups is None else np.asarray(groups)[positive]
    pairs = np.unique(np.column_stack((block_of[positive], kinds)), axis=0)
    found = np.bincount(pairs[:, 0].astype(np.int64), minlength=len(ids))
    if np.count_nonzero(found) < 2:
        raise DataError("validation blocks: all the positives lie in one block, so none can be held out; use smaller blocks")
    order = np.lexsort((ids, uniform(ids, seed=seed, stream="folds")))
    fold_of = np.empty(len(ids), np.int64)
    positives_in, cells_in = np.zeros(folds, np.int64), np.zeros(folds, np.int64)
    for block in (*order[found[order] > 0], *order[found[order] == 0]):
        keys = (cells_in, positives_in) if found[block] else (cells_in,)
        fold = int(np.lexsort(keys)[0])
        fold_of[block] = fold
        positives_in[fold] += found[block]
        cells_in[fold] += sizes[block]
    return fold_of[block_of]


def random_folds(cells: Ints, label: Labels, *, folds: int, seed: int) -> Ints:
    """Cells dealt to folds at random within each class, rows of one cell together; (n,) int64. Only to show how much a random split flatters."""
    draws = uniform(np.asarray(cells, np.int64), seed=seed, stream="random folds")
    fold = np.empty(len(draws), np.int64)
    for kind in (0, 1):
        rows = np.flatnonzero(np.asarray(label) == kind)
        own, first, of = np.unique(np.asarray(cells)[rows], return_index=True, return_inverse=True)
        dealt = np.empty(len(own), np.int64)
        dealt[np.lexsort((own, draws[rows[first]]))] = np.arange(len(own)) % folds
        fold[rows] = dealt[of]
    return fold
