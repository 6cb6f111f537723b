"""Where the files of a source lie: a path of the config or an https address, and the SHA-256 of what is there."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
import secrets
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.asset import Asset, Place
from pipeline.errors import DataError
from pipeline.shelf import file_sha256, note_of

MOST_BYTES = 50 * 10**9  # of one download; a larger file is better fetched by hand, once
OPENED = (".shp", ".gpkg", ".geojson", ".csv", ".tif")  # of several files of one name the one that is opened
SETTLED_S = 2.0  # a file changed this lately may change again without its size and time telling


def locate(written: str, place: Place, *, hosts: tuple[str, ...], sha256: str | None) -> Path:
    """The local file behind a path or address of the config; DataError when it is not there or not the one declared."""
    if re.match(r"[a-z][a-z0-9+.-]*://", written, re.IGNORECASE):
        from pipeline.fetch import download

        return download(
            written, hosts=hosts_of(written, hosts), shelf=place.shelf, max_bytes=MOST_BYTES, sha256=sha256, offline=place.offline
        )
    path = place.resolve(written)
    if not path.is_file():
        raise DataError(f"{name_of(written)}: no such file below {place.root.name}/; check `path:` in the config, or fetch it first")
    if sha256 is not None and (found := digest(path, place.cache)) != sha256.lower():
        raise DataError(f"{name_of(written)}: its SHA-256 is {found}, expected {sha256}; it was changed: fetch it again or correct `sha256:`")
    return path


def hosts_of(address: str, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts that may answer for an address: its own, and those declared."""
    return (urlsplit(address).hostname or "", *hosts)


def member(path: Path, written: str, pattern: str, place: Place) -> Path:
    """The file of an archive that is meant: the first to match `pattern`, its sisters beside it; the file itself where it is no archive.

    A shapefile is asked for with its parts: `roads.*`.
    """
    if not pattern or not (name_of(written).lower().endswith(".zip") or zipfile.is_zipfile(path)):
        return path
    from pipeline import archive

    files = archive.unpacked(path, pattern, name=name_of(written), into=place.shelf / "unpacked")
    return next((file for file in files if file.suffix.lower() in OPENED), files[0])


def name_of(written: str) -> str:
    """The name outputs may carry: never an absolute path, never an address's query."""
    if "://" in written:
        return written.split("?", 1)[0].split("#", 1)[0]
    return Path(written).name if Path(written).is_absolute() else Path(written).as_posix()


def asset(written: str, files: Iterable[Path], place: Place, bounds: tuple[float, float, float, float] | None = None) -> Asset:
    """The asset of a source: its first file is the one opened, the others (sidecars) count for its version."""
    first, *others = files
    said = [digest(path, place.cache) for path in (first, *sorted(others))]
    version = said[0] if len(said) == 1 else hashlib.sha256(" ".join(said).encode()).hexdigest()
    note = note_of(place.shelf, written) if "://" in written else {}
    named = str(note.get("etag") or note.get("modified") or "")
    size = sum(path.stat().st_size for path in (first, *others))
    return Asset(name_of(written), str(first), version, size, bounds, str(note.get("url") or ""), named, str(note.get("fetched") or ""))


def digest(path: Path, cache: Path) -> str:
    """SHA-256 of a file, remembered in `<cache>/digests.json` for as long as its path, size and time of change are the same."""
    at, key = path.stat(), str(path.resolve())
    now = [at.st_size, at.st_mtime_ns]
    memo = cache / "digests.json"
    held = _held(memo)
    if isinstance(known := held.get(key), list) and len(known) == 3 and known[:2] == now:
        return str(known[2])
    found = file_sha256(path)
    if time.time() - at.st_mtime > SETTLED_S:
        partial = memo.with_suffix(f".{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):  # a memo that cannot be kept costs time, not truth
            cache.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(_held(memo) | {key: [*now, found]}, sort_keys=True))
            os.replace(partial, memo)
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...? (there are: ...)` for a word that is not among the known ones."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    listing = ", ".join(map(repr, known[:12])) + (" ..." if len(known) > 12 else "")
    return (f"; did you mean {near[0]!r}?" if near else ";") + f" (there are: {listing or 'none'})"


def _held(memo: Path) -> dict[str, list[object]]:
    try:
        said = json.loads(memo.read_text())
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError):
        return {}
