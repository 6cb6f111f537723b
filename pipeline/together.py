"""Together: which jobs a worker is given at once.

A job takes some ten milliseconds, and handing it over through Dask five of the coordinator's; and the next on the same tile finds in the worker's memory what
the last one read. So a worker is given the first job that is ready for it, those after it in its row of tiles, and what these themselves make ready there: a
worker does what it is given in order. Only as many as end soon, for what is handed over is lost with the worker; and towards the end of a pass ever fewer,
so that all workers end it together: a fit may wait for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.grid import Index
from pipeline.ready import Job, Ready

MOST, SECONDS = 64, 1.0  # jobs at once, and what they may take by those before
SHARES = 2  # of what is left of a pass a place for jobs is given one in so many times the places there are


def together(
    ready: Ready, lane: str, lanes: Mapping[str, int], *, waits: Mapping[Job, int], unblocks: Mapping[Job, Sequence[Job]], paces: Mapping[int, float],
    left: Mapping[int, int],
) -> list[Job]:  # fmt: skip
    """The next jobs for the worker `lane`, in the order it is to do them; taken out of `ready`.

    `lanes`: how many hand-overs each worker may hold. `waits` and `unblocks`: for how many others a job waits, and which wait for it. `paces`: the seconds
    a job of each node takes; one whose node has none yet goes alone. `left`: how many jobs of each node have not ended.
    """
    places = sum(lanes.values())
    many = 1 + len(ready) // (2 * places)  # of those that others could do: enough is left for them
    first = ready.first(lane, lanes)
    soon = min(SECONDS, sum(count * paces.get(node, 0.0) for node, count in left.items() if ready.by_then(node, first)) / (SHARES * places))
    jobs, seconds = [first], paces.get(first[0], SECONDS)
    freed: list[Job] = []
    ended: Counter[Job] = Counter()
    while len(jobs) < MOST:
        for later in unblocks.get(jobs[-1], ()):
            ended[later] += 1
            if ended[later] == waits[later] and ready.beside(first, later):
                freed.append(later)
        own = min(freed, key=_place, default=None)
        others = ready.after(first) if len(jobs) < many else None
        job = min((job for job in (others, own) if job), key=_place, default=None)
        if job is None or (seconds := seconds + paces.get(job[0], SECONDS)) > soon:
            break
        if job == others:
            ready.take(job)
        else:
            freed.remove(job)
        jobs.append(job)
    return jobs


def _place(job: Job) -> tuple[Index, int]:
    return job[1] or (-1, -1), job[0]
