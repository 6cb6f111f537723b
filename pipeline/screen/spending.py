"""Where the seconds of a draft went: what there was of its workers' time, shared out over jobs, the waiting between them, and what comes before and after."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from pipeline import BEGUN


def told(spent: Mapping[str, Any], *, file_seconds: float) -> dict[str, Any]:
    """What a draft took, for its profile: as a run's own (`flow.Made.spent`), the seconds its file took, and those since this process first imported
    `pipeline`."""
    return {**spent, "file_seconds": round(file_seconds, 3), "process_seconds": round(time.monotonic() - BEGUN, 3)}


def table(profile: Mapping[str, Any], whole_seconds: float | None = None) -> Table:
    """A profile as a table whose rows make up the whole: of `whole_seconds` by the clock of who waited for the process to end, where it is known.

    Rows are seconds of a worker, or thread, of which there are several at once: of what is done by one alone, they count for those that have nothing to
    do. A job's seconds are by the clock, its waiting for the disk or the interpreter among them. A forest grows on all threads in one job: those of the
    others are where no job is.
    """
    hands = max(profile["at_once"], 1)
    jobs = sum(profile["seconds"].values())
    around = profile["process_seconds"] - profile["working_seconds"] - profile["file_seconds"] - profile["others_seconds"]
    rows = [("around the jobs: libraries, configuration, headers, plan, starting workers", "", max(around, 0.0) * hands)]
    if profile["others_seconds"]:
        rows.append(("other regions it learns from", "", profile["others_seconds"] * hands))
    rows += [(stage, f"{profile['jobs'].get(stage, 0)}", seconds) for stage, seconds in profile["seconds"].items()]
    rows.append(("no job: waiting, handing over, other threads of a fit", "", max(profile["worker_seconds"] - jobs, 0.0)))
    rows.append(("the file: GeoTIFF, its overviews, its check", "", profile["file_seconds"] * hands))
    if whole_seconds is not None:
        rows.append(("Python itself: its start and end", "", max(whole_seconds - profile["process_seconds"], 0.0) * hands))
    every = sum(seconds for _, _, seconds in rows)
    workers = f"{hands} workers or threads" if hands > 1 else "one worker"
    made = Table("where", "jobs", "seconds of a worker", "share", title=f"where {whole_seconds or profile['process_seconds']:.1f} s of {workers} went")
    for where, count, seconds in rows:
        made.add_row(where, count, f"{seconds:.2f}", f"{seconds / every:.0%}")
    return made
