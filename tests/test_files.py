"""A file is there whole or not at all, whatever the system does in between."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from pipeline import files, shelf


def test_a_file_is_written_whole_and_its_folder_made(tmp_path: Path) -> None:
    at = tmp_path / "some" / "where" / "one"
    made = files.write(at, b"abc")
    assert files.read(at) == b"abc"
    assert made == files.mark(at.stat())
    assert files.write(at, b"") != made
    assert files.read(at) == b""
    assert [path.name for path in at.parent.iterdir()] == ["one"]


def test_a_system_that_takes_and_gives_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, read = os.write, os.read
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    monkeypatch.setattr(os, "read", lambda descriptor, size: read(descriptor, min(size, 5)))
    files.write(tmp_path / "one", bytes(range(100)))
    assert files.read(tmp_path / "one") == bytes(range(100))


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_what_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    at = tmp_path / "one"
    files.write(at, b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="no space left"):
        files.write(at, b"new", synced=True)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert at.read_bytes() == b"old"


def test_a_file_that_took_the_name_of_another_has_another_mark(tmp_path: Path) -> None:
    at = tmp_path / "one"
    first = files.write(at, b"abc")
    with files.opened(at) as (descriptor, mark):
        files.write(at, b"xyz")
        assert mark == first
        assert files.rest(descriptor, mark[-1]) == b"abc"  # what was opened is read to its end
    with files.opened(at) as (_, mark):
        assert mark != first


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "none")


def test_what_a_dead_process_left_under_our_name_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / ".one.left.partial"
    left.write_bytes(b"half of something longer")
    monkeypatch.setattr(files, "beside", lambda _: left)
    files.write(tmp_path / "one", b"abc")
    assert files.read(tmp_path / "one") == b"abc"


def test_names_beside_a_file_are_nobody_elses(tmp_path: Path) -> None:
    names: list[Path] = []
    threads = [threading.Thread(target=lambda: names.extend(files.beside(tmp_path / "one") for _ in range(200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 1600


@pytest.mark.parametrize("size", [0, 1, shelf.PIECE, shelf.PIECE + 1])
def test_a_digest_is_of_every_byte(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    (tmp_path / "one").write_bytes(data)
    assert shelf.file_sha256(tmp_path / "one") == hashlib.sha256(data).hexdigest()
