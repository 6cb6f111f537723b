"""A real HTTP server on this machine: the files of a folder, and answers made on the spot for the addresses of services."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, str, bytes]  # status, type, body
Service = Callable[[str, dict[str, str]], Answer]  # the path below its address, and the query with lower-case keys


@dataclass
class Folder:
    """What is served and what was asked for."""

    root: Path
    services: dict[str, Service] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        """The address of a file or service."""
        return f"http://127.0.0.1:{self.port}/{path}"


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given: Any, of: Folder, **named: Any) -> None:
        self.of = of
        super().__init__(*given, directory=str(of.root), **named)

    def do_GET(self) -> None:
        self.of.asked.append(self.path)
        parts = urlsplit(self.path)
        for address, service in self.of.services.items():
            if parts.path.lstrip("/").startswith(address):
                query = {key.lower(): value for key, value in parse_qsl(parts.query, keep_blank_values=True)}
                status, kind, body = service(parts.path.lstrip("/")[len(address) :], query)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving(root: Path, services: dict[str, Service] | None = None) -> Iterator[Folder]:
    """The server, for as long as it is needed."""
    of = Folder(root, services or {})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, of=of))
    of.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield of
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
