"""What `prospect doctor` foretells of a job beside what the job takes.

    python -m benchmarks.foretold          # 4, 16 and 64 million cells, on one worker and on two

The regions of `benchmarks.scale`. Each row: seconds foretold from twenty seconds of rehearsal, seconds the map took, bundle included, and how
many times the first the second is. What is foretold leaves out the start of workers, targets, and what validation does beside its fits; how long
applicability takes rests on which layers the model will lean on, which nobody knows before. Each job is rehearsed and then done by a process of its own;
its files are removed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.scale import make_region
from pipeline import load, plan, run
from pipeline.rehearsal import rehearse


def measure(root: Path, workers: int) -> None:
    """Rehearse the region at `root` and map it; prints what was foretold of one process, and what it took."""
    made = plan(load("scale", settings=(f"run.workers={workers}",), root=root))
    told = rehearse(made)
    begun = time.perf_counter()
    outcome = run(made)
    took = time.perf_counter() - begun
    alone = json.loads((outcome.outputs / "provenance.json").read_text())["run"]["alone_seconds"]
    print(json.dumps({"told": told.seconds(workers), "took": took, "stages": told.stages, "spent": {**alone, **outcome.seconds}}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("megacells", nargs="*", type=float, default=[4, 16, 64])
    parser.add_argument("--folder", type=Path, default=Path("cache/benchmarks/foretold"))
    parser.add_argument("--of", type=int, default=0, help="rehearse and map the region in the folder with so many workers, in this very process")
    said = parser.parse_args()
    if said.of:
        measure(said.folder, said.of)
        return
    table = Table("cells", "workers", "foretold s", "took s", "times", "foretold of stages, seconds of a worker: took", title="what the doctor foretells")
    for mega in said.megacells:
        side, root = round((mega * 1e6) ** 0.5), said.folder.resolve() / f"{mega:g}"
        for workers in (1, 2):
            make_region(root, side)
            for made in ("cache", "outputs"):  # by a run before
                shutil.rmtree(root / made, ignore_errors=True)
            command = [sys.executable, "-m", "benchmarks.foretold", "--folder", str(root), "--of", str(workers)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
            stages = ", ".join(f"{stage} {seconds:.1f}: {found['spent'].get(stage, 0):.1f}" for stage, seconds in found["stages"].items())
            row = [f"{found['told']:.0f}", f"{found['took']:.0f}", f"{found['took'] / found['told']:.2f}", stages]
            table.add_row(f"{side} x {side}", str(workers), *row)
        shutil.rmtree(root)
    Console(file=sys.stdout, width=160).print(table)


if __name__ == "__main__":
    main()
