"""Serving: the maps of an outputs folder over HTTP on this machine alone, so that QGIS and a browser read them in pieces."""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler

from pipeline.errors import ConfigError, ResourceError

LOOPBACK = "127.0.0.1"
OURS = ("127.0.0.1", "localhost", "::1")
REPORT = "report.html"
TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".gpkg": "application/geopackage+sqlite3", ".parquet": "application/vnd.apache.parquet",
    ".qgz": "application/zip", ".skops": "application/octet-stream", ".yaml": "application/yaml", ".qml": "application/xml",
}  # fmt: skip


def serve(outputs: Path, *, port: int, told: Callable[[str], None]) -> None:
    """Serve `outputs` until interrupted; `told` is given the address once it answers. Port 0 is any that is free.

    ConfigError when there is no such folder, ResourceError when the port is taken.
    """
    if not outputs.is_dir():
        raise ConfigError(f"there is no folder {outputs.name}/ to serve; make a map first with `prospect map REGION`, or name the folder with --outputs")
    with contextlib.suppress(KeyboardInterrupt):  # the way it ends
        asyncio.run(_until_interrupted(outputs, port, told))


async def _until_interrupted(outputs: Path, port: int, told: Callable[[str], None]) -> None:
    server, address = listen(outputs, port=port)
    told(address)
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


def listen(outputs: Path, *, port: int) -> tuple[HTTPServer, str]:
    """A server of the running loop and the address it answers at."""
    try:
        (socket,) = bind_sockets(port, LOOPBACK)
    except OSError as error:
        raise ResourceError(f"port {port} cannot be used ({error.strerror}); give another with --port, or 0 for any that is free") from error
    server = HTTPServer(application(outputs))
    server.add_sockets([socket])
    return server, f"http://{LOOPBACK}:{socket.getsockname()[1]}/"


def application(outputs: Path) -> Application:
    """What answers: a list of the maps at the root, files below it by range; nothing outside `outputs`, nothing hidden, nothing by another name."""
    at = outputs.resolve()
    return Application([(r"/", _Maps, {"outputs": at}), (r"/(.*)", _File, {"path": str(at)})], log_function=lambda _: None)


class _Loopback:
    """What both kinds of answer say and refuse. A page of another site must not read maps through the reader's browser: neither by a script
    from elsewhere, nor by a name of its own that it has pointed at this machine."""

    def prepare(self: Any) -> None:
        if _host(f"//{self.request.host}") not in OURS:
            raise HTTPError(403, reason="asked by another name than this machine's own")

    def set_default_headers(self: Any) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")  # a map made again is another file under the same name
        self.set_header("Vary", "Origin")
        origin = self.request.headers.get("Origin")
        if origin and _host(origin) in OURS:
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Headers", "Range, If-None-Match, If-Modified-Since")
            self.set_header("Access-Control-Expose-Headers", "Content-Length, Content-Range, Accept-Ranges, ETag")

    def options(self: Any, *_: str) -> None:
        self.set_status(204)

    def write_error(self: Any, status_code: int, **_: Any) -> None:
        self.finish(f"{status_code}: {html.escape(self._reason)}\n")


class _Maps(_Loopback, RequestHandler):
    """The list of maps, a link to each report."""

    def initialize(self, outputs: Path) -> None:
        self.outputs = outputs

    def get(self) -> None:
        names = sorted(path.parent.name for path in self.outputs.glob(f"*/{REPORT}") if not path.parent.name.startswith("."))
        links = "".join(f'<li><a href="/{quote(name)}/{REPORT}">{html.escape(name)}</a></li>' for name in names)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Maps</title>'
            f'<body style="font:1.1rem/1.6 system-ui,sans-serif;margin:2rem"><h1>Maps</h1><ul>{links or "<li>none yet</li>"}</ul></body></html>'
        )

    head = get


class _File(_Loopback, StaticFileHandler):
    """A file below the root, whole or by range."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """The path when it lies in the root once links are followed and no part of it is hidden, else 404: what is not given is not told apart
        from what is not there."""
        try:
            base, real = Path(root), Path(absolute_path).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, one with a null in it, links in a ring
            raise HTTPError(404) from error
        if not real.is_relative_to(base) or any(part.startswith(".") for part in real.relative_to(base).parts) or not real.is_file():
            raise HTTPError(404)
        return str(real)

    def compute_etag(self) -> str:
        """By time and size: a map is swapped in under the same names, and hashing gigabytes to say so would take minutes."""
        said = Path(self.absolute_path or "").stat()
        return f'"{said.st_mtime_ns:x}-{said.st_size:x}"'

    def get_content_type(self) -> str:
        """By the file's ending."""
        return TYPES.get(Path(self.absolute_path or "").suffix) or super().get_content_type()


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
