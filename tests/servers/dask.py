"""A Dask cluster started by hand on loopback, and a wire to its scheduler that can be cut."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SLOW = """
import time
from pipeline import tasks

if not hasattr(tasks, "fast"):  # Dask loads this more than once
    tasks.fast = tasks._called

    def _called(task, **more):
        time.sleep({seconds})
        return tasks.fast(task, **more)

    tasks._called = _called
"""
HELD = """
import contextlib
import time
from pathlib import Path
from pipeline import tasks

door = Path({door!r})
if not hasattr(tasks, "open"):
    tasks.open = tasks._asked_for

    @contextlib.contextmanager
    def _asked_for(task):
        layer = door.with_suffix(".shut")
        held = layer.exists() and layer.read_text() in [output.name for output in task.outputs]
        if held:
            door.with_suffix(".held").touch()
            while layer.exists():
                time.sleep(0.05)
        try:
            with tasks.open(task):
                yield
        finally:
            if held:
                door.with_suffix(".gone").touch()

    tasks._asked_for = _asked_for
"""


class Hand:
    """What somebody types: a scheduler, then workers, each a process of its own that is ended by its own id."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, list[subprocess.Popen[bytes]]()
        folder.mkdir(parents=True, exist_ok=True)
        self.scheduler = self._start("scheduler", ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json"])
        until = time.monotonic() + 120
        while not (folder / "scheduler.json").is_file() and time.monotonic() < until:
            time.sleep(0.1)
        self.address: str = json.loads((folder / "scheduler.json").read_text())["address"]

    def worker(
        self, name: str, *, slow: float = 0.0, held: Path | None = None, hidden: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A worker; `slow` seconds are added to each task, a folder that is `hidden` is empty for it, in a mount namespace of its own.

        While there is `held`.shut, a task that would write a tile of the layer it names leaves `held`.held and waits; `held`.gone says that such a one
        went on and ended.
        """
        own = self.folder / name
        own.mkdir()
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60", "--local-directory", str(own)]
        for script, text in (("slow.py", SLOW.format(seconds=slow) if slow else ""), ("held.py", HELD.format(door=str(held)) if held else "")):
            if text:
                (own / script).write_text(text)
                options += ["--preload", str(own / script)]
        return self._start(name, ["worker", self.address, *options], hidden=hidden, environment={"PROSPECT_SCRATCH": str(own / "scratch"), **(environment or {})})

    def _start(self, name: str, words: list[str], *, hidden: Path | None = None, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words]
        if hidden:
            command = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs none {shlex.quote(str(hidden))} && exec {shlex.join(command)}"]
        said = {**os.environ, "PYTHONPATH": str(REPO), **(environment or {})}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=said, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End every process."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextlib.contextmanager
def by_hand(folder: Path) -> Iterator[Hand]:
    """A scheduler without workers, ended with all that was started."""
    hand = Hand(folder)
    try:
        yield hand
    finally:
        hand.close()


class Wire:
    """A port that passes every byte on to an address and back, until it is cut; then nobody gets through until it is mended."""

    def __init__(self, to: str) -> None:
        host, _, port = to.removeprefix("tcp://").rpartition(":")
        self._to, self._whole, self._ends, self._lock = (host, int(port)), True, set[socket.socket](), threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break what goes through, and let nothing through."""
        with self._lock:
            self._whole = False
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.clear()

    def mend(self) -> None:
        """Let it through again."""
        self._whole = True

    def close(self) -> None:
        """No more."""
        self._door.close()
        self.cut()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(self._to)
                with self._lock:
                    self._ends |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(1 << 16):
            other.sendall(piece)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
