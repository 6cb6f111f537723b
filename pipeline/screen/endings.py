"""How a run ends: what the map is worth, where it is, how to open it, and what to know before using it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.screen import console

if TYPE_CHECKING:
    from pipeline.flow import Outcome
    from pipeline.planning import Plan


def tell(plan: Plan, outcome: Outcome) -> None:
    """Print the end of a run on standard output."""
    screen = console()
    jobs = sum(outcome.jobs.values())
    scorecard = json.loads((outcome.outputs / "scorecard.json").read_text(encoding="utf-8"))
    screen.print(f"{plan.loaded.config.region.title} · {plan.loaded.config.system.title}", style="bold")
    if not jobs and not outcome.published:
        screen.print("nothing changed: every layer, fit and output is up to date")
    else:
        by_stage = ", ".join(f"{stage} {count}" for stage, count in outcome.jobs.items())
        screen.print(f"done: {jobs} jobs ({by_stage})" if jobs else "done: no layer changed, outputs written again")
    screen.print()
    for name, protocol in scorecard["protocols"].items():
        screen.print(f"{name} ({protocol['title']}): {protocol['verdict']}", soft_wrap=True)
    folder = shown_path(outcome.outputs)
    screen.print(f"\noutputs are in {folder}/; the report is {folder}/report.html, for a browser", soft_wrap=True)
    screen.print(f"to see the map, open the project in QGIS, or run:\n  qgis {folder}/{plan.loaded.config.region.name}.qgz", soft_wrap=True)
    if outcome.profile:
        screen.print(f"how the time was spent is in {shown_path(outcome.profile)}", soft_wrap=True)
    notices = dict.fromkeys([*scorecard["notices"], *outcome.notices])
    if notices:
        screen.print("\nto know before using it", style="bold")
        for notice in notices:
            screen.print(f"  - {notice}", soft_wrap=True)


def shown_path(path: Path) -> str:
    """A path as seen from the working folder, so that no printed line names a machine's folders needlessly."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
