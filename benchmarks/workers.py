"""Two worker processes against one, one thread each, over derive and predict alone: all else is made before and found up to date.

    python -m benchmarks.workers            # 9.4 and 37.7 million cells: the longer the run, the less a last tile weighs that one worker makes while the other waits
    python -m benchmarks.workers 1          # another size, in million cells

The clock starts when each worker has ended its first tiles, so that starting processes, importing and compiling are not in it, and ends with the last job;
both counts do the very same jobs in it. Beside it: how busy the workers were (seconds in tasks over seconds there were), what the coordinator itself took of
a core, and whether both gave the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

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
    """For each size, map once, then make derive and predict again with one worker and with two, twice each in turn, and print the better of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("megacells", nargs="*", type=float, default=SIZES)
    screen = Console(file=sys.stdout, width=130)
    for megacells in parser.parse_args().megacells:
        measure(round((megacells * 1e6) ** 0.5), screen)


def measure(side: int, screen: Console) -> None:
    """One size: its table, and how much faster two are."""
    table = Table("workers", "seconds", "jobs", "busy", "coordinator", "same bytes", title=f"derive and predict, {side} x {side} cells, {len(features())} features")
    with tempfile.TemporaryDirectory(prefix="prospect-workers-") as folder:
        root = Path(folder)
        make_region(root, side)
        run(plan(load("scale", root=root)))
        first, best = bytes_of(root), dict[int, tuple[float, list[str]]]()
        for count in (1, 2, 1, 2):
            made = plan(load("scale", settings=(f"run.workers={count}",), root=root))
            forget(made)
            clock = Clock()
            outcome = run(made, clock)
            assert set(outcome.jobs) == set(STAGES), outcome.jobs
            busy = sum(outcome.seconds.values()) * (1 - FIRST) / clock.seconds / count
            row = [str(count), f"{clock.seconds:.1f}", str(clock.jobs), f"{busy:.0%}", f"{clock.own / clock.seconds:.0%}", str(bytes_of(root) == first)]
            if count not in best or clock.seconds < best[count][0]:
                best[count] = (clock.seconds, row)
    for _, row in best.values():
        table.add_row(*row)
    screen.print(table)
    screen.print(f"two workers are {best[1][0] / best[2][0]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
