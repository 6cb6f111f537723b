"""The ledger: for each layer one small object, tile to key; a tile is valid if its recorded key is the one it should have.

Only the coordinating process writes it: before a rewrite with the tiles about to change taken out, then now and again and
at the end with those finished. A tile half-written by any crash, under any sequence of configs, is so never believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from pipeline import files
from pipeline.cube import write_atomically
from pipeline.errors import StoreError
from pipeline.objects import Location, ObjectPath

LOCK_SECONDS = 90.0  # a lock not renewed for this long belongs to nobody, unless its process is seen to live
FIELDS = {"token", "host", "pid", "born", "until"}  # without them a lock says nothing


def key_of(*said: Any) -> str:
    """SHA-256 of plain data, written one way."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def hash_of(keys: Mapping[str, str]) -> str:
    """One hash for all tiles of a layer."""
    return key_of(sorted(keys.items()))


@dataclass
class Ledger:
    """The recorded keys of the layers of one cube, `<cube>.keys/<layer>.json`."""

    folder: Location
    _held: dict[str, dict[str, str]] = field(default_factory=dict)
    _dirty: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, cube: Location) -> Ledger:
        """The ledger beside a cube."""
        return cls(cube.with_suffix(".keys"))

    def keys(self, layer: str) -> dict[str, str]:
        """Tile name to recorded key; empty when the object is missing or damaged (then nothing is believed)."""
        if layer not in self._held:
            self._held[layer] = self._stored(layer).get("keys", {})
        return self._held[layer]

    def whole(self, layer: str) -> str:
        """The recorded hash of all keys of a layer, the one thing a no-change run compares."""
        return str(self._stored(layer).get("all", ""))

    def forget(self, layer: str, tiles: Iterable[str]) -> None:
        """Take tiles out and write at once: to be called before the first of them is rewritten."""
        keys = self.keys(layer)
        gone = [tile for tile in tiles if keys.pop(tile, None) is not None]
        if gone or layer in self._dirty:
            self._dirty.add(layer)
            self._write(layer)

    def record(self, layer: str, tile: str, key: str) -> None:
        """Note a finished tile; `save` writes it."""
        self.keys(layer)[tile] = key
        self._dirty.add(layer)

    def save(self) -> None:
        """Write what was noted since the last save, layer by layer, each atomically."""
        for layer in sorted(self._dirty):
            self._write(layer)

    def made(self, node: str) -> dict[str, str]:
        """What a node was last made of: words to hashes, for saying why it must be made again."""
        try:
            said = json.loads((self.folder / f"{node}.made").read_bytes())
            return said if isinstance(said, dict) else {}
        except (FileNotFoundError, ValueError):
            return {}

    def note_made(self, node: str, parts: Mapping[str, str]) -> None:
        """Keep what a node is being made of."""
        write_atomically(self.folder / f"{node}.made", json.dumps(parts, sort_keys=True).encode())

    def _write(self, layer: str) -> None:
        keys = self._held[layer]
        write_atomically(self.folder / f"{layer}.json", json.dumps({"all": hash_of(keys), "keys": keys}).encode())
        self._dirty.discard(layer)

    def _stored(self, layer: str) -> dict[str, Any]:
        try:
            said = json.loads((self.folder / f"{layer}.json").read_bytes())
            return said if isinstance(said, dict) else {}
        except (FileNotFoundError, ValueError):
            return {}


def holder(cube: Location) -> str:
    """The token of the run that holds a store, "" when none does."""
    return str(_owner(cube.with_suffix(".lock")).get("token", ""))


def _owner(lock: Location) -> dict[str, Any]:
    try:
        said = json.loads(files.read(lock))
        return said if isinstance(said, dict) and said.keys() >= FIELDS else {}
    except (OSError, ValueError):
        return {}


class Lock:
    """One run holds a store at a time: a file or object with owner and expiry, renewed by a thread while held.

    An object is made, renewed and taken over by conditional writes (If-None-Match, If-Match), so of several who try at once one succeeds. A server that
    ignores the conditions leaves the last to write as the owner; the others notice before they write their next tile.
    """

    def __init__(self, cube: Location) -> None:
        self.path, self.token = cube.with_suffix(".lock"), secrets.token_hex(8)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Lock:
        for _ in range(3):
            if self._create() or self._take_if_stale():
                break
        else:
            raise StoreError(f"{self.path.name}: another run took the store at the same moment; try again")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self.ours():
            self.path.unlink(missing_ok=True)

    def ours(self) -> bool:
        """Whether the lock still names this run."""
        return bool(self._owner().get("token") == self.token)

    def check(self) -> None:
        """StoreError when another run has taken the store, as it may from one that was suspended or cut off for long."""
        if not self.ours():
            raise StoreError(f"the store {self.path.stem} was taken over by another run while this one was suspended or cut off; run again when it is free")

    def _create(self) -> bool:
        if isinstance(self.path, ObjectPath):
            return self.path.create(self._said().encode())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("x") as file:
                file.write(self._said())
        except FileExistsError as error:
            if not self.path.parent.is_dir():
                raise self._unwritable(error) from error
            return False
        except OSError as error:
            raise self._unwritable(error) from error
        return True

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write to {self.path.parent.name} ({error.strerror}); give another folder with --set run.cache=... or --set run.outputs=..."
        )

    def _said(self) -> str:
        me = psutil.Process()
        until = time.time() + LOCK_SECONDS
        return json.dumps({"token": self.token, "host": socket.gethostname(), "pid": me.pid, "born": me.create_time(), "until": until})

    def _owner(self) -> dict[str, Any]:
        return _owner(self.path)

    def _name(self) -> str:
        """The store, or the bundle that a lock like `.NAME.bundle` stands for."""
        return f"the bundle {self.path.stem[1:]}" if self.path.name.startswith(".") else f"the store {self.path.stem}"

    def _take_if_stale(self) -> bool:
        """Whether a lock nobody holds any more was taken over; one in a folder is only cleared away, and whoever is first makes the next."""
        mark = self.path.mark() if isinstance(self.path, ObjectPath) else None  # before its content, so that a newer content bears another
        owner = self._owner()
        here = owner.get("host") == socket.gethostname()
        alive = here and _alive(int(owner["pid"]), float(owner["born"]))
        if alive or (owner and not here and time.time() < float(owner["until"])):  # one that is suspended here renews nothing and will go on
            raise StoreError(
                f"{self._name()} is held by process {owner['pid']} on {owner['host']}; wait for it to finish, or stop it, then run again"
            )
        if owner or self._age_s() > LOCK_SECONDS:
            return self._drop(owner, mark)
        time.sleep(0.2)
        return False

    def _age_s(self) -> float:
        if isinstance(self.path, ObjectPath):
            return self.path.age_s()
        try:
            return time.time() - self.path.stat().st_mtime
        except FileNotFoundError:  # given back a moment ago
            return 0.0

    def _drop(self, owner: dict[str, Any], mark: str | None) -> bool:
        if isinstance(self.path, ObjectPath):
            return mark is not None and self.path.replace(self._said().encode(), mark)
        if self._owner().get("token") == owner.get("token"):  # nobody took it over in between
            self.path.unlink(missing_ok=True)
        return False

    def _renew(self) -> None:
        while not self._stop.wait(LOCK_SECONDS / 6):
            with contextlib.suppress(OSError, StoreError):  # what is full or cut off now may not be in a moment: the next turn tries again
                self._write_anew()

    def _write_anew(self) -> None:
        mark = self.path.mark() if isinstance(self.path, ObjectPath) else None
        if not self.ours():
            return
        if isinstance(self.path, ObjectPath):
            if mark is not None:
                self.path.replace(self._said().encode(), mark)
            return
        partial = self.path.with_suffix(f".{self.token}")
        try:
            partial.write_text(self._said())
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)


def _alive(pid: int, born: float) -> bool:
    try:
        return bool(abs(psutil.Process(pid).create_time() - born) < 2)
    except psutil.Error:
        return False
