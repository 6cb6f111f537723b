"""Progress bars: tiles done, rate and time left, stage by stage; nothing at all where nobody watches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text


class Bars:
    """One bar per stage, as `flow.run` counts them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def start(self, totals: dict[str, int]) -> None:
        """Jobs to do, by stage."""
        width = max(map(len, totals), default=0)
        for stage, total in totals.items():
            self._tasks[stage] = self._progress.add_task(stage.ljust(width), total=total, start=False)

    def advance(self, stage: str) -> None:
        """One job of a stage is done."""
        task = self._tasks[stage]
        self._progress.start_task(task)  # a stage's clock starts with its first job, else waiting would count as slowness
        self._progress.advance(task)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text(f"{rate:6.1f}/s" if rate else "")


@contextlib.contextmanager
def watching() -> Iterator[Bars | None]:
    """Bars on the terminal while something runs; None when standard error is not one."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=screen) as progress:
        yield Bars(progress)


@contextlib.contextmanager
def spinner(what: str) -> Iterator[None]:
    """A sign of life on the terminal; quiet elsewhere."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(what):
        yield
