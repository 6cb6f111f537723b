"""Travel: hours from places to goals, over ground that is slower where it is steep, and along lines that may leave the ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from pipeline.recipe import Array

STEEPEST = 50.0  # times slower than flat ground: walls are walked around, not priced
PARTS = 4  # points of a line to a step of the ground
NO_TIME = 1e-9  # hours: an edge of none would be no edge
LEAST_APART = 0.01  # metres: points nearer than this are one place
Edges = list[tuple[Array, Array, Array]]


@dataclass(frozen=True)
class Terrain:
    """Cells of ground: (y, x) `slowness`, 1 on the flat, NaN where there is none; rows from the north, corner (`x_m`, `y_m`) upper left."""

    slowness: Array
    x_m: float
    y_m: float
    step_m: float
    km_h: float

    def cells(self, xy: Array) -> tuple[Array, Array]:
        """Row and column of points (n, 2) in metres; they may lie outside."""
        return np.floor((self.y_m - xy[:, 1]) / self.step_m).astype(np.int64), np.floor((xy[:, 0] - self.x_m) / self.step_m).astype(np.int64)

    def centres(self) -> Array:
        """The centres of the cells that are ground, by rows; (n, 2) metres."""
        row, col = np.nonzero(np.isfinite(self.slowness))
        return np.column_stack([self.x_m + (col + 0.5) * self.step_m, self.y_m - (row + 0.5) * self.step_m])


@dataclass(frozen=True)
class Line:
    """Geometries to travel along at `km_h`, and the hours it takes to get on or off."""

    geometry: Array
    km_h: float
    join_h: float


def slowness(slope_degrees: Array) -> Array:
    """How many times slower than on the flat: exp(3.5 tan slope), at most STEEPEST. The decline of Tobler (1993), as maps of travel time use it
    (Weiss and others 2018)."""
    return np.asarray(np.minimum(np.exp(3.5 * np.tan(np.radians(np.asarray(slope_degrees, np.float64)))), STEEPEST))


def hours(places: Array, goals: Mapping[str, Array], *, terrain: Terrain, lines: Sequence[Line]) -> dict[str, Array]:
    """Hours from each of the places (n, 2), metres, to the nearest feature of each goal; (n,) float64, infinite where no way leads there.

    Cells of ground join their eight neighbours; each line has points at every corner and at most a quarter of a step apart, which join the cell they
    lie in. A place joins its cell and the eight around, the nearest point of each line and the nearest of a goal when those lie within a step. A goal
    off the ground joins each line at its nearest point, straight and as on the flat. So what is near is right to about half a step of ground.
    The cheapest way is found by Dijkstra's algorithm.
    """
    number, edges = _ground(terrain)
    first = int(number.max()) + 1 if number.size else 0
    paths = []
    for line in lines:
        xy, along = _noded(line.geometry, terrain.step_m / PARTS)
        index = first + np.arange(len(xy))
        first += len(xy)
        edges.append((index[along[:, 0]], index[along[:, 1]], _metres(xy[along[:, 0]], xy[along[:, 1]]) / 1000 / line.km_h))
        edges += _on_ground(xy, index, terrain, number, line.join_h)
        paths.append((xy, index, line.join_h))
    ends = {}
    for name, geometry in goals.items():
        xy = _points(geometry, terrain.step_m / PARTS)
        index = first + np.arange(len(xy))
        first += len(xy)
        edges += _on_ground(xy, index, terrain, number, 0.0)
        edges += [edge for path in paths for edge in _to_path(xy, index, path, terrain, near_only=_is_ground(xy, terrain))]
        ends[name] = (xy, index)
    here = first + np.arange(len(places))
    first += len(places)
    edges += _around(places, here, terrain, number)
    edges += [edge for path in paths for edge in _to_path(places, here, path, terrain, near_only=np.ones(len(places), bool))]
    everywhere = np.ones(len(places), bool)
    edges += [edge for xy, index in ends.values() for edge in _to_path(places, here, (xy, index, 0.0), terrain, near_only=everywhere)]
    graph = _graph(edges, first)
    return {name: _reached(graph, index, here) for name, (_, index) in ends.items()}


def _ground(terrain: Terrain) -> tuple[Array, Edges]:
    """The number of each cell of ground, -1 elsewhere, and the edges between neighbours."""
    held = np.isfinite(terrain.slowness)
    number = np.where(held, np.cumsum(held.ravel()).reshape(held.shape) - 1, -1)
    edges: Edges = []
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        rows = slice(0, held.shape[0] - down), slice(down, None)
        cols = (slice(0, held.shape[1] - across), slice(across, None)) if across >= 0 else (slice(1, None), slice(0, -1))
        a, b = number[rows[0], cols[0]], number[rows[1], cols[1]]
        both = (a >= 0) & (b >= 0)
        slow = (terrain.slowness[rows[0], cols[0]] + terrain.slowness[rows[1], cols[1]])[both] / 2
        edges.append((a[both], b[both], np.hypot(down, across) * terrain.step_m / 1000 / terrain.km_h * slow))
    return number, edges


def _noded(geometry: Array, most_m: float) -> tuple[Array, Array]:
    """Lines as points (n, 2) and the pairs of them that follow each other; lines that cross meet in a point."""
    lines = [part for shape in geometry for part in shapely.get_parts(shape) if part.geom_type == "LineString" and not part.is_empty]
    if not lines:
        return np.empty((0, 2)), np.empty((0, 2), np.int64)
    parts = shapely.segmentize(shapely.get_parts(shapely.normalize(shapely.union_all(np.array(lines, object)))), most_m)
    xy, owner = shapely.get_coordinates(parts, return_index=True)
    place, of = np.unique(np.rint(xy / LEAST_APART).astype(np.int64), axis=0, return_inverse=True)
    of = of.ravel()
    follows = np.flatnonzero((owner[1:] == owner[:-1]) & (of[1:] != of[:-1]))
    return place * LEAST_APART, np.column_stack([of[follows], of[follows + 1]])


def _points(geometry: Array, most_m: float) -> Array:
    """Points along the features, (n, 2)."""
    xy = shapely.get_coordinates(shapely.segmentize(geometry, most_m))
    return np.asarray(np.unique(np.rint(xy / LEAST_APART).astype(np.int64), axis=0) * LEAST_APART)


def _is_ground(xy: Array, terrain: Terrain) -> Array:
    row, col = terrain.cells(xy)
    rows, cols = terrain.slowness.shape
    inside: Array = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    inside[inside] = np.isfinite(terrain.slowness[row[inside], col[inside]])
    return inside


def _on_ground(xy: Array, index: Array, terrain: Terrain, number: Array, join_h: float) -> Edges:
    """Points joined to the centre of the cell they lie in."""
    held = _is_ground(xy, terrain)
    row, col = (places[held] for places in terrain.cells(xy))
    return [(index[held], number[row, col], _straight(xy[held], row, col, terrain) + join_h)]


def _around(xy: Array, index: Array, terrain: Terrain, number: Array) -> Edges:
    """Places joined to the centres of the cells around."""
    edges: Edges = []
    rows, cols = terrain.slowness.shape
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            row, col = terrain.cells(xy)
            row, col = row + down, col + across
            held = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
            held[held] = number[row[held], col[held]] >= 0
            edges.append((index[held], number[row[held], col[held]], _straight(xy[held], row[held], col[held], terrain)))
    return edges


def _straight(xy: Array, row: Array, col: Array, terrain: Terrain) -> Array:
    """Hours straight to the centres of cells."""
    centre = np.column_stack([terrain.x_m + (col + 0.5) * terrain.step_m, terrain.y_m - (row + 0.5) * terrain.step_m])
    return np.asarray(_metres(xy, centre) / 1000 / terrain.km_h * terrain.slowness[row, col])


def _to_path(xy: Array, index: Array, path: tuple[Array, Array, float], terrain: Terrain, *, near_only: Array) -> Edges:
    """Places joined straight to the nearest point of a path: within a step where `near_only`, at any distance elsewhere."""
    points, numbers, join_h = path
    if not len(points) or not len(xy):
        return []
    far, nearest = cKDTree(points).query(xy)
    nearest = np.asarray(nearest)
    held = ~near_only | (far <= terrain.step_m)
    slow = np.ones(len(xy))
    on_ground = _is_ground(xy, terrain)
    row, col = (places[on_ground] for places in terrain.cells(xy))
    slow[on_ground] = terrain.slowness[row, col]
    return [(index[held], numbers[nearest[held]], (far * slow / 1000 / terrain.km_h + join_h)[held])]


def _metres(a: Array, b: Array) -> Array:
    return np.asarray(np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1]))


def _graph(edges: Edges, count: int) -> Any:
    """The edges as a matrix, of several between two places the shortest."""
    a, b, weight = (np.concatenate([edge[i] for edge in edges]) for i in range(3))
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    order = np.lexsort((weight, high, low))
    low, high, weight = low[order], high[order], weight[order]
    fresh = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])]) if len(low) else np.empty(0, bool)
    return coo_array((np.maximum(weight[fresh], NO_TIME), (low[fresh], high[fresh])), shape=(count, count)).tocsr()


def _reached(graph: Any, goal: Array, here: Array) -> Array:
    if not len(goal):
        return np.full(len(here), np.inf)
    return np.asarray(dijkstra(graph, directed=False, indices=goal, min_only=True)[here])
