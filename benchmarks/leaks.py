"""A hunt for leaks: what a validation makes of labels that cannot mean anything, and whether the nulls score as blindly as they should.

    python -m benchmarks.leaks                        # 200 label sets a data set; some quarter of an hour of one core
    python -m benchmarks.leaks --sets 40 --without cloncurry

For each data set the deposits are moved together by a random shift, round the edges of the grid (a torus), so that they keep their clusters and lose
their ground; those that fall off the ground to be mapped are dropped. A forest is scored on each set under the pipeline's own folds:
the middle of its scores is what chance gives. On the true labels the nulls that know no geology must lie in it, and the model's place
in it is its p-value. As several nulls are asked on each of several data sets, of those that leak nothing some would lie outside a band of 90 % each: the band
is so wide that with a chance of 90 % or more none does (Bonferroni 1936); the one of 90 % for each alone is printed too. Beside it stands each null's own band
of that 90 %, of the same null on shifted labels: folds that are far from what teaches make nearness worse than
chance whatever the labels, so a null below the forest's band and within its own leaks nothing; one above both would. The forest has 50 trees: asked is how far
chance carries the folds, not how good a model is. Lotwick and Silverman (1982) on toroidal shifts. Sets are kept as they come, beside a digest of the code and
data that made them, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.kept import digest
from benchmarks.worlds import REPO, Made, loaded, scratch, world
from pipeline import load
from pipeline.grid import Window
from pipeline.learning import sampling
from pipeline.learning.crossval import MODEL
from pipeline.learning.forests import BaggedForest
from pipeline.learning.heldout import NAMES, held_out
from pipeline.learning.scores import roc_auc
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

SPLIT = Split(kind="nearest")
BLIND = ("coordinates", "distance_to_known", "random")
CELL_M = 2000.0
SCORED_BY = ("benchmarks/leaks.py", *(f"pipeline/learning/{name}.py" for name in ("heldout", "nulls", "forests", "trees", "split", "matching", "scores")))
OUTSIDE = 0.1  # the chance of a band's missing what it should hold
FEWEST = 20  # deposits left on the ground, below which a shifted set says nothing


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sets", type=int, default=200)
    asked.add_argument("--worlds", type=int, default=1)
    asked.add_argument("--without", action="append", default=[], choices=("cloncurry", "dawadimi"))
    said = asked.parse_args()
    asked_once = len(BLIND) * (said.worlds + 2 - len(set(said.without)))
    bands = "band of shifted labels", "for each null alone"
    table = Table("data", "sets", *bands, "model on true labels", "p", *(f"{name} (its own band)" for name in BLIND), "verdict")
    for name, made in _data(said):
        found = _shifted(made, _permissive(made), said.sets, name)
        together, alone = _band(found[MODEL], OUTSIDE / asked_once), _band(found[MODEL], OUTSIDE)
        true = _scores(made.table.subset(made.drawn[0]), seed=1, repeats=3)
        own = {null: _band(found[null], OUTSIDE) for null in BLIND}
        p = (1 + np.sum(found[MODEL] >= true[MODEL])) / (1 + len(found[MODEL]))
        outside = (null for null in BLIND if not together[0] <= true[null] <= together[1])
        verdict = "; ".join(_verdict(null, true[null], together, own[null]) for null in outside) or "all nulls in the band"
        nulls = [f"{true[null]:.3f} ({_said(own[null])})" for null in BLIND]
        row = name, str(len(found[MODEL])), _said(together), _said(alone), f"{true[MODEL]:.3f}", f"{p:.3f}", *nulls, verdict
        table.add_row(*row)
        print("; ".join(row), flush=True)
    Console(width=190).print(table)
    print(f"mean fold AUC, {SPLIT.describe()}; shifted sets on one deal of folds each, true labels on three")
    print(f"the first band holds all {asked_once} nulls together with a chance of {1 - OUTSIDE:.0%} or more, the others one alone with that chance")


def _band(scores: np.ndarray, outside: float) -> tuple[float, float]:
    """The middle of the scores, without a share `outside` of them."""
    low, high = np.quantile(scores, [outside / 2, 1 - outside / 2])
    return float(low), float(high)


def _said(band: tuple[float, float]) -> str:
    return f"{band[0]:.3f} to {band[1]:.3f}"


def _data(said: argparse.Namespace) -> Iterator[tuple[str, Made]]:
    data = Path(os.environ.setdefault("PROSPECT_DATA", str(REPO.parent / "shared" / "data")))
    for name in ("dawadimi", "cloncurry"):
        if name not in said.without and data.is_dir():
            settings = (*scratch(), "run.workers=0", "validation.protocols=[default]")
            yield name, Made.of(load(name, settings=settings, root=REPO))
    for seed in range(said.worlds):
        with world(seed + 1, CELL_M) as root:
            yield f"world {seed + 1}", Made.of(loaded(root, "porphyry_copper", CELL_M, "validation.protocols=[default]"))


def _permissive(made: Made) -> Any:
    """The cells the map is confined to; None where it is not."""
    if not made.plan.loaded.config.system.permissive:
        return None
    layer = made.plan.cube.read(f"{made.plan.graph.prefix}/permissive", Window(made.plan.grid, 0, 0, *made.plan.grid.shape))
    return np.flatnonzero(layer.ravel() > 0)


def _verdict(null: str, value: float, band: tuple[float, float], own: tuple[float, float]) -> str:
    """What it means that a null lies outside the band of the forest."""
    where = "ABOVE" if value > band[1] else "below"
    return f"{null} lies {where} the band, {'and within' if own[0] <= value <= own[1] else 'and outside'} its own"


def _shifted(made: Made, ground: Any, sets: int, name: str) -> dict[str, np.ndarray]:
    """The mean fold AUC of the forest and of the blind nulls on each shifted set, by name, (sets,) each."""
    grid, evidence, table = made.plan.grid, made.evidence(), made.table.subset(made.drawn[0])
    known = np.isfinite(evidence).any(axis=1)
    allowed = np.flatnonzero(known) if ground is None else np.intersect1d(ground, np.flatnonzero(known))
    rows, cols = np.divmod(table.cell[table.positive], grid.cols)
    groups, random = table.group[table.positive], np.random.default_rng(0)
    key = hashlib.blake2b(table.to_bytes() + digest(SCORED_BY).encode(), digest_size=6).hexdigest()
    file = Path(gettempdir()) / "prospect-benchmarks" / f"leaks-{name.replace(' ', '-')}-{key}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    at = 0
    while at < sets:
        down, right = random.integers(grid.rows), random.integers(grid.cols)
        cells = ((rows + down) % grid.rows) * grid.cols + (cols + right) % grid.cols
        held = np.isin(cells, allowed)
        if held.sum() < FEWEST:
            continue
        if at >= len(found):
            shifted = _table(grid, evidence, table.names, cells[held], groups[held], allowed, background=int((~table.positive).sum()), seed=at)
            found.append(_scores(shifted, seed=at, repeats=1, names=(MODEL, *BLIND)))
            with file.open("a") as kept:
                kept.write(json.dumps(found[-1]) + "\n")
        at += 1
    return {one: np.array([scores[one] for scores in found[:sets]]) for one in (MODEL, *BLIND)}


def _table(
    grid: Any, evidence: np.ndarray, names: Any, cells: np.ndarray, groups: np.ndarray, allowed: np.ndarray, *, background: int, seed: int
) -> SampleTable:
    positives = sampling.positives(*np.divmod(cells, grid.cols), groups, ncols=grid.cols)
    ground = sampling.background(allowed, positives=positives.cells, ncols=grid.cols, count=background, exclude_cells=2, seed=seed)
    cell = np.concatenate((positives.cells, ground.cells))
    row, col = np.divmod(cell, grid.cols)
    return SampleTable(
        values=evidence[cell], names=names, label=np.repeat((1, 0), (len(positives.cells), len(ground.cells))),
        group=np.concatenate((positives.groups, -1 - np.arange(len(ground.cells)))), cell=cell,
        x=grid.x_m + (col + 0.5) * grid.cell_m, y=grid.y_m - (row + 0.5) * grid.cell_m,
    )  # fmt: skip


def _scores(table: SampleTable, *, seed: int, repeats: int, names: tuple[str, ...] = NAMES) -> dict[str, float]:
    """Mean fold AUC by name."""
    seeds = tuple(range(seed, seed + repeats))
    found = held_out(table, make_model=lambda s: BaggedForest(bags=5, trees_per_bag=10, random_state=s), split=SPLIT, seeds=seeds, names=names)
    return {name: _fold_mean(table, found.folds, scores) for name, scores in found.scores.items()}


def _fold_mean(table: SampleTable, folds: np.ndarray, scores: np.ndarray) -> float:
    each = zip(folds, scores, strict=True)
    return float(np.nanmean([roc_auc(table.label[fold == part], score[fold == part]) for fold, score in each for part in np.unique(fold)]))


if __name__ == "__main__":
    main()
