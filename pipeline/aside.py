"""Aside: a process beside this one for what needs libraries that take long to import, while this one's threads go on with tiles.

An import holds the interpreter, and every thread that reads or packs waits for it whenever it comes back from the system. It is a plain child, not one of
`multiprocessing`, which would run the script of whoever calls this once more. It ends with this process, whatever ends that. What goes between the two is
pickled, as between Dask's workers; nobody else holds an end of their pipe. A command that knows it will want one begins it `ahead`: while a plan is made, on
one thread, another core has nothing to do.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from pipeline.threads import allowed, at_once, cores

LOOK_SECONDS = 1.0  # after which the child sees that this process is gone
_SERVE = "import json, sys; end, parent, begins_with, sys.path[:] = json.loads(sys.argv[1]); from pipeline.aside import serve; serve(end, parent, begins_with)"
_AHEAD: list[Aside] = []


class Aside:
    """The child, which begins with a function without parameters, `module:name`, then does what it is given, one call after another."""

    def __init__(self, begins_with: str) -> None:
        self._ended = False
        self._here, there = Pipe()
        with there:
            said = json.dumps([there.fileno(), os.getpid(), begins_with, list(map(str, sys.path))])
            # -P: nothing is looked for in the working folder but what this process looks for there; a session of its own: Ctrl-C is this process's to hear
            self._child = subprocess.Popen(  # noqa: S603 - this very Python, and words of ours
                [sys.executable, "-P", "-c", _SERVE, said], stdin=subprocess.DEVNULL, pass_fds=[there.fileno()], start_new_session=True
            )
        self._asking = ThreadPoolExecutor(1)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Start a call in the child, with the threads this process allows; in this process where the child has died."""
        return self._asking.submit(self._asked, function, *args)

    def close(self) -> None:
        """End the child at once: what it had to give was given, or nobody waits for it any more, and a call it is at ends as cancelled; one that is done here, for
        the child had died, is waited for."""
        self._ended = True
        self._child.kill()
        self._child.wait()
        self._asking.shutdown(cancel_futures=True)
        self._here.close()

    def _asked(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            self._here.send((at_once(), function, args))
            told = self._here.recv()
        except (OSError, EOFError):
            if self._ended:
                raise CancelledError from None
            told = None
        if told is None:
            return function(*args)
        good, answer = told
        if good:
            return answer
        raise answer


def ahead(begins_with: str) -> None:
    """Begin a child now for whoever asks first with `taken`, where there is a core for it and the system lets it begin."""
    if cores() > 1:
        with contextlib.suppress(OSError):  # no room for a process or a pipe: whoever asks does the work itself
            _AHEAD.append(Aside(begins_with))


def taken() -> Aside | None:
    """The child that was begun ahead, if one was."""
    return _AHEAD.pop() if _AHEAD else None


def dismiss() -> None:
    """End the child that was begun ahead, if nobody took it."""
    while _AHEAD:
        _AHEAD.pop().close()


def serve(end: int, parent: int, begins_with: str) -> None:
    """The child's whole life."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    module, name = begins_with.split(":")
    gc.disable()  # what is imported stays, and to look through it for garbage again and again takes a twentieth of the time
    getattr(importlib.import_module(module), name)()
    gc.freeze()
    gc.enable()
    with Connection(end) as there:
        while True:
            try:
                threads, function, args = there.recv()
            except EOFError:
                return
            try:
                with allowed(threads):
                    answer = True, function(*args)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who asked
                answer = False, _told(error)
            there.send(answer)


def _told(error: Exception) -> Exception:
    """The error as it can be sent: with the place it came from, which is not sent with it, as a note."""
    place = "in the process beside:\n" + "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was written a moment ago
    except Exception:  # noqa: BLE001 - a class may do anything there
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(place)
    return error


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
