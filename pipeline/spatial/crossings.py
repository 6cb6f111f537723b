"""Where lines meet: the nodes of three and more branches in a network of lines, and their number around each cell."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial.segments import segments

TOUCH_M = 1e-3  # closer is touching: far above the rounding of coordinates in metres, far below what anyone draws
SAME_WAY = 1e6  # directions that differ by less than about a millionth are one


def density(of: Vector, at: Cells, *, radius_m: float) -> Array:
    """Nodes per square kilometre of the circle of `radius_m` around each cell centre: (y, x) float32.

    Every node is judged alone by its distance to the centre, so neither tiles nor the order of the lines changes a bit.
    """
    count = np.zeros((at.y.size, at.x.size + 1), dtype=np.int64)
    _add_points(at.x, at.y, at.cell_m, nodes(of.geometry), float(radius_m), count)
    return (np.cumsum(count[:, :-1], axis=1) / (math.pi * (radius_m / 1e3) ** 2)).astype(np.float32)


def nodes(geometry: Array) -> Array:
    """Points where at least three branches of the lines meet: (n, 2) float64, in metres.

    A segment has two branches at a point inside it and one at its end; branches that run the same way are one, so a line
    drawn twice counts once. Where segments lie on each other the two alone tell no point.
    """
    parts = _once(segments(geometry))
    drawn = np.asarray(shapely.linestrings(parts.reshape(-1, 2, 2)), dtype=object)
    first, second = shapely.STRtree(drawn).query(drawn, predicate="dwithin", distance=TOUCH_M)
    earlier = first < second  # in the order of their coordinates: a pair gives the same point in every tile
    xy, met = _meetings(parts[first[earlier]], parts[second[earlier]])
    place = _places(xy)
    branches = np.zeros(place.max(initial=-1) + 1, dtype=np.int64)
    part = np.concatenate([first[earlier][met], second[earlier][met]])
    ways = _ways(np.concatenate([place, place]), np.concatenate([xy, xy]), parts[part])
    np.add.at(branches, ways[:, 0], 1)
    order = np.lexsort((xy[:, 1], xy[:, 0], place))
    leading = order[np.searchsorted(place[order], np.arange(len(branches)))]  # of the points of one place, the westernmost stands for it
    found: Array = xy[leading][branches >= 3]
    return found


def _once(parts: Array) -> Array:
    """Segments from their lesser end, sorted, none twice and none without length: (n, 4)."""
    turned = (parts[:, 0] > parts[:, 2]) | ((parts[:, 0] == parts[:, 2]) & (parts[:, 1] > parts[:, 3]))
    parts = np.where(turned[:, None], parts[:, [2, 3, 0, 1]], parts)
    return np.unique(parts[(parts[:, :2] != parts[:, 2:]).any(axis=1)], axis=0)


def _ways(place: Array, xy: Array, parts: Array) -> Array:
    """The ways that lead away from each place along the segments that meet there: rows of place, east, north, none twice."""
    along = parts[:, 2:] - parts[:, :2]
    unit = np.rint(along / _long(along)[:, None] * SAME_WAY).astype(np.int64)
    onward, back = (_long(end - xy) > TOUCH_M for end in (parts[:, 2:], parts[:, :2]))
    said = [np.column_stack([place[kept], sign * unit[kept]]) for sign, kept in ((1, onward), (-1, back))]
    return np.unique(np.concatenate(said), axis=0)


def _meetings(one: Array, other: Array) -> tuple[Array, Array]:
    """The point (m, 2) at which each pair of segments meets, and which pairs (m,) meet in one point."""
    a, b, c, d = one[:, :2], one[:, 2:], other[:, :2], other[:, 2:]
    ends = np.stack([a, b, c, d], axis=1)
    away = np.stack([_apart(a, c, d), _apart(b, c, d), _apart(c, a, b), _apart(d, a, b)], axis=1)
    near = away <= TOUCH_M
    touch = ends[np.arange(len(ends)), np.argmax(near, axis=1)]
    elsewhere = np.any(near & (_long(ends - touch[:, None]) > TOUCH_M), axis=1)
    u, v, w = b - a, d - c, c - a
    across = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    along = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / np.where(across == 0, np.inf, across)
    touching = np.any(near, axis=1)
    xy = np.where(np.expand_dims(touching, 1), touch, a + along[:, None] * u)
    met = np.flatnonzero(~elsewhere & (touching | (across != 0)))
    return xy[met], met


def _apart(p: Array, a: Array, b: Array) -> Array:
    """Distance of points from segments, one by one: (n,)."""
    u, w = b - a, p - a
    share = np.clip((w * u).sum(axis=1) / (u * u).sum(axis=1), 0.0, 1.0)
    return _long(w - share[:, None] * u)


def _long(vectors: Array) -> Array:
    """Length of vectors, their last axis."""
    length: Array = np.sqrt((vectors * vectors).sum(axis=-1))
    return length


def _places(xy: Array) -> Array:
    """The number of the place of each point, points that touch being one place: (n,)."""
    if not len(xy):
        return np.empty(0, dtype=np.int64)
    near = cKDTree(xy).query_pairs(TOUCH_M, output_type="ndarray")
    links = coo_array((np.ones(len(near), dtype=bool), (near[:, 0], near[:, 1])), shape=(len(xy), len(xy)))
    place: Array = connected_components(links, directed=False)[1]
    return place


@njit(cache=True, nogil=True)
def _add_points(x, y, cell_m, points, radius, count):  # type: ignore[no-untyped-def]
    """Per row, add 1 where the cells within `radius` of a point begin and take it away behind their end; `count` has a column to spare."""
    cols = len(x)
    for i in range(len(points)):
        px, py = points[i, 0], points[i, 1]
        first = max(0, math.floor((y[0] - py - radius) / cell_m) - 1)
        last = min(len(y) - 1, math.ceil((y[0] - py + radius) / cell_m) + 1)
        for r in range(first, last + 1):
            left = radius * radius - (y[r] - py) * (y[r] - py)
            if left < 0.0:
                continue
            c0 = max(0, math.floor((px - math.sqrt(left) - x[0]) / cell_m) - 1)
            c1 = min(cols - 1, math.ceil((px + math.sqrt(left) - x[0]) / cell_m) + 1)
            while c0 <= c1 and (x[c0] - px) * (x[c0] - px) > left:
                c0 += 1
            while c0 <= c1 and (x[c1] - px) * (x[c1] - px) > left:
                c1 -= 1
            if c0 <= c1:
                count[r, c0] += 1
                count[r, c1 + 1] -= 1
