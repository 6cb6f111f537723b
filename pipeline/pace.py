"""How long to bear with a server, and connections that keep to it: what trickles is cut off, in headers as in bodies."""

from __future__ import annotations

import http.client
import io
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pipeline import turns


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    `tries` in a row without `least_bytes` more, `most_asked` in all; before each again a pause of 0.5, 1, 2 ... seconds, stretched by up to
    `jitter()` times itself so that many clients do not come back at once, or what Retry-After says. A server silent for `silence_s`, or one
    that sends fewer than `least_bytes` in `slow_s`, is cut off.
    """

    tries: int = 5
    most_asked: int = 100
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    silence_s: float = 60.0
    slow_s: float = 60.0
    least_bytes: int = 16_384
    at_once: int = turns.AT_ONCE


PATIENT = Patience()


class TooSlowError(OSError):
    """A server that trickles."""


class _Paced(io.RawIOBase):
    """A socket's stream that is cut off when it trickles."""

    def __init__(self, raw: Any, patience: Patience) -> None:
        self._raw, self._patience, self._since, self._got = raw, patience, time.monotonic(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = int(self._raw.readinto(buffer) or 0)
        now = time.monotonic()
        if self._got == 0:  # how long a server thinks is a matter of `silence_s`
            self._since = now
        self._got += got
        if now - self._since >= self._patience.slow_s and got:
            if self._got < self._patience.least_bytes:
                raise TooSlowError(f"only {self._got:,} bytes in {now - self._since:.3g} s, expected {self._patience.least_bytes:,}")
            self._since, self._got = now, 0
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


PACE: ContextVar[Patience] = ContextVar("pace")


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Paced(self.fp.detach(), PACE.get(PATIENT)), 1 << 16)


class _Http(HTTPConnection):
    response_class = _Response


class _Https(HTTPSConnection):
    response_class = _Response


class HttpPool(HTTPConnectionPool):
    """Connections that keep to the patience in PACE when a request is made."""

    ConnectionCls = _Http


class HttpsPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _Https


def slow(error: BaseException | None) -> str:
    """What the pace keeper said, when it is what lies behind an error."""
    while error is not None:
        for said in (error, *error.args):
            if isinstance(said, TooSlowError):
                return f"it trickles: {said}"
        error = error.__cause__ or error.__context__
    return ""
