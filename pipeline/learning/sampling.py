"""Which cells are positives and which stand for the background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints, uniform
from pipeline.united import united

AT_MOST = 9  # cells a deposit is spread over, its own among them: a bag takes one, and few bags tell more apart no better
AT_ONCE = 100_000  # runs of cells around positives; beyond, a tree is faster
FARTHEST = 200  # cells: a position known no better is a district, and what lies in it no evidence


class Positives(NamedTuple):
    """Global cells that hold a deposit, ascending, and the deposit group of each."""

    cells: Ints
    groups: Ints


class Spread(NamedTuple):
    """Global cells in which a deposit may lie instead, and which of the places, by number, each stands in for."""

    cells: Ints
    owner: Ints


class Background(NamedTuple):
    """Global cells drawn as background, ascending, and a sentence when there are fewer than asked."""

    cells: Ints
    warning: str | None


def positives(rows: Ints, cols: Ints, groups: Ints, *, ncols: int) -> Positives:
    """One positive per cell that holds a deposit, however many it holds.

    `rows`, `cols` (n,) are the deposits' cells on a grid of `ncols` columns, `groups` (n,) their deposit groups.
    Groups that meet in a cell cannot be held apart, so they become one, under the lowest number.
    """
    cells = np.asarray(rows, np.int64) * ncols + np.asarray(cols, np.int64)
    unique_cells, cell_of = np.unique(cells, return_inverse=True)
    unique_groups, group_of = np.unique(np.asarray(groups, np.int64), return_inverse=True)
    component = united(cell_of, group_of + len(unique_cells), len(unique_cells) + len(unique_groups))
    of_cells, of_groups = component[: len(unique_cells)], component[len(unique_cells) :]
    lowest = np.full(len(component), np.iinfo(np.int64).max)
    np.minimum.at(lowest, of_groups, unique_groups)
    return Positives(unique_cells, lowest[of_cells])


def spread(places: Ints, *, radius_m: Floats, cell_m: float, shape: tuple[int, int], seed: int) -> Spread:
    """Other cells of the grid in which a deposit may lie that is known to `radius_m` (n,) only, at most 8 for each of `places`.

    Cells with their centre within the radius of the place's own, those of lowest draw; none that is a place itself, as two deposits
    would then teach by the same evidence. `places` (n,) are global cells, ascending, on a grid of `shape` rows and columns. Cells more
    than 200 away are not considered.
    """
    cells, owner = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for i, (place, radius) in enumerate(zip(places, np.nan_to_num(np.asarray(radius_m, np.float64)), strict=True)):
        reach = int(min(radius / cell_m, FARTHEST))
        row, col = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        near = np.hypot(row, col) * cell_m <= radius
        row, col = row[near] + place // shape[1], col[near] + place % shape[1]
        inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
        free = np.setdiff1d(row[inside] * shape[1] + col[inside], places)
        lowest = np.sort(free[np.argsort(uniform(free, seed=seed, stream="jitter"), kind="stable")[: AT_MOST - 1]])
        cells.append(lowest)
        owner.append(np.full(lowest.size, i))
    return Spread(np.concatenate(cells), np.concatenate(owner))


def background(
    candidates: Ints, *, positives: Ints, ncols: int, count: int, exclude_cells: int, seed: int, weights: Floats | None = None
) -> Background:  # fmt: skip
    """The `count` candidates of lowest draw among those more than `exclude_cells` (Chebyshev) from every positive.

    `candidates` and `positives` (n,) are global cell numbers on a grid of `ncols` columns. The draw belongs to the cell
    (see `draws.uniform`), so order and tiling do not matter: the choice from the union of the choices of tiles is the
    choice from everything. Asking for more background only adds to it. `weights` (n,), above 0, make the chance to be
    drawn proportional to them (see `weighted_draws`). DataError when no candidate is left.
    """
    cells, first = np.unique(np.asarray(candidates, np.int64), return_index=True)
    draws = uniform(cells, seed=seed, stream="background") if weights is None else weighted_draws(cells, weights[first], seed=seed)
    ranked = np.empty(0, np.int64)
    taken = 0
    # Distances are wanted only for the few lowest draws: rank a few, and more only while exclusion eats them up.
    while taken < len(cells) and len(ranked) < count:
        taken = min(len(cells), max(2 * count, 4 * taken, 1000))
        lowest = np.argpartition(draws, taken - 1)[:taken]
        lowest = lowest[np.lexsort((cells[lowest], draws[lowest]))]
        ranked = cells[lowest][far(cells[lowest], positives, ncols=ncols, exclude_cells=exclude_cells)]
    if not len(ranked):
        raise DataError(
            f"background: none of the {len(cells)} candidate cells lies more than {exclude_cells} cells from a positive; "
            "lower the exclusion distance or widen the permissive ground"
        )
    warning = None
    if len(ranked) < count:
        warning = f"background: {len(ranked)} of the {count} cells asked for lie more than {exclude_cells} cells from a positive; all are used"
    return Background(np.sort(ranked[:count]), warning)


def weighted_draws(cells: Ints, weights: Floats, *, seed: int) -> Floats:
    """One number from 0 up per cell, such that the lowest of any set are a draw from it without replacement, by `weights` (n,) above 0.

    An exponential variable of rate `weights`: the order is that of the keys u^(1/w), highest first, of Efraimidis and
    Spirakis (2006). It belongs to the cell, as the plain draw does.
    """
    return np.asarray(-np.log1p(-uniform(cells, seed=seed, stream="background")) / weights, np.float64)


def far(cells: Ints, positives: Ints, *, ncols: int, exclude_cells: int) -> npt.NDArray[np.bool_]:
    """Which cells lie more than `exclude_cells` (Chebyshev) from every positive, all on a grid of `ncols` columns; (n,)."""
    known = np.unique(np.asarray(positives, np.int64))
    if not len(known) or not len(cells):
        return np.ones(len(cells), bool)
    near_by = _by_runs if len(known) * (2 * exclude_cells + 1) <= AT_ONCE else _by_tree
    return ~near_by(np.asarray(cells, np.int64), known, ncols, exclude_cells)


def _by_runs(cells: Ints, known: Ints, ncols: int, reach: int) -> npt.NDArray[np.bool_]:
    """Around each of few positives, in each row, lies a run of near cells: how many of them begin before a cell and have not ended there."""
    order = np.argsort(cells, kind="stable")
    ranked = cells[order]
    start = np.add.outer(np.arange(-reach, reach + 1), known // ncols) * ncols
    first = np.searchsorted(ranked, start + np.maximum(known % ncols - reach, 0)).ravel()
    end = np.searchsorted(ranked, start + np.minimum(known % ncols + reach, ncols - 1), side="right").ravel()
    open_ = np.bincount(first, minlength=len(ranked) + 1) - np.bincount(end, minlength=len(ranked) + 1)
    answer = np.empty(len(ranked), bool)
    answer[order] = np.cumsum(open_[:-1]) > 0
    return answer


def _by_tree(cells: Ints, known: Ints, ncols: int, reach: int) -> npt.NDArray[np.bool_]:
    """The same for any number of positives; to import the tree takes longer than all else that most maps ask here."""
    from scipy.spatial import cKDTree

    at, places = (np.column_stack(np.divmod(some, ncols)).astype(np.float64) for some in (known, cells))
    return np.isfinite(cKDTree(at).query(places, p=np.inf, distance_upper_bound=reach + 0.5)[0])
