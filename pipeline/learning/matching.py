"""Folds for the task at hand: as far from what they are tested without as the ground to be mapped is from what is known.

Nearest neighbour distance matching in k folds: Mila and others (2022), Linnenbrink and others (2024). Here the sampled points are the deposit
groups and the points to predict are the scored background cells, which were drawn evenly over the ground to map. Distances are matched in space
and in evidence at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints, uniform
from pipeline.learning.ranges import centres_of, evidence_range_m, means_of_groups, neighbour_m
from pipeline.learning.table import SampleTable
from pipeline.united import united

MOST_CUTS = 30  # numbers of clusters tried
LARGEST = 0.5  # share of the deposit groups one fold may hold


class Matched(NamedTuple):
    """The fold of each row, the clusters the deposit groups were cut into, and how far test-to-train distances are from those of the
    map, as a share of the latter's mean, in space and in evidence."""

    fold: Ints
    clusters: int
    off_in_space: float
    off_in_evidence: float


def matched(table: SampleTable, *, folds: int, seed: int) -> Matched:
    """Deposit groups clustered in space (Ward 1963), as finely as makes held-out groups as far from the rest as the map's cells are from all.

    Groups nearer to each other than the evidence varies, or than neighbours lie, are never parted, as far as that leaves clusters enough for the
    folds. Whole clusters are dealt to `folds`, the largest first, each to the fold with fewest groups. A background cell goes with the group
    nearest to it, so that test ground lies around test deposits. DataError with fewer than two groups.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage

    ids, centres = centres_of(table)
    if len(ids) < 2:
        raise DataError("validation: fewer than two deposit groups, so none can be held out; add occurrences, or use a model that needs none")
    folds = min(folds, len(ids))
    placed = evidence_space(table)
    evidence = means_of_groups(table, placed)[1]
    ground = ~table.positive
    to_known, nearest = cKDTree(centres).query(np.column_stack((table.x, table.y))[ground])
    asked = np.asarray(to_known)[table.scored[ground]], np.asarray(cKDTree(evidence).query(placed[ground & table.scored])[0])
    tree, twins = linkage(centres, "ward"), _twins(table, centres, folds=folds)
    best: tuple[float, int, Ints, float, float] | None = None
    for count in np.unique(np.linspace(folds, len(ids), min(MOST_CUTS, len(ids) - folds + 1)).astype(int)):
        cluster = cut_tree(tree, n_clusters=count)[:, 0]
        dealt = _dealt(united(cluster, len(ids) + twins, 2 * len(ids))[cluster], ids, folds=folds, seed=seed)
        if _too_large(dealt, folds):
            continue
        off = [_off(_held_out(points, dealt), distances) for points, distances in zip((centres, evidence), asked, strict=True)]
        if best is None or sum(off) < best[0]:
            best = (sum(off), int(count), dealt, off[0], off[1])
    assert best is not None  # the finest cut parts all but twins, and twins were bounded so that they deal
    _, count, dealt, in_space, in_evidence = best
    fold = np.empty(len(table), np.int64)
    fold[table.positive] = dealt[np.searchsorted(ids, table.group[table.positive])]
    fold[ground] = dealt[nearest]
    return Matched(fold, count, in_space, in_evidence)


def evidence_space(table: SampleTable) -> Floats:
    """The rows as points of evidence: layers to unit deviation, missing values at the median, both of the scored rows; (n, layers)."""
    values = table.values.astype(np.float64)
    scored = values[table.scored]
    middle = np.nan_to_num(np.nanmedian(np.where(np.isfinite(scored).any(axis=0), scored, 0.0), axis=0))
    filled = np.where(np.isfinite(values), values, middle)
    deviation = filled[table.scored].std(axis=0)
    return np.asarray((filled - middle) / np.where(deviation > 0, deviation, 1.0), np.float64)


def _twins(table: SampleTable, centres: Floats, *, folds: int) -> Ints:
    """Groups that must stay together, as a number each: those chained by less than the floors, or by as much of them as leaves folds to deal."""
    from scipy.cluster.hierarchy import fcluster, linkage

    floor = max(evidence_range_m(table) or 0.0, neighbour_m(table) or 0.0)
    chain = linkage(centres, "single")
    for distance in (floor, *(step for step in chain[::-1, 2] if step < floor)):
        found = np.unique(fcluster(chain, np.nextafter(distance, 0), "distance"), return_inverse=True)[1]
        if found.max() + 1 >= folds and not _too_large(_dealt(found, np.arange(len(centres)), folds=folds, seed=0), folds):
            return np.asarray(found, np.int64)
    return np.arange(len(centres))


def _too_large(fold: Ints, folds: int) -> bool:
    sizes = np.bincount(fold, minlength=folds)
    return bool(sizes.min() == 0 or sizes.max() > max(LARGEST * len(fold), np.ceil(len(fold) / folds)))


def _dealt(cluster: Ints, ids: Ints, *, folds: int, seed: int) -> Ints:
    """The fold of each group; clusters keep together, named by their lowest group so that the draw is theirs."""
    names, of, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    lowest = np.array([ids[of == place].min() for place in range(len(names))], np.int64)
    order = np.lexsort((uniform(lowest, seed=seed, stream="matched folds"), -sizes))
    held, fold_of = np.zeros(folds, np.int64), np.empty(len(names), np.int64)
    for place in order:
        fold_of[place] = int(held.argmin())
        held[fold_of[place]] += sizes[place]
    return fold_of[of]


def _held_out(points: Floats, fold: Ints) -> Floats:
    """Distance of each point to the nearest of another fold."""
    found = np.empty(len(points))
    for one in np.unique(fold):
        found[fold == one] = cKDTree(points[fold != one]).query(points[fold == one])[0]
    return found


def _off(found: Floats, wanted: Floats) -> float:
    from scipy.stats import wasserstein_distance

    mean = float(wanted.mean())
    return float(wasserstein_distance(found, wanted)) / (mean if mean > 0 else 1.0)
