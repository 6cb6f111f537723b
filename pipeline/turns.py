"""Taking turns between processes by locks that die with their holder: one at a file of the cache, a few at a host.

The locks are the operating system's (flock), so a killed run leaves none behind, and nothing has to expire. The folder may be shared
by machines if its file system passes locks on, as NFS version 4 does.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import StoreError

AT_ONCE = 4  # requests to one host, of all processes that share a cache; what browsers and archives take as polite
POLL_S = 0.05
LONGEST_REST_S = 120.0  # a host may ask for more; nobody sits at the other end


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold `lock` alone, waiting for whoever holds it; its file is made where it is not and stays."""
    with _held([lock]):
        yield


@contextlib.contextmanager
def turn(folder: Path, host: str, *, at_once: int = AT_ONCE) -> Iterator[None]:
    """Hold one of the `at_once` places that the processes sharing `folder` have at a host, waiting until one is free."""
    with _held([folder / f"{_plain(host)}-{n}.lock" for n in range(at_once)]):
        yield


def free(lock: Path) -> bool:
    """Whether nobody holds a lock at this moment."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def rest(folder: Path, host: str, seconds: float) -> None:
    """Note that a host asked everybody for a rest of so many seconds."""
    until = time.time() + min(seconds, LONGEST_REST_S)
    with contextlib.suppress(OSError):  # a note that cannot be kept costs politeness to others, not truth
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f"{_plain(host)}.rest-{os.getpid()}"
        fresh.write_text(f"{until!r} {os.getpid()}")
        os.replace(fresh, folder / f"{_plain(host)}.rest")


def await_rest(folder: Path, host: str, pause: Callable[[float], None]) -> None:
    """Sit out, once, a rest that another process was asked for and that is not over; who was asked paused by itself."""
    left = 0.0
    with contextlib.suppress(OSError, ValueError):
        until, process = (folder / f"{_plain(host)}.rest").read_text().split()
        left = 0.0 if int(process) == os.getpid() else float(until) - time.time()
    if left > 0:
        pause(min(left, LONGEST_REST_S))


@contextlib.contextmanager
def _held(locks: list[Path]) -> Iterator[None]:
    """Hold the first of the locks that comes free."""
    try:
        locks[0].parent.mkdir(parents=True, exist_ok=True)
        files = [lock.open("ab") for lock in locks]
    except OSError as error:
        raise StoreError(f"the cache cannot be written ({error.strerror or error}); give another folder with --set run.cache=...") from error
    with contextlib.ExitStack() as stack:
        for file in files:
            stack.enter_context(file)  # closing it lets the lock go
        start = os.getpid() % len(files)  # so that processes do not all queue at the first
        for n in itertools.count(start):
            try:
                fcntl.flock(files[n % len(files)], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if (n - start) % len(files) == len(files) - 1:
                    time.sleep(POLL_S)
            except OSError as error:
                raise StoreError(f"the file system of the cache keeps no locks ({error.strerror}); give a folder on another with --set run.cache=...") from error
            else:
                break
        yield


def _plain(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", host)[:100]
