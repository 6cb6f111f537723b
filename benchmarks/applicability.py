"""Is the map worse where applicability is low? Worlds taught on one half of their deposits and asked everywhere.

    python -m benchmarks.applicability --worlds 10

The AUC of held-out deposits cannot answer: deposits lie on unusual ground, so the least applicable cells hold many of them and among unlike cells they
are easily told apart. In a world the error itself is known: how far the map's ranking, and its relative intensity, are from those of the rule that
planted the deposits, cell by cell. A model and its applicability are made from the samples west, east, north or south of the median deposit, so that
much ground is unlike what was taught; its error on all cells but those of the deposits taught with is told by applicability. Ten worlds, three
mineral systems, four halves.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata, spearmanr

from benchmarks.kept import SYSTEMS, Kept, kept
from pipeline.learning import applicability as area
from pipeline.learning import importance
from pipeline.learning.fitted import fitted
from pipeline.learning.forests import BaggedForest
from pipeline.learning.reliability import intensity
from pipeline.learning.split import Split

SPLIT = Split(kind="nearest")
EXPLORED_M = 10_000.0
EDGES = (0.0, 0.25, 0.5, 0.75, 1.0)
FEWEST_TAUGHT, FEWEST_CELLS = 15, 20
FLOOR = 0.05  # of the mean intensity: the logarithm of nothing is no error


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=10)
    said = asked.parse_args()
    by_world: dict[int, list[np.ndarray]] = {}
    for seed, _, world in kept(range(1, said.worlds + 1)):
        for found in halves(world, seed):
            by_world.setdefault(seed, []).append(binned(*found))
        print(f"done world {seed}", flush=True)
    table = Table("applicability", "share of cells", "error of rank", "root mean square error of log intensity", "rank correlation with the truth")
    worlds = np.array([np.nanmean(held, axis=0) for held in by_world.values()])
    for i, low in enumerate(EDGES[:-1]):
        table.add_row(f"{low:g} to {EDGES[i + 1]:g}", *(_shown(worlds[:, i, column]) for column in range(4)))
    Console(width=150).print(table)
    less = np.nanmean(worlds[:, :2], axis=1) - np.nanmean(worlds[:, 2:], axis=1)
    print(f"below a half less above it: error of rank {_shown(less[:, 1])}, correlation with the truth {_shown(less[:, 3])}")
    print(f"mean over {len(worlds)} worlds of three systems and four halves, 90 % by the spread over worlds; {', '.join(SYSTEMS)}")


def halves(world: Kept, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """For each half that can teach: applicability, error of rank, and predicted and true relative intensity of the cells not taught with, (n,)."""
    table = world.table
    known = np.isin(table.cell, world.cell)
    away = np.full(len(table), np.inf)
    away[known] = world.explored_m[np.searchsorted(world.cell, table.cell[known])]
    explored = ~table.positive & (away <= EXPLORED_M)
    for axis in (table.x, table.y):
        middle = np.median(axis[table.positive])
        for half in (axis < middle, axis >= middle):
            taught = table.subset(half)
            if int(taught.positive.sum()) < FEWEST_TAUGHT:
                continue
            fold = SPLIT.assign(taught, seed=seed)
            models = importance.refitted(taught, make_model=maker, fold=fold, seed=seed)
            sets = importance.features(world.columns.counts)
            drops = np.nanmean(importance.drops(taught, models=models, fold=fold, columns=sets, seed=seed, repeats=1), axis=0)
            rows = (taught.positive | explored[half]).nonzero()[0]
            space = area.learnt(
                taught.values[rows], counts=world.columns.counts, importance=drops, fold=fold[rows], positive=taught.positive[rows]
            )  # fmt: skip
            fresh = ~np.isin(world.cell, taught.cell[taught.positive])
            values = world.values[fresh]
            told = intensity(fitted(maker(seed), taught, fold).predict_both(values)[0])
            truth = world.rate[fresh]
            apart = np.abs(rankdata(told) - rankdata(truth)) / len(told)
            yield area.applicability(values, space), apart, told / told.mean(), truth / truth.mean()


def maker(seed: int) -> BaggedForest:
    """The default forest with fewer trees."""
    return BaggedForest(bags=6, trees_per_bag=15, min_samples_leaf=5, random_state=seed)


def binned(applicability: np.ndarray, apart: np.ndarray, told: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each class of applicability the share of cells, mean error of rank, root mean square error of log intensity, and rank correlation; (4, 4)."""
    found = np.full((len(EDGES) - 1, 4), np.nan)
    for i, (low, high) in enumerate(itertools.pairwise(EDGES)):
        here = (applicability >= low) & ((applicability < high) | (high == 1.0))
        found[i, 0] = here.mean()
        if here.sum() >= FEWEST_CELLS:
            error = np.log((told[here] + FLOOR) / (truth[here] + FLOOR))
            found[i, 1:] = apart[here].mean(), np.sqrt(np.mean(error**2)), spearmanr(told[here], truth[here]).statistic
    return found


def _shown(values: np.ndarray) -> str:
    held = values[np.isfinite(values)]
    half = 1.645 * held.std(ddof=1) / np.sqrt(len(held)) if len(held) > 1 else float("nan")
    return f"{held.mean():.3f} ({held.mean() - half:.3f}, {held.mean() + half:.3f})"


if __name__ == "__main__":
    main()
