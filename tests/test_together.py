"""Jobs handed over at once: as many as end soon, on one tile or made ready by those before them, and none that others wait to do."""

from __future__ import annotations

import pytest

from pipeline.ready import Job, Ready
from pipeline.together import MOST, together

ONE, TEN = {"a": 1}, {"a": 5, "b": 5}
PLENTY = 1e9  # seconds left


def grid(nodes: int, columns: int = 3) -> Ready:
    return Ready((node, (0, column)) for column in range(columns) for node in range(nodes))


def test_jobs_of_a_tile_are_handed_over_together_as_far_as_they_end_soon() -> None:
    ready, paces = grid(5), dict(enumerate((0.2, 0.3, 0.4, 0.5)))

    def ask(lanes: dict[str, int]) -> list[Job]:
        return together(ready, "a", lanes, waits={}, unblocks={}, paces=paces, left=PLENTY)

    assert ask(ONE) == [(0, (0, 0)), (1, (0, 0)), (2, (0, 0))]  # 0.9 s; a fourth would make it more than one
    assert ask(ONE) == [(3, (0, 0))]  # what the fifth takes nobody knows yet
    assert ask(ONE) == [(4, (0, 0))]
    assert ask(TEN) == [(0, (0, 1))]  # others wait for work
    ready.add((7, None))
    assert ask(ONE) == [(7, None)]


def test_the_less_is_left_the_less_is_given_at_once() -> None:
    paces = dict.fromkeys(range(20), 0.05)
    sizes = [len(together(grid(20, 1), "a", ONE, waits={}, unblocks={}, paces=paces, left=left)) for left in (100.0, 1.0, 0.4, 0.0)]
    assert sizes == [11, 10, 4, 1]  # of 20 that are ready, half and one is left for others


def test_what_a_job_makes_ready_goes_with_it_in_the_order_it_can_be_done() -> None:
    first: Job = (0, (0, 0))
    unblocks: dict[Job, list[Job]] = {first: [(1, (0, 0)), (2, (0, 0))], (1, (0, 0)): [(2, (0, 0))], (2, (0, 0)): [(3, (0, 0)), (4, (0, 0)), (3, (1, 0)), (9, None)]}
    waits: dict[Job, int] = {(1, (0, 0)): 1, (2, (0, 0)): 2, (3, (0, 0)): 1, (4, (0, 0)): 2, (3, (1, 0)): 1, (9, None): 1}
    ready, paces = Ready([first]), dict.fromkeys(range(10), 0.01)
    given = together(ready, "a", TEN, waits=waits, unblocks=unblocks, paces=paces, left=PLENTY)
    # the last of tile 0, 0 waits for something else; a tile of another row may be another worker's; a fit's last step goes alone
    assert given == [first, (1, (0, 0)), (2, (0, 0)), (3, (0, 0))]
    assert not ready
    assert waits[2, (0, 0)] == 2  # nothing has ended yet


@pytest.mark.parametrize("steps", [5, 100])
def test_a_chain_ends_with_what_ends_soon_and_with_the_most_at_once(steps: int) -> None:
    unblocks: dict[Job, list[Job]] = {(i, (0, 0)): [(i + 1, (0, 0))] for i in range(steps)}
    waits: dict[Job, int] = {(i, (0, 0)): 1 for i in range(1, steps + 1)}
    given = together(Ready([(0, (0, 0))]), "a", ONE, waits=waits, unblocks=unblocks, paces=dict.fromkeys(range(steps + 1), 0.01), left=PLENTY)
    assert given == [(i, (0, 0)) for i in range(min(steps + 1, MOST))]
