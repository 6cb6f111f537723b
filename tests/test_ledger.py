"""The ledger believes only what it wrote, and one run holds a store at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import ledger
from pipeline.errors import StoreError
from pipeline.ledger import Ledger, Lock, hash_of, key_of


def test_a_key_depends_on_every_word_and_not_on_the_order_of_a_mapping() -> None:
    assert key_of("a", {"x": 1, "y": 2}) == key_of("a", {"y": 2, "x": 1})
    assert len({key_of("a"), key_of("b"), key_of("a", None), key_of(["a"]), key_of("a", 1), key_of("a", 1.5)}) == 6


def test_what_was_recorded_and_saved_is_read_back_by_another(tmp_path: Path) -> None:
    one = Ledger.of(tmp_path / "g.zarr")
    one.record("slope", "0,0", "k1")
    one.record("slope", "0,1", "k2")
    assert Ledger.of(tmp_path / "g.zarr").keys("slope") == {}
    one.save()
    two = Ledger.of(tmp_path / "g.zarr")
    assert two.keys("slope") == {"0,0": "k1", "0,1": "k2"}
    assert two.whole("slope") == hash_of({"0,1": "k2", "0,0": "k1"})


def test_forgetting_is_on_disk_before_it_returns(tmp_path: Path) -> None:
    one = Ledger.of(tmp_path / "g.zarr")
    one.record("slope", "0,0", "k1")
    one.record("slope", "0,1", "k2")
    one.save()
    one.forget("slope", ["0,0"])
    assert Ledger.of(tmp_path / "g.zarr").keys("slope") == {"0,1": "k2"}


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"keys": {"0,0": "k'])
def test_a_damaged_object_is_believed_in_nothing(tmp_path: Path, damage: bytes) -> None:
    one = Ledger.of(tmp_path / "g.zarr")
    one.record("slope", "0,0", "k1")
    one.save()
    (one.folder / "slope.json").write_bytes(damage)
    assert Ledger.of(tmp_path / "g.zarr").keys("slope") == {}
    assert Ledger.of(tmp_path / "g.zarr").whole("slope") == ""


def test_a_second_run_on_a_held_store_is_refused_with_the_owner(tmp_path: Path) -> None:
    with Lock(tmp_path / "g.zarr"), pytest.raises(StoreError, match=f"held by process {os.getpid()}"), Lock(tmp_path / "g.zarr"):
        raise AssertionError("two held the store")
    with Lock(tmp_path / "g.zarr"):
        pass
    assert not (tmp_path / "g.lock").exists()


def test_a_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from pipeline.ledger import Lock; Lock(Path(sys.argv[1])).__enter__(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "g.zarr")], check=False)
    assert (tmp_path / "g.lock").exists()
    with Lock(tmp_path / "g.zarr"):
        assert json.loads((tmp_path / "g.lock").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize(("age", "taken"), [(-10.0, True), (60.0, False)])
def test_a_lock_of_another_host_holds_until_it_expires(tmp_path: Path, age: float, taken: bool) -> None:
    said = {"token": "x", "host": "elsewhere", "pid": 1, "born": 0, "until": time.time() + age}
    (tmp_path / "g.lock").write_text(json.dumps(said))
    if taken:
        with Lock(tmp_path / "g.zarr"):
            pass
    else:
        with pytest.raises(StoreError, match="held by process 1 on elsewhere"), Lock(tmp_path / "g.zarr"):
            pass


def test_a_held_lock_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK_SECONDS", 1.2)
    with Lock(tmp_path / "g.zarr"):
        first = json.loads((tmp_path / "g.lock").read_text())["until"]
        time.sleep(0.7)
        assert json.loads((tmp_path / "g.lock").read_text())["until"] > first
