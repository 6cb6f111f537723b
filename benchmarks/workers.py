"""Two worker processes against one, one thread each, over derive and predict alone: all else is made before and found up to date.

    python -m benchmarks.workers            # 9.4 and 37.7 million cells: the longer the run, the less a last tile weighs that one worker makes while the other waits
    python -m benchmarks.workers 1          # another size, in million cells

The clock starts when each worker has ended its first tiles, so that starting processes, importing and compiling are not in it, and ends with the last job;
both counts do the very same jobs in it. They are run in turn, one, two, two, one and so on, PAIRS times, for this machine may be a third slower a minute
later: how much faster two are is told of each pair, and the middle of that. Beside it, of the middle run of each count: how busy the workers were (seconds in
tasks over seconds there were), the seconds of all tasks by stage, first tiles too, and what the coordinator itself took of a core. And after each pair what two
processes give here that share nothing, and neither read nor write: some seconds of arithmetic on 480 kB of their own, against one. All runs must give the same
bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

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
FIRST = 0.1  # of the jobs, before the clock starts


class Clock:
    """Seconds from when a share of all jobs is done to the last of them, and the coordinator's own seconds of a core in between."""

    def __init__(self) -> None:
        self.jobs = self.done = 0
        self.at: list[tuple[float, float]] = []

    def start(self, totals: dict[str, int]) -> None:
        """As `flow.Progress`."""
        self.jobs = sum(totals.values())

    def advance(self, _: str) -> None:
        """As `flow.Progress`."""
        self.done += 1
        if self.done in (round(FIRST * self.jobs), self.jobs):
            used = psutil.Process().cpu_times()
            self.at.append((time.perf_counter(), used.user + used.system))

    @property
    def seconds(self) -> float:
        """Between the two."""
        return self.at[-1][0] - self.at[0][0]

    @property
    def own(self) -> float:
        """Of the coordinator."""
        return self.at[-1][1] - self.at[0][1]


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
    title = f"derive and predict, {side} x {side} cells, {len(features())} features; the middle of {PAIRS} runs each"
    table = Table("workers", "seconds", "jobs", "busy", *(f"s in {stage}" for stage in STAGES), "coordinator", title=title)
    for count, held in runs.items():
        one = sorted(held, key=lambda timed: timed.seconds)[PAIRS // 2]
        tasks = (f"{one.by_stage[stage]:.1f}" for stage in STAGES)
        table.add_row(str(count), f"{one.seconds:.1f}", str(one.jobs), f"{one.busy:.0%}", *tasks, f"{one.own / one.seconds:.0%}")
    screen.print(table)
    times = [one.seconds / two.seconds for one, two in zip(runs[1], runs[2], strict=True)]
    screen.print(f"two workers are {told(times)} times as fast as one; the same bytes every time")
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
    """`seconds` by the clock in which so many `jobs` ended, those of the coordinator's core, of all tasks `by_stage`, and how `busy` workers were."""

    seconds: float
    own: float
    jobs: int
    by_stage: dict[str, float]
    busy: float


def once(root: Path, count: int) -> Run:
    """Make derive and predict anew with so many workers."""
    made = plan(load("scale", settings=(f"run.workers={count}",), root=root))
    forget(made)
    clock = Clock()
    outcome = run(made, clock)
    assert set(outcome.jobs) == set(STAGES), outcome.jobs
    busy = sum(outcome.seconds.values()) * (1 - FIRST) / clock.seconds / count
    return Run(clock.seconds, clock.own, clock.jobs, dict(outcome.seconds), busy)


if __name__ == "__main__":
    main()
