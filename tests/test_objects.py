"""The store on S3: what is there is whole, conditions hold, one run holds it, and the map is the same as from a folder."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import s3fs

from pipeline import chunks, lending
from pipeline.asset import Asset
from pipeline.cube import Cube, LayerMeta
from pipeline.errors import ConfigError, StoreError
from pipeline.grid import Grid, Window
from pipeline.ledger import Ledger, Lock, holder
from pipeline.node import Call
from pipeline.objects import ObjectPath, located
from pipeline.tasks import write_tiles
from tests.servers import s3


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3.serving("bucket") as environment:
        yield environment


@pytest.fixture
def bucket(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ObjectPath:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return ObjectPath(f"s3://bucket/{time.monotonic_ns()}")


def test_a_cache_is_a_folder_or_an_address_of_s3(tmp_path: Path) -> None:
    assert located(tmp_path, "cache") == tmp_path / "cache"
    at = located(tmp_path, "s3://bucket/some/store/")
    assert at == ObjectPath("s3://bucket/some/store")
    named = at / "a.zarr"
    assert (named.name, named.stem, named.parent, named.with_suffix(".lock").name) == ("a.zarr", "a", at, "a.lock")
    for written in ("gs://bucket/store", "s3://bucket", "s3://bucket/with space"):
        with pytest.raises(ConfigError, match="expected a folder, or s3://bucket/name"):
            located(tmp_path, written)


def test_an_object_is_read_back_and_conditions_of_writes_hold(bucket: ObjectPath) -> None:
    at = bucket / "thing"
    assert not at.is_file() and at.mark() is None
    with pytest.raises(FileNotFoundError):
        at.read_bytes()
    assert at.create(b"one") and not at.create(b"two") and at.read_bytes() == b"one"
    old = at.mark()
    assert old and at.replace(b"three", old) and not at.replace(b"four", old) and at.read_text() == "three"
    assert bucket.is_dir() and 0 <= at.age_s() + 1 < 30
    at.unlink()
    at.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        at.unlink()
    assert not bucket.is_dir()


def test_jobs_handed_over_together_unpack_a_chunk_of_an_object_store_once_and_the_next_read_it_anew(bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked, layer = [], bucket / "layer"
    monkeypatch.setattr(chunks, "_unpacked", lambda *given, real=chunks._unpacked: unpacked.append(1) or real(*given))
    kind = chunks.Kind(np.dtype("float32"), (8, 8), 8)

    def read() -> float:
        return float(chunks.read(layer, kind, 0, 0, (8, 8))[0, 0])

    chunks.write(layer, kind, 0, 0, np.ones((8, 8), np.float32))
    assert write_tiles([(read,), (read,), (read,)]) == [1.0, 1.0, 1.0] and len(unpacked) == 1
    chunks.write(layer, kind, 0, 0, np.full((8, 8), 2, np.float32))  # by whoever: nothing is held on behalf of this
    assert write_tiles([(read,), (read,)]) == [2.0, 2.0] and len(unpacked) == 2

    def write(value: float) -> None:
        chunks.write(layer, kind, 0, 0, np.full((8, 8), value, np.float32))

    answers = write_tiles([(read,), (write, 3.0), (read,), (write, np.nan), (read,)])
    assert answers[0] == 2.0 and answers[2] == 3.0 and np.isnan(answers[4]) and len(unpacked) == 3  # what one of them wrote is not unpacked either
    assert [read() for _ in range(2)] and len(unpacked) == 3  # no chunk is there


def test_a_store_that_is_not_there_is_one_clear_error(bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="no such bucket"), Lock(ObjectPath("s3://nowhere/a.zarr")):
        pass
    assert not bucket.is_file() and bucket.write(b"x") is None and bucket.is_file()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()  # a process reads the environment once
    with pytest.raises(StoreError, match="does not answer"):
        (bucket / "thing").read_bytes()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_layer_and_its_keys_are_read_back(bucket: ObjectPath) -> None:
    grid = Grid.covering((0.0, 0.0, 3000.0, 2000.0), crs="EPSG:6933", cell_m=100.0, tile=16)
    cube = Cube.at(bucket, "here", grid)
    meta = LayerMeta("a/b", "float32", "m", "a layer", "made up", "none", 100.0)
    assert not cube.has(meta)
    with pytest.raises(StoreError, match="is not in"):
        cube.open("a/b")
    cube.prepare([meta])
    values = np.arange(np.prod(grid.window((1, 1)).shape), dtype="float32").reshape(grid.window((1, 1)).shape)
    cube.write("a/b", (1, 1), values)
    assert cube.has(meta) and np.array_equal(cube.read("a/b", grid.window((1, 1))), values)
    whole = cube.read("a/b", Window(grid, -1, -1, 5, 5))
    assert whole.shape == (6, 6) and np.isnan(whole).all()
    cube.save_fit("fit", "0" * 64, {"x": np.arange(3)})
    assert cube.has_fit("fit", "0" * 64) and cube.load_fit("fit", "0" * 64)["x"].tolist() == [0, 1, 2]
    ledger = Ledger.of(cube.path)
    ledger.record("a/b", "1,1", "key")
    ledger.save()
    assert Ledger.of(cube.path).keys("a/b") == {"1,1": "key"}


def test_of_many_runs_at_once_one_holds_the_store(bucket: ObjectPath) -> None:
    cube, held, refused, go = bucket / "a.zarr", [], [], threading.Barrier(6)

    def run() -> None:
        go.wait()
        try:
            with Lock(cube) as lock:
                held.append(lock.token)
                time.sleep(3)
        except StoreError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1 and len(refused) == 5 and holder(cube) == ""


def test_of_many_who_take_over_a_dead_runs_store_one_succeeds(bucket: ObjectPath) -> None:
    """The lock of a host that went away expired; each takes what it read for what is there, and the store decides."""
    cube = bucket / "a.zarr"
    said = {"token": "dead", "host": "elsewhere", "pid": 1, "born": 0.0, "until": time.time() + 60}
    cube.with_suffix(".lock").write(json.dumps(said).encode())
    with pytest.raises(StoreError, match="held by process 1 on elsewhere"), Lock(cube):
        pass
    cube.with_suffix(".lock").write(json.dumps(said | {"until": time.time() - 1}).encode())
    first, second = Lock(cube), Lock(cube)
    mark, owner = cube.with_suffix(".lock").mark(), said
    assert first._drop(owner, mark) and not second._drop(owner, mark)
    assert holder(cube) == first.token and json.loads(cube.with_suffix(".lock").read_text())["host"] == socket.gethostname()


def test_a_lock_that_was_taken_is_not_renewed_over(bucket: ObjectPath) -> None:
    cube = bucket / "a.zarr"
    with Lock(cube) as lock:
        lock._write_anew()
        assert lock.ours()
        cube.with_suffix(".lock").write(json.dumps(json.loads(lock._said()) | {"token": "other"}).encode())
        lock._write_anew()
        assert holder(cube) == "other"
        with pytest.raises(StoreError, match="taken over by another run"):
            lock.check()
    assert holder(cube) == "other"


def test_a_file_is_lent_once_and_borrowed_where_it_is_not(bucket: ObjectPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROSPECT_SCRATCH", str(tmp_path / "scratch"))
    cube = Cube.at(bucket, "here", Grid.covering((0.0, 0.0, 800.0, 800.0), crs="EPSG:6933", cell_m=100.0, tile=4))
    (tmp_path / "here").mkdir()
    for name in ("dem.tif", "dem.tif.aux.xml", "dem.txt"):
        (tmp_path / "here" / name).write_text(name)
    call = Call(print, assets=(Asset("dem.tif", str(tmp_path / "here" / "dem.tif"), "v1", 7), Asset("far", "https://far.example/a.tif", "v1", 7)))
    lending.lend(cube, [call])
    assert lending.borrowed(cube, call) == call
    lending.lend(cube, [call])
    shutil.rmtree(tmp_path / "here")
    mine, far = lending.borrowed(cube, call).assets
    assert far == call.assets[1] and Path(mine.path).read_text() == "dem.tif" and Path(mine.path).is_relative_to(tmp_path / "scratch")
    assert {path.name for path in Path(mine.path).parent.iterdir()} == {"dem.tif", "dem.tif.aux.xml"}
    other = replace(call, assets=(replace(call.assets[0], version="v2"),))
    with pytest.raises(StoreError, match=r"dem.tif: is neither on this worker nor in the store; run again, and it is lent anew"):
        lending.borrowed(cube, other)
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROSPECT_SCRATCH", str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"dem.tif: cannot be kept in a worker's scratch folder .*; set PROSPECT_SCRATCH to another"):
        lending.borrowed(cube, call)
    monkeypatch.delenv("PROSPECT_SCRATCH")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"prospect-{os.getuid()}").mkdir()
    (tmp_path / f"prospect-{os.getuid()}").chmod(0o777)
    with pytest.raises(StoreError, match="another user can write to this folder for temporary files; set PROSPECT_SCRATCH to one of your own"):
        lending.borrowed(cube, call)
