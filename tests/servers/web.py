"""A real web server on this machine that serves bytes by ranges, misbehaves when told to, and writes down what it sent."""

from __future__ import annotations

import contextlib
import hashlib
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Handler = BaseHTTPRequestHandler
Fault = Callable[["Web", Handler, bytes], bool]  # whether it answered; if not, the next fault or the file does


@dataclass(frozen=True)
class Sent:
    """One answer: the path asked for, its status, the first byte of the file that was sent, and how many of the body went out."""

    path: str
    status: int
    start: int
    size: int


@dataclass
class Web:
    """`files` by path; `faults` by path are used up one a request. What was asked stands in `asked` (path, headers), what was sent in `sent`."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    knows_ranges: bool = True
    names_versions: bool = True
    needs_signature: Callable[[str], bool] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def bytes_sent(self, path: str | None = None) -> int:
        """Bytes of bodies that went out, of one path or of all."""
        return sum(one.size for one in self.sent if path in (None, one.path))

    def answer(self, to: Handler) -> None:
        """Answer one request."""
        parts = urlsplit(to.path)
        with self._lock:
            self.asked.append((parts.path, dict(to.headers)))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            fault = self.faults.get(parts.path, [])
            fault = fault.pop(0) if fault else None
        try:
            if self.needs_signature and not self.needs_signature((parse_qs(parts.query).get("sig") or [""])[0]):
                self.reply(to, 403, b"")
            elif not (fault and fault(self, to, self.files.get(parts.path, b""))):
                self.serve(to, self.files.get(parts.path))
        finally:
            with self._lock:
                self.at_once -= 1

    def serve(self, to: Handler, body: bytes | None, *, cut_at: int | None = None) -> None:
        """Send a file or the piece of it that was asked for; `cut_at`: break off after so many bytes of the answer."""
        if body is None:
            self.reply(to, 404, b"")
            return
        path, etag = urlsplit(to.path).path, f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        told = ({"ETag": etag} if self.names_versions else {}) | self.headers.get(path, {})
        if self.names_versions and to.headers.get("If-None-Match") == etag:
            self.reply(to, 304, b"", told)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", to.headers.get("Range", "")) if self.knows_ranges else None
        if not asked:
            self.reply(to, 200, body, told, cut_at=cut_at)
            return
        start, end = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
        if start > end:
            self.reply(to, 416, b"", told | {"Content-Range": f"bytes */{len(body)}"})
            return
        self.reply(to, 206, body[start : end + 1], told | {"Content-Range": f"bytes {start}-{end}/{len(body)}"}, start=start, cut_at=cut_at)

    def head(self, path: str, body: bytes, start: int = 0) -> dict[str, str]:
        """The headers of an answer with the rest of a file from `start` on."""
        told = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:12]}"', "Content-Length": str(len(body) - start)} | self.headers.get(path, {})
        return told | ({"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {})

    def reply(self, to: Handler, status: int, body: bytes, told: dict[str, str] | None = None, *, start: int = 0, cut_at: int | None = None) -> None:
        """Send an answer and write it down."""
        to.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (told or {})).items():
            to.send_header(name, value)
        to.end_headers()
        body = body if cut_at is None else body[:cut_at]
        self.noted(to, status, start, len(body))
        with contextlib.suppress(ConnectionError):
            to.wfile.write(body)
            to.wfile.flush()
        to.close_connection = cut_at is not None

    def noted(self, to: Handler, status: int, start: int, size: int) -> None:
        """Write down what is sent."""
        with self._lock:
            self.sent.append(Sent(urlsplit(to.path).path, status, start, size))


def status(code: int, **headers: str) -> Fault:
    """Answer with a status and no body; `_` in names of headers stands for `-`."""

    def fault(web: Web, to: Handler, _: bytes) -> bool:
        web.reply(to, code, b"", {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return fault


def cut(at: int) -> Fault:
    """Break off the answer after so many bytes."""

    def fault(web: Web, to: Handler, body: bytes) -> bool:
        web.serve(to, body, cut_at=at)
        return True

    return fault


def instead(body: bytes) -> Fault:
    """Send these bytes, as if they were the file."""

    def fault(web: Web, to: Handler, _: bytes) -> bool:
        web.serve(to, body)
        return True

    return fault


def trickle(*, every_s: float, in_headers: bool = False) -> Fault:
    """One byte at a time, for as long as anybody listens."""

    def fault(web: Web, to: Handler, body: bytes) -> bool:
        web.noted(to, 200, 0, 0)
        to.close_connection = True
        with contextlib.suppress(OSError):
            to.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: " if in_headers else b"Content-Length: %d\r\n\r\n" % len(body)))
            for n in range(10_000):
                to.wfile.write(b"x" if in_headers else body[n : n + 1])
                to.wfile.flush()
                time.sleep(every_s)
        return True

    return fault


@contextlib.contextmanager
def serving(web: Web | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """The server, listening until the end of the block; over TLS where a context with its certificate is given."""
    said = web or Web()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said.answer(self)

        def log_message(self, *_: Any) -> None:
            return

    class Listening(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            return

    listening = Listening(("127.0.0.1", 0), Answering)
    if tls:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    listening.block_on_close = False  # a client that keeps its connection would hold it up
    said.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield said
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
