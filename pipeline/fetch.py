"""A file from the web onto the shelf: from declared hosts only, whole, checked, under the name of its own content.

What was cut short, by the server or by a kill, is taken up where it stopped while the server still names the same version (a strong ETag,
or its date). A file on the shelf is asked about, not fetched again; with a declared `sha256` it is not even asked about, whichever address
it came from. The shelf is one for all regions and may be used by many processes at once: of two that want one file, one waits.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path

import urllib3

from pipeline.client import GaveUpError, PassingError, Sign, allowed, answered, patiently, pieces, shown, version_of
from pipeline.errors import DataError, MissingError, StoreError
from pipeline.pace import PATIENT, Patience
from pipeline.shelf import Slot, file_sha256

LONGEST_TEXT = 50_000_000  # bytes of an answer that is kept in memory

log = logging.getLogger(__name__)


def download(
    url: str, *, hosts: tuple[str, ...], shelf: Path, max_bytes: int, sha256: str | None = None, patience: Patience = PATIENT,
    sign: Sign | None = None, offline: bool = False,
) -> Path:  # fmt: skip
    """The local path of what `url` holds, `<shelf>/<16 digits of its SHA-256>-<name>`.

    Only `hosts` are asked or followed to; https only, save on this machine (see `pipeline.client`). `sign` turns the address into the one to
    ask; the file goes by `url`. When the server cannot be reached a copy fetched before is used, and the log says so. `offline`: nothing is
    asked, and MissingError names what is not on the shelf. DataError says what was wrong with the answer, StoreError that the shelf cannot
    be written.
    """
    allowed(url, hosts)
    wanted = sha256.lower() if sha256 else None
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        with Slot(shelf, url) as slot:
            held = slot.held(wanted)
            if held is not None and (offline or wanted is not None):
                return held
            if offline:
                raise MissingError((shown(url),))
            slot.adopt()
            try:
                return patiently(
                    lambda: _attempt(slot, hosts, max_bytes, wanted, held, patience, sign), name=shown(url), patience=patience, got=lambda: slot.done
                )
            except GaveUpError as error:
                if not slot.same:  # nothing could tell what the piece is of
                    slot.begin("")
                if held is None:
                    raise
                log.warning("%s cannot be reached (%s); the copy fetched before is used", shown(url), error.__cause__)
                return held
            except DataError:
                slot.begin("")
                raise
    except OSError as error:
        raise StoreError(
            f"downloads cannot be kept in {shelf.name} ({error.strerror or error}); free some space or give another folder with --set run.cache=..."
        ) from error


def body(
    url: str, *, hosts: tuple[str, ...], shelf: Path, max_bytes: int = LONGEST_TEXT, patience: Patience = PATIENT, sign: Sign | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """The bytes `url` answers with, by the same rules, kept nowhere: for small answers of services, which change as they are asked."""
    found = bytearray()

    def attempt() -> bytes:
        found.clear()
        with answered(url, hosts=hosts, shelf=shelf, patience=patience, headers=headers, sign=sign) as answer:
            for piece in pieces(answer):
                found.extend(piece)
                if len(found) > max_bytes:
                    raise DataError(_too_big(url, "more than allowed", max_bytes))
        return bytes(found)

    return patiently(attempt, name=shown(url), patience=patience, got=lambda: 0)


def _attempt(
    slot: Slot, hosts: tuple[str, ...], max_bytes: int, sha256: str | None, held: Path | None, patience: Patience, sign: Sign | None
) -> Path:
    if not slot.same:  # nothing says that what comes would be the rest of what we hold
        slot.begin("")
    headers, note = {}, slot.note() if held is not None else {}
    if slot.done:
        headers["Range"] = f"bytes={slot.done}-"
    elif note.get("etag"):
        headers["If-None-Match"] = note["etag"]
    elif note.get("modified"):
        headers["If-Modified-Since"] = note["modified"]
    with answered(slot.url, hosts=hosts, shelf=slot.shelf, patience=patience, headers=headers, sign=sign) as answer:
        if answer.status == 304 and held is not None:
            return held
        if answer.status == 416 and slot.done:
            slot.shorten() if answer.headers.get("Content-Range") == f"bytes */{slot.done}" else slot.begin("")
            raise PassingError("the file changed")
        if answer.status not in (200, 206):
            raise DataError(f"{shown(slot.url)}: the server answers {answer.status} to a plain question; try later, or fetch the file by hand and give its path")
        _begun(slot, answer)
        length = answer.headers.get("Content-Length", "")
        total = slot.done + int(length) if length.isdigit() else None
        if total is not None and total > max_bytes:
            raise DataError(_too_big(slot.url, f"{total:,}", max_bytes))
        _read(slot, answer, max_bytes)
    if total is not None and slot.done < total:
        raise PassingError(f"cut off after {slot.done:,} of {total:,} bytes")
    found = file_sha256(slot.partial)
    if sha256 not in (None, found):
        raise DataError(
            f"{shown(slot.url)}: its SHA-256 is {found}, expected {sha256}; it was changed or damaged: check the address and the declared sum"
        )
    return slot.keep(found, etag=answer.headers.get("ETag"), modified=answer.headers.get("Last-Modified"))


def _begun(slot: Slot, answer: urllib3.BaseHTTPResponse) -> None:
    """Go on with the partial file if this is its continuation, else start anew."""
    same = _digits(version_of(answer.headers))
    refuse_packed(slot.url, answer)
    if answer.status == 206:
        start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        if start and int(start[1]) == slot.done and same == slot.same:
            return
        slot.begin("")
        raise PassingError("the file changed")
    slot.begin(same)


def refuse_packed(url: str, answer: urllib3.BaseHTTPResponse) -> None:
    """DataError for an answer that is packed although the plain file was asked for: its bytes are not the file's."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise DataError(
            f"{shown(url)}: comes packed as {answer.headers['Content-Encoding']}, the plain file was asked for; fetch it by hand and give its path"
        )


def refuse_page(url: str, start: bytes) -> None:
    """DataError for a web page in place of a file."""
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", start[:512], re.IGNORECASE):
        raise DataError(f"{shown(url)}: the server sent a web page, not a file; open the address in a browser: it moved or wants a login")


def _read(slot: Slot, answer: urllib3.BaseHTTPResponse, max_bytes: int) -> None:
    try:
        with slot.partial.open("ab", buffering=0) as file:  # a kill loses nothing that came
            for piece in pieces(answer):
                if slot.done == 0:
                    refuse_page(slot.url, piece)
                if slot.done + len(piece) > max_bytes:
                    raise DataError(_too_big(slot.url, "more than allowed", max_bytes))
                file.write(piece)
                slot.done += len(piece)
    except PassingError as error:
        raise PassingError(f"{error}, after {slot.done:,} bytes") from error
    if slot.done == 0:
        raise DataError(f"{shown(slot.url)}: the server sent an empty file; check the address")


def _digits(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest()[:16] if version else ""


def _too_big(url: str, size: str, limit: int) -> str:
    return f"{shown(url)}: holds {size} bytes, the limit is {limit:,}; fetch it by hand and give its path"
