"""What a run costs when nothing changed, and when one feature did: 400 tiles, 30 layers, the public command as a whole process.

    python -m benchmarks.rerun

Six smooth rasters and 24 features of them on 20 x 20 tiles of 64 cells. After the first map: the same command three times, then with one feature's
radius changed, which may make that layer and what is predicted from it again, and nothing else of derive and align.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import ground
from benchmarks.asked import asked
from benchmarks.watched import Watched, watched

SOURCES, TILES, TILE = 6, 20, 64


def features() -> dict[str, dict[str, Any]]:
    """24 features, four of each raster, one of them over a window."""
    made: dict[str, dict[str, Any]] = {}
    for i in range(SOURCES):
        of = f"layer{i:02d}"
        made |= {
            f"value{i}": {"use": "value", "of": of},
            f"mean{i}": {"use": "focal_mean", "of": of, "radius_m": 300},
            f"spread{i}": {"use": "focal_std", "of": of, "radius_m": 300},
            f"gradient{i}": {"use": "horizontal_gradient", "of": of},
        }
    return made


def prepared(root: Path) -> None:
    """The rasters, the deposits and the region below `root`."""
    side = TILES * TILE
    layers = ground.smooth_layers(root, side, SOURCES)
    points = ground.deposits(root, layers, 60)
    (root / "configs" / "validation").mkdir(parents=True)
    (root / "configs" / "validation" / "default.yaml").write_text("title: two folds, one seed\nsplit: {folds: 2}\nseeds: 1\n")
    model = {"use": "random_forest", "bags": 5, "trees_per_bag": 10}
    ground.region(root, "rerun", side, layers, points, {"region": {"tile": TILE}, "model": model}, features())


def mapped(root: Path, *more: str) -> tuple[Watched, dict[str, int]]:
    """One run of the command, and the jobs it did by stage."""
    command = [sys.executable, "-m", "pipeline", "map", "rerun", *more]
    took = watched(command, folder=root, more={"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"})
    if "nothing changed" in took.said:
        return took, {}
    return took, json.loads((root / "outputs" / "rerun" / "provenance.json").read_text())["run"]["jobs"]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "").parse_args()
    table = Table("run", "seconds", "processor s", "peak GB", "jobs", title=f"{TILES * TILES} tiles, {SOURCES + len(features())} layers, whole process")
    unchanged, more_jobs = 0.0, 0
    with tempfile.TemporaryDirectory(prefix="prospect-rerun-") as folder:
        root = Path(folder)
        prepared(root)
        changed = ("--set", "features.mean3.radius_m=450")
        runs = [("first, in one process", ("--workers", "0")), *(("nothing changed", ()) for _ in range(3)), ("one feature changed", changed)]
        for name, more in runs:
            took, jobs = mapped(root, *more)
            unchanged = max(unchanged, took.seconds) if name == "nothing changed" else unchanged
            more_jobs = jobs.get("derive", 0)  # of the last run
            said = ", ".join(f"{stage} {count}" for stage, count in jobs.items()) or "none"
            table.add_row(name, f"{took.seconds:.2f}", f"{took.processor:.2f}", f"{took.bytes / 1e9:.2f}", said)
    assert more_jobs, "the feature that was changed was not made again"
    screen = Console(file=sys.stdout, width=150)
    screen.print(table)
    screen.print(f"nothing changed, the slowest of three, seconds: {asked(unchanged, at_most=3)}")
    screen.print(f"one feature changed, jobs of derive over tiles: {asked(more_jobs / TILES**2, at_most=1)}")


if __name__ == "__main__":
    main()
