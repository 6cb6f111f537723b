"""Where the files of a source lie: a path of the config or an https address, and the SHA-256 of what is there."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
import secrets
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.asset import Asset, Place
from pipeline.errors import DataError
from pipeline.shelf import file_sha256, note_of

MOST_BYTES = 50 * 10**9  # of one download; a larger file is better fetched by hand, once
OPENED = (".shp", ".gpkg", ".geojson", ".csv", ".tif")  # of several files of one name the one that is opened
_AHEAD: dict[tuple[str, int, int], Future[str]] = {}  # begun and not asked for yet
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


@contextlib.contextmanager
def ahead(written: Iterable[str], place: Place) -> Iterator[None]:
    """Take the SHA-256 of local files of the config beside whatever is done inside: a thread that does so leaves the interpreter to others."""
    memo, stopped = _held(place.cache / "digests.json"), threading.Event()
    with ThreadPoolExecutor(1) as beside:
        for path in (place.resolve(one) for one in dict.fromkeys(written) if "://" not in one):
            with contextlib.suppress(OSError):  # that will be told when the file is asked for
                if path.is_file() and _known(memo, path) is None:
                    _AHEAD[_named(path)] = beside.submit(file_sha256, path, stopped)
        try:
            yield
        finally:  # nobody asks for what is left: an error need not wait for it
            _AHEAD.clear()
            stopped.set()


def digest(path: Path, cache: Path) -> str:
    """SHA-256 of a file, remembered in `<cache>/digests.json` for as long as its path, size and time of change are the same."""
    named = _named(path)
    key, *now = named
    memo = cache / "digests.json"
    if (known := _known(_held(memo), path)) is not None:
        return known
    at, begun = path.stat(), _AHEAD.pop(named, None)
    found = begun.result() if begun else file_sha256(path)
    if time.time() - at.st_mtime > SETTLED_S:
        partial = memo.with_suffix(f".{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):  # a memo that cannot be kept costs time, not truth
            cache.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(_held(memo) | {key: [*now, found]}, sort_keys=True))
            os.replace(partial, memo)
    return found


def _named(path: Path) -> tuple[str, int, int]:
    """A file as it is now."""
    at = path.stat()
    return str(path.resolve()), at.st_size, at.st_mtime_ns


def _known(memo: Mapping[str, object], path: Path) -> str | None:
    key, *now = _named(path)
    said = memo.get(key)
    return str(said[2]) if isinstance(said, list) and len(said) == 3 and said[:2] == now else None


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
