"""Which job a worker is given next: grid order, rows of its own, and nobody idle while something is ready."""

from __future__ import annotations

from pipeline.ready import Ready, passes

ROWS, COLS = 4, 3


def ready(nodes: int = 2) -> Ready:
    return Ready((node, (r, c)) for node in range(nodes) for r in range(ROWS) for c in range(COLS))


def test_one_worker_goes_through_the_grid_tile_by_tile_and_node_by_node() -> None:
    held, got = ready(), []
    while held:
        got.append(held.first("a", ["a"]))
    assert got == [(node, (r, c)) for r in range(ROWS) for c in range(COLS) for node in range(2)]


def test_two_workers_keep_to_rows_of_their_own() -> None:
    held, rows = ready(), {"a": set(), "b": set()}
    while held:
        for worker, own in rows.items():
            own.add(held.first(worker, ["a", "b"])[1][0])
    assert rows == {"a": {0, 2}, "b": {1, 3}}


def test_a_job_that_becomes_ready_goes_to_the_worker_whose_row_it_is_in_before_a_new_row() -> None:
    held = ready(nodes=1)
    for _ in range(COLS):
        held.first("a", ["a", "b"]), held.first("b", ["a", "b"])
    held.add((7, (0, 1)))
    held.add((7, (1, 0)))
    assert held.first("b", ["a", "b"]) == (7, (1, 0))
    assert held.first("a", ["a", "b"]) == (7, (0, 1))
    assert held.first("a", ["a", "b"]) == (0, (2, 0))


def test_the_last_step_of_a_fit_comes_before_all_tiles_and_makes_no_row_anyones() -> None:
    held = ready()
    held.first("a", ["a", "b"])
    held.add((5, None))
    held.add((6, None))
    assert held.first("a", ["a", "b"]) == (5, None)
    assert held.first("b", ["a", "b"]) == (6, None)


def test_who_has_nothing_left_takes_from_the_last_row_of_another() -> None:
    held = ready(nodes=1)
    while held.first("a", ["a", "b"])[1] != (ROWS - 1, 0):  # all rows are a's
        pass
    held.add((3, (0, 0)))
    assert held.first("b", ["a", "b"]) == (0, (ROWS - 1, 1))


def test_the_rows_of_a_worker_that_is_gone_are_anyones() -> None:
    held = ready(nodes=1)
    assert held.first("a", ["a", "b"]) == (0, (0, 0))
    assert held.first("b", ["b"]) == (0, (0, 1))


def test_jobs_of_one_row_are_told_of_and_taken_tile_by_tile() -> None:
    held = ready(nodes=3)
    first = held.first("a", ["a"])
    others = []
    while (job := held.after(first)) is not None:
        held.take(job)
        others.append(job)
    assert [first, *others] == [(node, (0, col)) for col in range(COLS) for node in range(3)]
    assert len(held) == 3 * COLS * (ROWS - 1)
    held.add((9, None))
    assert held.after((9, None)) is None


def test_jobs_beside_each_other_are_of_one_row_and_one_pass() -> None:
    held = Ready([], order=[0, 0, 1])
    assert held.beside((0, (1, 0)), (1, (1, 5)))
    assert not held.beside((0, (1, 0)), (0, (2, 0)))
    assert not held.beside((0, (1, 0)), (2, (1, 0)))
    assert not held.beside((0, (1, 0)), (1, None)) and not held.beside((1, None), (1, None))


def test_what_a_fit_rests_on_is_made_in_its_pass_and_the_rest_after_all_fits() -> None:
    # 0 ground; 1 samples, a fit of it; 2 raw; 3 evidence of raw; 4 table, a fit of samples and evidence; 5 model, a fit of table; 6 map of model and evidence
    assert passes([[], [0], [], [2], [1, 3], [4], [5, 3]], {1, 4, 5}) == [0, 0, 1, 1, 1, 2, 2]
    # 1 is a fit of raw, which evidence and, with it, another fit rest on
    assert passes([[], [0], [0, 1], [2]], {1, 3}) == [0, 0, 1, 1]
    assert passes([[], [0]], set()) == [2, 2]
    # from the third pass on all is one: fit on fit, and evidence that only the last of them reads
    assert passes([[], [0], [1], [2], [], [3, 4]], {1, 2, 3, 5}) == [0, 0, 1, 2, 2, 2]


def test_a_worker_that_comes_after_the_first_pass_gets_rows_of_its_own() -> None:
    held = Ready(((node, (r, c)) for node in range(2) for r in range(4) for c in range(2)), order=[0, 1])
    for _ in range(8):
        held.first("a", ["a"])
    got: dict[str, list[int]] = {"a": [], "b": []}
    while held:
        for worker, rows in got.items():
            rows.append(held.first(worker, ["a", "b"])[1][0])
    assert {worker: sorted(set(rows)) for worker, rows in got.items()} == {"a": [0, 2], "b": [1, 3]}


def test_rows_stay_with_who_had_them_in_the_pass_before_however_far_another_is() -> None:
    held = Ready(((node, (r, 0)) for node in range(2) for r in range(3)), order=[0, 1])
    assert [held.first(worker, ["a", "b"]) for worker in ("a", "b", "b")] == [(0, (0, 0)), (0, (1, 0)), (0, (2, 0))]
    assert held.first("b", ["a", "b"]) == (1, (1, 0))
    assert held.first("a", ["a", "b"]) == (1, (0, 0))
    assert held.first("a", ["a", "b"]) == (1, (2, 0))  # rather than stand still


def test_a_pass_over_the_grid_comes_before_the_next_and_rows_stay_whose_they_are() -> None:
    held = Ready(((node, (r, 0)) for node in range(2) for r in range(4)), order=[1, 0])
    got = [(worker, *held.first(worker, ["a", "b"])) for _ in range(4) for worker in ("a", "b")]
    assert [(node, tile[0]) for worker, node, tile in got if worker == "a"] == [(1, 0), (1, 2), (0, 0), (0, 2)]
    assert [(node, tile[0]) for worker, node, tile in got if worker == "b"] == [(1, 1), (1, 3), (0, 1), (0, 3)]


def test_jobs_that_follow_each_other_are_of_one_pass() -> None:
    held = Ready(((node, (0, 0)) for node in range(3)), order=[1, 0, 1])
    assert held.first("a", ["a"]) == (1, (0, 0))
    assert held.after((1, (0, 0))) is None
    assert held.first("a", ["a"]) == (0, (0, 0))
    assert held.after((0, (0, 0))) == (2, (0, 0))


def test_who_has_no_row_in_a_pass_goes_on_with_its_own_of_the_next_before_it_takes_from_another() -> None:
    held = Ready([(0, (0, 0)), (0, (0, 1)), (0, (1, 0)), (1, (1, 0))], order=[0, 1])
    assert held.first("a", ["a", "b"]) == (0, (0, 0))
    assert held.first("b", ["a", "b"]) == (0, (1, 0))
    assert held.first("b", ["a", "b"]) == (1, (1, 0))
    assert held.first("b", ["a", "b"]) == (0, (0, 1))
