"""The shell: the same bytes whatever the tiles, the workers, the order or the interruption; and nothing done twice."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import rasterio

from pipeline import cluster, flow, tasks
from pipeline.cluster import pool
from pipeline.config import load
from pipeline.cube import Cube
from pipeline.errors import ConfigError, ResourceError, StoreError
from pipeline.flow import run
from pipeline.grid import Index
from pipeline.ledger import Ledger, Lock
from pipeline.planning import Plan, plan
from pipeline.recipe import Array
from pipeline.threads import at_once
from tests import tiny
from tests.limits import ends
from tests.servers.dask import Wire

RASTERS = ("prospectivity.tif", "uncertainty.tif", "applicability.tif", "classes.tif")
EXACT = (*RASTERS, "scorecard.json", "config.yaml")
REPO = Path(__file__).resolve().parents[1]


def mapped(root: Path, *settings: str) -> Plan:
    made = plan(load("tiny", settings=settings, root=root))
    run(made)
    return made


def digests(folder: Path, names: tuple[str, ...] = EXACT) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def everything(folder: Path) -> dict[str, str]:
    """Digests of all files of a bundle but provenance.json, which says when and how it was made."""
    names = tuple(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "provenance.json")
    assert {*EXACT, "report.html", "targets.gpkg", "model.skops", "tiny.qgz"} <= {*names}
    return digests(folder, names)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region mapped once, uninterrupted, in this process."""
    root = tiny.make(tmp_path_factory.mktemp("whole"))
    mapped(root)
    return root


def test_a_map_ends_with_every_file_of_the_contract(whole: Path) -> None:
    names = {path.name for path in (whole / "outputs" / "tiny").iterdir()}
    assert names >= {*EXACT, "targets.gpkg", "targets.parquet", "model.skops", "provenance.json", "tiny.qgz", "item.json"}
    assert not [path for path in (whole / "outputs").iterdir() if path.name.startswith(".")]


def test_provenance_says_what_each_stage_took(whole: Path) -> None:
    said = json.loads((whole / "outputs" / "tiny" / "provenance.json").read_bytes())["run"]
    cells = 120 * 100  # of the tiny region
    layers = json.loads((whole / "outputs" / "tiny" / "provenance.json").read_bytes())["layers"]
    assert (
        set(said["seconds"]) == set(said["jobs"]) == set(said["cells"]) == set(said["bytes"]) >= {"align", "derive", "train", "predict", "validate"}
    )
    assert said["cells"]["derive"] == 4 * cells and said["bytes"]["derive"] == 4 * 4 * cells and len(layers) > 4
    assert said["cells"]["train"] == 0 and said["bytes"]["train"] > 1000
    assert 0 < sum(said["seconds"].values()) <= said["worker_seconds"] and said["working_seconds"] <= said["total_seconds"]
    assert said["alone_seconds"].keys() == {"acquire", "plan", "publish"} and min(said["alone_seconds"].values()) > 0  # what no worker did
    assert said["at_once"] == 1 and said["worker_seconds"] == pytest.approx(said["working_seconds"], abs=0.05)


def test_a_profile_lies_beside_the_bundle_and_the_dashboard_is_told(tmp_path: Path) -> None:
    root, said = tiny.make(tmp_path / "profiled"), []
    made = plan(load("tiny", settings=("run.workers=1",), root=root))
    outcome = run(made, profile=True, say=said.append)
    assert outcome.profile == root / "outputs" / "tiny.profile.html"
    report = outcome.profile.read_text()
    assert "Task Stream" in report and "write_tile" in report
    spent = json.loads((outcome.outputs / "provenance.json").read_bytes())["run"]
    assert spent["at_once"] == 1 and sum(spent["seconds"].values()) <= spent["worker_seconds"] <= spent["working_seconds"] + 0.05
    assert re.fullmatch(r"dashboard: http://127\.0\.0\.1:\d+/status", said[0])
    with pytest.raises(ConfigError, match="needs --workers 1 or more"):
        run(plan(load("tiny", settings=("seed=2",), root=root)), profile=True)


def test_a_second_run_does_nothing(whole: Path) -> None:
    made = plan(load("tiny", root=whole))
    assert made.stale == {}
    outcome = run(made)
    assert not outcome.published and outcome.jobs == {}


@pytest.mark.parametrize("tile", [16, 128, 512])
def test_any_tile_size_gives_the_same_rasters(whole: Path, tmp_path: Path, tile: int) -> None:
    root = tiny.make(tmp_path / "other")
    mapped(root, f"region.tile={tile}")
    assert digests(root / "outputs" / "tiny", RASTERS) == digests(whole / "outputs" / "tiny", RASTERS)


@pytest.mark.parametrize("said", [("run.workers=1",), ("run.workers=4",), ("run.workers=0", "run.threads=3")])
def test_any_number_of_workers_and_threads_gives_the_same_bundle(whole: Path, tmp_path: Path, said: tuple[str, ...]) -> None:
    root = tiny.make(tmp_path / "other")
    mapped(root, *said)
    assert everything(root / "outputs" / "tiny") == everything(whole / "outputs" / "tiny")


def test_the_workers_of_a_scheduler_named_by_its_address_give_the_same_bundle(whole: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    root = tiny.make(tmp_path / "other")
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        mapped(root, f"run.scheduler={cluster.scheduler_address}")
    assert digests(root / "outputs" / "tiny") == digests(whole / "outputs" / "tiny")


def test_changing_a_parameter_remakes_that_layer_and_what_reads_it_and_nothing_else(whole: Path, tmp_path: Path) -> None:
    root = shutil.copytree(whole, tmp_path / "copy")
    before = {p.name: p.read_bytes() for p in (root / "cache" / "tiny").glob("*.keys/*.json")}
    made = plan(load("tiny", settings=("features.halo.radius_m=2500",), root=root))
    below = {"table", "protocols/default/scorecard", "model", "prospectivity", "edges", "classes", "targets", "best"}
    below |= {"importance", "space", "applicability", "believed", "reasons", "pieces", "exponent", "intensity", "foretold", "risk", "as_fitted"}
    assert set(made.stale) == {"halo"} | {f"systems/as_published/{name}" for name in below}
    assert made.why["halo"] == "changed: its recipe or parameters"
    assert made.why["systems/as_published/prospectivity"] == "changed: fit systems/as_published/model, layer halo"
    run(made)
    after = {p.name: p.read_bytes() for p in (root / "cache" / "tiny").glob("*.keys/*.json")}
    assert {name for name in before if before[name] != after[name]} == {"halo.json"}


def test_a_changed_file_remakes_only_what_reads_it(whole: Path, tmp_path: Path) -> None:
    root = shutil.copytree(whole, tmp_path / "copy")
    with rasterio.open(root / "alteration.tif", "r+") as file:
        values = file.read(1)
        values[3, 4] += 1
        file.write(values, 1)
    made = plan(load("tiny", root=root))
    assert {"alteration", "halo"} <= set(made.stale)
    assert not {"dem", "elevation", "slope", "distance_to_faults", "region"} & set(made.stale)
    assert made.why["alteration"] == "changed: file alteration.tif"


def test_a_fault_moved_remakes_only_the_tiles_within_its_reach(whole: Path, tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    root = shutil.copytree(whole, tmp_path / "copy")
    settings = ("features.distance_to_faults.reach_m=4000",)
    mapped(root, *settings)
    frame = gpd.read_file(root / "faults.gpkg")
    extra = gpd.GeoDataFrame({"kind": ["old"]}, geometry=[shapely.LineString([(1000, 1000), (2000, 3000)])], crs=frame.crs)
    shutil.rmtree(root / "faults.gpkg", ignore_errors=True)
    (root / "faults.gpkg").unlink()
    import pandas as pd

    pd.concat([frame, extra]).to_file(root / "faults.gpkg", layer="faults")
    made = plan(load("tiny", settings=settings, root=root))
    # tiles of 16 km from the north: the last row is 2 km high, and only the western column lies within 4 km of the new line
    assert made.stale["distance_to_faults"] == [(2, 0), (3, 0)]


def test_a_layer_whose_array_is_gone_is_believed_in_nothing(whole: Path, tmp_path: Path) -> None:
    root = shutil.copytree(whole, tmp_path / "copy")
    (cube,) = (root / "cache" / "tiny").glob("*.zarr")
    shutil.rmtree(cube / "slope")
    assert len(plan(load("tiny", root=root)).stale["slope"]) == 16
    mapped(root)
    assert digests(root / "outputs" / "tiny") == digests(whole / "outputs" / "tiny")


def test_a_bundle_with_a_file_missing_is_made_again_without_computing(whole: Path, tmp_path: Path) -> None:
    root = shutil.copytree(whole, tmp_path / "copy")
    (root / "outputs" / "tiny" / "classes.tif").unlink()
    outcome = run(plan(load("tiny", root=root)))
    assert outcome.published and outcome.jobs == {}
    assert digests(root / "outputs" / "tiny") == digests(whole / "outputs" / "tiny")


def test_a_killed_run_is_taken_up_where_it_was(whole: Path, tmp_path: Path) -> None:
    """SIGKILL at five random moments, to the whole process group; the sixth run ends with the uninterrupted bytes."""
    root = tiny.make(tmp_path / "killed")
    moments = random.Random(7)
    command = [sys.executable, "-m", "pipeline", "map", "tiny", "--set", "run.workers=2"]
    survived = 0
    for _ in range(5):
        process = subprocess.Popen(
            command, cwd=root, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(moments.uniform(2.0, 7.0))
        survived += process.poll() is not None
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.wait()
    done = subprocess.run(command, cwd=root, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert survived < 5, "no run was killed: the moments are too late to prove anything"
    assert everything(root / "outputs" / "tiny") == everything(whole / "outputs" / "tiny")


def test_killed_between_two_steps_then_reverted_the_bytes_are_the_same(whole: Path, tmp_path: Path) -> None:
    """Config A done; B killed at its n-th step; A again: always A's bytes. Here at some steps, in tests/world/test_kills.py at many more."""
    killed_at_steps(whole, tmp_path / "r", first=9, every=25)


def killed_at_steps(whole: Path, at: Path, *, first: int, every: int) -> None:
    root = tiny.make(at)
    script = [sys.executable, str(REPO / "tests" / "kill_at_steps.py"), str(root), str(first), str(every)]
    done = subprocess.run(script, cwd=REPO, env=_environment(), capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["steps"] > 60 and told["killed"] == len(range(first, told["steps"] + 1, every))
    assert told["different"] == []
    assert digests(root / "outputs" / "tiny", RASTERS) == digests(whole / "outputs" / "tiny", RASTERS)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPO), "PROSPECT_HOME": ""}


def test_a_held_store_refuses_a_second_run(whole: Path) -> None:
    made = plan(load("tiny", root=whole))
    with Lock(made.cube.path), pytest.raises(StoreError, match="is held by process"):
        run(made)


def test_an_output_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r")
    (root / "occupied").write_text("a file where a folder should be")
    made = plan(load("tiny", settings=("run.outputs=occupied/below",), root=root))
    with pytest.raises(StoreError, match="give another folder with --set run"):
        run(made)
    assert not list((root / "cache").glob("tiny/*.keys"))


def test_a_bundle_left_half_swapped_by_a_crash_is_put_back(whole: Path, tmp_path: Path) -> None:
    root = shutil.copytree(whole, tmp_path / "copy")
    os.replace(root / "outputs" / "tiny", root / "outputs" / ".tiny.old")
    outcome = run(plan(load("tiny", root=root)))
    assert not outcome.published
    assert digests(root / "outputs" / "tiny") == digests(whole / "outputs" / "tiny")


def test_a_reach_too_wide_for_the_tiles_is_refused_with_a_way_out(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r")
    with pytest.raises(ResourceError, match=r"looks 12000 m around each cell, so tiles of 32 cells would read 6.2 times themselves"):
        plan(load("tiny", settings=("features.halo.radius_m=12000",), root=root))


def test_a_job_beyond_the_stated_memory_is_refused(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r")
    with pytest.raises(ResourceError, match=r"more than run.memory_gb 0.001"):
        plan(load("tiny", settings=("run.memory_gb=0.001",), root=root))


def test_a_scheduler_that_does_not_answer_is_one_clear_error() -> None:
    closed = "tcp://127.0.0.1:9"
    with pytest.raises(ResourceError, match=f"no Dask scheduler answers at {closed}"), pool(workers=1, in_flight=1, scheduler=closed):
        pass


def test_keys_recorded_are_the_keys_planned(whole: Path) -> None:
    made = plan(load("tiny", root=whole))
    ledger = Ledger.of(made.cube.path)
    assert all(ledger.keys(layer) == keys for layer, keys in made.keys.items())
    assert len(made.keys) == 2 + 4 + 3 + 3 + 1 + 1


def test_every_layer_carries_what_a_layer_must(whole: Path) -> None:
    from pipeline import open_cube

    cube = open_cube("tiny", root=whole)
    assert {"dem", "alteration", "region", "elevation", "slope", "halo", "distance_to_faults", "prospectivity"} <= set(cube.data_vars)
    for name, layer in cube.data_vars.items():
        assert {"units", "long_name", "source", "licence", "native_m"} <= set(layer.attrs), name
    assert cube["slope"].dims == ("y", "x")
    assert np.isfinite(cube["prospectivity"].values).mean() > 0.99


def test_of_jobs_handed_over_together_those_before_a_failure_are_done_and_the_others_asked_for_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, write_tiles, writes, answered = Cube.write, tasks.write_tiles, itertools.count(1), list[tuple[int, int]]()

    def fails_at_times(cube: Cube, layer: str, tile: Index, values: Array) -> None:
        if next(writes) % 7 == 0:
            raise OSError("the disk is away for a moment")
        write(cube, layer, tile, values)

    def told(calls: list[tuple[Any, ...]]) -> list[Any]:
        answers = write_tiles(calls)
        answered.append((len(answers), len(calls)))
        return answers

    monkeypatch.setattr(Cube, "write", fails_at_times)
    monkeypatch.setattr(tasks, "write_tiles", told)
    root = tiny.make(tmp_path)
    mapped(root, "region.tile=16")
    assert any(0 < done < asked for done, asked in answered)
    assert digests(root / "outputs" / "tiny", RASTERS) == digests(whole / "outputs" / "tiny", RASTERS)
    monkeypatch.setattr(Cube, "write", lambda *_: (_ for _ in ()).throw(OSError("the disk is gone")))
    with pytest.raises(OSError, match="the disk is gone"):
        mapped(tiny.make(tmp_path / "gone"))


def test_a_tile_that_took_no_time_says_little_of_the_next(whole: Path) -> None:
    made = plan(load("tiny", root=whole))
    shell = flow._Shell(plan=made, ledger=Ledger.of(made.cube.path), held=None, progress=None)  # type: ignore[arg-type]  # it is not asked
    index = next(i for i, node in enumerate(made.nodes) if node.name == "slope")
    for seconds, pace in ((0.8, 0.8), (0.001, 0.4), (0.3, 0.3)):
        shell.waits[index, (0, 0)], shell.left[index] = 0, 2
        shell._finish((index, (0, 0)), tasks.Effort(seconds, 1, 1))
        assert shell.paces[index] == pace


def test_of_several_jobs_whose_worker_died_each_may_have_been_the_one(whole: Path) -> None:
    node = plan(load("tiny", root=whole)).nodes[0]
    died = type("KilledWorker", (Exception,), {})()
    assert re.match(rf"{node.name}: a worker died", str(flow._told(died, node)))
    assert re.match(rf"{node.name}, or one of 3 jobs after it: a worker died", str(flow._told(died, node, others=3)))


def test_samples_are_drawn_in_a_pass_of_their_own_and_evidence_is_asked_while_it_is_made(whole: Path, tmp_path: Path) -> None:
    made = plan(load("tiny", root=tiny.make(tmp_path)))
    shell = flow._Shell(plan=made, ledger=None, held=None, progress=None)  # type: ignore[arg-type]  # neither is asked
    shell.wire()
    order = dict(zip((node.name for node in made.nodes), shell._passes(), strict=True))
    prefix = made.graph.prefix
    assert order["region"] == order[f"{prefix}/samples"] < order[f"{prefix}/table"] == order["distance_to_faults"] < order[f"{prefix}/model"]
    assert order[f"{prefix}/model"] == order[f"{prefix}/prospectivity"] == order[f"{prefix}/applicability"]
    there = flow._Shell(plan=plan(load("tiny", root=whole)), ledger=None, held=None, progress=None)  # type: ignore[arg-type]
    there.wire()
    assert set(there._passes()) == {2}  # nothing waits for what is there


def test_a_run_whose_only_worker_was_killed_goes_on_with_the_next_and_gives_the_same_bundle(whole: Path, tmp_path: Path) -> None:
    class Killer:
        done = killed = 0

        def start(self, totals: dict[str, int]) -> None:
            pass

        def advance(self, _: str) -> None:
            self.done += 1
            if self.done == 40:
                for child in psutil.Process().children(recursive=True):
                    if any("spawn_main" in word for word in child.cmdline()):
                        child.kill()
                        self.killed += 1

    root = tiny.make(tmp_path / "other")
    watch = Killer()
    with ends():
        run(plan(load("tiny", settings=("run.workers=1",), root=root)), watch)
    assert watch.killed == 1 and watch.done > 40
    assert digests(root / "outputs" / "tiny") == digests(whole / "outputs" / "tiny")


def test_a_computation_may_use_the_threads_of_its_process_where_tiles_are_made_there_and_one_elsewhere() -> None:
    with pool(workers=0, in_flight=1, scheduler=None, threads=3) as here:
        assert here.submit(at_once).result() == 3
    assert at_once() == 1
    with ends(), pool(workers=1, in_flight=1, scheduler=None, threads=3) as workers:
        assert workers.submit(at_once).result() == 1


def test_libraries_are_imported_ahead_where_a_model_is_to_be_fitted_and_only_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    root = tiny.make(tmp_path / "region")
    for settings, times in (((), 1), ((), 0), (("model={use: random_forest, bags: 2, trees_per_bag: 3}",), 1), (("features.halo.radius_m=2500",), 1)):
        asked.clear()
        monkeypatch.setattr(flow.train, "warmed", lambda: asked.append("once"))
        mapped(root, *settings)
        assert len(asked) == times


def test_an_answer_that_is_on_its_way_as_the_connection_is_cut_is_told_of_as_a_cut_and_may_be_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    with (
        ends(), LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50) as own,
        closing(Wire(own.scheduler_address)) as wire, pool(workers=1, in_flight=1, scheduler=wire.address) as workers,
    ):  # fmt: skip
        client = workers._client  # type: ignore[attr-defined]

        def again() -> object:
            for _ in range(flow.CUTS):  # the client may learn of the cut later than of the answer
                workers.mend()
                if not cluster.is_cut((answer := workers.submit(abs, -3)).exception(timeout=60)):
                    return answer.result()
            return None

        async def cut(*words: object) -> object:
            wire.cut()
            return await type(client)._gather_remote(client, *words)

        with monkeypatch.context() as patched:
            patched.setattr(client, "_gather_remote", cut)
            assert cluster.is_cut(workers.submit(abs, -3).exception(timeout=60))
        wire.mend()
        assert again() == 3
        failed = workers.submit(math.sqrt, -1).exception(timeout=60)
        assert isinstance(failed, ValueError) and not cluster.is_cut(failed)
        assert isinstance(workers.submit(exec, "raise GeneratorExit").exception(timeout=60), GeneratorExit)
        client.close()  # as one that gave up looking does
        assert cluster.is_cut(workers.submit(abs, -3).exception(timeout=60))
        assert again() == 3


def test_a_worker_that_is_starting_as_a_cluster_closes_is_no_error_and_another_error_is() -> None:
    class Stumbling:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def close(self) -> None:
            raise self.error

    cluster._closed(Stumbling(AssertionError("can only join a started process")))
    with pytest.raises(OSError, match="no space"):
        cluster._closed(Stumbling(OSError("no space")))


def test_a_job_that_kills_whoever_does_it_is_told_of_though_all_workers_went_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = flow._Shell(plan=None, ledger=None, held=None, progress=None)  # type: ignore[arg-type]  # none of them is asked
    monkeypatch.setattr(shell, "_submit", lambda workers, jobs, lane="": workers.submit(os.abort, lane=lane))
    with ends(), pool(workers=2, in_flight=2, scheduler=None) as workers:
        lane = min(workers.lanes)
        running = {shell._submit(workers, [(0, None)], lane): ([(0, None)], 1, lane)}
        while not (ended := workers.first(set(running))):
            shell._ask_again(workers, running, workers.lanes)
        assert cluster.is_lost_worker(ended.pop().exception())
