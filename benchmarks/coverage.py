"""Does what is foretold come to pass? 200 cheap worlds: how often the 90 % intervals hold what was planted.

    python -m benchmarks.coverage                    # 200 worlds of 5 km; some quarter of an hour of one core, less where worlds are kept
    python -m benchmarks.coverage --first 401 --worlds 40 --processes 2    # other worlds: seeds 401 to 440

Each world has one mineral system, the three in turn. From its known deposits alone the pipeline's statistics (`learning.predictive`) foretell how many
of the undiscovered ones lie in the best 5 % of the ground new to the map, and on its first 20 targets; then they are counted. Told is how often the count
lies in the interval, which should be between 85 and 95 %, how often it lies below and above, and how wide the interval is. The number of undiscovered
deposits on the map's ground is given: what is asked is where they are. Fits are kept as they come, in a folder it names, so a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from benchmarks.kept import SYSTEMS, Kept, digest, kept
from pipeline.learning import predictive
from pipeline.learning.fitted import fitted
from pipeline.learning.forests import BaggedForest
from pipeline.learning.split import Split

SPLIT = Split(kind="nearest")
AREA, TARGET_AREA, TOP = 0.05, 0.05, 20
KNOWN_WITHIN_M = 3000.0
FITTED_BY = ("benchmarks/coverage.py", *(f"pipeline/learning/{name}.py" for name in ("forests", "trees", "fitted", "split", "matching", "table", "predictive")))


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=200)
    asked.add_argument("--first", type=int, default=433, help="seed of the first world; seeds 1 to 113 and 201 to 432 have been looked at")
    asked.add_argument("--processes", type=int, default=1, choices=(1, 2), help="that make worlds")
    said = asked.parse_args()
    folder = Path(gettempdir()) / "prospect-benchmarks" / f"coverage-{digest(FITTED_BY)}"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for seed, system, world in kept(range(said.first, said.first + said.worlds), processes=said.processes, each=True):
        file = folder / f"{seed}-{system}.json"
        if not file.exists():
            part = file.with_suffix(".part")
            part.write_text(json.dumps(_raw(world, seed)))
            part.replace(file)
        found.append((system, _judged(json.loads(file.read_text()))))
        if len(found) % 20 == 0:
            held = [np.mean([one[what]["holds"] for _, one in found]) for what in ("capture", "targets")]
            print(f"{len(found)} worlds: capture {held[0]:.1%}, targets {held[1]:.1%} held", flush=True)
    _print(found)
    print(f"fits are kept in {folder}")


def maker(seed: int) -> BaggedForest:
    """The default forest with fewer trees: asked is whether its intervals hold, not how good it is."""
    return BaggedForest(bags=6, trees_per_bag=15, min_samples_leaf=5, random_state=seed)


def _raw(world: Kept, seed: int) -> dict[str, Any]:
    """What the statistics need: held-out deposits, targets and undiscovered deposits by the share of new ground above them."""
    table = world.table
    above = predictive.ground_above(table, world.values, world.cell, make_model=maker, split=SPLIT, seed=seed)
    score = fitted(maker(seed), table, SPLIT.units(table)).predict_both(world.values)[0]
    fresh = ~np.isin(world.cell, table.cell[table.positive])
    order = np.sort(score[fresh])
    hidden = world.at(world.undiscovered)
    hidden = hidden[fresh[hidden]]
    targets = _targets(world, score)
    on = np.isin(np.arange(len(score)), np.concatenate([np.empty(0, np.int64), *targets]))
    held = np.isfinite(above)
    odds = table.odds()

    def over(values: np.ndarray) -> list[float]:
        return [float(share) for share in 1 - np.searchsorted(order, values, side="right") / len(order)]

    return {
        "above": above[held].tolist(), "groups": table.group[held].tolist(), "undiscovered": over(score[hidden]), "ranks": over(score[np.flatnonzero(on)]),
        "areas": [1 / len(score)] * int(on.sum()), "on_targets": int(on[hidden].sum()), "new": int(fresh.sum()), "odds": odds[held].tolist(),
    }  # fmt: skip


def _targets(world: Kept, score: np.ndarray) -> list[np.ndarray]:
    """The cells of the first targets as `delineate` makes them: pieces of the best ground by their best cell, those near known deposits left out."""
    rows, cols = np.divmod(world.cell, world.cols)
    high = np.zeros((int(rows.max()) + 1, world.cols), bool)
    high[rows, cols] = score > np.quantile(score, 1 - TARGET_AREA, method="inverted_cdf")
    piece = ndimage.label(high)[0][rows, cols]
    at = np.column_stack(np.divmod(world.known, world.cols))
    found = []
    for one in range(1, int(piece.max()) + 1):
        cells = np.flatnonzero(piece == one)
        apart = np.abs(np.column_stack((rows[cells], cols[cells]))[:, None] - at[None]) - 0.5  # from the edge of a cell to a deposit in the middle of its own
        if (np.hypot(*np.maximum(apart, 0.0).transpose(2, 0, 1)) * world.cell_m).min() > KNOWN_WITHIN_M:
            found.append(cells)
    return sorted(found, key=lambda cells: -score[cells].max())[:TOP]


def _judged(raw: dict[str, Any]) -> dict[str, dict[str, float]]:
    """For capture and targets: the share foretold and the one that came, whether the interval holds it, how it errs, and its width."""
    above = np.array(raw["above"])
    alone = 1 / np.array(raw["odds"])  # as the pipeline does where a layer says what was mapped
    redraws = [predictive.redrawn(group, alone, seed=1) for group in (np.array(raw["groups"]), np.arange(len(above)))]
    inside = (above <= AREA).astype(float)
    ranks, areas = np.array(raw["ranks"]), np.array(raw["areas"])
    further = len(raw["undiscovered"])
    told = {}
    for name, share_of, came, area in (
        ("capture", lambda weight: float(np.average(inside, weights=weight)), int(np.sum(np.array(raw["undiscovered"]) < AREA)), AREA),
        ("targets", lambda weight: predictive.on_pieces(predictive.curve(above, weight), ranks, areas), raw["on_targets"], float(areas.sum())),
    ):
        share = predictive.learnt(share_of, alone, *redraws)
        low, high = predictive.central(predictive.number_chances(share, further, predictive.Room(round(area * raw["new"]), raw["new"])))
        told[name] = {
            "foretold": share.value, "came": came / further, "holds": low <= came <= high, "below": came < low, "above": came > high,
            "width": (high - low) / further, "design": share.design,
        }  # fmt: skip
    return told


def _print(found: list[tuple[str, dict[str, dict[str, float]]]]) -> None:
    table = Table("of 90 % intervals", "worlds", "hold what came", "came below", "came above", "share foretold", "share that came", "width", "design effect")
    for what in ("capture", "targets"):
        for system in ("all", *SYSTEMS):
            held = [one[what] for name, one in found if system in ("all", name)]
            if held:
                mean = {key: float(np.mean([one[key] for one in held])) for key in held[0]}
                shares = [f"{mean[key]:.1%}" for key in ("holds", "below", "above")]
                table.add_row(f"{what}, {system}", str(len(held)), *shares, *(f"{mean[key]:.3f}" for key in ("foretold", "came", "width", "design")))
    Console(width=150).print(table)
    print(f"best {AREA:.0%} of new ground, first {TOP} targets; {predictive.FOLDS} folds of deposits; deposits counted on the map's ground")


if __name__ == "__main__":
    main()
