"""Laboratory values at points: what a table's column says, censored values included, and where.

Two conventions for "below the detection limit" are read: text such as `<0.5`, and a negative number, the limit with its sign
turned, as national surveys deliver it. `>1000` counts as 1000. Empty text, `NA` and numbers from -9999 down are missing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array, Vector

Detection = Literal["half", "as_is"]
Transform = Literal["none", "log"]
LEAST_MET = 20  # pairs of samples that level a survey
NO_DATA = -9999.0  # no laboratory has a detection limit so high
EMPTY = {"", "na", "nan", "null", "none"}
NUMBER = re.compile(r"([<>]?)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


@dataclass(frozen=True)
class Points:
    """One value per place: `x`, `y` in metres and `values`, float64 (n,), in the order of x, then y."""

    x: Array
    y: Array
    values: Array


def measured(of: Vector, column: str, *, detection: Detection, transform: Transform) -> Array:
    """The column as float64, a number per feature of the table, NaN where missing; natural logarithms if so asked.

    With `half` a value below detection is half its limit, as text or as negative number; with `as_is` text gives the limit
    itself and negative numbers stay what they are. DataError for a column that is not there, text that is no number, and a
    logarithm of 0 or less.
    """
    values = _numbers(of, column, detection)
    return _log(values, column) if transform == "log" else values


def parts(of: Vector, columns: Sequence[str], *, detection: Detection) -> Array:
    """Several columns as parts of a composition: (n, D) float64, all greater than 0 or NaN. DataError as `measured`."""
    for column in columns:
        _log(_numbers(of, column, detection), column)
    return np.stack([_numbers(of, column, detection) for column in columns], axis=1)


def located(of: Vector, values: Array) -> Points:
    """The known values with their places; of several at one place the mean, so that no two samples stand on one another.

    The answer does not depend on the order of the table. DataError for lines or polygons.
    """
    import shapely

    if np.any(shapely.get_dimensions(of.geometry) > 0):
        raise DataError("samples must be points, and this table holds lines or polygons; name the table of the sample sites")
    xy, feature = shapely.get_coordinates(of.geometry, return_index=True)
    held = values[feature]
    xy, held = xy[np.isfinite(held)], held[np.isfinite(held)]
    order = np.lexsort((held, xy[:, 1], xy[:, 0]))
    xy, held = xy[order], held[order]
    fresh = np.flatnonzero(np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])[: len(xy)])
    if not len(fresh):
        return Points(np.zeros(0), np.zeros(0), np.zeros(0))
    means = np.add.reduceat(held, fresh) / np.diff(np.append(fresh, len(xy)))
    return Points(np.ascontiguousarray(xy[fresh, 0]), np.ascontiguousarray(xy[fresh, 1]), means)


def shifts(of: Vector, values: Array, survey: str, *, within_m: float) -> dict[str, Array]:
    """What to add to the values of each survey to level them with the largest: `survey` names (k,) str and `shift` (k,) float64.

    From pairs of samples of two surveys within `within_m` of one another: the median of their differences, 20 pairs at least, starting at
    the survey with most samples and going on to the one that shares most pairs with those levelled already. A shift of logarithms is a
    factor. DataError for a survey that shares too few.
    """
    from scipy.spatial import cKDTree

    names = _texts(of, survey)
    xy = _places(of)
    known = np.isfinite(values)
    counts = {name: int((known & (names == name)).sum()) for name in np.unique(names)}
    order = sorted(counts, key=lambda name: (-counts[name], name))
    shift, left = {order[0]: 0.0}, order[1:]
    while left:
        done = known & np.isin(names, list(shift))
        tree, level = cKDTree(xy[done]), values[done] + np.array([shift[name] for name in names[done]])
        apart = {}
        for name in left:
            here = known & (names == name)
            away, nearest = map(np.asarray, tree.query(xy[here], distance_upper_bound=within_m))
            met = np.isfinite(away)
            apart[name] = level[nearest[met]] - values[here][met]
        best = max(left, key=lambda name: (len(apart[name]), -order.index(name)))
        if len(apart[best]) < LEAST_MET:
            raise DataError(
                f"survey {str(best)!r} has {len(apart[best])} samples within {within_m:g} m of another survey's, and levelling needs {LEAST_MET}; give a larger "
                "level_within_m, or map that survey by itself (`where` at its source)"
            )
        shift[best] = float(np.median(apart[best]))
        left.remove(best)
    return {"survey": np.array(sorted(shift)), "shift": np.array([shift[name] for name in sorted(shift)])}


def levelled(of: Vector, values: Array, survey: str, shift: Mapping[str, Array]) -> Array:
    """The values with the shift of each sample's survey added; NaN for a survey that had none."""
    names = _texts(of, survey)
    at = np.clip(np.searchsorted(shift["survey"], names), 0, len(shift["survey"]) - 1)
    return np.where(shift["survey"][at] == names, values + shift["shift"][at], np.nan)


def _texts(of: Vector, column: str) -> Array:
    if column not in of.columns:
        raise DataError(f"the table of samples has no column {column!r}; it holds {', '.join(sorted(of.columns)) or 'none'}")
    return np.array([str(value) for value in of.columns[column]], dtype=str)


def _places(of: Vector) -> Array:
    import shapely

    return np.asarray(shapely.get_coordinates(shapely.centroid(of.geometry)), np.float64)


def _numbers(of: Vector, column: str, detection: Detection) -> Array:
    if column not in of.columns:
        near = difflib.get_close_matches(column, list(of.columns), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it holds {', '.join(sorted(of.columns)) or 'none'}"
        raise DataError(f"the table of samples has no column {column!r}{hint}")
    held = of.columns[column]
    if held.dtype.kind not in "fiuOUT":
        raise DataError(f"column {column!r} holds {held.dtype}, and numbers are wanted; name a column of measured values")
    values = held.astype(np.float64) if held.dtype.kind in "fiu" else np.array([_number(v, column, detection) for v in held], dtype=np.float64)
    values[~np.isfinite(values) | (values <= NO_DATA)] = np.nan
    return np.where(values < 0, -0.5 * values, values) if detection == "half" else values


def _number(value: Any, column: str, detection: Detection) -> float:
    text = "" if value is None else str(value).strip()
    if text.lower() in EMPTY:
        return np.nan
    found = NUMBER.fullmatch(text)
    if not found:
        raise DataError(
            f"column {column!r} holds {text!r}, which is no number; write 12.5, <0.5 below detection, >1000 above range, and nothing where not measured"
        )
    sign, number = found.groups()
    return 0.5 * float(number) if sign == "<" and detection == "half" else float(number)


def _log(values: Array, column: str) -> Array:
    known = values[np.isfinite(values)]
    if known.size and known.min() <= 0:
        raise DataError(
            f"column {column!r} holds {known.min():g}, which has no logarithm; write the detection limit as <0.5 (or -0.5) "
            "and say `detection: half`, or leave such samples empty"
        )
    return np.log(values)
