"""Two worker processes against one, one thread each, over derive and predict alone: all else is made before and found up to date.

    python -m benchmarks.workers            # 9.4 and 37.7 million cells: the longer the run, the less a last tile weighs that one worker makes while the other waits
    python -m benchmarks.workers 1          # another size, in million cells

The clock starts when a tenth of the jobs of each stage is done, so that starting processes, importing and compiling are not in it, and ends with the last
job; the latest such start of all runs counts, in jobs, so that all do as many in it. They are run in turn, one, two, two, one and so on, PAIRS times, for this
machine may be a third slower a minute later: how much faster two are is told of each pair, and the middle of that. Beside it, of the middle run of each
count: the seconds of all tasks by stage, those before the clock too, and what the coordinator itself took of a core. And after each pair what two processes
give here that share nothing, and neither read nor write: some seconds of arithmetic on 480 kB of their own, against one. All runs must give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.asked import asked
from benchmarks.scale import features, make_region
from pipeline import load, plan, run
from pipeline.ledger import Ledger
from pipeline.node import LayerNode
from pipeline.planning import Plan, tile_name

STAGES = ("derive", "predict")
SIZES = (9.4, 37.7)  # million cells
PAIRS = 3
ARITHMETIC = """
import time
import numpy as np
a = np.random.default_rng(1).random(30_000)
b = a.copy()
begun = time.perf_counter()
for _ in range(80_000):
    np.multiply(a, a, out=b)
    np.add(b, 1e-9, out=b)
    np.sqrt(b, out=a)
print(time.perf_counter() - begun)
"""
FIRST = 0.1  # of the jobs of each stage, before the clock starts


class Clock:
    """When each job ended, and the coordinator's own seconds of a core until then."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.at: list[tuple[float, float]] = []
        self.warm = 0  # jobs until FIRST of each stage are done

    def start(self, totals: dict[str, int]) -> None:
        """As `flow.Progress`."""
        self.left = {stage: math.ceil(FIRST * total) for stage, total in totals.items()}

    def advance(self, stage: str) -> None:
        """As `flow.Progress`."""
        self.at.append((time.perf_counter(), time.process_time()))
        self.left[stage] -= 1
        if not self.warm and max(self.left.values()) <= 0:
            self.warm = len(self.at)


def forget(made: Plan) -> None:
    """Take the tiles of derive and predict out of the ledger."""
    ledger = Ledger.of(made.cube.path)
    for node in made.nodes:
        if isinstance(node, LayerNode) and node.stage in STAGES:
            for meta in node.outputs:
                ledger.forget(meta.name, [tile_name(tile) for tile in made.grid.tiles()])


def bytes_of(root: Path) -> str:
    """A digest of every chunk of the cube."""
    digest = hashlib.sha256()
    for path in sorted((root / "cache").rglob("c/*/*")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """For each size, map once, then make derive and predict again with one worker and with two, in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("megacells", nargs="*", type=float, default=SIZES)
    screen = Console(file=sys.stdout, width=130)
    for megacells in parser.parse_args().megacells:
        measure(round((megacells * 1e6) ** 0.5), screen)


def measure(side: int, screen: Console) -> None:
    """One size: its table, and how much faster two are."""
    runs: dict[int, list[Run]] = {1: [], 2: []}
    machine: list[float] = []
    with tempfile.TemporaryDirectory(prefix="prospect-workers-") as folder:
        root = Path(folder)
        make_region(root, side)
        run(plan(load("scale", root=root)))
        first = bytes_of(root)
        for pair in range(PAIRS):
            for count in (1, 2) if pair % 2 == 0 else (2, 1):
                runs[count].append(once(root, count))
                assert bytes_of(root) == first, f"{count} workers gave other bytes"
            seconds = {count: alone(count) for count in ((1, 2) if pair % 2 == 0 else (2, 1))}
            machine.append(2 * seconds[1] / seconds[2])
    warm = max(run.clock.warm for held in runs.values() for run in held)
    jobs = len(runs[1][0].clock.at)
    title = f"derive and predict, {side} x {side} cells, {len(features())} features; the last {jobs - warm} of {jobs} jobs; the middle of {PAIRS} runs each"
    table = Table("workers", "seconds", *(f"s in {stage}" for stage in STAGES), "coordinator", title=title)
    for count, held in runs.items():
        one = sorted(held, key=lambda timed: timed.seconds(warm))[PAIRS // 2]
        tasks = (f"{one.by_stage[stage]:.1f}" for stage in STAGES)
        table.add_row(str(count), f"{one.seconds(warm):.1f}", *tasks, f"{one.own(warm) / one.seconds(warm):.0%}")
    screen.print(table)
    times = [one.seconds(warm) / two.seconds(warm) for one, two in zip(runs[1], runs[2], strict=True)]
    screen.print(f"two workers are {told(times)} times as fast as one; the same bytes every time; the middle {asked(median(times), at_least=1.8)}")
    screen.print(f"two processes that share nothing do {told(machine)} times the arithmetic of one, after each pair")


def told(ratios: list[float]) -> str:
    """The middle of some ratios, and all of them, as they came."""
    return f"{median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"


def alone(count: int) -> float:
    """Seconds, in the mean, of so many processes beside each other that do ARITHMETIC."""
    started = [subprocess.Popen([sys.executable, "-c", ARITHMETIC], stdout=subprocess.PIPE, text=True) for _ in range(count)]
    return sum(float(process.communicate()[0]) for process in started) / count


@dataclass(frozen=True)
class Run:
    """When its jobs ended, and the seconds of tasks `by_stage`."""

    clock: Clock
    by_stage: dict[str, float]

    def seconds(self, after: int) -> float:
        """From the end of so many jobs to that of the last."""
        return self.clock.at[-1][0] - self.clock.at[after - 1][0]

    def own(self, after: int) -> float:
        """Seconds of a core the coordinator took meanwhile."""
        return self.clock.at[-1][1] - self.clock.at[after - 1][1]


def once(root: Path, count: int) -> Run:
    """Make derive and predict anew with so many workers."""
    made = plan(load("scale", settings=(f"run.workers={count}",), root=root))
    forget(made)
    clock = Clock()
    outcome = run(made, clock)
    assert set(outcome.jobs) == set(STAGES), outcome.jobs
    return Run(clock, dict(outcome.seconds))


if __name__ == "__main__":
    main()
