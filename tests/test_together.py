"""Jobs handed over at once: as many as end soon, in one row or made ready by those before them, and none that others wait to do."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from pipeline.ready import Job, Ready
from pipeline.together import MOST, together

ONE, TEN = {"a": 1}, {"a": 5, "b": 5}
PLENTY = {99: 10**9}  # jobs of a node that takes a second


def grid(nodes: int, columns: int = 3) -> Ready:
    return Ready((node, (0, column)) for column in range(columns) for node in range(nodes))


def test_jobs_of_a_tile_are_handed_over_together_as_far_as_they_end_soon() -> None:
    ready, paces = grid(5), dict(enumerate((0.2, 0.3, 0.4, 0.5))) | {99: 1.0}

    def ask(lanes: dict[str, int]) -> list[Job]:
        return together(ready, "a", lanes, waits={}, unblocks={}, paces=paces, left=PLENTY)

    assert ask(ONE) == [(0, (0, 0)), (1, (0, 0)), (2, (0, 0))]  # 0.9 s; a fourth would make it more than one
    assert ask(ONE) == [(3, (0, 0))]  # what the fifth takes nobody knows yet
    assert ask(ONE) == [(4, (0, 0))]
    assert ask(TEN) == [(0, (0, 1))]  # others wait for work
    ready.add((7, None))
    assert ask(ONE) == [(7, None)]


def test_the_less_is_left_of_a_pass_the_less_is_given_at_once() -> None:
    paces = dict.fromkeys(range(20), 0.05) | {98: 1.0, 99: 1.0}

    def size(left: dict[int, int], order: tuple[int, ...] = ()) -> int:
        ready = Ready(((node, (0, 0)) for node in range(20)), order)
        return len(together(ready, "a", ONE, waits={}, unblocks={}, paces=paces, left=left))

    assert [size(left) for left in ({99: 100}, {99: 1}, {3: 8}, {})] == [11, 10, 4, 1]  # of 20 that are ready, half and one is left for others
    order = (*[0] * 98, 0, 1)
    assert size({98: 100, 99: 100}, order) == 11
    assert size({98: 0, 99: 100}, order) == 1  # what waits for the fits of this pass does not count


def test_what_a_job_makes_ready_goes_with_it_in_the_order_it_can_be_done() -> None:
    first: Job = (0, (0, 0))
    unblocks: dict[Job, list[Job]] = {
        first: [(1, (0, 0)), (2, (0, 0))], (1, (0, 0)): [(2, (0, 0))], (2, (0, 0)): [(3, (0, 0)), (4, (0, 0)), (3, (1, 0)), (9, None)],
    }  # fmt: skip
    waits: dict[Job, int] = {(1, (0, 0)): 1, (2, (0, 0)): 2, (3, (0, 0)): 1, (4, (0, 0)): 2, (3, (1, 0)): 1, (9, None): 1}
    ready, paces = Ready([first]), dict.fromkeys(range(10), 0.01) | {99: 1.0}
    given = together(ready, "a", TEN, waits=waits, unblocks=unblocks, paces=paces, left=PLENTY)
    # the last of tile 0, 0 waits for something else; a tile of another row may be another worker's; a fit's last step goes alone
    assert given == [first, (1, (0, 0)), (2, (0, 0)), (3, (0, 0))]
    assert not ready
    assert waits[2, (0, 0)] == 2  # nothing has ended yet


def test_of_what_is_ready_and_what_becomes_so_the_nearer_tile_comes_first() -> None:
    ready = Ready([(0, (0, 0)), (0, (0, 1)), (0, (0, 2)), (0, (0, 3))])
    unblocks: dict[Job, list[Job]] = {(0, (0, 0)): [(1, (0, 0))], (0, (0, 1)): [(1, (0, 1))]}
    paces = dict.fromkeys(range(2), 0.01) | {99: 1.0}
    given = together(ready, "a", ONE, waits={(1, (0, 0)): 1, (1, (0, 1)): 1}, unblocks=unblocks, paces=paces, left=PLENTY)
    # three of the four that are ready at most, those made ready not counted
    assert given == [(0, (0, 0)), (1, (0, 0)), (0, (0, 1)), (1, (0, 1))]
    assert len(ready) == 2


@pytest.mark.parametrize("steps", [5, 100])
def test_a_chain_ends_with_what_ends_soon_and_with_the_most_at_once(steps: int) -> None:
    unblocks: dict[Job, list[Job]] = {(i, (0, 0)): [(i + 1, (0, 0))] for i in range(steps)}
    waits: dict[Job, int] = {(i, (0, 0)): 1 for i in range(1, steps + 1)}
    paces = dict.fromkeys(range(steps + 1), 0.01) | {999: 1.0}
    given = together(Ready([(0, (0, 0))]), "a", ONE, waits=waits, unblocks=unblocks, paces=paces, left={999: 100})
    assert given == [(i, (0, 0)) for i in range(min(steps + 1, MOST))]


@pytest.mark.parametrize("seed", range(30))
def test_every_job_is_handed_over_once_and_after_all_it_reads(seed: int) -> None:
    rng = random.Random(seed)
    nodes, rows, cols = rng.randint(2, 8), rng.randint(1, 4), rng.randint(1, 4)
    tiles = [(r, c) for r in range(rows) for c in range(cols)]
    before: dict[Job, list[Job]] = {}
    for node in range(nodes):
        fit, reads, halo = node and rng.random() < 0.2, rng.sample(range(node), rng.randint(0, min(node, 3))), rng.randint(0, 1)
        fits = {other for other in reads if (other, None) in before}
        for tile in [None] if fit else tiles:
            around = [at for at in tiles if tile is None or max(abs(at[0] - tile[0]), abs(at[1] - tile[1])) <= halo]
            before[node, tile] = [(other, at) for other in reads for at in ([None] if other in fits else around)]
    unblocks: dict[Job, list[Job]] = defaultdict(list)
    for job, earlier in before.items():
        for one in earlier:
            unblocks[one].append(job)
    waits, left = {job: len(earlier) for job, earlier in before.items()}, {node: sum(job[0] == node for job in before) for node in range(nodes)}
    lanes = {name: rng.randint(1, 2) for name in "abc"[: rng.randint(1, 3)]}
    ready, given, ended, running = Ready(job for job in before if not waits[job]), set[Job](), set[Job](), list[list[Job]]()
    while ready or running:
        if ready and (len(running) < sum(lanes.values()) or not running):
            jobs = together(ready, rng.choice(sorted(lanes)), lanes, waits=waits, unblocks=unblocks, paces=dict.fromkeys(range(nodes), 0.001), left=left)
            for i, job in enumerate(jobs):
                assert job not in given and set(before[job]) <= ended | set(jobs[:i])
                given.add(job)
            running.append(jobs)
            continue
        jobs = running.pop(rng.randrange(len(running)))
        done = rng.randint(1, len(jobs))  # the rest was lost, and is asked for again
        for job in jobs[:done]:
            ended.add(job)
            left[job[0]] -= 1
            for later in unblocks[job]:
                waits[later] -= 1
                if not waits[later] and later not in jobs:
                    ready.add(later)
        if jobs[done:]:
            running.append(jobs[done:])
    assert ended == given == set(before)
