"""What each model is worth where it was not taught, beside the nulls: on real benchmarks and on worlds whose truth is known.

    python -m benchmarks.skill                                    # cloncurry, dawadimi, ten worlds; hours on two cores
    python -m benchmarks.skill --worlds 2 --repeats 2 --model random_forest --model reference_forest --without cloncurry

One table: for every data set and model the mean fold AUC with its 90 % interval (blocks of ground redrawn) under a random split, under folds as far
apart as the map from what is known, and, in worlds, with the detailed map hidden in the held-out ground. Then the paired difference to the
plain forest of the reference protocol on the same folds and seeds, with its interval. In worlds also the share of *planted undiscovered*
deposits in the best 5 % of permissive ground, of the true intensity, of nearness to known deposits, and of the model, and how much of the
truth's gain over that null the model keeps.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from benchmarks.worlds import REPO, Made, Truth, loaded, scratch, world
from pipeline import load, registry
from pipeline.config.frame import Background, Use
from pipeline.learning import intervals
from pipeline.learning.crossval import MODEL
from pipeline.learning.heldout import HeldOut, held_out
from pipeline.learning.split import Split
from pipeline.recipe import Columns
from pipeline.stages import making

MODELS = tuple(word for word in registry.words("models") if word != "fuzzy_overlay")
PLAIN = "reference_forest"
NEAREST, RANDOM = Split(kind="nearest"), Split(kind="random")
CELL_M = 2000.0


@dataclass
class Ground:
    """One data set: its samples, and in a world what hides its detailed map (of the first draw's rows) and the truth."""

    name: str
    made: Made
    columns: Columns
    hiding: Any = None
    truth: Truth | None = None

    def maker(self, word: str) -> Any:
        """What makes the unfitted model of a word, with its defaults."""
        with_ = registry.parameters(registry.find("models", word))()
        return making.maker(making.said(Use(use=word, with_=with_), self.columns, Background()), background_km2=1.0)


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=10)
    asked.add_argument("--repeats", type=int, default=20)
    asked.add_argument("--system", default="porphyry_copper")
    asked.add_argument("--model", action="append", choices=MODELS)
    asked.add_argument("--without", action="append", default=[], choices=("cloncurry", "dawadimi"))
    said = asked.parse_args()
    told = Table("data", "model", "random", "blocks", "unmapped", "blocks, less plain forest", "5 % of ground: truth/null/model", "gain kept", "s")
    for ground in _grounds(said):
        models = dict.fromkeys((PLAIN, *(said.model or MODELS)))
        plain: dict[str, Any] = {}
        for word in models:
            since = time.monotonic()
            row, found = _row(ground, word, plain, repeats=said.repeats)
            plain = plain or found
            told.add_row(ground.name, word, *row, f"{time.monotonic() - since:.0f}")
        told.add_row(ground.name, "[i]coordinates", *_null(ground, plain, "coordinates"))
        told.add_row(ground.name, "[i]nearness to known", *_null(ground, plain, "distance_to_known"))
        told.add_row(ground.name, "[i]best layer", *_null(ground, plain, "best_layer"), end_section=True)
        print(f"done {ground.name}", flush=True)
    Console(width=190).print(told)
    print(f"intervals: 90 % by redrawing blocks of ground; {said.repeats} repeats of folds; random splits only to show what they flatter")


def _grounds(said: argparse.Namespace) -> Iterator[Ground]:
    data = Path(os.environ.setdefault("PROSPECT_DATA", str(REPO.parent / "shared" / "data")))
    for name in ("dawadimi", "cloncurry"):
        if name in said.without or not data.is_dir():
            print(f"{name}: {'left out' if name in said.without else 'no benchmark data there (set PROSPECT_DATA)'}", flush=True)
            continue
        settings = (*scratch(), "run.workers=0", "validation.protocols=[default]")
        yield _ground(name, Made.of(load(name, settings=settings, root=REPO)))
    for seed in range(said.worlds):
        with world(seed + 1, CELL_M) as root:
            made = Made.of(loaded(root, said.system, CELL_M, "validation.protocols=[default,unmapped]"), "protocols/unmapped/seen_by_rock_likely")
            ground = _ground(f"world {seed + 1}", made)
            ground.truth, ground.hiding = Truth.of(root, made, said.system), _hiding(made)
            yield ground


def _ground(name: str, made: Made) -> Ground:
    graph = made.plan.graph
    signs = made.plan.loaded.config.system.signs
    counts: dict[str, int] = {}
    layers = {meta.name: node.name for node in graph.nodes for meta in getattr(node, "outputs", ())}
    for layer in graph.evidence:
        counts[layers[layer]] = counts.get(layers[layer], 0) + 1
    return Ground(name, made, Columns.of(graph.evidence, signs, counts.values()))


def _hiding(made: Made) -> Any:
    from pipeline.recipe import Fit
    from pipeline.stages import hiding

    node = next(node for node in made.plan.nodes if node.name.endswith("protocols/unmapped/scorecard"))
    names = {p: name for p, name in node.call.fits.items() if p.startswith(("rocks", "seen"))}
    fits = {p: Fit(made.plan.cube.load_fit(name, made.plan.fit_keys[name])) for p, name in names.items()}
    return hiding.hiding(made.table, node.call.parameters["hidden"], fits)


def _row(ground: Ground, word: str, plain: dict[str, Any], *, repeats: int) -> tuple[list[str], dict[str, Any]]:
    made, maker = ground.made, ground.maker(word)
    seeds = tuple(range(1, repeats + 1))
    members = np.broadcast_to(made.drawn, (repeats, len(made.table)))
    found = {
        "random": held_out(made.table, make_model=maker, split=RANDOM, seeds=seeds[:2], members=members[:2]),
        "blocks": held_out(made.table, make_model=maker, split=NEAREST, seeds=seeds, members=members),
    }
    if ground.hiding is not None:
        found["unmapped"] = held_out(made.table, make_model=maker, split=NEAREST, seeds=seeds[:1], members=members[:1], seen=ground.hiding)
    draws = {name: _draws(made, one, MODEL) for name, one in found.items()}
    cells = [f"{draws[name][0]:.3f} {_shown(draws[name][1])}" if name in draws else "" for name in ("random", "blocks", "unmapped")]
    less = ""
    if plain:
        apart = draws["blocks"][1] - plain["draws"]["blocks"][1]
        less = f"{draws['blocks'][0] - plain['draws']['blocks'][0]:+.3f} {_shown(apart)}"
    return [*cells, less, *_captured(ground, maker)], {"found": found, "draws": draws}


def _null(ground: Ground, plain: dict[str, Any], name: str) -> list[str]:
    found = {split: _draws(ground.made, one, name) for split, one in plain["found"].items()}
    return [f"{found[split][0]:.3f} {_shown(found[split][1])}" if split in found else "" for split in ("random", "blocks", "unmapped")]


def _draws(made: Made, found: HeldOut, name: str) -> tuple[float, np.ndarray]:
    """The mean fold AUC, and its replicates."""
    units, label = NEAREST.units(made.table), made.table.label
    score = found.scores[name]
    once = intervals.fold_mean_draws(label, score, found.folds, units, np.ones((1, len(np.unique(units)))))
    return float(once[0]), intervals.fold_mean_draws(label, score, found.folds, units, intervals.weights(units, seed=1))


def _shown(draws: np.ndarray) -> str:
    found = intervals.interval(draws)
    return "" if found is None else f"[{found[0]:.2f}, {found[1]:.2f}]".replace("[", "(").replace("]", ")")


def _captured(ground: Ground, maker: Any) -> list[str]:
    if ground.truth is None:
        return ["", ""]
    from pipeline.learning.fitted import fitted

    truth, made = ground.truth, ground.made
    grid = made.plan.grid
    rows = made.drawn[0]
    table = made.table.subset(rows)
    model = fitted(maker(1), table, NEAREST.units(table))
    score = np.full(grid.rows * grid.cols, np.nan)
    values = made.evidence()[truth.ground]
    score[truth.ground] = model.predict_proba(values)[:, list(model.classes_).index(1)]
    rate = np.zeros(len(score))
    rate[truth.ground] = truth.rate
    near = np.full(len(score), np.nan)
    near[truth.ground] = -cKDTree(np.column_stack(np.divmod(truth.known, grid.cols))).query(np.column_stack(np.divmod(truth.ground, grid.cols)))[0]
    best, null, got = truth.captured(rate), max(truth.captured(near), 0.05), truth.captured(score)
    return [f"{best:.2f} / {null:.2f} / {got:.2f}", f"{(got - null) / (best - null):.0%}"]


if __name__ == "__main__":
    main()
