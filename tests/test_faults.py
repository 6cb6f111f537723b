"""Everything a server can do wrong, done on purpose: a retry that succeeds, or one clear error naming source and asset; nothing corrupt gets in."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline import turns
from pipeline.config import load
from pipeline.errors import DataError
from pipeline.fetch import body, download
from pipeline.pace import Patience
from pipeline.planning import plan
from pipeline.ranged import Remote
from tests import tiny
from tests.servers import web as webs
from tests.servers.web import Fault, Handler, Web

ROOT = Path(__file__).parents[1]
BODY = b"II*\0" + np.random.default_rng(7).bytes(700_000)
FILE = "/data/scene.tif"


@pytest.fixture
def web() -> Iterator[Web]:
    with webs.serving(Web({FILE: BODY})) as web:
        yield web


def fetched(web: Web, shelf: Path, **more: Any) -> tuple[bytes, list[float]]:
    pauses: list[float] = []
    patience = Patience(**{"tries": 3, "pause": pauses.append, "jitter": lambda: 0.5} | more.pop("patience", {}))
    said = {"hosts": ("127.0.0.1",), "shelf": shelf, "max_bytes": 10**6, "patience": patience} | more
    return download(web.url(FILE), **said).read_bytes(), pauses


# what passes ends in a retry that succeeds


def test_too_many_requests_are_waited_out_as_long_as_was_asked(web: Web, tmp_path: Path) -> None:
    web.faults[FILE] = [webs.status(429, Retry_After="17"), webs.status(429)]
    assert fetched(web, tmp_path) == (BODY, [17.0, 1.5])  # 0.5, doubled at the second failure, stretched by half


def test_a_burst_of_server_errors_is_waited_out_with_jitter(web: Web, tmp_path: Path) -> None:
    web.faults[FILE] = [webs.status(500), webs.status(502)]
    assert fetched(web, tmp_path) == (BODY, [0.75, 1.5])


def test_a_connection_cut_mid_file_costs_no_byte_twice(web: Web, tmp_path: Path) -> None:
    web.faults[FILE] = [webs.cut(300_000), webs.status(500), webs.cut(123_456)]
    assert fetched(web, tmp_path)[0] == BODY
    assert web.bytes_sent() == len(BODY) and [one.start for one in web.sent if one.size] == [0, 300_000, 423_456]


def test_an_expired_signature_is_renewed_once(web: Web, tmp_path: Path) -> None:
    made: list[bool] = []
    web.needs_signature = lambda sig: sig == "fresh"

    def sign(url: str, fresh: bool) -> str:
        made.append(fresh)
        return f"{url}?sig={'fresh' if fresh else 'old'}"

    assert fetched(web, tmp_path, sign=sign) == (BODY, []) and made == [False, True]
    assert sorted(one.status for one in web.sent) == [200, 403] and "sig" not in "".join(p.read_text() for p in tmp_path.glob("*.json"))
    web.needs_signature = lambda sig: False
    with pytest.raises(DataError, match=r"scene.tif: the server answers 403 Forbidden; its signature is refused, a fresh one too: check what signs it"):
        fetched(web, tmp_path / "other", sign=sign)
    assert made == [False, True, False, True]


@pytest.mark.parametrize("in_headers", [False, True])
def test_a_server_that_trickles_is_cut_off_and_asked_again(web: Web, tmp_path: Path, in_headers: bool) -> None:
    slow = webs.trickle(every_s=0.01, in_headers=in_headers)
    patience = {"slow_s": 0.2, "least_bytes": 5000}
    web.faults[FILE] = [slow]
    assert fetched(web, tmp_path, patience=patience)[0] == BODY
    web.faults[FILE] = [slow] * 3
    with pytest.raises(DataError, match=r"scene.tif: gave up after 2 tries \(it trickles: only \d+ bytes in [\d.]+ s, expected 5,000"):
        fetched(web, tmp_path / "other", patience=patience | {"tries": 2})


def test_a_silent_server_is_not_waited_for(web: Web, tmp_path: Path) -> None:
    over = threading.Event()

    def silent(_: Web, to: Handler, __: bytes) -> bool:
        over.wait(20)
        to.close_connection = True
        return True

    web.faults[FILE] = [silent] * 2
    try:
        assert fetched(web, tmp_path, patience={"silence_s": 0.1})[0] == BODY
    finally:
        over.set()


# many processes, one host


def test_a_host_is_asked_a_few_things_at_a_time_by_all_who_share_a_cache(tmp_path: Path, web: Web) -> None:
    def slow(server: Web, to: Handler, content: bytes) -> bool:
        time.sleep(0.05)
        return False

    paths = [f"/{n}.tif" for n in range(8)]
    web.files |= dict.fromkeys(paths, BODY)
    web.faults |= {path: [slow] for path in paths}
    code = (
        "import sys; from pathlib import Path; from pipeline.fetch import download\n"
        "for url in sys.argv[2:]: download(url, hosts=('127.0.0.1',), shelf=Path(sys.argv[1]), max_bytes=10**6)"
    )
    groups = [[sys.executable, "-c", code, str(tmp_path), *map(web.url, paths[n::4])] for n in range(4)]
    held = [tmp_path / "hosts" / f"127.0.0.1-{n}.lock" for n in range(2)]
    with turns.alone(held[0]), turns.alone(held[1]):  # two of the four places are taken: the four processes share the others
        running = [subprocess.Popen(group, cwd=ROOT) for group in groups]
        assert [process.wait(120) for process in running] == [0] * 4
    assert 1 <= web.most_at_once <= 2 and web.bytes_sent() == 8 * len(BODY)


def test_a_rest_that_one_process_was_asked_for_is_kept_by_the_others(tmp_path: Path, web: Web) -> None:
    turns.rest(tmp_path / "hosts", "127.0.0.1", 50)
    note = tmp_path / "hosts" / "127.0.0.1.rest"
    assert fetched(web, tmp_path)[1] == []  # our own: we paused ourselves
    note.write_text(note.read_text().split()[0] + " 1")
    (pause,) = fetched(web, tmp_path / "..." / "..")[1]
    assert 0 < pause <= 50


# a kill, and the same again


def killed_while(code: list[str], web: Web, path: str, at: int) -> None:
    """Start a program, wait until `at` bytes of `path` went out to it, and kill it."""
    stalled, over = threading.Event(), threading.Event()

    def stall(server: Web, to: Handler, content: bytes) -> bool:
        to.send_response(206 if "Range" in to.headers else 200)
        start = int(to.headers["Range"][6:].split("-")[0]) if "Range" in to.headers else 0
        whole = server.head(path, content, start)
        for name, value in whole.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(content[start : start + at])
        to.wfile.flush()
        server.noted(to, 200, start, at)
        stalled.set()
        over.wait(60)
        to.close_connection = True
        return True

    web.faults[path] = [*web.faults.get(path, []), stall]
    process = subprocess.Popen(code, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        assert stalled.wait(120)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not any(p.stat().st_size for p in _partials(Path(code[-1]))):
            time.sleep(0.02)  # until what went out was written down
        time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        over.set()


def _partials(folder: Path) -> list[Path]:
    return [*folder.rglob("*.partial"), *folder.rglob("sums")]


def test_a_download_that_was_killed_goes_on_where_it_was(web: Web, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; import sys; from pipeline.fetch import download\n"
        f"download({web.url(FILE)!r}, hosts=('127.0.0.1',), shelf=Path(sys.argv[1]), max_bytes=10**6)"
    )
    killed_while([sys.executable, "-c", code, str(tmp_path)], web, FILE, 262_144)
    (partial,) = tmp_path.glob("*.partial")
    had = partial.stat().st_size
    assert 0 < had <= 262_144
    assert fetched(web, tmp_path)[0] == BODY
    assert web.sent[-1].start == had and web.sent[-1].size == len(BODY) - had
    assert web.bytes_sent() <= len(BODY) + 262_144 - had  # only what was on the way when the kill came


def test_a_kill_after_the_last_byte_and_before_the_name_costs_one_byte(web: Web, tmp_path: Path) -> None:
    fetched(web, tmp_path)
    (whole,), (note,) = tmp_path.glob("*.tif"), tmp_path.glob("*.json")
    web.faults[FILE] = [webs.cut(len(BODY) - 10)]
    with pytest.raises(DataError, match="gave up after 1 try"):
        fetched(web, tmp_path / "again", patience={"tries": 1})
    (partial,) = (tmp_path / "again").glob("*.partial")
    partial.write_bytes(BODY)
    sent = web.bytes_sent()
    assert fetched(web, tmp_path / "again")[0] == BODY and web.bytes_sent() == sent + 1
    assert whole.is_file() and note.is_file()


def test_a_run_that_was_killed_fetches_no_finished_file_again(web: Web, tmp_path: Path) -> None:
    root = _region(tmp_path / "here", web, dem={}, occurrences={})
    code = (
        f"import os, sys; os.chdir({str(root)!r}); sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['prospect', 'plan', 'tiny']\n"
        "from pipeline.cli import main; main()"
    )
    killed_while([sys.executable, "-c", code, str(root)], web, "/occurrences.csv", 500)
    plan(load("tiny", root=root))
    dem, table = len(web.files["/dem.tif"]), len(web.files["/occurrences.csv"])
    assert web.bytes_sent("/dem.tif") == dem
    assert [(one.start, one.size) for one in web.sent if one.path == "/occurrences.csv"] == [(0, 500), (500, table - 500)]


# what does not pass is one clear error, naming source and asset, and nothing gets in


def _region(root: Path, web: Web, **more: dict[str, Any]) -> Path:
    tiny.make(root)
    path = root / "configs" / "regions" / "tiny.yaml"
    said = yaml.safe_load(path.read_text())
    for key, added in more.items():
        name = said["sources"][key]["path"]
        web.files.setdefault(f"/{name}", (root / name).read_bytes())
        said["sources"][key] |= {"path": web.url(f"/{name}")} | added
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return root


def _half(web: Web, to: Handler, content: bytes) -> bool:
    web.serve(to, content[: len(content) * 2 // 3])
    return True


PERMANENT: dict[str, tuple[Fault, dict[str, Any], str]] = {
    "a truncated raster": (_half, {}, r"its header points to byte [\d,]+, the file ends at [\d,]+; it is cut short: fetch it again"),
    "a wrong checksum": (webs.instead(BODY), {"sha256": "0" * 64}, r"its SHA-256 is [0-9a-f]{64}, expected 0{64}; it was changed or damaged"),
    "an asset that is gone": (webs.status(404), {}, r"the server answers 404 Not Found; check the address"),
    "another host": (webs.status(302, Location="https://tracker.example/x.tif"), {}, r"leads to https://tracker.example/x.tif, and host .* is not declared"),
    "a web page": (webs.instead(b"<!DOCTYPE html><title>Log in</title>"), {}, r"the server sent a web page, not a file"),
    "no raster": (webs.instead(b"PK\3\4" + bytes(1000)), {}, r"cannot be opened as a raster"),
    "a login": (webs.status(401), {}, r"the server answers 401 Unauthorized; it wants a login"),
    "a loop": (webs.status(302, Location="/dem.tif"), {}, r"leads on more than 5 times; check the address"),
    "nowhere": (webs.status(302), {}, r"leads on without saying where; check the address"),
}  # fmt: skip


@pytest.mark.parametrize("what", PERMANENT)
def test_what_does_not_pass_names_source_and_asset_and_leaves_the_cube_alone(tmp_path: Path, web: Web, what: str) -> None:
    fault, said, words = PERMANENT[what]
    root = _region(tmp_path / "here", web, dem=said)
    web.faults["/dem.tif"] = [fault] * 6
    with pytest.raises(DataError, match=rf"^configs/regions/tiny.yaml:\d+: dem: .*dem.tif: .*{words}|^configs/regions/tiny.yaml:\d+: dem: .*dem.tif: {words}"):
        plan(load("tiny", root=root))
    assert not list((root / "cache").rglob("*.zarr"))
    if not said:
        del web.faults["/dem.tif"]
        web.headers["/dem.tif"] = {"ETag": '"mended"'}
        assert plan(load("tiny", root=root)).stale  # the server was mended: nothing of the fault was kept


def _zipped(*entries: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        warnings.simplefilter("ignore")
        for name, content in entries:
            made.writestr(name, content)
    return held.getvalue()


BAD_ZIPS = {
    "a bomb": (_zipped(("mrds.csv", bytes(40_000_000))), r"entry 'mrds.csv' promises 40,000,000 bytes from 38,\d+, more than 200 to 1"),
    "an escape": (_zipped(("mrds.csv", b"dep_id"), ("../../evil.csv", b"evil")), r"entry '../../evil.csv' leads out of the folder it is unpacked in"),
    "twice": (_zipped(("mrds.csv", b"1"), ("mrds.csv", b"2")), r"entry 'mrds.csv' stands in the archive twice"),
    "another file": (_zipped(("readme.txt", b"1")), r"holds no '.*mrds.csv' \(there are: readme.txt\)"),
    "cut short": (_zipped(("mrds.csv", BODY))[:5000], r"cannot be read as a ZIP archive \(File is not a zip file\); it is damaged, cut short"),
}


@pytest.mark.parametrize("what", BAD_ZIPS)
def test_a_bad_archive_names_source_and_asset_and_nothing_of_it_is_unpacked(tmp_path: Path, web: Web, what: str) -> None:
    content, words = BAD_ZIPS[what]
    root = _region(tmp_path / "here", web)
    web.files["/mrds-csv.zip"] = content
    known = {"use": "usgs_mrds", "url": web.url("/mrds-csv.zip")}
    with pytest.raises(DataError, match=rf"known: http://127.0.0.1:\d+/mrds-csv.zip: {words}"):
        plan(load("tiny", settings=(f"sources.known={yaml.safe_dump(known, default_flow_style=True).strip()}",), root=root))
    assert not [path for path in tmp_path.rglob("*.csv") if path.name != "occurrences.csv"]


def test_an_answer_that_is_kept_nowhere_comes_by_the_same_rules(tmp_path: Path, web: Web) -> None:
    web.files["/api"] = b'{"features": []}'
    web.faults["/api"] = [webs.status(503), webs.cut(5)]
    said: dict[str, Any] = {"hosts": ("127.0.0.1",), "shelf": tmp_path, "patience": Patience(pause=lambda _: None)}
    assert body(web.url("/api"), **said) == b'{"features": []}'
    with pytest.raises(DataError, match=r"/api: holds more than allowed bytes, the limit is 4; fetch it by hand"):
        body(web.url("/api"), max_bytes=4, **said)
    with pytest.raises(DataError, match=r"host '127.0.0.1' is not declared"):
        body(web.url("/api"), **said | {"hosts": ("a.example",)})


def test_a_remote_raster_that_was_killed_keeps_its_blocks(tmp_path: Path, web: Web) -> None:
    code = (
        "from pathlib import Path; import sys; from pipeline.ranged import Remote\n"
        f"blocks = Remote({web.url(FILE)!r}, hosts=('127.0.0.1',), shelf=Path(sys.argv[1]), name='x').blocks(); blocks.bring(range(blocks.count))"
    )
    web.faults[FILE] = [lambda *_: False]  # the first question is answered well
    killed_while([sys.executable, "-c", code, str(tmp_path)], web, FILE, 200_000)
    far = Remote(web.url(FILE), hosts=("127.0.0.1",), shelf=tmp_path, name="x")
    held = far.blocks()
    assert not isinstance(held, Path)
    had, before = held.held(), web.bytes_sent()
    assert had > 2 << 14
    held.bring(range(held.count))
    assert web.bytes_sent() - before == len(BODY) - had and (held.folder / "data").read_bytes() == BODY
