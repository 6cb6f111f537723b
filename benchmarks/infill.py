"""How much of what a detailed map is worth does infill bring back where there is none?

    python -m benchmarks.infill --worlds 10 --cell-m 5000      # seconds a map; 2000 takes minutes

Three models of the same worlds: one that sees the detailed geology of the whole province (which no survey has), one that sees none, and one that
is told rock by infill, taught by the sheets there are. For each, how well it ranks *planted undiscovered* deposits on the permissive
ground of the truth (AUC, and the share in the best 5 %), and the share of the loss that infill recovers: of each world where there is a loss, and of
the mean, with 90 % by redrawing worlds.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.kept import settings
from benchmarks.worlds import KINDS, Made, Truth, loaded, world
from pipeline.learning.fitted import fitted
from pipeline.learning.scores import roc_auc
from pipeline.models.random_forest import random_forest

CELL_M = 2000.0
REDRAWS = 2000
LOSS = 0.005  # of AUC, below which there is nothing to bring back
FULL = "sources.geology.path=sample_data/balochistan/truth/geology_full.tif"
ROCK = "features.rock={use: class_of, of: geology, top: 20}"
UNTOLD = (  # all that rests on infill, and what is said of it
    "features.rock_likely=null", "features.mantle_near=null", "features.crust_near=null", "system.words=null", "targets.observations=null",
)  # fmt: skip
VARIANTS = {"full": (FULL, ROCK, *UNTOLD), "none": UNTOLD, "infill": ()}


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=4)
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--cell-m", type=float, default=CELL_M)
    said = asked.parse_args()
    table = Table("world", "system", *(f"{what}, {name}" for what in ("AUC", "best 5 %") for name in VARIANTS), "AUC recovered", "capture recovered")
    means = []
    for seed in range(1, said.worlds + 1):
        with world(seed, said.cell_m) as root:
            for system in KINDS:
                found = np.array([_scored(root, system, said.cell_m, variant, seeds=said.seeds) for variant in VARIANTS.values()]).T
                means.append(found)
                table.add_row(str(seed), system, *(f"{value:.3f}" for value in found.ravel()), *(_recovered(row) for row in found))
        so_far = np.array(means)[-len(KINDS) :, 0].mean(axis=0)
        print(f"done world {seed}: AUC full, none, infill {' '.join(f'{value:.3f}' for value in so_far)}", flush=True)
    held = np.array(means)
    mean = held.mean(axis=0)
    table.add_section()
    table.add_row("mean", "", *(f"{value:.3f}" for value in mean.ravel()), *(_recovered(row) for row in mean))
    Console(width=170).print(table)
    by_world = held[:, 0].reshape(said.worlds, len(KINDS), len(VARIANTS)).mean(axis=1)
    redrawn = by_world[np.random.default_rng(0).integers(said.worlds, size=(REDRAWS, said.worlds))].mean(axis=1)
    low, high = np.quantile((redrawn[:, 2] - redrawn[:, 1]) / (redrawn[:, 0] - redrawn[:, 1]), [0.05, 0.95])
    each = np.array([(infill - none) / (full - none) for full, none, infill in held[:, 0] if full - none > LOSS])
    print(f"recovered of the mean loss of AUC: {_recovered(mean[0])} ({low:.0%}, {high:.0%} by redrawing {said.worlds} worlds)")
    print(f"of single maps {len(each)} of {len(held)} lose more than {LOSS:g}; {np.mean(each >= 0.5):.0%} of these get back half of it or more")
    print(f"random_forest, mean of {said.seeds} seeds, worlds of {said.cell_m:g} m cells, scored on the permissive ground of the truth")


def _scored(root: object, system: str, cell_m: float, variant: tuple[str, ...], *, seeds: int) -> tuple[float, float]:
    # a window of a feature that the variant takes away is not widened
    wide = [said for said in settings(system, cell_m) if not any(said.startswith(gone.removesuffix("null").rstrip("=") + ".") for gone in variant)]
    made = Made.of(loaded(root, system, cell_m, "validation.protocols=[default]", "system.permissive=[]", *wide, *variant))  # type: ignore[arg-type]
    truth = Truth.of(root, made, system)  # type: ignore[arg-type]
    values, table = made.evidence()[truth.ground], made.table.subset(made.drawn[0])
    score = np.zeros(len(truth.ground))
    for seed in range(seeds):
        model = fitted(random_forest(seed=seed), table)
        score += model.predict_both(values)[0]
    whole = np.full(made.plan.grid.rows * made.plan.grid.cols, np.nan)
    whole[truth.ground] = score
    return roc_auc(np.isin(truth.ground, truth.undiscovered), score), truth.captured(whole)


def _recovered(row: np.ndarray) -> str:
    """What part of the way from none to full infill goes; no part of nothing."""
    full, none, infill = row
    return f"{(infill - none) / (full - none):.0%}" if full - none > LOSS else "no loss"


if __name__ == "__main__":
    main()
