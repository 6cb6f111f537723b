"""Files of this machine in few calls of the system: each lets go of the interpreter, and where another thread computes in Python it is half a millisecond
until it comes back. A map of 36 tiles and 12 layers asks the system 75,758 times for its files, libraries included, and asked 99,508 times before."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from pipeline.objects import Location, ObjectPath

Mark = tuple[int, int, int]  # of a file: another one under its name has another
_OURS, _COUNT = secrets.token_hex(8), itertools.count()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[int, Mark]]:
    """The descriptor of a file that is there now, for reading, and its mark: over NFS only opening asks what is there."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor, mark(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def read(at: Location) -> bytes:
    """All of a file or object; FileNotFoundError where there is none."""
    if not isinstance(at, Path):
        return at.read_bytes()
    with opened(at) as (descriptor, (_, _, size)):
        return rest(descriptor, size)


def rest(descriptor: int, size: int) -> bytes:
    """What a file of so many bytes still has to give."""
    held = os.read(descriptor, size)
    while len(held) < size and (more := os.read(descriptor, size - len(held))):  # the system gives 2 GB at a time
        held += more
    return held


def mark(at: os.stat_result) -> Mark:
    """What tells a file from another that took its name."""
    return at.st_ino, at.st_mtime_ns, at.st_size


def beside(path: Path) -> Path:
    """A name next to a file that nobody else has: no other process, and no other thread of this one."""
    return path.with_name(f".{path.name}.{_OURS}-{os.getpid()}-{next(_COUNT)}.partial")


def write(at: Location, data: bytes, *, synced: bool = False) -> Mark | None:
    """The whole file or nothing, its folder made where it is missing: written beside and renamed over; `synced`, it lies on the disk before it takes the
    name. Its mark; an object, which is put whole, has none."""
    if isinstance(at, ObjectPath):
        at.write(data)
        return None
    partial = beside(at)
    try:
        made = _written(partial, data, synced=synced)
        os.replace(partial, at)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return made


def _written(partial: Path, data: bytes, *, synced: bool) -> Mark:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC  # of a process that died under our number something may be left
    try:
        descriptor = os.open(partial, flags, 0o666)
    except FileNotFoundError:  # asked once for each folder, and not looked for before each file
        partial.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, flags, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if synced:
            os.fsync(descriptor)
        return mark(os.fstat(descriptor))
    finally:
        os.close(descriptor)
