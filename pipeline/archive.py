"""Files out of a ZIP archive that somebody else made: judged whole before a byte is unpacked, unpacked whole or not at all.

An archive is refused, with the entry named, when any entry of it leads out of the folder, is a link or a device, is encrypted, stands
there twice, shares its bytes with another (as bombs without a great ratio do), or promises more than its bytes can hold.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

from pipeline.errors import DataError, StoreError
from pipeline.shelf import digest_of, file_sha256, write_note

MOST_BYTES = 50 * 10**9  # unpacked, of all that is wanted
MOST_ENTRIES = 100_000
MOST_PACKED = 200  # times: tables of text reach some 30
LEAST_JUDGED = 10**7  # bytes; a smaller entry can do no harm, however it is packed
CHUNK = 1 << 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what public data come in
SHOWN = 8  # entries in a message


def unpacked(path: Path, *patterns: str, name: str, into: Path, max_bytes: int = MOST_BYTES) -> tuple[Path, ...]:
    """The entries of the archive at `path` that match any of `patterns`, as files on disk, sorted by name.

    A pattern is matched against the end of an entry's path, letter case apart: `*.shp` finds `data/Roads.shp`, `gis/roads.*` only those of
    that folder. The files lie side by side under their own last names (as the parts of a shapefile must) in a folder of `into` named by
    the archive's content and the patterns, made once and kept; so `into` may be one for all regions. `name` is what messages call the
    archive. DataError, before anything is written, for an archive that is damaged or means harm, that holds nothing of the kind (the
    message lists what there is), or would take more than `max_bytes`; StoreError when the disk cannot take it.
    """
    folder = into / digest_of(file_sha256(path), *sorted(patterns))
    note = into / f"{folder.name}.json"  # beside it: what the archive is called, and a SHA-256 of each file
    if folder.is_dir() and note.is_file():  # they were swapped in whole
        with contextlib.suppress(OSError):
            os.utime(note)  # when it was last used
        return tuple(sorted(folder.iterdir()))
    with _told(name), zipfile.ZipFile(path) as archive:
        entries = judged(archive.infolist(), name=name, size=path.stat().st_size)
        wanted = [entry for entry in entries if any(_matches(entry.filename, pattern) for pattern in patterns)]
        _check_wanted(wanted, entries, patterns, name, max_bytes)
        fresh = into / f".{folder.name}.{secrets.token_hex(4)}"
        try:
            fresh.mkdir(parents=True)
            for entry in wanted:
                _write(archive, entry, fresh / PurePosixPath(entry.filename).name, name)
            write_note(note, {"name": name, "files": {file.name: file_sha256(file) for file in sorted(fresh.iterdir())}})
            _swapped(fresh, folder)
        except OSError as error:
            raise StoreError(
                f"{name}: cannot be unpacked in {into.name} ({error.strerror or error}); free some space or give another folder with --set run.cache=..."
            ) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return tuple(sorted(folder.iterdir()))


def judged(entries: Iterable[zipfile.ZipInfo], *, name: str, size: int) -> list[zipfile.ZipInfo]:
    """The files among the entries of an archive of `size` bytes; DataError for the first entry that means harm."""
    entries = list(entries)
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"{name}: holds {len(entries):,} entries, the limit is {MOST_ENTRIES:,}; unpack it by hand and give the file that is meant")
    taken: set[str] = set()
    for entry in entries:
        if reason := _harm(entry):
            raise DataError(
                f"{name}: entry {_shown(entry)} {reason}; the archive is forged or damaged and nothing of it is used: fetch it again, or unpack it by hand"
            )
        same = unicodedata.normalize("NFC", entry.filename.rstrip("/")).casefold()
        if same in taken:
            raise DataError(f"{name}: entry {_shown(entry)} stands in the archive twice; which one is meant cannot be told: unpack it by hand")
        taken.add(same)
    _check_apart(entries, name, size)
    return [entry for entry in entries if not entry.is_dir()]


def _harm(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, in words; "" for a good one."""
    said, packed, size = getattr(entry, "orig_filename", entry.filename), entry.compress_size, entry.file_size
    parts, kind, stored = entry.filename.rstrip("/").split("/"), stat.S_IFMT(entry.external_attr >> 16), entry.compress_type == zipfile.ZIP_STORED
    outside = "\\" in said or "\0" in said or said.startswith("/") or re.match(r"[A-Za-z]:", said) or any(part in ("", ".", "..") for part in parts)
    faults = {
        "leads out of the folder it is unpacked in": outside,
        "has a name that is no text": any(unicodedata.category(letter) == "Cc" for letter in said),
        "is a link or a device, no file": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        "is encrypted": entry.flag_bits & 0x41,
        f"is packed by method {entry.compress_type}, which is not read here": entry.compress_type not in METHODS,
        f"promises {size:,} bytes from {packed:,}, more than {MOST_PACKED} to 1": size > LEAST_JUDGED and size > MOST_PACKED * max(packed, 1),
        f"is stored as it is, and promises {size:,} bytes from {packed:,}": stored and size != packed,
    }
    return next((words for words, met in faults.items() if met), "")


def _check_apart(entries: list[zipfile.ZipInfo], name: str, size: int) -> None:
    """No two entries may share bytes: a bomb can be made of many that all point to one piece."""
    spans = sorted((entry.header_offset, entry.header_offset + entry.compress_size) for entry in entries)
    if any(one[1] > other[0] for one, other in pairwise(spans)) or (spans and spans[-1][1] > size):
        raise DataError(f"{name}: entries of the archive share bytes or point behind its end; it is forged or cut short: fetch it again")


def _check_wanted(wanted: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo], patterns: tuple[str, ...], name: str, max_bytes: int) -> None:
    asked = " or ".join(map(repr, patterns))
    if not wanted:
        held = ", ".join(entry.filename for entry in entries[:SHOWN]) + (f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else "")
        raise DataError(f"{name}: holds no {asked} (there are: {held or 'none'}); it may be another file than expected: check the address")
    total = sum(entry.file_size for entry in wanted)
    if total > max_bytes:
        raise DataError(f"{name}: {asked} would take {total:,} bytes, the limit is {max_bytes:,}; unpack it by hand and give the file")
    last: set[str] = set()
    for entry in wanted:
        short = unicodedata.normalize("NFC", PurePosixPath(entry.filename).name).casefold()
        if short in last:
            raise DataError(f"{name}: {asked} is met by several files named {PurePosixPath(entry.filename).name!r}; say the folder in the pattern too")
        last.add(short)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, name: str) -> None:
    """Unpack one entry; its checksum is compared by `zipfile` when the last byte is read."""
    left = entry.file_size
    with archive.open(entry) as packed, to.open("xb") as file:
        while piece := packed.read(min(CHUNK, left + 1)):
            left -= len(piece)
            if left < 0:
                break
            file.write(piece)
    if left:
        raise DataError(f"{name}: entry {_shown(entry)} does not hold the {entry.file_size:,} bytes it promises; it is damaged: fetch it again")


def _swapped(fresh: Path, folder: Path) -> None:
    try:
        os.replace(fresh, folder)
    except OSError:
        if not folder.is_dir():  # another run was quicker, with the same content
            raise


def _matches(entry: str, pattern: str) -> bool:
    return PurePosixPath(entry.casefold()).match(pattern.casefold())


def _shown(entry: zipfile.ZipInfo) -> str:
    return repr(entry.filename if len(entry.filename) <= 100 else entry.filename[:97] + "...")


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise DataError(f"{name}: cannot be read as a ZIP archive ({error}); it is damaged, cut short or another kind of file: fetch it again") from error
