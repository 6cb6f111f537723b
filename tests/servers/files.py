"""An HTTP server of files with ranges, on loopback: Starlette's own, with what was sent counted, and blob storage that wants signatures."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKENS = "/sas/token"


@dataclass
class Files:
    """The running server: `url`; `sent`, bytes of bodies by path; `asked`, requests by path. `signed`: accounts whose files want a signature; `lasts_s`,
    how long one is good."""

    url: str
    folder: Path
    sent: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    signed: set[str] = field(default_factory=set)
    tokens: dict[str, float] = field(default_factory=dict)
    lasts_s: float = 3600.0

    @property
    def sas_url(self) -> str:
        """Where signatures are given."""
        return self.url + TOKENS

    def forget(self) -> None:
        """Count from nothing."""
        self.sent.clear()
        self.asked.clear()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Files]:
    """The files of a folder over HTTP, until the block ends."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    files = Files(f"http://127.0.0.1:{listening.getsockname()[1]}", folder)

    async def token(request: Any) -> JSONResponse:
        made = secrets.token_hex(8)
        files.tokens[made] = time.time() + files.lasts_s
        ends = dt.datetime.fromtimestamp(files.tokens[made], dt.UTC)
        return JSONResponse({"token": f"sv=2024&sig={made}", "msft:expiry": ends.isoformat().replace("+00:00", "Z")})

    app = Starlette(routes=[Route(TOKENS + "/{account}/{container}", token), Mount("/", StaticFiles(directory=folder))])

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        path, query = scope["path"], scope["query_string"].decode()
        files.asked[path] += 1
        account = path.strip("/").split("/")[0]
        if account in files.signed and files.tokens.get(query.partition("sig=")[2], 0) < time.time():
            await PlainTextResponse("the signature is missing or out of date", 403)(scope, receive, send)
            return

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.body":
                files.sent[path] += len(message.get("body", b""))
            await send(message)

        await app(scope, receive, counting)

    server = uvicorn.Server(uvicorn.Config(counted, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield files
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
