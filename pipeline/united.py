"""United: which nodes of a graph hang together. Every map asks this of its deposits first of all, and scipy's graphs take a quarter of a second to import."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def united(left: npt.NDArray[Any], right: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """The connected component of each of `count` nodes, joined by the edges `left[i]`-`right[i]`, numbered in the order of their first nodes; (count,) int64.

    Each tree of nodes is hung under the lowest tree an edge joins it to, and then made flat, until no edge joins two trees.
    """
    root = np.arange(count)
    left, right = np.asarray(left, np.int64), np.asarray(right, np.int64)
    while not np.array_equal(root[left], root[right]):
        lower = np.minimum(root[left], root[right])
        np.minimum.at(root, np.maximum(root[left], root[right]), lower)
        while not np.array_equal(flat := root[root], root):
            root = flat
    return np.asarray(np.unique(root, return_inverse=True)[1], np.int64)
