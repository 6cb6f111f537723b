"""How far apart is far enough: the distances below which a held-out deposit still has its twin among the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from pipeline.learning.draws import Floats, Ints, uniform
from pipeline.learning.table import SampleTable

MOST_ROWS = 1000  # background rows a variogram is made of: half a million pairs
LAGS = 20
SILL = 0.95  # of the variance: where a variogram that nears it only slowly is said to have reached it


def floors(table: SampleTable) -> dict[str, float | None]:
    """Distances in km that the separation of test and training rows should exceed; None where there is too little to tell.

    `evidence_range_km`: the median over layers of the range of their variograms. `neighbour_km`: the median distance of a deposit
    group to the nearest other. Below the first, evidence at a held-out place is half known from its neighbour; below the second, a held-out
    deposit lies in the cluster that taught the model. Roberts and others (2017).
    """
    return {"evidence_range_km": _km(evidence_range_m(table)), "neighbour_km": _km(neighbour_m(table))}


def evidence_range_m(table: SampleTable) -> float | None:
    """Median over the layers that vary of the distance at which their variogram reaches the variance; None with fewer than 30 background rows.

    On scored background rows, at most 1000 of lowest draw, in 20 lags up to half the longest distance. A layer whose variogram never gets there
    counts as that half. Matheron (1963).
    """
    rows = np.flatnonzero(~table.positive & table.scored)
    rows = rows[np.argsort(uniform(table.cell[rows], seed=0, stream="variogram"), kind="stable")[:MOST_ROWS]]
    if len(rows) < 30:
        return None
    apart = pdist(np.column_stack((table.x[rows], table.y[rows])))
    longest = float(apart.max()) / 2
    if longest == 0:
        return None
    lag = np.minimum((apart / longest * LAGS).astype(np.int64), LAGS)  # the last holds what is too far
    found = [_range(table.values[rows, j].astype(np.float64), lag, longest) for j in range(len(table.names))]
    known = [value for value in found if value is not None]
    return float(np.median(known)) if known else None


def neighbour_m(table: SampleTable) -> float | None:
    """Median distance of a deposit group's centre to the nearest other; None with one group."""
    _, centres = centres_of(table)
    if len(centres) < 2:
        return None
    return float(np.median(np.asarray(cKDTree(centres).query(centres, k=2)[0])[:, 1]))


def centres_of(table: SampleTable) -> tuple[Ints, Floats]:
    """The deposit groups, ascending, and the mean place (x, y) of each; (g,) and (g, 2)."""
    return means_of_groups(table, np.column_stack((table.x, table.y)))


def means_of_groups(table: SampleTable, of_rows: Floats) -> tuple[Ints, Floats]:
    """The deposit groups, ascending, and the mean over the scored rows of each, all its rows where none is, of `of_rows` (n, k); (g,) and (g, k)."""
    positive = table.positive
    ids, of = np.unique(table.group[positive], return_inverse=True)
    counts = table.scored[positive].astype(np.float64)
    counts[np.bincount(of, counts, len(ids))[of] == 0] = 1.0
    total = np.zeros((len(ids), of_rows.shape[1]))
    np.add.at(total, of, of_rows[positive] * counts[:, None])
    return ids, total / np.bincount(of, counts, len(ids))[:, None]


def apart_m(table: SampleTable, fold_of: Ints, trains: Any) -> float | None:
    """Median distance of a scored held-out positive to the nearest positive its model was taught with; None where nothing was held out.

    `trains(fold)` gives the mask of a fold's training rows.
    """
    places, positive, found = np.column_stack((table.x, table.y)), table.positive, list[npt.NDArray[Any]]()
    for fold in np.unique(fold_of[fold_of >= 0]):
        test, train = positive & table.scored & (fold_of == fold), positive & trains(int(fold))
        if test.any() and train.any():
            found.append(np.asarray(cKDTree(places[train]).query(places[test])[0]))
    return float(np.median(np.concatenate(found))) if found else None


def _range(values: Floats, lag: Ints, longest: float) -> float | None:
    held = np.isfinite(values)
    variance = float(values[held].var()) if held.any() else 0.0
    if variance <= 0:
        return None
    first, second = np.triu_indices(len(values), 1)
    half = 0.5 * (values[first] - values[second]) ** 2
    known = ~np.isnan(half)
    total, count = (np.bincount(lag[known], w, LAGS + 1)[:LAGS] for w in (half[known], None))
    with np.errstate(invalid="ignore", divide="ignore"):
        level = total / count >= SILL * variance
    reached = np.flatnonzero(level)
    return longest if not len(reached) else (float(reached[0]) + 0.5) * longest / LAGS


def _km(metres: float | None) -> float | None:
    return None if metres is None or math.isnan(metres) else round(metres / 1000, 3)
