"""Where the seconds of a draft went: what was there of its workers' time, shared out over start, stages, waiting and the file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from pipeline import BEGUN


def told(spent: Mapping[str, Any], *, file_seconds: float) -> dict[str, Any]:
    """What a draft took, for its profile: as a run's own (`flow.Made.spent`), the seconds its file took, and those since this process
    first imported `pipeline`."""
    return {**spent, "file_seconds": round(file_seconds, 3), "total_seconds": round(time.monotonic() - BEGUN, 3)}


def table(profile: Mapping[str, Any], whole_seconds: float | None = None) -> Table:
    """A profile as a table whose shares make up the whole: of `whole_seconds` by the clock of who waited for the process to end, where it is known.

    Jobs are worked at beside each other, so each row says seconds of one worker (or thread); where there is one thing to do, the others have none.
    """
    hands, working, file = max(profile["at_once"], 1), profile["working_seconds"], profile["file_seconds"]
    whole = max(profile["total_seconds"], whole_seconds or 0.0)
    start = max(profile["total_seconds"] - working - file, 0.0)
    rows = [("start: libraries, configuration, headers, plan", "", start * hands)]
    rows += [(stage, f"{profile['jobs'].get(stage, 0)}", seconds) for stage, seconds in profile["seconds"].items()]
    rows += [
        ("waiting: for a job, or for the last of them", "", max(working * hands - sum(profile["seconds"].values()), 0.0)),
        ("the file: GeoTIFF, its overviews, its check", "", file * hands),
    ]
    if whole_seconds is not None:
        rows.append(("Python itself: its start and end", "", (whole - profile["total_seconds"]) * hands))
    workers = f"{hands} workers or threads" if hands > 1 else "one worker"
    made = Table("where", "jobs", "seconds of a worker", "share", title=f"where {whole:.1f} s of {workers} went")
    for where, jobs, seconds in rows:
        made.add_row(where, jobs, f"{seconds:.2f}", f"{seconds / (whole * hands):.0%}")
    return made
