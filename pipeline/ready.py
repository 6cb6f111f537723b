"""Ready: the jobs that wait for no other, and which of them a worker is given next.

Grid order, but each worker keeps to rows of tiles of its own while there is something to do in them. A tile with a halo reads the tiles around it: what a
worker has just read or written it still holds unpacked, what another did it has to read. Dealt out one by one, each tile's neighbours to the left and right
were another worker's: two workers did 1.6 to 1.7 times what one does, and 1.9 with rows of their own (`benchmarks.workers`).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable

from pipeline.grid import Index

Job = tuple[int, Index | None]
FITS = -1  # the row of last steps of fits: they belong to no tile, and others wait for them


class Ready:
    """Jobs by row of tiles, each row in grid order, tile by tile before node by node: what a tile read a moment ago is still warm."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._rows: dict[int, list[tuple[Index, int, Job]]] = {}
        self._owner: dict[int, str] = {}
        self._jobs = 0
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        return self._jobs

    def add(self, job: Job) -> None:
        """One more that waits for nothing."""
        at = job[1] or (FITS, FITS)
        heapq.heappush(self._rows.setdefault(at[0], []), (at, job[0], job))
        self._jobs += 1

    def first(self, worker: str, workers: Collection[str]) -> Job:
        """The job for one of the `workers` that are there: a fit's last step; else the first in its rows, else of a row that is nobody's, which
        becomes its own; else, where all is taken, of the last row, which its owner comes to last."""
        own = [row for row in self._rows if self._owner.get(row) == worker]
        free = [row for row in self._rows if self._owner.get(row) not in workers]
        row = min(own) if own and FITS not in self._rows else min(free, default=max(self._rows))
        if row in free and row != FITS:
            self._owner[row] = worker
        return self._taken(row)

    def on_same_tile(self, job: Job) -> Job | None:
        """The next after `job` on its tile, left where it is; None when there is none."""
        row = self._rows.get(job[1][0], []) if job[1] is not None else []
        return row[0][-1] if row and row[0][0] == job[1] else None

    def take(self, job: Job) -> None:
        """Take out what `on_same_tile` told of."""
        assert job[1] is not None
        self._taken(job[1][0])

    def _taken(self, row: int) -> Job:
        job = heapq.heappop(self._rows[row])[-1]
        if not self._rows[row]:
            del self._rows[row]
        self._jobs -= 1
        return job
