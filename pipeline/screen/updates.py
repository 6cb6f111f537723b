"""An update on the terminal: what it costs, what it changed and why, once or again and again."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline import updating
from pipeline.errors import ConfigError, ProspectError
from pipeline.screen import bars, console, endings, plans
from pipeline.stages import news

if TYPE_CHECKING:
    from pipeline.flow import Outcome
    from pipeline.planning import Plan

MOST = 20  # changed targets that are listed; the file holds all


def keep_up(planned: Callable[[], Plan], *, refit: bool, hours: float | None) -> None:
    """Update once, or with `hours` again and again until Ctrl-C. What fails at first is an error; later it is told, and tried again at the next look."""
    _once(planned(), refit=refit)
    if hours is None:
        return
    try:
        while True:
            again = dt.datetime.now().astimezone() + dt.timedelta(hours=hours)
            console().print(f"next look at {again:%Y-%m-%d %H:%M}; Ctrl-C ends the watch")
            time.sleep(hours * 3600)
            try:
                _once(planned(), refit=False)
            except ConfigError:
                raise
            except ProspectError as error:  # a host that is down now may answer at the next look
                console().print(f"not updated: {' '.join(str(error).split())}", markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        console().print("the watch has ended; the map is as it was last made")


def _once(plan: Plan, *, refit: bool) -> None:
    if refit:
        plans.show(plan)
    with bars.watching() as progress:
        outcome = updating.run(plan, progress)
    tell(plan, outcome, refit=refit)


def tell(plan: Plan, outcome: Outcome, *, refit: bool) -> None:
    """Print what an update found and did."""
    screen, config = console(), plan.loaded.config
    screen.print(f"{config.region.title} · {config.system.title}", style="bold")
    if not outcome.published:
        screen.print("nothing new: no source has anything the map does not rest on already")
        return
    said = json.loads((outcome.outputs / "changes.json").read_text(encoding="utf-8"))
    jobs = sum(outcome.jobs.values())
    screen.print(f"done: {jobs} jobs; everything was fitted again" if refit else f"done: {jobs} jobs; every fit is as it was on {said['fitted'][:10]}")
    for name, cause in said["new"].items():
        screen.print(f"  {cause}: {name}", markup=False)
    screen.print(said["noise_said"], soft_wrap=True)
    _targets(said)
    before = outcome.outputs.parent / "previous" / outcome.outputs.name
    kept = f"the map before is in {endings.shown_path(before)}/; " if any(before.iterdir()) else ""
    screen.print(f"\n{kept}the new one is in {endings.shown_path(outcome.outputs)}/, with changes.json", soft_wrap=True)
    for notice in (one for one in _notices(outcome) if one.startswith("the model is too old")):
        screen.print(f"  - {notice}", soft_wrap=True)


def _notices(outcome: Outcome) -> list[str]:
    """What the map that is out says of itself."""
    notices: list[str] = json.loads((outcome.outputs / "scorecard.json").read_text(encoding="utf-8"))["notices"]
    return notices


def _targets(said: dict) -> None:  # type: ignore[type-arg]  # as JSON gives it
    screen, rows = console(), said["targets"]
    if not rows:
        screen.print("no target changed")
        return
    counts = [f"{sum(row['what'] == what for row in rows)} {what}" for what in news.WHAT if any(row["what"] == what for row in rows)]
    screen.print(f"targets: {', '.join(counts)}" + (f"; {said['shifted']} others only moved up or down because of these" if said["shifted"] else ""))
    table = Table("target", "rank", "before", "highest", "before", "because of", box=None, pad_edge=False, header_style="bold")
    for row in rows[:MOST]:
        because = ", ".join(row["causes"]) + (f" ({', '.join(row['sources'])})" if row["sources"] else "")
        table.add_row(row["what"], *(_shown(row[name]) for name in ("rank", "rank_before", "max_prospectivity", "max_prospectivity_before")), because)
    screen.print(table)
    if len(rows) > MOST:
        screen.print(f"and {len(rows) - MOST} more in changes.json")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
