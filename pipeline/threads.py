"""How many threads one computation may use: as many as config gives this process where it makes the tiles itself; one in a worker, which is one of many."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

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


def at_once() -> int:
    """Threads that a computation may use; what it answers does not hang on it."""
    return _at_once
