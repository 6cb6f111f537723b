"""Downloads on disk: whole files under the name of their content, partial ones under the name of what they began as."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ORPHAN_S = 600.0  # a partial file nobody wrote to for so long has no owner
CHUNK = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def digest_of(*said: str) -> str:
    """Twenty-four digits naming a handful of texts together."""
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:24]


@dataclass
class Slot:
    """The place of one address on the shelf. `done` bytes of `partial` are there; `same` names the version they are of."""

    shelf: Path
    url: str
    done: int = 0
    same: str = ""

    def __post_init__(self) -> None:
        self._stem = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self._own = secrets.token_hex(4)
        self._note = self.shelf / f"{self._stem}.json"

    @property
    def partial(self) -> Path:
        """The file being written: ours alone."""
        return self.shelf / f"{self._stem}-{self.same or 'unnamed'}-{self._own}.partial"

    def note(self) -> dict[str, Any]:
        """What was written down of the file last fetched from here: name, size, sha256, etag, modified."""
        try:
            said = json.loads(self._note.read_text())
            return said if isinstance(said, dict) else {}
        except (OSError, ValueError):
            return {}

    def held(self, sha256: str | None) -> Path | None:
        """The file last fetched, if it is whole and the one wanted."""
        note = self.note()
        path = self.shelf / str(note.get("name") or "-")
        if not path.is_file() or path.stat().st_size != note.get("size") or sha256 not in (None, note.get("sha256")):
            return None
        return path

    def adopt(self) -> None:
        """Take over what an earlier run left behind. Renaming is atomic, so two runs never write to one file."""
        for left in sorted(self.shelf.glob(f"{self._stem}-*")):
            said = re.fullmatch(r"[0-9a-f]+-([0-9a-f]{16})-[0-9a-f]+\.(partial|left)", left.name)
            with contextlib.suppress(OSError):
                if said and (said[2] == "left" or time.time() - left.stat().st_mtime > ORPHAN_S):
                    self.same = said[1]
                    left.rename(self.partial)
                    self.done = self.partial.stat().st_size
                    return
        self.same = ""

    def leave(self) -> None:
        """Let a later run go on from here, if it could tell what it goes on with."""
        if not self.same:
            self.begin("")
            return
        with contextlib.suppress(OSError):
            self.partial.rename(self.partial.with_suffix(".left"))

    def begin(self, same: str) -> None:
        """Start anew with the version the server names."""
        self.partial.unlink(missing_ok=True)
        self.done, self.same = 0, same

    def keep(self, sha256: str, *, etag: str | None, modified: str | None) -> Path:
        """Put the finished file on the shelf, `<16 digits of its SHA-256>-<name>`, and note where it came from."""
        name = f"{sha256[:16]}-{file_name(self.url)}"
        said = {"name": name, "size": self.done, "sha256": sha256, "etag": etag, "modified": modified}
        os.replace(self.partial, self.shelf / name)
        fresh = self._note.with_suffix(f".{self._own}")
        fresh.write_text(json.dumps(said, sort_keys=True))
        os.replace(fresh, self._note)
        return self.shelf / name


def file_name(url: str) -> str:
    """The last part of an address, in letters every file system takes; its end says what kind of file it is."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])).lstrip(".")[-100:] or "file"
