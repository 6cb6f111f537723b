"""Points in, map out, beside the peers: whole processes, the same layers, the same trees, in turn on this machine.

    python -m benchmarks.peers                       # 9.4 million cells and 100 trees five times, then 37.7 million and 300 three times
    python -m benchmarks.peers --side 1536 --trees 100 --times 3

Twelve layers are made (normal fields of covariance exp(-(d / 10 cells)^2), in steps of 0.01, as deflated GeoTIFFs) and a hundred deposits, as a
GeoPackage. Ours is `prospect map peers --only prospectivity` of a region over these files: every layer into the cube, samples drawn, the forest fitted, each
cell's probability and the spread between bags, and a cloud-optimised GeoTIFF with overviews; nothing is validated, as the peers validate nothing. Two
threads of one process do the work (`run: {workers: 0, threads: 2}`), as the peers' forests may use both cores. It is asked for its `--profile` too: where
its seconds went is printed of the run in the middle. The peers are handed the trees of that very map and make one raster of probabilities: they fit nothing,
which is in their favour. Then the maps are compared cell by cell: a peer's is scikit-learn's `predict_proba`. With `--whole` the whole map is timed too:
validation, importance, applicability, targets with reasons, report, QGIS project, STAC item. EIS Toolkit declares Python 3.9 or 3.10 and versions of its
time; here it runs on this Python and on today's versions of what it imports.

The floor reads all layers and writes one raster. Each is installed by pip in an environment of its own below `--folder`, ours from the lock that `make map`
installs; EIS Toolkit, which holds everything in memory, is asked at the first size alone.
"""

from __future__ import annotations

import argparse
import compileall
import json
import platform
import subprocess
import sys
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import rasterio
import sklearn
from rich.console import Console
from rich.table import Table

from benchmarks import ground
from benchmarks.asked import asked
from benchmarks.watched import Watched, watched
from pipeline.learning import model_files
from pipeline.screen import spending

LAYERS, DEPOSITS, BAGS = 12, 100, 10
HERE = Path(__file__).with_name("peer_maps")
LOCK = Path(__file__).parents[1] / "requirements.lock"
OURS = "prospect"
ENVIRONMENTS = {
    OURS: [["--requirement", str(LOCK)]],  # what `make map` installs, and not what developers have beside it
    "pyspatialml": [["pyspatialml==0.22.1", f"scikit-learn=={sklearn.__version__}"]],
    "eis_toolkit": [
        ["--ignore-requires-python", "--no-deps", "eis_toolkit==1.1.6"],
        ["beartype<0.14", "rasterio", "geopandas", "imbalanced-learn", "tensorflow-cpu", f"scikit-learn=={sklearn.__version__}"],
    ],
}
PEERS = [name for name in ENVIRONMENTS if name != OURS]
MOST_SIDE = {"eis_toolkit": 3072}
ASKED = {(3072, 100): 2.5, (6144, 300): 5.0}  # by cells to a side and trees: times the seconds of Pyspatialml


def python_of(name: str, folder: Path) -> Path:
    """The Python of an environment of its own, made and filled by pip if it is not there, or if our lock has changed."""
    home = folder / name
    python, whole = home / "bin" / "python", home / "whole"
    pinned = LOCK.read_text() if name == OURS else ""
    if not whole.is_file() or whole.read_text() != pinned:
        venv.create(home, clear=True, with_pip=True)
        for wanted in ENVIRONMENTS[name]:
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
        whole.write_text(pinned)
    return python


def prepared(folder: Path, side: int, trees: int) -> tuple[Path, list[Path]]:
    """A folder with a region over layers of `side` x `side` cells, and the layers; layers are kept for another time."""
    root = folder / f"{side}"
    inputs = root / "inputs"
    whole = inputs / "whole"
    if not whole.is_file():
        inputs.mkdir(parents=True, exist_ok=True)
        ground.deposits(inputs, ground.smooth_layers(inputs, side, LAYERS), DEPOSITS)
        whole.touch()
    layers = sorted(inputs.glob("layer*.tif"))
    (root / "configs" / "validation").mkdir(parents=True, exist_ok=True)
    (root / "configs" / "validation" / "default.yaml").write_text("title: five folds, one seed\nsplit: {folds: 5}\nseeds: 1\n")
    model = {"use": "random_forest", "bags": BAGS, "trees_per_bag": trees // BAGS}
    ground.region(root, "peers", side, layers, inputs / "deposits.gpkg", {"model": model, "publish": {"at_most": 0}, "run": {"workers": 0, "threads": 2}})
    return root, layers


def hand(model: Path, to: Path) -> float:
    """Write the trees of a model, a fit of the cube, as plain arrays for the peers; mean leaves of a tree."""
    trees = model_files.load(model.read_bytes()[1:]).trees_
    plain = {name: getattr(trees, name) for name in ("children", "feature", "threshold", "value", "tree_start")}
    np.savez(to, features=np.array(trees.fill.shape[1]), **plain)
    leaves = (trees.children[:, 0] == np.arange(len(trees.children))).sum()
    return float(leaves / (len(trees.tree_start) - 1))


def strips(path: Path) -> Iterator[np.ndarray]:
    """The rows of a raster, some at a time."""
    with rasterio.open(path) as file:
        for row in range(0, file.height, 512):
            yield file.read(1, window=rasterio.windows.Window(0, row, file.width, min(512, file.height - row)))


def apart(one: Path, other: Path) -> float:
    """The largest difference of two maps, cell by cell; infinite where one has a value and the other none."""
    most = 0.0
    for ours, theirs in zip(strips(one), strips(other), strict=True):
        off = np.abs(ours.astype(np.float64) - theirs)
        most = max(most, float(np.where(np.isnan(off), np.inf, off).max()))
    return most


def compare(folder: Path, side: int, trees: int, peers: list[str], console: Console, *, times: int, whole: bool) -> None:
    """One job by everyone, so many times in turn, and its table: the middle of what each took, as this machine may be a fifth slower a minute later."""
    root, layers = prepared(folder, side, trees)
    drafted = root / "outputs" / "peers.prospectivity.tif"
    pythons = {peer: python_of(peer, folder) for peer in peers if side <= MOST_SIDE.get(peer, side)}
    command = [str(python_of(OURS, folder)), "-m", "pipeline", "map", "peers"]
    quiet = {"OMP_NUM_THREADS": "1"}
    own = quiet | {"PYTHONPATH": str(Path(__file__).parents[1])}
    took: dict[str, list[Watched]] = {name: [] for name in (OURS, *pythons, "floor")}
    off: dict[str, float] = {}
    profiles: list[dict[str, Any]] = []
    for _ in range(times):
        took["floor"].append(watched([sys.executable, str(HERE / "floor.py"), str(root / "floor.tif"), *map(str, layers)], folder=root))
        for made in ("cache", "outputs"):
            subprocess.run(["rm", "-rf", str(root / made)], check=True)
        took[OURS].append(watched([*command, "--only", "prospectivity", "--profile"], folder=root, more=own))
        profiles.append(json.loads(drafted.with_suffix(".profile.json").read_text()))
        (model,) = root.glob("cache/peers/*.fits/systems/*/model-*")
        leaves = hand(model, root / "forest.npz")
        for peer, python in pythons.items():
            out = root / f"{peer}.tif"
            took[peer].append(watched([str(python), str(HERE / f"with_{peer}.py"), str(root / "forest.npz"), str(out), *map(str, layers)], folder=HERE))
            off[peer] = max(off.get(peer, 0.0), apart(drafted, out))
    cells = side**2
    title = f"{cells / 1e6:.1f} million cells, {LAYERS} layers, {trees} trees of {leaves:.0f} leaves on the mean" + (
        f"; {times} times in turn: middle, least and most" if times > 1 else ""
    )
    table = Table("", "seconds", "processor s", "peak GB", "cells/s", "times ours", "times the floor", "largest difference to ours", title=title)
    seconds = {name: [once.seconds for once in runs] for name, runs in took.items()}
    for name, runs in took.items():
        middle, ours, floor = (median(seconds[of]) for of in (name, OURS, "floor"))
        table.add_row(
            name, f"{middle:.1f}" + (f" ({min(seconds[name]):.1f} to {max(seconds[name]):.1f})" if times > 1 else ""),
            f"{median(once.processor for once in runs):.1f}", f"{max(once.bytes for once in runs) / 1e9:.2f}", f"{cells / middle:,.0f}",
            f"{middle / ours:.2f}", f"{middle / floor:.1f}", f"{off[name]:.1e}" if name in off else "",
        )  # fmt: skip
    console.print(table)
    middling = seconds[OURS].index(sorted(seconds[OURS])[times // 2])  # of an even number the slower one
    if "pyspatialml" in pythons:
        times_ours = median(seconds["pyspatialml"]) / median(seconds[OURS])
        console.print(f"times Pyspatialml's seconds are ours: {asked(times_ours, at_least=ASKED.get((side, trees), 1.0))}")
    console.print(f"GB of all processes: {asked(max(once.bytes for once in took[OURS]) / 1e9, at_most=1)}")
    if off:
        console.print(f"largest difference of any: {asked(max(off.values()), at_most=1e-6)}")
    console.print(spending.table(profiles[middling], seconds[OURS][middling]))
    if whole:
        rest = watched(command, folder=root, more=own)
        console.print(f"the rest of the map, on what is there: {rest.seconds:.1f} s, {rest.processor:.1f} processor seconds, {rest.bytes / 1e9:.2f} GB")
        run = json.loads((root / "outputs" / "peers" / "provenance.json").read_text())["run"]
        where = Table("stage", "jobs", "seconds of its jobs", title="where the rest goes")
        for stage, seconds in run["seconds"].items():
            where.add_row(stage, str(run["jobs"].get(stage, "")), f"{seconds:.1f}" if isinstance(seconds, int | float) else str(seconds))
        console.print(where)


def main() -> None:
    """Run the jobs and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--side", type=int, help="cells to a side; without it 3072 with 100 trees and 6144 with 300")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("cache/benchmarks/peers"), help="where peers and layers are kept")
    parser.add_argument("--times", type=int, choices=range(1, 100), metavar="N", help="how often each command is run, in turn")
    parser.add_argument("--whole", action="store_true", help="time the whole map too")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    said = parser.parse_args()
    folder = said.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(file=sys.stdout, width=150)
    console.print(f"{platform.processor() or platform.machine()}, {datetime.now(UTC):%Y-%m-%d}")
    compileall.compile_dir(Path(__file__).parents[1] / "pipeline", quiet=1)  # as pip did with the peers
    for side, trees, times in [(said.side, said.trees, said.times or 1)] if said.side else [(3072, 100, said.times or 5), (6144, 300, said.times or 3)]:
        compare(folder, side, trees, said.peers, console, times=times, whole=said.whole)


if __name__ == "__main__":
    main()
