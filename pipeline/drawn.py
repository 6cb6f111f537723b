"""Lines that a feature drew, as arrays a fit can keep, and asked for by bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array, Vector

COLUMN = "column."


def packed(lines: Vector, *, columns: Mapping[str, str]) -> dict[str, Array]:
    """The lines as `coords` (n, 2) and `offsets` (lines + 1,), and each declared column; DataError when they are not as declared."""
    import shapely

    kinds = set(shapely.get_type_id(lines.geometry).tolist()) - {int(shapely.GeometryType.LINESTRING)}
    if kinds or set(lines.columns) != set(columns) or any(len(values) != len(lines.geometry) for values in lines.columns.values()):
        raise DataError(f"drew something else than LineStrings with one value each of {', '.join(columns)}; this is a fault of the recipe")
    held: dict[str, Array] = {"coords": np.empty((0, 2)), "offsets": np.zeros(1, np.int64)}
    if len(lines.geometry):
        _, coords, (offsets,) = shapely.to_ragged_array(lines.geometry, include_z=False)
        held = {"coords": coords, "offsets": offsets.astype(np.int64)}
    return held | {COLUMN + name: np.asarray(lines.columns[name]) for name in columns}


def whole(held: Mapping[str, Array]) -> Vector:
    """All the lines `packed` kept, in their order."""
    import shapely

    columns = {name.removeprefix(COLUMN): values for name, values in held.items() if name.startswith(COLUMN)}
    if len(held["offsets"]) == 1:
        return Vector(np.empty(0, object), columns)
    return Vector(shapely.from_ragged_array(shapely.GeometryType.LINESTRING, held["coords"], (held["offsets"],)), columns)


def touching(held: Mapping[str, Array], bounds: tuple[float, float, float, float]) -> Vector:
    """The lines that share a point with the bounds (xmin, ymin, xmax, ymax; metres, edges included), in their order."""
    import shapely

    lines = whole(held)
    kept = np.flatnonzero(shapely.intersects(lines.geometry, shapely.box(*bounds)))
    return Vector(lines.geometry[kept], {name: values[kept] for name, values in lines.columns.items()})
