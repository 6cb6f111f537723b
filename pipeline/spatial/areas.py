"""Areas with names, such as districts and licences: which a shape touches, how much of it they hold, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from pipeline.recipe import Array

NAME_COLUMNS = ("name", "shapeName", "NAME_2", "district")  # the last three: geoBoundaries, GADM, and what offices write
UNNAMED = "unnamed"


def names(columns: Mapping[str, Array], count: int) -> list[str]:
    """The name of each of `count` areas: the column that is called so, else the first that holds words; unnamed where there is none."""
    texts = [column for column, values in columns.items() if values.dtype.kind in "OTU"]
    column = next((c for c in NAME_COLUMNS if c in columns), texts[0] if texts else None)
    return [UNNAMED] * count if column is None else [word(value) for value in columns[column]]


def word(value: Any) -> str:
    """One value of a column as text; what is missing or empty has no name."""
    missing = value is None or (isinstance(value, float) and np.isnan(value))
    return UNNAMED if missing or not str(value).strip() else str(value).strip()


def shared(shape: Any, areas: Array, tree: shapely.STRtree) -> dict[int, float]:
    """The areas a shape has ground in common with, by index, and how much, in square metres."""
    near = np.sort(tree.query(shape, predicate="intersects"))
    found = shapely.area(shapely.intersection(areas[near], shape))
    return {int(i): float(area) for i, area in zip(near, found, strict=True) if area > 0}


def in_order(names_of: Sequence[str], held: Mapping[int, float]) -> list[str]:
    """The names of the areas held, once each, the one with the largest share first, equals by name."""
    by_name: dict[str, float] = {}
    for i, area in held.items():
        by_name[names_of[i]] = by_name.get(names_of[i], 0.0) + area
    return sorted(by_name, key=lambda name: (-by_name[name], name))


def nearest_m(shape: Any, features: Array, tree: shapely.STRtree) -> float | None:
    """Metres from a shape to the nearest of the features, 0 where they meet; None where there is none."""
    return None if not len(features) else float(shapely.distance(shape, features[tree.nearest(shape)]))


def without(shapes: Iterable[Any], forbidden: Array, within_m: float) -> list[Any]:
    """The shapes less all ground within `within_m` of the forbidden features: exact outlines, not cells. What is left may be empty."""
    grown = shapely.buffer(forbidden, within_m, quad_segs=16) if within_m else forbidden[shapely.get_dimensions(forbidden) == 2]
    tree = shapely.STRtree(grown)
    left = []
    for shape in shapes:
        near = np.sort(tree.query(shape, predicate="intersects"))
        left.append(polygons(shapely.difference(shape, shapely.union_all(grown[near]))) if near.size else shape)
    return left


def polygons(shape: Any) -> Any:
    """What of a shape has area: a Polygon, or a MultiPolygon, empty where nothing has."""
    held = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]
    return shapely.normalize(held[0] if len(held) == 1 else shapely.MultiPolygon(held))
