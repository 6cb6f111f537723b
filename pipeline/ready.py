"""Ready: the jobs that wait for no other, and which of them a worker is given next.

Pass by pass over the grid, each for the fits that can be made after it (`passes`), and in a pass in grid order; but each worker keeps to rows of tiles of
its own while there is something to do in them. A tile with a halo reads the tiles around it: what a worker has just read or written it still holds
unpacked, what another did it has to read. Dealt out one by one, each tile's neighbours to the left and right were another worker's: two workers did 1.6 to
1.7 times what one does, and 1.9 with rows of their own (`benchmarks.workers`).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence

from pipeline.grid import Index

Job = tuple[int, Index | None]
PASSES = 3  # all from the third on are one: what the model says and what is made of that read the same evidence, which each more pass would unpack again
Row = tuple[int, int]  # pass over the grid, and row of tiles
FITS: Row = (-1, -1)  # that of last steps of fits: they belong to no tile, and others wait for them


def passes(reads: Sequence[Sequence[int]], fits: Collection[int]) -> list[int]:
    """For each node, in the order they depend on each other, the pass over the grid in which it is made: that of the first fit which rests on it.

    `reads` says by number which nodes each rests on, `fits` which are fits. The pass of a fit is how many fits, one on another, it waits for; what no fit
    rests on comes last; there are PASSES at most. Samples, say, are drawn from little; then it is asked what lies there of all evidence. Drawn in a pass
    of their own first, they can be asked while evidence is made, and not in one more pass over all of it.
    """
    waits: list[int] = []  # how many fits, one on another
    for before in reads:
        waits.append(max((waits[j] + (j in fits) for j in before), default=0))
    order = [min(waits[i], PASSES - 1) if i in fits else PASSES - 1 for i in range(len(reads))]
    for i in reversed(range(len(reads))):
        for j in reads[i]:
            order[j] = min(order[j], order[i])
    return order


class Ready:
    """Jobs by pass and row of tiles, each row in grid order, tile by tile before node by node: what a tile read a moment ago is still warm.
    `order` says the pass of each node, by number; all belong to one without."""

    def __init__(self, jobs: Iterable[Job], order: Sequence[int] = ()) -> None:
        self._order = order
        self._rows: dict[Row, list[tuple[Index, int, Job]]] = {}
        self._owner: dict[Row, str] = {}
        self._home: dict[int, str] = {}  # whose a row was in the pass before, or is
        self._jobs = 0
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        return self._jobs

    def add(self, job: Job) -> None:
        """One more that waits for nothing."""
        at = job[1] or FITS
        heapq.heappush(self._rows.setdefault(self._row(job), []), (at, job[0], job))
        self._jobs += 1

    def first(self, worker: str, workers: Collection[str]) -> Job:
        """The job for one of the `workers` that are there: a fit's last step; else, of the earliest pass that has one, the first in its rows, else of a row
        that is nobody's, which becomes its own, first such as were its own in the pass before; else, where all is taken, of the last row, which its owner
        comes to last."""

        def whose(row: Row) -> int:
            home = self._home.get(row[1])
            return 0 if self._owner.get(row) == worker else 1 if home == worker or home not in workers else 2

        open_to = [row for row in self._rows if self._owner.get(row, worker) == worker or self._owner[row] not in workers]
        if not open_to:
            return self._taken(max(self._rows))
        row = min(open_to, key=lambda row: (row[0], whose(row), row[1]))
        if row != FITS:
            self._owner[row] = self._home[row[1]] = worker
        return self._taken(row)

    def after(self, job: Job) -> Job | None:
        """The next in the row of `job`, of its pass, left where it is; None when there is none."""
        row = self._rows.get(self._row(job), []) if job[1] is not None else []
        return row[0][-1] if row else None

    def beside(self, job: Job, other: Job) -> bool:
        """Whether both are of one pass and in one row of tiles."""
        return job[1] is not None and other[1] is not None and self._row(job) == self._row(other)

    def by_then(self, node: int, job: Job) -> bool:
        """Whether a node is of the pass of `job` or of one before."""
        return not self._order or self._order[node] <= self._order[job[0]]

    def take(self, job: Job) -> None:
        """Take out what `after` told of."""
        self._taken(self._row(job))

    def _row(self, job: Job) -> Row:
        return FITS if job[1] is None else (self._order[job[0]] if self._order else 0, job[1][0])

    def _taken(self, row: Row) -> Job:
        job = heapq.heappop(self._rows[row])[-1]
        if not self._rows[row]:
            del self._rows[row]
        self._jobs -= 1
        return job
