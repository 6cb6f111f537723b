"""One question to a declared host: the rules by which every byte from the web comes.

https only, save from this machine; only to hosts that the source declares, redirects included; a few requests at a time to one host by all
processes that share a cache; a rest that a host asks for is kept by all of them; what trickles is cut off, in headers as in bodies.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import urllib3

from pipeline import turns
from pipeline.errors import DataError
from pipeline.pace import PACE, HttpPool, HttpsPool, Patience, slow

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # plain http is taken from nowhere else
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others in a moment
REFUSED = (401, 403)  # what an expired signature is answered with
MOST_REDIRECTS = 5
LONGEST_PAUSE_S = turns.LONGEST_REST_S
T = TypeVar("T")

# what turns an address into the one to ask, which holds a signature; `fresh` when the one made before was refused
Sign = Callable[[str, bool], str]


class PassingError(Exception):
    """Something that may pass; `after_s` is the wait the server asked for."""

    def __init__(self, said: object, after_s: float | None = None) -> None:
        super().__init__(str(said))
        self.after_s = after_s


def shown(url: str) -> str:
    """An address as messages may show it: without query, where signatures and tokens stand."""
    return url.split("?", 1)[0].split("#", 1)[0]


def patiently(attempt: Callable[[], T], *, name: str, patience: Patience, got: Callable[[], int]) -> T:
    """What `attempt` gives, asked again after each PassingError; `got()` counts bytes: progress is no failure. GaveUpError when it gives up."""
    idle = asked = 0
    while True:
        before, asked = got(), asked + 1
        try:
            return attempt()
        except PassingError as error:
            trouble = error
        idle = 1 if got() - before >= patience.least_bytes else idle + 1
        if idle >= patience.tries or asked >= patience.most_asked:
            tries = "1 try" if asked == 1 else f"{asked} tries"
            raise GaveUpError(f"{name}: gave up after {tries} ({trouble}); check the connection and run again, it goes on where it stopped") from trouble
        backoff = 0.5 * 2 ** (idle - 1) * (1 + patience.jitter())
        patience.pause(min(backoff if trouble.after_s is None else trouble.after_s, LONGEST_PAUSE_S))


class GaveUpError(DataError):
    """A server that did not answer well in all the tries it was given; its cause is the last of them."""


@contextlib.contextmanager
def answered(
    url: str, *, hosts: tuple[str, ...], shelf: Path, patience: Patience, headers: Mapping[str, str] | None = None, sign: Sign | None = None
) -> Iterator[urllib3.BaseHTTPResponse]:
    """One request for `url` and its answer, status 200, 206, 304 or 416, the body unread; a place at the host is held meanwhile.

    PassingError for what may pass, DataError for a refusal or an address that must not be asked. With `sign`, a refusal of the signature is
    met once with a fresh one.
    """
    allowed(url, hosts)
    for fresh in (False, True) if sign else (False,):
        with contextlib.ExitStack() as stack:
            answer = _followed(sign(url, fresh) if sign else url, url, hosts, shelf, patience, dict(headers or {}), stack)
            if answer.status in REFUSED and sign and not fresh:
                continue
            if answer.status in AGAIN:
                after = _retry_after(answer.headers.get("Retry-After"))
                if after:
                    turns.rest(shelf / "hosts", _host(url), after)
                raise PassingError(f"HTTP {answer.status} {answer.reason or http.client.responses.get(answer.status, '')}", after)
            if answer.status not in (200, 206, 304, 416):
                raise DataError(f"{shown(url)}: the server answers {answer.status} {answer.reason}; {_advice(answer.status, signed=bool(sign))}")
            yield answer
            return


def pieces(answer: urllib3.BaseHTTPResponse, chunk: int = 1 << 18) -> Iterator[bytes]:
    """The body of an answer as it comes in; PassingError when it breaks off, is cut short or trickles."""
    while True:
        try:
            piece = answer.read1(chunk)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise PassingError(slow(error) or "cut off") from error
        if not piece:
            return
        yield piece


def allowed(url: str, hosts: tuple[str, ...], came_from: str | None = None) -> None:
    """DataError for an address that is not https, holds a password, or is of a host the source does not declare."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read when asked for, and not before
    except ValueError as error:
        raise DataError(f"{shown(came_from or url)}: {shown(url)} is no address that can be asked ({error}); check it") from error
    where = f"{shown(came_from)}: leads to {shown(url)}, and " if came_from else f"{shown(url)}: "
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DataError(f"{where}only https addresses are fetched; fetch the file by hand and give its path")
    if parts.username or parts.password:
        raise DataError(f"{where.split('@', 1)[0]}...: an address must not hold a name or password; fetch the file by hand and give its path")
    if parts.hostname not in hosts:
        raise DataError(f"{where}host {parts.hostname!r} is not declared (declared: {', '.join(hosts)}); add it to `hosts:` if you trust it")


def version_of(headers: Mapping[str, str]) -> str:
    """What the server calls this version of a file, by which pieces of it may be joined: a strong ETag or its date; "" for none."""
    etag = headers.get("ETag") or ""
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or ""


def _followed(
    at: str, url: str, hosts: tuple[str, ...], shelf: Path, patience: Patience, headers: dict[str, str], stack: contextlib.ExitStack
) -> urllib3.BaseHTTPResponse:
    """The answer behind at most MOST_REDIRECTS redirects, each to a declared host."""
    for step in range(MOST_REDIRECTS + 1):
        if at != url:
            allowed(at, hosts, came_from=url)
        turns.await_rest(shelf / "hosts", _host(at), patience.pause)
        held = stack.enter_context(contextlib.ExitStack())
        held.enter_context(turns.turn(shelf / "hosts", _host(at), at_once=patience.at_once))
        answer = _asked(at, patience, {"User-Agent": "prospect", "Accept-Encoding": "identity"} | headers)
        held.callback(answer.close)  # it went back to the pool by itself if it was read to its end
        if answer.status not in (301, 302, 303, 307, 308):
            return answer
        to = answer.headers.get("Location")
        held.close()
        if not to:
            raise DataError(f"{shown(url)}: leads on without saying where; check the address")
        at = urljoin(at, to)
        if step == MOST_REDIRECTS:
            break
    raise DataError(f"{shown(url)}: leads on more than {MOST_REDIRECTS} times; check the address")


def _asked(url: str, patience: Patience, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    token = PACE.set(patience)
    timeout = urllib3.Timeout(connect=min(patience.silence_s, 30.0), read=patience.silence_s)
    try:
        return _manager(os.getpid(), _proxy(url)).request(
            "GET", url, headers=headers, redirect=False, retries=False, preload_content=False, decode_content=False, timeout=timeout
        )
    except urllib3.exceptions.SSLError as error:
        if "CERTIFICATE" in str(error).upper():
            raise DataError(
                f"{shown(url)}: its certificate is not trusted ({_first(error)}); nothing is taken from it: check the address and this machine's clock"
            ) from error
        raise PassingError(_first(error)) from error
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise PassingError(slow(error) or _first(error)) from error
    finally:
        PACE.reset(token)


@lru_cache(maxsize=8)
def _manager(process: int, proxy: str) -> urllib3.PoolManager:
    """The open connections of this process: a child that was forked must not speak on those of its parent."""
    del process
    manager = urllib3.ProxyManager(proxy, maxsize=turns.AT_ONCE) if proxy else urllib3.PoolManager(maxsize=turns.AT_ONCE)
    manager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
    return manager


def _proxy(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all") or ""


def _host(url: str) -> str:
    return urlsplit(url).hostname or "nowhere"


def _first(error: BaseException) -> str:
    """The reason an error gives, without addresses, which may hold signatures."""
    said = str(error.args[-1] if error.args else error) or type(error).__name__
    return said.rsplit(": ", 1)[-1].splitlines()[0][:120]


def _retry_after(said: str | None) -> float | None:
    if not said:
        return None
    if said.strip().isdigit():
        return float(said)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    return None


def _advice(status: int, *, signed: bool) -> str:
    if status in REFUSED and signed:
        return "its signature is refused, a fresh one too: check what signs it and your login"
    if status in (401, 403, 407):
        return "it wants a login or refuses this machine: fetch the file by hand and give its path"
    return "check the address" if status in (404, 410) else "try later, or fetch the file by hand and give its path"
