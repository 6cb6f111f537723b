"""Chunks: one tile of one layer as it lies in the store, read and written as zarr does, byte for byte, without what zarr does around it.

A run reads and writes some tens of chunks a tile. Through zarr's own array each takes 5 to 8 ms of this process, of which unpacking a megabyte is one:
more than most recipes. So the chunk's own bytes are taken here; what an array is, it says itself (`arrays`), and anything that reads Zarr 3 reads
the store. A chunk that holds nothing but missing cells is not kept, as zarr has it.

What was read or written last is held unpacked, at most `HELD_BYTES` of it in a process: the layers that lie under one tile are unpacked once for all that
is made of them there, and a halo finds its neighbours. A file that was replaced since is another file, and is read anew; an object store would have to be
asked, so what is read of one is held for jobs that were handed over together alone (`holding`).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import files
from pipeline.arrays import LEVEL, PACKER, SHUFFLE
from pipeline.errors import StoreError
from pipeline.files import Mark
from pipeline.objects import Location
from pipeline.recipe import MISSING, Array

HELD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Kind:
    """What the array of a layer says of itself: `dtype`, its `shape`, and the side of its chunks in cells."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    side: int

    @property
    def fill(self) -> Any:
        """NaN, or MISSING for categories."""
        return np.float32(np.nan) if self.dtype == np.float32 else MISSING


class _Held:
    """Unpacked chunks of this process, the longest unused going first."""

    def __init__(self) -> None:
        self._lock, self._bytes = threading.Lock(), 0
        self._chunks: OrderedDict[str, tuple[Mark, Array]] = OrderedDict()
        self._of: dict[int, str] = {}

    def get(self, path: str, mark: Mark) -> Array | None:
        with self._lock:
            held = self._chunks.get(path)
            if held is None or held[0] != mark:
                return None
            self._chunks.move_to_end(path)
            return held[1]

    def put(self, path: str, mark: Mark, values: Array) -> None:
        if isinstance(values.base, np.ndarray) and values.base.nbytes > values.nbytes:
            values = values.copy()  # a view would keep all of what it is a part of
            values.flags.writeable = False
        with self._lock:
            self._drop(path)
            if values.nbytes > HELD_BYTES:
                return
            while self._bytes + values.nbytes > HELD_BYTES:
                self._drop(next(iter(self._chunks)))
            self._chunks[path] = mark, values
            self._of.setdefault(id(values), path)
            self._bytes += values.nbytes

    def clear(self) -> None:
        with self._lock:
            self._chunks.clear()
            self._of.clear()
            self._bytes = 0

    def home(self, values: Array) -> tuple[str, Mark] | None:
        """The file that holds these very values, if it is known."""
        with self._lock:
            path = self._of.get(id(values), "")
            held = self._chunks.get(path)
            return (path, held[0]) if held is not None and held[1] is values else None

    def drop(self, path: str) -> None:
        with self._lock:
            self._drop(path)

    def _drop(self, path: str) -> None:
        held = self._chunks.pop(path, None)
        if held is not None:
            self._bytes -= held[1].nbytes
            if self._of.get(id(held[1])) == path:
                del self._of[id(held[1])]


class _Now(threading.local):
    """Which jobs this thread is at, as the mark of what it reads of an object store for them; none outside `holding`."""

    mark: Mark | None = None


_HELD = _Held()
_NOW, _HANDED = _Now(), itertools.count(1)


def let_go() -> None:
    """Hold no chunk of this process any longer: for what is to come its memory is worth more than what was read."""
    _HELD.clear()


@contextlib.contextmanager
def holding() -> Iterator[None]:
    """Inside, this thread reads a chunk of an object store once: what jobs handed over together read was whole before the first of them, or is written
    by one of them."""
    before, _NOW.mark = _NOW.mark, (-next(_HANDED), 0, 0)
    try:
        yield
    finally:
        _NOW.mark = before


def kind(layer: Location) -> Kind:
    """What the array at `layer` is; FileNotFoundError, ValueError or KeyError when it is none that this code wrote."""
    if isinstance(layer, Path):
        with files.opened(layer / "zarr.json") as (_, mark):
            return _known(str(layer), mark)
    return _said((layer / "zarr.json").read_bytes())


def read(layer: Location, kind: Kind, row: int, col: int, shape: tuple[int, int]) -> Array:
    """The cells of a chunk that lie on the grid, (y, x), read-only; all missing when it is not there. StoreError when it is damaged."""
    at = layer / "c" / str(row) / str(col)
    try:
        if not isinstance(at, Path):
            return _held(at, _NOW.mark, at.read_bytes, kind, shape)
        with files.opened(at) as (descriptor, mark):
            return _held(at, mark, lambda: files.rest(descriptor, mark[-1]), kind, shape)
    except FileNotFoundError:
        return np.full(shape, kind.fill, kind.dtype)


def _held(at: Location, mark: Mark | None, packed: Callable[[], bytes], kind: Kind, shape: tuple[int, int]) -> Array:
    """The cells of a chunk, as they are held under its mark, or else unpacked and, if there is one, held."""
    held = None if mark is None else _HELD.get(str(at), mark)
    if held is None:
        held = _unpacked(packed(), kind, shape, at)
        if mark is not None:
            _HELD.put(str(at), mark, held)
    return held


def write(layer: Location, kind: Kind, row: int, col: int, values: Array) -> None:
    """Keep the cells of a chunk that lie on the grid, whole or not at all; a chunk read whole and given as it was read is another name of
    the same file, which nobody writes into."""
    at = layer / "c" / str(row) / str(col)
    if _all_missing(values):
        at.unlink(missing_ok=True)
        _HELD.drop(str(at))
        return
    mark = _linked(values, at) if isinstance(at, Path) else None
    mark = mark or files.write(at, _packed(values, kind)) or _NOW.mark
    if mark is None:
        return
    values.flags.writeable = False
    _HELD.put(str(at), mark, values)


def _all_missing(values: Array) -> bool:
    def missing(part: Array) -> Array:
        return np.isnan(part) if part.dtype.kind == "f" else part == MISSING

    return bool(missing(values[:1, :1]).all() and missing(values).all())  # one look tells of most


@lru_cache(maxsize=4096)
def _known(layer: str, mark: Mark) -> Kind:
    """What a `zarr.json` says; one that was replaced has another `mark`."""
    del mark
    return _said((Path(layer) / "zarr.json").read_bytes())


def _said(data: bytes) -> Kind:
    said = json.loads(data)
    rows, cols = said["chunk_grid"]["configuration"]["chunk_shape"]
    names = [codec["name"] for codec in said["codecs"]]
    packing = said["codecs"][-1]["configuration"]
    made = Kind(np.dtype(said["data_type"]), tuple(said["shape"]), int(rows))
    if rows != cols or names != ["bytes", "blosc"] or [packing["cname"], packing["clevel"], packing["shuffle"]] != [PACKER, LEVEL, SHUFFLE]:
        raise ValueError("packed in another way")
    return made


def _unpacked(data: bytes, kind: Kind, shape: tuple[int, int], at: Location) -> Array:
    from numcodecs import blosc

    try:
        values = np.frombuffer(blosc.decompress(data), kind.dtype).reshape(kind.side, kind.side)
    except (RuntimeError, ValueError) as error:
        raise StoreError(
            f"the chunk {'/'.join(str(at).split('/')[-4:])} of the store is damaged ({error}); delete its cube from the cache and run again"
        ) from error
    whole: Array = values[: shape[0], : shape[1]]
    return whole


def _packed(values: Array, kind: Kind) -> bytes:
    from numcodecs import blosc

    if values.shape != (kind.side, kind.side):  # a chunk at the edge is as large as any
        whole = np.full((kind.side, kind.side), kind.fill, kind.dtype)
        whole[: values.shape[0], : values.shape[1]] = values
        values = whole
    return bytes(blosc.compress(np.ascontiguousarray(values), PACKER.encode(), LEVEL, blosc.SHUFFLE))


def _linked(values: Array, at: Path) -> Mark | None:
    """Give the file that these very values were read from or written to another name, if it is still that file and its folder can do so: its mark."""
    home = _HELD.home(values)
    if home is None:
        return None
    partial = files.beside(at)
    try:
        try:
            os.link(home[0], partial)
        except FileNotFoundError:
            at.parent.mkdir(parents=True, exist_ok=True)
            os.link(home[0], partial)
        if files.mark(partial.stat()) != home[1]:
            return None  # another file by now: nothing may be written through this name of it
        os.replace(partial, at)
        return home[1]
    except OSError:
        return None
    finally:
        partial.unlink(missing_ok=True)  # there still where both were names of one file, which are left as they are
