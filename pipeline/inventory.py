"""What is on the shelf of downloads: named, measured, held against its checksums, and cleared away."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipeline import turns
from pipeline.blocks import SUM, Blocks
from pipeline.errors import StoreError
from pipeline.shelf import file_sha256, read_note

Kind = Literal["file", "blocks", "unpacked", "layer", "leftover"]
SETTLED_S = 3600.0  # a nameless file younger than this may be another run's, about to be named


@dataclass(frozen=True)
class Held:
    """One thing on the shelf. `name` is its address, or its file name; `size` bytes of it are here, of `whole`; `used` when a run last asked for it
    (seconds since 1970); `paths` all that goes when it goes."""

    kind: Kind
    name: str
    size: int
    whole: int
    sha256: str
    fetched: str
    used: float
    paths: tuple[Path, ...]

    @property
    def day(self) -> str:
        """The day it was last used (UTC)."""
        return datetime.fromtimestamp(self.used, UTC).date().isoformat()


def listed(shelf: Path) -> list[Held]:
    """Everything on the shelf, by kind and name."""
    if not shelf.is_dir():
        return []
    with _told(shelf):
        return sorted([*_files(shelf), *_ranged(shelf), *_unpacked(shelf), *_layers(shelf), *_leftovers(shelf)], key=lambda h: (h.kind, h.name, h.paths))


def times(shelf: Path) -> dict[str, str]:
    """Address to when (UTC) it was last fetched, of all whole files and all that is read by pieces."""
    found: dict[str, str] = {}
    for note in (read_note(path) for folder in (shelf, shelf / "ranged") for path in folder.glob("*.json")):
        if note.get("fetched"):
            found[str(note["url"])] = max(str(note["fetched"]), found.get(str(note["url"]), ""))
    return found


def verified(shelf: Path) -> list[Held]:
    """Hold every file, block and unpacked file against its checksum; what is damaged is taken off the shelf, to be fetched again, and returned."""
    damaged = []
    with _told(shelf):
        for held in listed(shelf):
            if held.kind == "blocks":
                bad = _damaged_blocks(held)
            elif held.kind == "unpacked":
                sums = read_note(held.paths[1]).get("files", {})
                bad = {p.name for p in held.paths[0].iterdir()} != set(sums) or any(file_sha256(held.paths[0] / name) != s for name, s in sums.items())
            elif held.kind == "layer":
                bad = not held.name.startswith(file_sha256(held.paths[0])[:16])
            else:
                bad = held.kind == "file" and file_sha256(held.paths[0]) != held.sha256
            if bad:
                damaged.append(held)
                if held.kind != "blocks":  # a block that does not hold is not believed, and fetched again, as it is
                    _gone(held)
    return damaged


def pruned(shelf: Path, *, unused_days: float | None = None, everything: bool = False) -> list[Held]:
    """Clear away what no address leads to any more: superseded versions, and pieces of downloads that nobody is at work on. With `unused_days`
    also what no run asked for since, with `everything` all there is. Meant for a time when no map is being made. What went is returned."""
    now, went = time.time(), []
    with _told(shelf):
        for held in listed(shelf):
            old = unused_days is not None and now - held.used > unused_days * 86_400
            if everything or old or held.kind == "leftover":
                _gone(held)
                went.append(held)
        if everything:
            for name in ("locks", "hosts"):
                shutil.rmtree(shelf / name, ignore_errors=True)
    return went


def _files(shelf: Path) -> Iterator[Held]:
    for note in sorted(shelf.glob("*.json")):
        said = read_note(note)
        path = shelf / str(said.get("name") or "-")
        if path.is_file():
            whole = int(said.get("size") or 0)
            yield Held(
                "file", str(said.get("url") or path.name), path.stat().st_size, whole, str(said.get("sha256")), str(said.get("fetched") or ""),
                note.stat().st_mtime, (path, note),
            )  # fmt: skip


def _ranged(shelf: Path) -> Iterator[Held]:
    for note in sorted((shelf / "ranged").glob("*.json")):
        said = read_note(note)
        folder = shelf / "ranged" / str(said.get("folder") or "-")
        if folder.is_dir():
            whole = int(said.get("size") or 0)
            size = _blocks(folder, whole).held()
            yield Held("blocks", str(said.get("url")), size, whole, "", str(said.get("fetched") or ""), note.stat().st_mtime, (folder, note))


def _unpacked(shelf: Path) -> Iterator[Held]:
    for note in sorted((shelf / "unpacked").glob("*.json")):
        said, folder = read_note(note), note.with_suffix("")
        if folder.is_dir():
            size = sum(p.stat().st_size for p in folder.iterdir())
            yield Held("unpacked", str(said.get("name")), size, size, "", "", note.stat().st_mtime, (folder, note))


def _layers(shelf: Path) -> Iterator[Held]:
    for path in sorted((shelf / "layers").glob("[0-9a-f]*.fgb")):
        at = path.stat()
        yield Held("layer", path.name, at.st_size, at.st_size, "", "", at.st_mtime, (path,))


def _leftovers(shelf: Path) -> Iterator[Held]:
    """Pieces of downloads whose lock nobody holds, and what no note leads to."""
    led = {path for held in (*_files(shelf), *_ranged(shelf), *_unpacked(shelf)) for path in held.paths}
    for path in sorted(shelf.iterdir()):
        if path.is_file() and path not in led:
            mine = path.suffix == ".partial"
            if turns.free(shelf / "locks" / f"{path.name[:16]}.lock") if mine else _settled(path):
                yield _leftover(path)
    for folder in (shelf / "ranged", shelf / "unpacked"):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and path not in led and _settled(path):
                yield _leftover(path)


def _leftover(path: Path) -> Held:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    size = sum(p.stat().st_blocks * 512 for p in files)
    return Held("leftover", path.name, size, size, "", "", path.stat().st_mtime, (path,))


def _settled(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > SETTLED_S


def _blocks(folder: Path, size: int) -> Blocks:
    return Blocks(None, folder, size, "")


def _damaged_blocks(held: Held) -> bool:
    blocks, sums = _blocks(held.paths[0], held.whole), (held.paths[0] / "sums").read_bytes()
    return any(any(sums[n * SUM : (n + 1) * SUM]) and blocks.get(n) is None for n in range(blocks.count))


def _gone(held: Held) -> None:
    for path in reversed(held.paths):  # the note first: what it led to is then no more believed
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def _told(shelf: Path) -> Iterator[Any]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the downloads in {shelf.parent.name}/{shelf.name} cannot be looked through ({error.strerror or error}); check who may read them"
        ) from error
