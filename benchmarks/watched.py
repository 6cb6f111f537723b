"""A command as the operating system sees it: seconds, processor seconds and memory of all its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

HIGHER = 0.05


@dataclass(frozen=True)
class Watched:
    """`seconds` by the clock from start to end, `processor` seconds, and `bytes`, the highest sum of proportional set sizes over its processes, looked at five
    times a second, to 5 % where what they share grows."""

    seconds: float
    processor: float
    bytes: int
    said: str


def watched(command: Sequence[str], *, folder: Path, more: Mapping[str, str] | None = None) -> Watched:
    """Run a command to its end and say what it took; what it printed is raised when it fails."""
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # what users have is compiled once, not each time
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*command], cwd=folder, env={**around, **(more or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    most, ended = [0], threading.Event()
    looking = threading.Thread(target=_look, args=(process.pid, most, ended), daemon=True)
    looking.start()
    said, _ = process.communicate()
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    ended.set()
    looking.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]} ended with {process.returncode}:\n{said[-2000:]}")
    return Watched(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most[0], said)


def _look(pid: int, most: list[int], ended: threading.Event) -> None:
    """The exact sum is asked for only where the plain one, pages that are shared counted in each, leaves room for a peak higher by HIGHER: counting the pages
    of a process holds it up. What is shared is taken as at the last count, or none after a change of processes."""
    shared, counted = 0, -1
    while not ended.wait(0.2):
        try:
            whole = psutil.Process(pid)
            every = [whole, *whole.children(recursive=True)]
        except psutil.Error:
            continue
        resident = sum(_asked(process, lambda p: p.memory_info().rss) for process in every)
        shared = shared if len(every) == counted else 0
        if resident - shared > most[0] * (1 + HIGHER):
            exact, counted = sum(_asked(process, lambda p: p.memory_full_info().pss) for process in every), len(every)
            shared, most[0] = max(resident - exact, 0), max(most[0], exact)


def _asked(process: psutil.Process, what: Callable[[psutil.Process], int]) -> int:
    try:
        return int(what(process))
    except psutil.Error:  # it has ended
        return 0
