"""How many threads one computation may use: as many as config gives this process where it makes the tiles itself; one in a worker, which is one of many."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

# What libraries say of themselves as they are imported, said before there are threads: a thread imports them while others read rasters, GDAL asks the
# environment for every setting, and C lets nobody ask while another writes (one run in some two hundred ended by a segmentation fault).
for _name, _value in {"KMP_DUPLICATE_LIB_OK": "True", "KMP_INIT_AT_FORK": "FALSE"}.items():
    os.environ.setdefault(_name, _value)

_at_once = 1


@contextlib.contextmanager
def allowed(count: int) -> Iterator[None]:
    """Let computations in this process use so many threads, 1 or more, while inside."""
    global _at_once  # noqa: PLW0603 - one number of the whole process, as are the cores it speaks of
    before, _at_once = _at_once, count
    try:
        yield
    finally:
        _at_once = before


def cores() -> int:
    """Cores this process may run on, which a scheduler of jobs or `taskset` may have made fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def at_once() -> int:
    """Threads that a computation may use; what it answers does not hang on it."""
    return _at_once
