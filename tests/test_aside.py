"""A process beside this one: it answers, its errors are told, it ends with this process, and where it dies its work is done here."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import CancelledError
from functools import partial

import psutil
import pytest

from pipeline import aside
from pipeline.aside import Aside
from pipeline.threads import allowed, at_once

NOTHING = "gc:collect"


def test_what_is_asked_is_done_in_another_process_with_the_threads_it_was_given() -> None:
    beside = Aside(NOTHING)
    try:
        assert beside.submit(os.getpid).result(60) == beside._child.pid != os.getpid()
        with allowed(3):
            assert beside.submit(at_once).result(60) == 3
        with pytest.raises(ValueError, match="math domain"):
            beside.submit(math.sqrt, -1).result(60)
        assert beside.submit(math.sqrt, 4).result(60) == 2  # an error does not end it
    finally:
        beside.close()
    assert not psutil.pid_exists(beside._child.pid)


def test_where_it_has_died_its_work_is_done_here() -> None:
    beside = Aside(NOTHING)
    try:
        beside._child.kill()
        assert beside.submit(os.getpid).result(60) == os.getpid()
    finally:
        beside.close()


def test_what_it_is_at_when_it_is_ended_is_not_begun_anew_here() -> None:
    beside, done = Aside(NOTHING), threading.Event()
    asked = beside.submit(time.sleep, 600)
    asked.add_done_callback(lambda _: done.set())
    while not psutil.Process(beside._child.pid).num_threads() > 1:  # it has begun
        time.sleep(0.01)
    beside.close()
    assert done.is_set()
    with pytest.raises(CancelledError):
        asked.result(0)


class OddError(Exception):
    """One that pickle writes and cannot read back, where nothing taught it to."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def odd() -> None:
    """Fail in a way pickle cannot carry."""
    raise OddError("this", "that")


def test_an_error_beside_says_where_it_was_and_is_told_even_where_it_cannot_be_sent() -> None:
    beside = Aside(NOTHING)
    try:
        for call, kind, words in ((partial(textwrap.indent, None, ""), AttributeError, "textwrap.py"), (odd, RuntimeError, "OddError: this and that")):
            with pytest.raises(kind) as told:
                beside.submit(call).result(60)
            assert words in "".join((str(told.value), *told.value.__notes__))
    finally:
        beside.close()


def test_where_none_can_begin_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(aside, "cores", lambda: 2)
    monkeypatch.setattr(subprocess, "Popen", refused)
    aside.ahead(NOTHING)
    assert aside.taken() is None


def test_it_ends_with_the_process_that_began_it_however_that_ends() -> None:
    code = """
import time
from pipeline.aside import Aside
beside = Aside("gc:collect")
beside.submit(time.sleep, 600)
print(beside._child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    until = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.1)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_one_that_was_begun_ahead_is_taken_once_or_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "cores", lambda: 2)
    aside.ahead(NOTHING)
    one = aside.taken()
    assert one is not None and aside.taken() is None
    try:
        aside.ahead(NOTHING)
        waiting = aside._AHEAD[-1]._child
        aside.dismiss()
        assert waiting.returncode is not None and not aside._AHEAD
        assert one.submit(os.getpid).result(60) == one._child.pid
    finally:
        one.close()
