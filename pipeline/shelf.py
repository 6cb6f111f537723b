"""Downloads on disk: whole files under the name of their content, partial ones under the name of what they began as."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline import turns

PIECE = 8 << 20  # after each of which a thread that takes a digest asks for the interpreter, and waits while another imports


def file_sha256(path: Path, stopped: threading.Event | None = None) -> str:
    """SHA-256 of a file's bytes, hexadecimal; InterruptedError once it is `stopped`."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        piece = memoryview(bytearray(min(PIECE, max(os.fstat(file.fileno()).st_size, 1))))
        while size := file.readinto(piece):
            if stopped and stopped.is_set():
                raise InterruptedError(f"{path.name}: nobody asks for its SHA-256 any more")
            digest.update(piece[:size])
    return digest.hexdigest()


def digest_of(*said: str) -> str:
    """Twenty-four digits naming a handful of texts together."""
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:24]


@dataclass
class Slot:
    """The place of one address on the shelf, held alone from `with` to its end. `done` bytes of `partial` are there; `same` names the version they are of.

    Beside the file lies a note of it, `<16 digits of the address>.json`: name, size, sha256, etag, modified, url (without its query), fetched (UTC).
    """

    shelf: Path
    url: str
    done: int = 0
    same: str = ""

    def __post_init__(self) -> None:
        self._stem = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self._note = self.shelf / f"{self._stem}.json"
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Slot:
        self._stack.enter_context(turns.alone(self.shelf / "locks" / f"{self._stem}.lock"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def partial(self) -> Path:
        """The file being written."""
        return self.shelf / f"{self._stem}-{self.same or 'unnamed'}.partial"

    def note(self) -> dict[str, Any]:
        """What was written down of the file last fetched from here."""
        return read_note(self._note)

    def held(self, sha256: str | None) -> Path | None:
        """The file last fetched, if it is whole and the one wanted; with `sha256`, also one that came from elsewhere."""
        notes = [self.note()]
        if sha256 is not None:
            notes += [read_note(note) for note in sorted(self.shelf.glob("*.json"))]
        for note in notes:
            if sha256 in (None, note.get("sha256")) and (path := is_whole(self.shelf, note)):
                with contextlib.suppress(OSError):
                    os.utime(self._note)  # when it was last used
                return path
        return None

    def adopt(self) -> None:
        """Take over what a run that was cut off left behind: whoever holds the slot owns it."""
        for left in sorted(self.shelf.glob(f"{self._stem}-*.partial")):
            same = left.stem.partition("-")[2]
            if self.same or same == "unnamed":  # nothing says what it is of
                left.unlink(missing_ok=True)
            else:
                self.same, self.done = same, left.stat().st_size

    def begin(self, same: str) -> None:
        """Start anew with the version the server names."""
        self.partial.unlink(missing_ok=True)
        self.done, self.same = 0, same

    def shorten(self) -> None:
        """Let go of the last byte: all of the file is here, and asking for that byte again tells whether it is still the same file."""
        self.done -= 1
        os.truncate(self.partial, self.done)

    def keep(self, sha256: str, *, etag: str | None, modified: str | None) -> Path:
        """Put the finished file on the shelf, `<16 digits of its SHA-256>-<name>`, and note where it came from."""
        name = f"{sha256[:16]}-{file_name(self.url)}"
        with self.partial.open("rb") as file:
            os.fsync(file.fileno())  # a note must not outlive a power cut that its file does not
        os.replace(self.partial, self.shelf / name)
        at = (self.shelf / name).stat()
        said = {
            "name": name, "size": self.done, "sha256": sha256, "etag": etag, "modified": modified, "url": self.url.split("?", 1)[0].split("#", 1)[0],
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"), "mtime_ns": at.st_mtime_ns,
        }  # fmt: skip
        write_note(self._note, said)
        return self.shelf / name


def note_of(shelf: Path, url: str) -> dict[str, Any]:
    """What was written down of the file last fetched from an address; empty when nothing was."""
    return Slot(shelf, url).note()


def is_whole(shelf: Path, note: dict[str, Any]) -> Path | None:
    """The file a note is of, if it is as it was put there: same size and time of change, or else same SHA-256."""
    path = shelf / str(note.get("name") or "-")
    if not path.is_file() or (at := path.stat()).st_size != note.get("size"):
        return None
    return path if at.st_mtime_ns == note.get("mtime_ns") or file_sha256(path) == note.get("sha256") else None


def read_note(path: Path) -> dict[str, Any]:
    """A note, empty when there is none that can be read."""
    try:
        said = json.loads(path.read_text())
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError):
        return {}


def write_note(path: Path, said: dict[str, Any]) -> None:
    """Write a note so that a reader sees the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.write_text(json.dumps(said, sort_keys=True))
    os.replace(fresh, path)


def file_name(url: str) -> str:
    """The last part of an address, in letters every file system takes; its end says what kind of file it is."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])).lstrip(".")[-100:] or "file"
