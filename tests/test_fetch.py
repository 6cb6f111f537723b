"""Downloads from a real server on this machine: cut, busy, moved, changed, too big, not what was asked for."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import shelf as shelves
from pipeline.client import LONGEST_PAUSE_S
from pipeline.errors import DataError, StoreError
from pipeline.fetch import download
from pipeline.pace import Patience

BODY = np.random.default_rng(1).bytes(900_000)
SUM = hashlib.sha256(BODY).hexdigest()
HOSTS = ("127.0.0.1",)


@dataclass
class Server:
    """What the server does and what it was asked. `cut_at`: bytes after which each of the first `cuts` answers breaks off."""

    body: bytes = BODY
    etag: str | None = '"one"'
    date: str | None = None
    cuts: int = 0
    cut_at: int = 300_000
    errors: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    chunked: bool = False
    ranges: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/data/dem%20tile.tif?token=secret"

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(to.headers))
        if self.errors:
            status, headers = self.errors.pop(0)
            to.send_response(status)
            for name, value in headers.items():
                to.send_header(name, value)
            to.send_header("Content-Length", "0")
            to.end_headers()
            return
        start = 0
        told = {name: value for name, value in (("ETag", self.etag), ("Last-Modified", self.date)) if value} | self.headers
        if self.etag and to.headers.get("If-None-Match") == self.etag:
            to.send_response(304)
            to.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d+)-", to.headers.get("Range", ""))
        if asked and self.ranges:
            start = int(asked[1])
            to.send_response(206)
            told["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        else:
            to.send_response(200)
        for name, value in told.items():
            to.send_header(name, value)
        rest = self.body[start:]
        if self.cuts:
            self.cuts -= 1
            rest = rest[: self.cut_at]
        if self.chunked:
            to.send_header("Transfer-Encoding", "chunked")
        else:
            to.send_header("Content-Length", str(len(self.body) - start))
        to.end_headers()
        to.wfile.write(b"%x\r\n%s\r\n" % (len(rest), rest) if self.chunked else rest)
        if self.chunked and len(rest) == len(self.body) - start:
            to.wfile.write(b"0\r\n\r\n")
        to.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    said = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said.answer(self)

        def log_message(self, *_: Any) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield said
    listening.shutdown()
    listening.server_close()
    thread.join()


def fetched(server: Server, shelf: Path, **more: Any) -> tuple[Path, list[float]]:
    pauses: list[float] = []
    patience = Patience(pause=pauses.append, jitter=lambda: 0.0, tries=more.pop("tries", 5))
    return download(server.url, **({"hosts": HOSTS, "shelf": shelf, "max_bytes": 10**6, "patience": patience} | more)), pauses


def leftovers(shelf: Path) -> list[str]:
    return [path.name for path in shelf.iterdir() if path.suffix == ".partial"]


def test_a_file_is_shelved_under_its_content_and_its_name(server: Server, tmp_path: Path) -> None:
    path, pauses = fetched(server, tmp_path / "a" / "shelf")
    assert path.name == f"{SUM[:16]}-dem_tile.tif" and path.read_bytes() == BODY and pauses == []
    assert leftovers(path.parent) == [] and "secret" not in "".join(p.read_text() for p in path.parent.glob("*.json"))


def test_a_file_on_the_shelf_is_asked_about_and_not_sent_again(server: Server, tmp_path: Path) -> None:
    first, _ = fetched(server, tmp_path)
    second, _ = fetched(server, tmp_path)
    assert second == first and server.asked[1]["If-None-Match"] == '"one"'
    server.etag, server.body = '"two"', b"II*\0 a newer file"
    third, _ = fetched(server, tmp_path)
    assert third != first and third.read_bytes() == b"II*\0 a newer file" and first.is_file()


def test_a_file_with_a_declared_sum_on_the_shelf_is_not_even_asked_about(server: Server, tmp_path: Path) -> None:
    first, _ = fetched(server, tmp_path, sha256=SUM.upper())
    assert fetched(server, tmp_path, sha256=SUM)[0] == first and len(server.asked) == 1


def test_a_shortened_copy_on_the_shelf_is_fetched_again(server: Server, tmp_path: Path) -> None:
    path, _ = fetched(server, tmp_path)
    path.write_bytes(BODY[:100])
    assert fetched(server, tmp_path)[0].read_bytes() == BODY and "If-None-Match" not in server.asked[1]


@pytest.mark.parametrize("dated", [False, True])
def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path, dated: bool) -> None:
    if dated:
        server.etag, server.date = 'W/"weak"', formatdate(0, usegmt=True)
    server.cuts = 2
    path, pauses = fetched(server, tmp_path)
    assert path.read_bytes() == BODY and pauses == [0.5, 0.5]
    assert [asked.get("Range") for asked in server.asked] == [None, "bytes=300000-", "bytes=600000-"]


def test_chunks_cut_short_are_noticed(server: Server, tmp_path: Path) -> None:
    server.chunked, server.cuts = True, 1
    assert fetched(server, tmp_path)[0].read_bytes() == BODY and len(server.asked) == 2


def test_without_a_version_nothing_is_joined(server: Server, tmp_path: Path) -> None:
    server.etag, server.cuts = None, 1
    assert fetched(server, tmp_path)[0].read_bytes() == BODY
    assert [asked.get("Range") for asked in server.asked] == [None, None]


def test_a_file_that_changed_meanwhile_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.cuts = 1
    real = server.answer

    def changing(to: BaseHTTPRequestHandler) -> None:
        real(to)
        server.etag, server.body = '"two"', BODY[::-1]

    server.answer = changing  # type: ignore[method-assign]
    assert fetched(server, tmp_path)[0].read_bytes() == BODY[::-1]


def test_a_server_that_knows_no_ranges_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.cuts, server.ranges = 1, False
    assert fetched(server, tmp_path)[0].read_bytes() == BODY


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.cuts, server.cut_at = 1, 250_000
    with pytest.raises(DataError, match=r"gave up after 1 try \(cut off, after 250,000 bytes\); .* it goes on where it stopped"):
        fetched(server, tmp_path, tries=1)
    assert len(leftovers(tmp_path)) == 1
    assert fetched(server, tmp_path)[0].read_bytes() == BODY
    assert server.asked[-1]["Range"] == "bytes=250000-" and leftovers(tmp_path) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_burst_of_errors_is_waited_out(server: Server, tmp_path: Path, status: int) -> None:
    server.errors = [(status, {})] * 3
    path, pauses = fetched(server, tmp_path)
    assert path.read_bytes() == BODY and pauses == [0.5, 1.0, 2.0]


def test_the_wait_a_server_asks_for_is_kept_up_to_a_limit(server: Server, tmp_path: Path) -> None:
    server.errors = [
        (503, {"Retry-After": "7"}),
        (429, {"Retry-After": "86400"}),
        (503, {"Retry-After": formatdate(0, usegmt=True)}),
        (503, {"Retry-After": "soon"}),
    ]
    assert fetched(server, tmp_path)[1] == [7.0, LONGEST_PAUSE_S, 0.0, 4.0]


def test_errors_without_end_end_in_one_message(server: Server, tmp_path: Path) -> None:
    server.errors = [(503, {})] * 9
    with pytest.raises(DataError, match=r"dem%20tile.tif: gave up after 5 tries \(HTTP 503 Service Unavailable\); check the connection") as told:
        fetched(server, tmp_path)
    assert "secret" not in str(told.value) and len(server.asked) == 5 and leftovers(tmp_path) == []


def test_when_the_server_is_gone_the_copy_fetched_before_is_used(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, _ = fetched(server, tmp_path)
    server.errors = [(503, {})] * 9
    assert fetched(server, tmp_path)[0] == path
    assert "cannot be reached (HTTP 503 Service Unavailable); the copy fetched before is used" in caplog.text


def test_nobody_listening_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://127.0.0.1:9/x.tif: gave up after 2 tries \(.*refused.*\); check the connection"):
        download("http://127.0.0.1:9/x.tif", hosts=HOSTS, shelf=tmp_path, max_bytes=10, patience=Patience(tries=2, pause=lambda _: None))


@pytest.mark.parametrize(("status", "advice"), [(404, "check the address"), (403, "it wants a login"), (400, "try later")])
def test_a_refusal_is_not_asked_again(server: Server, tmp_path: Path, status: int, advice: str) -> None:
    server.errors = [(status, {})] * 2
    with pytest.raises(DataError, match=rf"the server answers {status} .*{advice}"):
        fetched(server, tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Please log in", b"\xef\xbb\xbf\n <HTML>", b"<html lang='en'>"])
def test_a_web_page_in_place_of_a_raster_is_refused(server: Server, tmp_path: Path, page: bytes) -> None:
    server.body = page
    with pytest.raises(DataError, match=r"the server sent a web page, not a file; open the address in a browser"):
        fetched(server, tmp_path)
    assert leftovers(tmp_path) == []


def test_an_empty_answer_is_refused(server: Server, tmp_path: Path) -> None:
    server.body = b""
    with pytest.raises(DataError, match=r"the server sent an empty file"):
        fetched(server, tmp_path)


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_limit_is_refused_said_beforehand_or_not(server: Server, tmp_path: Path, chunked: bool) -> None:
    server.chunked = chunked
    size = "more than allowed" if chunked else "900,000"
    with pytest.raises(DataError, match=rf"holds {size} bytes, the limit is 500,000; fetch it by hand"):
        fetched(server, tmp_path, max_bytes=500_000)
    assert leftovers(tmp_path) == []


def test_a_wrong_sum_is_refused_and_nothing_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"its SHA-256 is {SUM}, expected {'0' * 64}; it was changed or damaged"):
        fetched(server, tmp_path, sha256="0" * 64)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_packed_answers_are_refused(server: Server, tmp_path: Path) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DataError, match=r"comes packed as gzip, the plain file was asked for"):
        fetched(server, tmp_path)


def test_a_redirect_is_followed_to_declared_hosts_only(server: Server, tmp_path: Path) -> None:
    server.errors = [(302, {"Location": f"http://127.0.0.1:{server.port}/elsewhere.tif"})]
    assert fetched(server, tmp_path)[0].read_bytes() == BODY
    for target, why in (
        (f"http://localhost:{server.port}/x", r"host 'localhost' is not declared \(declared: 127.0.0.1\); add it to `hosts:` if you trust it"),
        ("https://tracker.example/x", r"host 'tracker.example' is not declared"),
        ("http://data.example/x", r"only https addresses are fetched"),
        ("file:///etc/passwd", r"only https addresses are fetched"),
    ):
        server.errors = [(302, {"Location": target})]
        with pytest.raises(DataError, match=rf"dem%20tile.tif: leads to .*{why}"):
            fetched(server, tmp_path / "other")


def test_addresses_are_judged_before_anything_is_asked(tmp_path: Path) -> None:
    for url, why in (
        ("http://data.example/x.tif", "only https addresses are fetched"),
        ("ftp://data.example/x.tif", "only https addresses are fetched"),
        ("https://data.example/x.tif", r"host 'data.example' is not declared \(declared: 127.0.0.1\)"),
        ("https://me:word@127.0.0.1/x.tif", "an address must not hold a name or password"),
        ("https://127.0.0.1:99999/x.tif", r"127.0.0.1:99999/x.tif is no address that can be asked \(Port out of range.*\); check it"),
        ("https://[127.0.0.1/x.tif", r"is no address that can be asked \(Invalid IPv6 URL\)"),
    ):
        with pytest.raises(DataError, match=why) as told:
            download(url, hosts=HOSTS, shelf=tmp_path, max_bytes=10)
        assert "word@" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_want_one_file_one_waits_and_takes_what_the_other_fetched(server: Server, tmp_path: Path) -> None:
    waiting = threading.Thread(target=fetched, args=(server, tmp_path))
    with shelves.Slot(tmp_path, server.url):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive() and server.asked == []
    waiting.join()
    assert fetched(server, tmp_path)[0].read_bytes() == BODY and server.asked[1]["If-None-Match"] == '"one"'


def test_a_shelf_that_cannot_be_written_is_told_of(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"downloads cannot be kept in file \(.*\); free some space or give another folder"):
        fetched(server, tmp_path / "file")
