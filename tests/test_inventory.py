"""The shelf as `prospect cache` shows, checks and clears it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pipeline import turns
from pipeline.archive import unpacked
from pipeline.blocks import BLOCK, Blocks
from pipeline.cli import app
from pipeline.errors import DataError, StoreError
from pipeline.fetch import download
from pipeline.inventory import listed, pruned, verified
from pipeline.pace import Patience
from pipeline.ranged import Remote
from tests.servers import web as webs
from tests.servers.web import Web
from tests.test_archive import packed

BODY = np.random.default_rng(2).bytes(200_000)


@pytest.fixture
def web() -> Iterator[Web]:
    with webs.serving(Web({"/a.tif": BODY, "/b.tif": BODY[::-1]})) as web:
        yield web


@pytest.fixture
def shelf(web: Web, tmp_path: Path) -> Path:
    """A whole file, one by pieces, an unpacked archive, half a download."""
    shelf = tmp_path / "cache" / "downloads"
    get(web, shelf, "/a.tif")
    blocks = Remote(web.url("/b.tif?token=secret"), hosts=("127.0.0.1",), shelf=shelf, name="b").blocks()
    assert isinstance(blocks, Blocks)
    unpacked(packed(tmp_path / "m.zip", ("mrds.csv", b"1,2")), "*.csv", name="m.zip", into=shelf / "unpacked")
    web.faults["/c.tif"], web.files["/c.tif"] = [webs.cut(100_000)], BODY
    with pytest.raises(DataError):
        get(web, shelf, "/c.tif", tries=1)
    return shelf


def get(web: Web, shelf: Path, path: str, tries: int = 3) -> Path:
    return download(web.url(path), hosts=("127.0.0.1",), shelf=shelf, max_bytes=10**6, patience=Patience(tries=tries, pause=lambda _: None))


def cache(root: Path, monkeypatch: pytest.MonkeyPatch, *said: str) -> Result:
    (root / "configs" / "regions").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(root)
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["cache", *said])


def test_everything_is_listed_with_where_it_came_from(web: Web, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {held.kind: held for held in listed(shelf)}
    assert set(found) == {"file", "blocks", "unpacked", "leftover"} and len(listed(shelf)) == 4
    assert found["file"].name == web.url("/a.tif") and found["file"].size == len(BODY) and found["file"].fetched
    assert (found["blocks"].name, found["blocks"].size, found["blocks"].whole) == (web.url("/b.tif"), 2 * BLOCK, len(BODY))
    said = cache(tmp_path, monkeypatch, "list")
    assert said.exit_code == 0 and web.url("/a.tif") in said.output and "secret" not in said.output and "4 things, 0." in said.output
    assert cache(tmp_path, monkeypatch, "list", "--cache", "elsewhere").output.startswith("0 things, 0.0 MB, in elsewhere/downloads")


def test_what_is_damaged_is_taken_off_and_fetched_again(web: Web, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verified(shelf) == [] and cache(tmp_path, monkeypatch, "verify").output == "all is as it was fetched\n"
    for held in listed(shelf):
        if held.kind != "leftover":
            path = {"file": held.paths[0], "blocks": held.paths[0] / "data", "unpacked": held.paths[0] / "mrds.csv"}[held.kind]
            at, content = path.stat(), bytearray(path.read_bytes())
            content[1] ^= 1
            path.write_bytes(content)
            os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))  # as a disk does it: unseen
    said = cache(tmp_path, monkeypatch, "verify")
    assert said.exit_code == 1 and said.output.count("damaged: ") == 3 and "taken off, the next run fetches it again" in said.output
    sent = web.bytes_sent("/a.tif")
    assert get(web, shelf, "/a.tif").read_bytes() == BODY and web.bytes_sent("/a.tif") == sent + len(BODY)
    (csv,) = unpacked(tmp_path / "m.zip", "*.csv", name="m.zip", into=shelf / "unpacked")
    assert csv.read_bytes() == b"1,2"


def test_pruning_takes_what_no_address_leads_to_and_nothing_else(web: Web, shelf: Path) -> None:
    web.files["/a.tif"] = BODY[:1000]
    old, new = listed(shelf)[1].paths[0], get(web, shelf, "/a.tif")
    assert old != new and old.is_file()
    assert [held.kind for held in pruned(shelf)] == ["leftover"]  # half a download; the old version may be another run's, still to be named
    assert old.is_file()
    os.utime(old, (1, 1))
    assert [held.paths for held in pruned(shelf)] == [(old,)] and new.is_file()
    assert pruned(shelf) == []


def test_what_another_run_is_at_work_on_stays(web: Web, shelf: Path) -> None:
    (partial,) = shelf.glob("*.partial")
    with turns.alone(shelf / "locks" / f"{partial.name[:16]}.lock"):
        assert pruned(shelf) == [] and partial.is_file()
    assert [held.name for held in pruned(shelf)] == [partial.name]


def test_what_was_not_used_for_long_goes_when_asked(web: Web, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for held in listed(shelf):
        os.utime(held.paths[-1], (time.time() - 10 * 86_400,) * 2)
    get(web, shelf, "/a.tif")  # asked about, so used
    assert {held.kind for held in pruned(shelf, unused_days=9)} == {"blocks", "unpacked", "leftover"}
    assert [held.kind for held in listed(shelf)] == ["file"]
    said = cache(tmp_path, monkeypatch, "prune", "--all")
    assert said.exit_code == 0 and "1 things, 0.2 MB" in said.output and listed(shelf) == [] and not any(shelf.glob("*.*"))


def test_a_shelf_that_cannot_be_read_is_told(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipeline.inventory.read_note", no)
    with pytest.raises(StoreError, match=r"the downloads in cache/downloads cannot be looked through \(Permission denied\); check who may read them"):
        listed(shelf)
