"""A cluster started by hand: workers that share nothing but an object store, that die and come; a scheduler that is cut off or lost; a dead coordinator.

Whatever happens, the bytes are those of one process that was left in peace.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
import yaml

from pipeline import cluster
from pipeline.config import load
from pipeline.errors import ResourceError
from pipeline.flow import run
from pipeline.planning import plan
from tests import tiny
from tests.servers import s3
from tests.servers.dask import REPO, SLOW, Wire, by_hand
from tests.test_flow import everything

pytestmark = pytest.mark.world
TILE = "region.tile=64"  # four tiles: some eighty jobs


class Watch:
    """Does something when so many jobs are done, in the midst of a run."""

    def __init__(self, **at: Callable[[], object]) -> None:
        self.done, self.at = 0, {int(count.removeprefix("after_")): act for count, act in at.items()}

    def start(self, totals: dict[str, int]) -> None:
        self.totals = totals

    def advance(self, _: str) -> None:
        self.done += 1
        if act := self.at.pop(self.done, None):
            act()


def mapped(root: Path, *settings: str, watch: Watch | None = None) -> None:
    run(plan(load("tiny", settings=(TILE, *settings), root=root)), watch)


def eventually(holds: Callable[[], bool], seconds: float = 90) -> bool:
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("whole"))
    mapped(root)
    return root / "outputs" / "tiny"


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """What is said of where the cube is kept: a folder of the region's, or an object store, which every process then finds by its environment."""
    if request.param == "folder":
        yield ()
        return
    with s3.serving("bucket") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield ("run.cache=s3://bucket/store", "run.scratch=scratch")


def same(root: Path, whole: Path) -> bool:
    return everything(root / "outputs" / "tiny") == everything(whole)


def test_four_workers_that_share_nothing_but_an_s3_store_give_the_same_bytes_as_one(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker has a scratch folder of its own; the folder of the region, its sources and the coordinator's cache are not there for it."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode:
        pytest.skip("a worker that does not see the coordinator's files needs a mount namespace (unshare -rm)")
    root = tiny.make(tmp_path / "region")
    with s3.serving("bucket") as environment, by_hand(tmp_path / "hand") as hand:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for number in range(4):
            hand.worker(f"worker{number}", hidden=root, environment=environment)
        settings = ("run.cache=s3://bucket/store", f"run.scheduler={hand.address}", "run.scratch=scratch")
        mapped(root, *settings)
        assert same(root, whole)
        borrowed = {path.name for number in range(4) for path in (tmp_path / "hand" / f"worker{number}" / "scratch").rglob("*.*")}
        assert {"dem.tif", "alteration.tif"} <= borrowed and any(name.endswith(".fgb") for name in borrowed)
        assert not (root / "cache").exists() and {path.name for path in (root / "scratch").iterdir()} <= {"vectors", "digests.json", "downloads"}
        outcome = run(plan(load("tiny", settings=(TILE, *settings), root=root)))
        assert outcome.jobs == {} and not outcome.published


def test_a_worker_killed_one_added_and_the_scheduler_cut_off_for_ten_seconds_change_no_byte(
    whole: Path, tmp_path: Path, kept: tuple[str, ...]
) -> None:
    """Worker one dies of SIGKILL, worker three comes; then the wire to the scheduler breaks, and the scheduler itself stands still, for ten seconds."""
    root = tiny.make(tmp_path / "region")
    with by_hand(tmp_path / "hand") as hand:
        first, _ = hand.worker("worker1", slow=0.2), hand.worker("worker2", slow=0.2)
        wire = Wire(hand.address)

        def cut() -> None:
            wire.cut()
            hand.scheduler.send_signal(signal.SIGSTOP)
            threading.Timer(10, lambda: (hand.scheduler.send_signal(signal.SIGCONT), wire.mend())).start()

        watch = Watch(after_5=first.kill, after_8=lambda: hand.worker("worker3", slow=0.2), after_30=cut)
        begun = time.monotonic()
        mapped(root, *kept, f"run.scheduler={wire.address}", watch=watch)
        wire.close()
        assert not watch.at and time.monotonic() - begun > 10
        assert first.wait() == -signal.SIGKILL
        assert watch.done == sum(watch.totals.values())
    assert same(root, whole)


def test_a_cluster_that_adapts_grows_while_there_is_work_and_one_that_goes_changes_no_byte(whole: Path, tmp_path: Path) -> None:
    """By the very setting that docs/deploy gives a scheduler; a worker is taken away by Dask's own hand in the midst of it."""
    from distributed import LocalCluster

    settings = [one for one in yaml.safe_load_all((REPO / "docs" / "deploy" / "kubernetes.yaml").read_text()) if one["kind"] == "DaskCluster"]
    (said,) = settings[0]["spec"]["scheduler"]["spec"]["containers"][0]["env"]
    root, slow = tiny.make(tmp_path / "region"), tmp_path / "slow.py"
    slow.write_text(SLOW.format(seconds=0.4))
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, preload=[str(slow)], local_directory=str(tmp_path / "dask")
    ) as cluster:  # fmt: skip
        found = dask.config.collect_env({said["name"]: said["value"]})  # as a scheduler reads what is around it
        cluster.adapt(minimum=1, maximum=3, interval="200ms", target_duration=dask.config.get("distributed.adaptive.target-duration", config=found))
        most = [0]
        gone: list[str] = []

        class Counted(Watch):
            def advance(self, stage: str) -> None:
                if stage in ("align", "derive") and not gone:  # a fit may take so long that more are asked for anyhow, and one that went is made good by another
                    most[0] = max(most[0], len(cluster.scheduler.workers))
                super().advance(stage)

        def taken() -> None:
            gone.append(next(iter(cluster.scheduler.workers)))
            cluster.sync(cluster.scheduler.retire_workers, workers=gone)

        watch = Counted(after_40=taken)
        mapped(root, f"run.scheduler={cluster.scheduler_address}", watch=watch)
        assert most[0] > 1 and gone and watch.done == sum(watch.totals.values())
    assert same(root, whole)


def test_when_the_scheduler_dies_the_run_says_so_no_worker_is_left_and_the_next_run_goes_on(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "RETURN_SECONDS", 3.0)
    root = tiny.make(tmp_path / "region")
    every = plan(load("tiny", settings=(TILE,), root=root))
    with by_hand(tmp_path / "hand") as hand:
        worker = hand.worker("worker", slow=0.02)
        with pytest.raises(ResourceError, match="was lost and did not come back"):
            mapped(root, f"run.scheduler={hand.address}", watch=Watch(after_20=hand.scheduler.kill))
        assert eventually(lambda: worker.poll() is not None), "the worker of a scheduler that died is still there"
    made = plan(load("tiny", settings=(TILE,), root=root))
    assert 0 < sum(map(made.tasks, made.nodes)) < sum(map(every.tasks, every.nodes)) - 10
    mapped(root)
    assert same(root, whole)


def test_a_late_worker_of_a_dead_run_does_not_overwrite_what_came_after(whole: Path, tmp_path: Path, kept: tuple[str, ...]) -> None:
    """Another config's run dies while its worker is about to write a tile; the next run makes its own tiles, and then the worker writes nothing."""
    root, door = tiny.make(tmp_path / "region"), tmp_path / "door"
    with by_hand(tmp_path / "hand") as hand:
        door.with_suffix(".shut").write_text("slope")
        hand.worker("worker", held=door)
        other = [word for said in ("sources.dem.scale=1.5", "features.halo.radius_m=2500", *kept) for word in ("--set", said)]
        dead = _coordinator(root, "--scheduler", hand.address, *other)
        assert eventually(door.with_suffix(".held").exists)
        dead.kill()
        dead.wait()
        mapped(root, *kept)
        assert not door.with_suffix(".gone").exists()
        door.with_suffix(".shut").unlink()
        assert eventually(door.with_suffix(".gone").exists)
    assert same(root, whole)
    made, alone = plan(load("tiny", settings=(TILE, *kept), root=root)), plan(load("tiny", settings=(TILE,), root=whole.parents[1]))
    assert made.stale == {}
    for layer, tile in itertools.product(alone.keys, alone.grid.tiles()):
        window = alone.grid.window(tile)
        assert np.array_equal(made.cube.read(layer, window), alone.cube.read(layer, window), equal_nan=True), f"{layer} {tile}"
    shutil.rmtree(root / "outputs")
    mapped(root, *kept)  # from the cube as it is now
    assert same(root, whole)


def test_a_coordinator_that_is_killed_leaves_no_worker_of_its_own(whole: Path, tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "region")
    untouched = plan(load("tiny", settings=(TILE,), root=tiny.make(tmp_path / "untouched")))
    every = sum(map(untouched.tasks, untouched.nodes))
    dead = _coordinator(root, "--workers", "2", first="import pipeline.flow; pipeline.flow.SAVE_SECONDS = 0.0")  # a run as short as this would save nothing
    assert eventually(lambda: bool(list(root.glob("cache/tiny/*.zarr/*/c/*/*"))))
    started = psutil.Process(dead.pid).children(recursive=True)
    assert len(started) >= 2
    assert eventually(lambda: len(list(root.glob("cache/tiny/*.zarr/*/c/*/*"))) > 16)
    dead.kill()
    dead.wait()
    assert eventually(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in started))
    made = plan(load("tiny", settings=(TILE,), root=root))
    assert 0 < sum(map(made.tasks, made.nodes)) < every - 5, "all was made before it was killed, or what was finished is made again"
    mapped(root)
    assert same(root, whole)


def _coordinator(root: Path, *words: str, first: str = "pass") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", f"{first}; from pipeline.cli import main; main()", "map", "tiny", "--set", TILE, *words]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PROSPECT_HOME": ""}
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
