"""What a worker writes, and for whom."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import cluster
from pipeline.config import load
from pipeline.cube import Cube, LayerMeta
from pipeline.errors import StoreError
from pipeline.flow import run
from pipeline.grid import Grid
from pipeline.ledger import Lock
from pipeline.node import Call
from pipeline.planning import plan
from pipeline.recipe import Array, Cells
from pipeline.tasks import Task, gather_tile, settled, write_tile, write_tiles
from tests import tiny

EPOCH = 1
META = LayerMeta("ones", "float32", "1", "ones", "made up", "none", 100.0)


def ones(*, cells: Cells) -> Array:
    return np.ones(cells.number.shape, np.float32)


@pytest.fixture
def cube(tmp_path: Path) -> Cube:
    made = Cube.at(tmp_path, "here", Grid.covering((0.0, 0.0, 800.0, 800.0), crs="EPSG:6933", cell_m=100.0, tile=4))
    made.prepare([META])
    return made


def written(cube: Cube) -> bool:
    return bool(np.isfinite(cube.read("ones", cube.grid.window((0, 0)))).any())


def test_a_tile_is_written_for_the_run_that_holds_the_store_and_for_no_other(cube: Cube) -> None:
    with Lock(cube.path) as dead:
        task = Task(cube, "ones", Call(ones), (0, 0), {}, (META,), dead.token)
    with pytest.raises(StoreError, match="ones: the run that asked for this tile no longer holds the store; nothing was written"):
        write_tile(task)
    with Lock(cube.path), pytest.raises(StoreError, match="no longer holds the store"):
        write_tile(task)
    assert not written(cube)
    with Lock(cube.path) as held:
        effort = write_tile(Task(cube, "ones", Call(ones), (0, 0), {}, (META,), held.token))
    assert written(cube) and (effort.cells, effort.bytes) == (16, 64)


def test_a_store_that_changes_hands_waits_for_what_is_being_written(cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, write = threading.Event(), threading.Event(), Cube.write

    def slowly(self: Cube, *said: object) -> None:
        begun.set()
        assert go.wait(60)
        write(self, *said)  # type: ignore[arg-type]

    monkeypatch.setattr(Cube, "write", slowly)
    with Lock(cube.path) as held:
        late = threading.Thread(target=write_tile, args=(Task(cube, "ones", Call(ones), (0, 0), {}, (META,), held.token),))
        late.start()
        assert begun.wait(60)
        waiting = threading.Thread(target=lambda: asyncio.run(settled()))
        waiting.start()
        time.sleep(0.2)
        assert waiting.is_alive() and not written(cube)
        go.set()
        waiting.join(60)
        assert not waiting.is_alive() and written(cube)
        late.join()
    asyncio.run(settled())


def test_jobs_are_done_in_order_up_to_the_first_that_fails_which_tells_why_when_it_is_the_first() -> None:
    done: list[int] = []

    def do(number: int) -> int:
        if number == 3:
            raise OSError("no three")
        done.append(number)
        return -number

    calls = [(do, number) for number in (1, 2, 3, 4)]
    assert write_tiles(calls) == [-1, -2] and done == [1, 2]
    with pytest.raises(OSError, match="no three"):
        write_tiles(calls[2:])
    assert done == [1, 2]


def test_what_a_worker_is_sent_for_a_tile_is_small_and_does_not_grow_with_the_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Dask sends it: what is called and with what, pickled. Data lie in the store."""
    sent = dict[str, set[int]]()
    submit = cluster.Pool.submit

    def weighed(self: cluster.Pool, function: Any, *given: Any, lane: str = "") -> Any:
        for called, *rest in given[0] if function is write_tiles else [(function, *given)]:
            if called in (write_tile, gather_tile):
                sent.setdefault(rest[0].node, set()).add(len(pickle.dumps((called, rest))))
        return submit(self, function, *given, lane=lane)

    monkeypatch.setattr(cluster.Pool, "submit", weighed)
    found = []
    for tile in (64, 16):  # 4 tiles, then 56
        run(plan(load("tiny", settings=(f"region.tile={tile}",), root=tiny.make(tmp_path / f"tiles{tile:03}"))))
        found.append({node: max(sizes) for node, sizes in sent.items()})
        sent.clear()
    few, many = found
    assert few.keys() == many.keys() and len(few) > 15
    assert max(many.values()) < 4096
    assert all(many[node] <= few[node] + 16 for node in few), "numbers of a few more digits, and no more"
