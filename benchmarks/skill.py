"""What each model is worth where it was not taught, beside the nulls: on real benchmarks and on worlds whose truth is known.

    python -m benchmarks.skill                # cloncurry, dawadimi, ten worlds, every model; some 40 minutes of one core
    python -m benchmarks.skill --worlds 2 --model random_forest --without cloncurry
    python -m benchmarks.skill --show         # what is kept so far, without computing; of older code when there is nothing of this
    python -m benchmarks.skill --write        # and docs/skill.md, of what redistribution allows to show

One table: for every data set and model the mean fold AUC with its 90 % interval (blocks of ground redrawn) under a random split, under folds as far
apart as the map from what is known, and, in worlds, with the detailed map hidden in the held-out ground. Then the paired difference to the
plain forest of the reference protocol on the same folds and seeds, with its interval. In worlds also the share of *planted undiscovered*
deposits in the best 5 % of permissive ground, of the true intensity, of nearness to known deposits, and of the model, and how much of the
truth's gain over that null the model keeps.

A row is kept as it ends, beside a digest of the code that made it, so a run that was stopped goes on. Cheap models come first on all data, then
those that fit many times. So that the whole ends within an hour, worlds have cells of 5 km and models the settings of `BUDGET`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from benchmarks.kept import CELL_M, columns, digest, settings
from benchmarks.worlds import REPO, Made, Truth, loaded, scratch, world
from pipeline import load, registry
from pipeline.config.frame import Background, Use
from pipeline.learning import intervals
from pipeline.learning.crossval import MODEL
from pipeline.learning.fitted import fitted
from pipeline.learning.heldout import HeldOut, held_out
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from pipeline.recipe import Columns, Fit
from pipeline.stages import hiding, making

PLAIN = "reference_forest"
DEFAULT = "random_forest"
DEAR = ("presence_background", "stack", "tuned")  # last: they fit many times
CHEAP = tuple(word for word in registry.words("models") if word not in (*DEAR, PLAIN, "fuzzy_overlay"))
MODELS = (PLAIN, *CHEAP, *DEAR)
BAGS = 5
BUDGET: dict[str, dict[str, Any]] = {"stack": {"folds": 3}, "tuned": {"budget": 4, "folds": 3}, **{word: {"bags": BAGS} for word in (*CHEAP, DEAR[0])}}
NEAREST, RANDOM = Split(kind="nearest"), Split(kind="random")
SPLITS = {"random": RANDOM, "blocks": NEAREST, "unmapped": NEAREST}
NULLS = {"coordinates": "coordinates", "distance_to_known": "nearness to known", "best_layer": "best layer"}
SYSTEM = "porphyry_copper"
ELEMENTS = (
    "Au_ppb_icp", "Ag_ppm_es", "Cu_ppm_icp", "Zn_ppm_icp", "Mo_ppm_icp", "W_ppm_icp", "Sn_ppm_es", "Bi_ppm_icp", "Sb_ppm_afs", "Li_ppm_icp",
    "F_ppm_ise", "Ni_ppm_icp",
)  # fmt: skip
GEOCHEMISTRY = (
    "sources.geochemistry={use: vector, path: '${PROSPECT_DATA}/dawadimi_saudi/geochem_points.geojson', redistribute: false, licence: none stated}",
    *(f"features.geochemistry_{i}={{use: inverse_distance, of: geochemistry, column: {name}, reach_m: 20000, transform: log}}" for i, name in enumerate(ELEMENTS)),
)
KEPT_BY = ("pipeline/learning", "pipeline/models", "benchmarks/skill.py")
Row = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """One data set: its samples, what its evidence is, and in a world what hides its detailed map and the truth."""

    table: SampleTable
    columns: Columns
    made: Made
    hiding: Any = None
    truth: Truth | None = None

    def maker(self, word: str, *, budget: bool = True) -> Callable[[int], Any]:
        """What makes the unfitted model of a word, with what `BUDGET` leaves of its defaults."""
        parameters = registry.parameters(registry.find("models", word))
        with_ = parameters(**{name: value for name, value in BUDGET.get(word, {}).items() if name in parameters.model_fields}) if budget else parameters()
        return making.maker(making.said(Use(use=word, with_=with_), self.columns, Background()), background_km2=1.0)


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=10)
    asked.add_argument("--repeats", type=int, default=1, help="deals of the folds")
    asked.add_argument("--model", action="append", choices=MODELS)
    asked.add_argument("--without", action="append", default=[], choices=("cloncurry", "dawadimi"))
    asked.add_argument("--confirm", type=int, default=0, metavar="REPEATS", help="the default against the plain forest on cloncurry, whole, and end")
    asked.add_argument("--show", action="store_true", help="print what is kept and end")
    asked.add_argument("--write", action="store_true", help="write docs/skill.md")
    said = asked.parse_args()
    if said.confirm:
        _confirm(said.confirm)
        return
    rows = _Rows(said.repeats, newest=said.show)
    data = _data(said)
    for models in () if said.show else ((PLAIN, *CHEAP), DEAR):
        for name, opened in data.items():
            wanted = [word for word in models if word in (said.model or MODELS) or word == PLAIN]
            if missing := [word for word in wanted if rows.get(name, word) is None]:
                with opened() as ground:
                    for word in missing:
                        rows.keep(name, word, _row(ground, word, rows.get(name, PLAIN), repeats=said.repeats))
                        print(f"{name}: {word} {rows.get(name, word)['seconds']:.0f} s", flush=True)  # type: ignore[index]
    told = _told(rows, list(data), said.model or list(MODELS))
    table = Table(*told[0])
    for line in told[1:]:
        table.add_row(*line, end_section=line[1] == "*best layer*")
    Console(width=190).print(table)
    print(_notes(said.repeats))
    print(f"{len(rows.held)} of {len(data) * len(MODELS)} rows, kept in {rows.file}{'' if rows.own else ', made by OTHER CODE than is here'}")
    if said.write:
        (REPO / "docs" / "skill.md").write_text(_page(told, said.repeats))


class _Rows:
    """What was found, kept in a file as it comes."""

    def __init__(self, repeats: int, *, newest: bool = False) -> None:
        """Of this code; with `newest`, where there is nothing of it, of the code that last kept something."""
        folder = Path(gettempdir()) / "prospect-benchmarks"
        self.file = own = folder / f"skill-{digest(KEPT_BY)}-{repeats}.json"
        if newest and not own.exists():
            self.file = max(folder.glob(f"skill-*-{repeats}.json"), key=lambda file: file.stat().st_mtime, default=own)
        self.own = self.file == own
        self.held: dict[str, Row] = json.loads(self.file.read_text()) if self.file.exists() else {}

    def get(self, name: str, word: str) -> Row | None:
        return self.held.get(f"{name}: {word}")

    def keep(self, name: str, word: str, row: Row) -> None:
        self.held[f"{name}: {word}"] = row
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(self.held))
        part.replace(self.file)


def _data(said: argparse.Namespace) -> dict[str, Callable[[], AbstractContextManager[Ground]]]:
    """The data sets by name, each made when it is opened."""
    folder = Path(os.environ.setdefault("PROSPECT_DATA", str(REPO.parent / "shared" / "data")))
    data: dict[str, Callable[[], AbstractContextManager[Ground]]] = {}
    for name, region, more in (("dawadimi", "dawadimi", ()), ("dawadimi, geochemistry", "dawadimi", GEOCHEMISTRY), ("cloncurry", "cloncurry", ())):
        if region in said.without or not folder.is_dir():
            print(f"{name}: {'left out' if region in said.without else 'no benchmark data there (set PROSPECT_DATA)'}", flush=True)
            continue
        data[name] = lambda region=region, more=more: nullcontext(_real(region, *more))  # type: ignore[misc]
    for seed in range(1, said.worlds + 1):
        data[f"world {seed}"] = lambda seed=seed: _world(seed)  # type: ignore[misc]
    return data


def _real(region: str, *more: str) -> Ground:
    made = Made.of(load(region, settings=(*scratch(), "run.workers=0", "validation.protocols=[default]", *more), root=REPO))
    return Ground(made.table.subset(made.drawn[0]), columns(made), made)


@contextmanager
def _world(seed: int) -> Iterator[Ground]:
    with world(seed, CELL_M) as root:
        made = Made.of(
            loaded(root, SYSTEM, CELL_M, "validation.protocols=[default,unmapped]", *settings(SYSTEM, CELL_M)), "protocols/unmapped/seen_by_rock_likely"
        )
        node = next(node for node in made.plan.nodes if node.name.endswith("protocols/unmapped/scorecard"))
        fits = {p: Fit(made.plan.cube.load_fit(name, made.plan.fit_keys[name])) for p, name in node.call.fits.items() if p.startswith(("rocks", "seen"))}
        table, rows = made.table.subset(made.drawn[0]), made.drawn[0]
        hides = hiding.hiding(table, node.call.parameters["hidden"], fits, rows=rows)
        yield Ground(table, columns(made), made, hides, Truth.of(root, made, SYSTEM))


def _row(ground: Ground, word: str, plain: Row | None, *, repeats: int) -> Row:
    maker, since, seeds = ground.maker(word), time.process_time(), tuple(range(1, repeats + 1))
    nulls = tuple(NULLS) if word == PLAIN else ()
    row: Row = {"splits": {}, "nulls": {}}
    for name, split in SPLITS.items():
        if name == "unmapped" and ground.hiding is None:
            continue
        seen = ground.hiding if name == "unmapped" else None
        found = held_out(ground.table, make_model=maker, split=split, seeds=seeds, seen=seen, names=(MODEL, *nulls))
        once, drawn = _draws(ground.table, found, MODEL)
        row["splits"][name] = {"auc": once, "interval": intervals.interval(drawn)}
        for null in nulls:
            value, of_null = _draws(ground.table, found, null)
            row["nulls"].setdefault(null, {})[name] = {"auc": value, "interval": intervals.interval(of_null)}
        if name == "blocks":
            row["draws"] = [round(float(value), 5) for value in drawn] if word == PLAIN else []
            if plain is not None and word != PLAIN:
                apart = drawn - np.array(plain["draws"])
                row["less"] = {"auc": once - plain["splits"]["blocks"]["auc"], "interval": intervals.interval(apart)}
    if ground.truth is not None:
        row["captured"] = _captured(ground, maker)
    return row | {"seconds": time.process_time() - since}


def _draws(table: SampleTable, found: HeldOut, name: str) -> tuple[float, np.ndarray]:
    """The mean fold AUC, and its replicates."""
    units, label = NEAREST.units(table), table.label
    score = found.scores[name]
    once = intervals.fold_mean_draws(label, score, found.folds, units, np.ones((1, len(np.unique(units)))))
    return float(once[0]), intervals.fold_mean_draws(label, score, found.folds, units, intervals.weights(units, seed=1))


def _captured(ground: Ground, maker: Callable[[int], Any]) -> list[float]:
    """Shares of planted undiscovered deposits in the best 5 % of permissive ground: of the truth, of nearness to known ones, of the model."""
    truth, made = ground.truth, ground.made
    assert truth is not None
    grid = made.plan.grid
    model = fitted(maker(1), ground.table, NEAREST.units(ground.table))
    score, rate, near = (np.full(grid.rows * grid.cols, np.nan) for _ in range(3))
    score[truth.ground] = model.predict_proba(made.evidence()[truth.ground])[:, list(model.classes_).index(1)]
    rate[truth.ground] = truth.rate
    near[truth.ground] = -cKDTree(np.column_stack(np.divmod(truth.known, grid.cols))).query(np.column_stack(np.divmod(truth.ground, grid.cols)))[0]
    return [truth.captured(one) for one in (rate, near, score)]


def _told(rows: _Rows, names: list[str], models: list[str]) -> list[list[str]]:
    """The table: a head, then a line for each model and null of each data set, worlds last as one line each and before them their mean."""
    lines = [["data", "model", *SPLITS, "blocks, less plain forest", "5 % of ground: truth/null/model", "gain kept", "s"]]
    worlds = [name for name in names if name.startswith("world ")]
    for name in [name for name in names if name not in worlds] + ["mean"] * bool(worlds) + worlds:
        of = worlds if name == "mean" else [name]
        found = {word: [row for one in of if (row := rows.get(one, word))] for word in models}
        lines += [[f"mean of {len(held)} worlds" if name == "mean" else name, word, *_line(held)] for word, held in found.items() if held]
        plain = [row for one in of if (row := rows.get(one, PLAIN))]
        for null, words in NULLS.items():
            if plain:
                cells = [_said([row["nulls"][null].get(split) for row in plain]) for split in SPLITS]
                lines.append([f"mean of {len(plain)} worlds" if name == "mean" else name, f"*{words}*", *cells, "", "", "", ""])
    return lines


def _line(found: list[Row]) -> list[str]:
    cells = [_said([row["splits"].get(split) for row in found]) for split in SPLITS]
    less = _said([row.get("less") for row in found], sign="+")
    captured = [row["captured"] for row in found if "captured" in row]
    seconds = f"{np.mean([row['seconds'] for row in found]):.0f}"
    if not captured:
        return [*cells, less, "", "", seconds]
    best, null, got = np.mean(captured, axis=0)
    kept = f"{(got - null) / (best - null):.0%}" if best > null else ""
    return [*cells, less, f"{best:.2f} / {null:.2f} / {got:.2f}", kept, seconds]


def _said(found: list[Any], *, sign: str = "") -> str:
    """A figure and its interval; of several worlds their mean, and 90 % by the spread over worlds."""
    held = [one for one in found if one is not None]
    if not held:
        return ""
    values = np.array([one["auc"] for one in held])
    if len(held) == 1:
        between = held[0]["interval"]
    else:
        half = 1.645 * values.std(ddof=1) / np.sqrt(len(values))
        between = [values.mean() - half, values.mean() + half]
    return f"{values.mean():{sign}.3f}" + ("" if between is None else f" ({between[0]:{sign}.2f}, {between[1]:{sign}.2f})")


def _notes(repeats: int) -> str:
    budget = f"models of bags have {BAGS} of them, the stack weighs on 3 inner folds, the tuned model tries 4 settings on 3 inner folds"
    return (
        f"Mean AUC of 5 folds, {repeats} deal(s); worlds of {CELL_M / 1000:g} km cells, {SYSTEM}; {budget}. Intervals: 90 % by redrawing blocks of ground; of "
        "a mean of worlds, by its standard error over them. A random split is there only to show what it flatters. s: seconds of one core a row took."
    )


def _page(told: list[list[str]], repeats: int) -> str:
    shown = [line for line in told[1:] if not line[0].startswith("dawadimi")]  # no licence: its figures are printed, not published
    table = "\n".join("| " + " | ".join(line) + " |" for line in [told[0], ["---"] * len(told[0]), *shown])
    return (
        "# What the models are worth\n\nWritten by `python -m benchmarks.skill --write`; a second, unlicensed data set is printed by it and not shown here.\n"
        f"{_notes(repeats)}\n\n{table}\n"
    )


def _confirm(repeats: int) -> None:
    """The default model against the plain forest on cloncurry, on the same folds and seeds, with all its bags."""
    os.environ.setdefault("PROSPECT_DATA", str(REPO.parent / "shared" / "data"))
    ground = _real("cloncurry")
    drawn = {}
    for word in (PLAIN, DEFAULT):
        maker = ground.maker(word, budget=False)
        found = held_out(ground.table, make_model=maker, split=NEAREST, seeds=tuple(range(1, repeats + 1)), names=(MODEL,))
        drawn[word] = _draws(ground.table, found, MODEL)
    apart = drawn[DEFAULT][1] - drawn[PLAIN][1]
    told = " and ".join(f"{word} {once:.3f} {intervals.interval(draws)}" for word, (once, draws) in drawn.items())
    print(f"cloncurry, {repeats} repeats, {NEAREST.describe()}: {told}; difference {drawn[DEFAULT][0] - drawn[PLAIN][0]:+.3f} {intervals.interval(apart)}")


if __name__ == "__main__":
    main()
