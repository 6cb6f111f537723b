"""Cells of a window in an order that keeps neighbours together, for work that is quicker on cells that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BATCH = 16_384  # cells
SIDE, PART = 8, 4  # 64 cells, as many as the kernels of `learning` take at once, and 16, which some of them ask about first


def in_squares(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The places, in the flattened (y, x) mask, of cells that are True: squares of 8 x 8 cells one after another, and in each its four
    quarters; (n,) int64, read-only where all are."""
    order = _order(*mask.shape)
    return order if mask.all() else np.asarray(order[mask.ravel()[order]], np.int64)


def batches(mask: npt.NDArray[np.bool_], layers: Sequence[Array]) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Places of cells that are True, in that order, and what the layers (y, x) hold there, (layers, n) float32: so many at a time that both stay in the
    processor's cache."""
    cells, flat = in_squares(mask), [layer.reshape(mask.size) for layer in layers]
    for start in range(0, len(cells), BATCH):
        part = cells[start : start + BATCH]
        values = np.empty((len(flat), len(part)), np.float32)
        for held, layer in zip(values, flat, strict=True):
            held[:] = layer.take(part, mode="wrap")  # no place lies outside, and this way takes half as long
        yield part, values


@lru_cache(maxsize=4)  # tiles have the same shape but for those at the edge
def _order(rows: int, cols: int) -> Array:
    r, c = np.arange(rows)[:, None], np.arange(cols)[None, :]
    square = r // SIDE * (-(-cols // SIDE)) + c // SIDE
    part = r % SIDE // PART * (SIDE // PART) + c % SIDE // PART
    order = np.argsort((square * SIDE**2 + part * PART**2 + r % PART * PART + c % PART).ravel(), kind="stable")
    order.flags.writeable = False  # every tile's
    return order
