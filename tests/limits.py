"""A limit for tests whose failure would be to wait for ever."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import pytest

SECONDS = 300  # many times what any of them takes: it ends a test that stands still and says nothing of speed


@contextlib.contextmanager
def ends() -> Iterator[None]:
    """Fail where what is inside still waits after SECONDS."""

    def told(*_: object) -> None:
        pytest.fail(f"stood still for {SECONDS} s")

    before = signal.signal(signal.SIGALRM, told)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
