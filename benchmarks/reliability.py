"""Is ground that is said to hold twice as many deposits twice as rich, and how much of what can be known does the map know?

    python -m benchmarks.reliability --worlds 10
    python -m benchmarks.reliability --worlds 4 --cell-m 2000

Of worlds with planted undiscovered deposits, three mineral systems each. The map's relative intensity, calibrated on held-out ground as the map's is,
shares the number of undiscovered deposits out over the ground that is new to it; in each tenth of that ground, from the poorest to the richest, the number
it expects stands beside the number there is, and, as counts of ten differ by chance, how often a map without a fault would be as near. `by the rule` is what
the true intensity expects there: undiscovered deposits are those hard to come upon, and lie a distance apart, so they stray from it. Then how much of
the true intensity's gain over nearness to known deposits the map keeps in the best 5 % of new ground: of a model taught by the known deposits; of one whose
background is not evened (`background.evened: false`), which takes ground that people have mapped for rich; and of one taught by 1,200 deposits drawn from
the rule itself: what its evidence allows with labels in plenty.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree
from scipy.stats import binom

from benchmarks.applicability import maker
from benchmarks.kept import CELL_M, SYSTEMS, Kept, kept
from pipeline.learning.calibration import calibrated
from pipeline.learning.crossval import cross_validate
from pipeline.learning.draws import derive
from pipeline.learning.fitted import fitted
from pipeline.learning.reliability import CLASSES, ENOUGH, intensity
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from pipeline.models.random_forest import random_forest

FACTOR = 1.5
AREA = 0.05
PLENTY = 1200
REPEATS = 5  # as the deciding protocol has


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=10)
    asked.add_argument("--first", type=int, default=1, help="seed of the first world")
    asked.add_argument("--cell-m", type=float, default=CELL_M, help="finer cells than 5 km make a world dearer")
    asked.add_argument("--whole", action="store_true", help="the default forest with all its trees, not 6 x 15")
    said = asked.parse_args()
    counts, gains, ruled = [], [], np.zeros(CLASSES)
    for seed, system, world in kept(range(said.first, said.first + said.worlds), cell_m=said.cell_m):
        fresh = ~np.isin(world.cell, world.table.cell[world.table.positive])
        hidden = np.isin(world.cell, world.undiscovered)[fresh]
        tables = (world.table, of_one_kind(world.table), taught_in_plenty(world, seed))
        told, uneven, plenty = (score(world, table, seed, whole=said.whole)[fresh] for table in tables)
        counts.append(tenths(told, calibrated(told, **calibration(world, seed, told, whole=said.whole)), hidden))
        ruled += tenths(told, world.rate[fresh], hidden)[0]
        gains.append((system, [captured(one, hidden) for one in (world.rate[fresh], nearness(world)[fresh], told, uneven, plenty)]))
        print(f"done {seed} {system}", flush=True)
    held = np.array(counts)
    enough = f"cases of {len(held)} with {ENOUGH:g} or more expected"
    within = f"of these within a factor {FACTOR}", "of a map without a fault, by chance"
    table = Table("tenth of new ground", "expected", "observed", enough, *within, "worst", "together", "by the rule")
    for i in range(CLASSES):
        many = held[held[:, 0, i] >= ENOUGH]
        ratio = np.maximum(many[:, 0, i] / np.maximum(many[:, 1, i], 0.5), many[:, 1, i] / many[:, 0, i])
        told_of = (f"{np.sum(ratio <= FACTOR)}", f"{by_chance(many, i).sum():.1f}", f"{ratio.max():.2f}") if len(many) else ("", "", "")
        expected, observed = held[:, :, i].sum(axis=0)
        together = f"{observed:.0f} of {expected:.0f} expected" if expected >= ENOUGH else ""
        table.add_row(str(i + 1), f"{held[:, 0, i].mean():.1f}", f"{held[:, 1, i].mean():.1f}", str(len(many)), *told_of, together, f"{ruled[i]:.0f}")
    Console(width=190).print(table)
    table = Table("best 5 % of new ground", "truth", "nearness", "map", "not evened", "labels in plenty", "gain kept", "not evened", "with plenty")
    for system in ("all", *SYSTEMS):
        found = np.array([one for name, one in gains if system in ("all", name)])
        truth, null, *models = found.mean(axis=0)
        kept_ = [f"{(one - null) / (truth - null):.0%}" for one in models]
        table.add_row(f"{system}, {len(found)} worlds", *(f"{one:.3f}" for one in (truth, null, *models)), *kept_)
    Console(width=150).print(table)
    forest = "the default forest" if said.whole else "a forest of 6 x 15 trees"
    print(f"worlds of {said.cell_m / 1000:g} km; {forest}, leaves of 5; new ground is the map's ground without the cells of known deposits")


def score(world: Kept, table: SampleTable, seed: int, *, whole: bool = False) -> np.ndarray:
    """The map's score of every cell of the ground, by the `whole` default forest or one of fewer trees; (n,)."""
    model = random_forest(seed=seed) if whole else maker(seed)
    return np.asarray(fitted(model, table).predict_both(world.values)[0])


def of_one_kind(table: SampleTable) -> SampleTable:
    """The table without what says which rows lie on ground of the detailed map: there is nothing to even out then."""
    return replace(table, measured=np.zeros(len(table), bool))


def taught_in_plenty(world: Kept, seed: int) -> SampleTable:
    """The world's table with its deposits replaced by PLENTY drawn from the true intensity over all the ground, each a group of its own."""
    drawn = np.random.default_rng(seed).choice(len(world.cell), PLENTY, p=world.rate / world.rate.sum())
    background = world.table.subset(~world.table.positive)
    n = len(background)
    return SampleTable(
        values=np.concatenate((world.values[drawn], background.values)), names=background.names, label=np.repeat((1, 0), (PLENTY, n)),
        group=np.concatenate((np.arange(PLENTY), background.group)), cell=np.concatenate((world.cell[drawn], background.cell)),
        x=np.concatenate((world.cell[drawn] % world.cols * world.cell_m, background.x)),
        y=np.concatenate((-(world.cell[drawn] // world.cols) * world.cell_m, background.y)),
    )  # fmt: skip


def calibration(world: Kept, seed: int, told: np.ndarray, *, whole: bool) -> dict[str, Any]:
    """What calibrates the scores `told` of new ground, as `calibrated` asks for it: learnt in the folds of the deciding protocol, as the map's is."""
    validated = cross_validate(
        world.table, make_model=lambda seed: random_forest(seed=seed) if whole else maker(seed), split=Split(kind="nearest"),
        seeds=tuple(derive(seed, "repeat", i) for i in range(REPEATS)),
    )  # fmt: skip
    finds = float(len(np.unique(world.table.group[world.table.positive])))
    learnt = validated.result["calibration"] or {"use": 1.0, "finds": finds}
    return {"exponent": learnt["use"], "mean": float(intensity(told).mean()), "finds": min(finds, learnt["finds"])}


def tenths(score: np.ndarray, amount: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Deposits expected, by the `amount` of each cell, and observed in each tenth of the ground by its `score`, the poorest first; (2, 10)."""
    place = np.argsort(np.argsort(score, kind="stable"), kind="stable") * CLASSES // len(amount)
    expected = np.bincount(place, amount, CLASSES) * (hidden.sum() / amount.sum())
    return np.stack((expected, np.bincount(place, hidden, CLASSES)))


def by_chance(cases: np.ndarray, tenth: int) -> np.ndarray:
    """For each of the `cases` (n, 2, 10), as `tenths` gives them, how likely the count of a tenth is within FACTOR of the expected one where every
    deposit lies in a tenth with the chance the map says; (n,)."""
    every, expected = cases[:, 1].sum(axis=1), cases[:, 0, tenth]
    chance, most, least = np.minimum(expected / every, 1), np.floor(expected * FACTOR), np.ceil(expected / FACTOR)
    return np.asarray(binom.cdf(most, every, chance) - binom.cdf(least - 1, every, chance))


def captured(scores: np.ndarray, hidden: np.ndarray) -> float:
    """Share of the hidden deposits in the best AREA of the ground, ties at random."""
    order = np.lexsort((np.random.default_rng(7).random(len(scores)), scores))[::-1]
    return float(hidden[order[: round(AREA * len(order))]].sum() / hidden.sum())


def nearness(world: Kept) -> np.ndarray:
    """Minus the distance of every cell to the nearest known deposit; (n,)."""
    known = np.column_stack(np.divmod(world.known, world.cols))
    return -np.asarray(cKDTree(known).query(np.column_stack(np.divmod(world.cell, world.cols)))[0])


if __name__ == "__main__":
    main()
