"""A file from the web onto the shelf: from named hosts only, whole, checked, under the name of its own content.

What was cut short is taken up where it stopped while the server still names the same version (a strong ETag, or its date).
A file on the shelf is asked about, not fetched again; with a declared `sha256` it is not even asked about.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import DataError, StoreError
from pipeline.shelf import Slot, file_sha256

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # plain http is taken from nowhere else
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others in a moment
CHUNK = 1 << 18
TIMEOUT_S = 60.0
LONGEST_PAUSE_S = 120.0  # a server may ask for more patience; nobody sits at the other end
MOST_ASKED = 100  # in all, whatever progress each time

log = logging.getLogger(__name__)


def download(
    url: str, *, hosts: tuple[str, ...], shelf: Path, max_bytes: int, sha256: str | None = None, tries: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Path:  # fmt: skip
    """The local path of what `url` holds, `<shelf>/<16 digits of its SHA-256>-<name>`.

    Only `hosts` are asked or followed to; https only, save on this machine. After `tries` in a row without one new byte it gives
    up, waiting 0.5, 1, 2 ... seconds, or what Retry-After says, between them. When the server cannot be reached a copy fetched
    before is used, and the log says so. DataError says what was wrong with the answer, StoreError that the shelf cannot be written.
    """
    _allowed(url, hosts)
    slot, wanted, idle, asked = Slot(shelf, url), sha256.lower() if sha256 else None, 0, 0
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        held = slot.held(wanted)
        if held is not None and wanted is not None:
            return held
        slot.adopt()
        while True:
            before, asked = slot.done, asked + 1
            try:
                return _attempt(slot, hosts, max_bytes, wanted, held)
            except _PassingError as error:
                trouble = error
            idle = idle + 1 if slot.done <= before else 1
            if idle >= tries or asked >= MOST_ASKED:
                break
            pause(min(0.5 * 2 ** (idle - 1) if trouble.after_s is None else trouble.after_s, LONGEST_PAUSE_S))
        slot.leave()
    except DataError:
        slot.begin("")
        raise
    except OSError as error:
        raise StoreError(
            f"downloads cannot be kept in {shelf.name} ({error.strerror or error}); free some space or give another folder with --set run.cache=..."
        ) from error
    if held is not None:
        log.warning("%s cannot be reached (%s); the copy fetched before is used", shown(url), trouble)
        return held
    raise DataError(
        f"{shown(url)}: gave up after {asked} {'try' if asked == 1 else 'tries'} ({trouble}); check the connection and run again, it goes on where it stopped"
    )


def shown(url: str) -> str:
    """An address as messages may show it: without query, where signatures and tokens stand."""
    return url.split("?", 1)[0].split("#", 1)[0]


class _PassingError(Exception):
    """Something that may pass; `after_s` is the wait the server asked for."""

    def __init__(self, said: object, after_s: float | None = None) -> None:
        super().__init__(str(said))
        self.after_s = after_s


def _attempt(slot: Slot, hosts: tuple[str, ...], max_bytes: int, sha256: str | None, held: Path | None) -> Path:
    with contextlib.closing(_asked(slot, hosts, held)) as answer:
        headers = answer.headers
        if answer.status == 304 and held is not None:
            return held
        _begun(slot, answer)
        total = slot.done + int(headers["Content-Length"]) if headers.get("Content-Length", "").isdigit() else None
        if total is not None and total > max_bytes:
            raise DataError(_too_big(slot.url, f"{total:,}", max_bytes))
        _read(slot, answer, max_bytes)
    if total is not None and slot.done < total:
        raise _PassingError(f"cut off after {slot.done:,} of {total:,} bytes")
    found = file_sha256(slot.partial)
    if sha256 not in (None, found):
        raise DataError(
            f"{shown(slot.url)}: its SHA-256 is {found}, expected {sha256}; it was changed or damaged: check the address and the declared sum"
        )
    return slot.keep(found, etag=headers.get("ETag"), modified=headers.get("Last-Modified"))


def _asked(slot: Slot, hosts: tuple[str, ...], held: Path | None) -> Any:
    if not slot.same:  # nothing says that what comes would be the rest of what we hold
        slot.begin("")
    request = urllib.request.Request(slot.url, headers={"User-Agent": "prospect", "Accept-Encoding": "identity"})
    note = slot.note() if held is not None else {}
    if slot.done:
        request.add_header("Range", f"bytes={slot.done}-")
    elif note.get("etag"):
        request.add_header("If-None-Match", note["etag"])
    elif note.get("modified"):
        request.add_header("If-Modified-Since", note["modified"])
    direct = [urllib.request.ProxyHandler({})] if urlsplit(slot.url).hostname in LOOPBACK else []
    try:
        return urllib.request.build_opener(_Redirects(hosts), *direct).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 304 and held is not None:
            return error
        error.close()
        if error.code // 100 == 3:  # urllib itself follows to no other scheme
            raise DataError(f"{shown(slot.url)}: leads to an address that is no https one; fetch the file by hand and give its path") from error
        if error.code == 416:  # the piece we hold is longer than the file: it was another file
            slot.begin("")
            raise _PassingError("the file changed") from error
        if error.code in AGAIN:
            raise _PassingError(f"HTTP {error.code} {error.reason}", _retry_after(error.headers.get("Retry-After"))) from error
        raise DataError(f"{shown(slot.url)}: the server answers {error.code} {error.reason}; {_advice(error.code)}") from error
    except urllib.error.URLError as error:
        raise _PassingError(error.reason) from error
    except (http.client.HTTPException, OSError) as error:
        raise _PassingError(error or type(error).__name__) from error


def _begun(slot: Slot, answer: Any) -> None:
    """Go on with the partial file if this is its continuation, else start anew."""
    headers, same = answer.headers, _version(answer.headers)
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DataError(
            f"{shown(slot.url)}: comes packed as {headers['Content-Encoding']}, the plain file was asked for; fetch it by hand and give its path"
        )
    if answer.status == 206:
        start = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
        if start and int(start[1]) == slot.done and same == slot.same:
            return
        slot.begin("")
        raise _PassingError("the file changed")
    slot.begin(same)


def _read(slot: Slot, answer: Any, max_bytes: int) -> None:
    with slot.partial.open("ab") as file:
        while True:
            try:
                piece = answer.read(CHUNK)
            except (http.client.HTTPException, OSError) as error:
                if isinstance(error, http.client.IncompleteRead):
                    file.write(error.partial)
                    slot.done += len(error.partial)
                raise _PassingError(f"cut off after {slot.done:,} bytes") from error
            if not piece:
                break
            if slot.done == 0 and re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", piece[:512], re.IGNORECASE):
                raise DataError(
                    f"{shown(slot.url)}: the server sent a web page, not a file; open the address in a browser: it moved or wants a login"
                )
            if slot.done + len(piece) > max_bytes:
                raise DataError(_too_big(slot.url, "more than allowed", max_bytes))
            file.write(piece)
            slot.done += len(piece)
    if slot.done == 0:
        raise DataError(f"{shown(slot.url)}: the server sent an empty file; check the address")


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _allowed(newurl, self.hosts, came_from=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _allowed(url: str, hosts: tuple[str, ...], came_from: str | None = None) -> None:
    parts = urlsplit(url)
    where = f"{shown(came_from)}: leads to {shown(url)}, and " if came_from else f"{shown(url)}: "
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DataError(f"{where}only https addresses are fetched; fetch the file by hand and give its path")
    if parts.username or parts.password:
        raise DataError(f"{where.split('@', 1)[0]}...: an address must not hold a name or password; fetch the file by hand and give its path")
    if parts.hostname not in hosts:
        raise DataError(f"{where}host {parts.hostname!r} is not declared (declared: {', '.join(hosts)}); add it to `hosts:` if you trust it")


def _version(headers: Any) -> str:
    """Sixteen digits naming the version the server speaks of; "" when it names none a piece could be trusted by."""
    etag = headers.get("ETag") or ""
    said = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or ""
    return hashlib.sha256(said.encode()).hexdigest()[:16] if said else ""


def _retry_after(said: str | None) -> float | None:
    if not said:
        return None
    if said.strip().isdigit():
        return float(said)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    return None


def _advice(status: int) -> str:
    if status in (401, 403, 407):
        return "it wants a login or refuses this machine: fetch the file by hand and give its path"
    return "check the address" if status in (404, 410) else "try later, or fetch the file by hand and give its path"


def _too_big(url: str, size: str, limit: int) -> str:
    return f"{shown(url)}: holds {size} bytes, the limit is {limit:,}; fetch it by hand and give its path"
