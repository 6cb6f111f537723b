"""Every mineral system there is, mapped one after another over one cube: what they share is made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline import flow
from pipeline.config.loading import names
from pipeline.errors import ProspectError
from pipeline.screen import bars, console, endings

if TYPE_CHECKING:
    from pipeline.planning import Plan

ALL = "all"


def map_all(planned: Callable[[str], Plan], *, profile: bool = False, say: Callable[[str], None] | None = None) -> dict[str, str]:
    """Make the map of each system, `planned` by its name, and print how all ended; the error of each that failed, by name.

    One that fails does not keep the others from being made.
    """
    failed: dict[str, str] = {}
    table = Table("system", "targets", "permissive", "verdict", box=None, pad_edge=False, header_style="bold")
    for name in names("systems"):
        try:
            made = planned(name)
            with bars.watching() as progress:
                outcome = flow.run(made, progress, profile=profile, say=say)
        except ProspectError as error:
            failed[name] = " ".join(str(error).split())
            table.add_row(name, "-", "-", f"failed: {failed[name]}")
            continue
        endings.tell(made, outcome)
        console().print()
        table.add_row(name, *_row(outcome))
    console().print(table)
    return failed


def _row(outcome: flow.Outcome) -> tuple[str, str, str]:
    import pyogrio

    scorecard = json.loads((outcome.outputs / "scorecard.json").read_text(encoding="utf-8"))
    targets = pyogrio.read_info(outcome.outputs / "targets.gpkg", layer="targets")["features"]
    share = scorecard.get("permissive_share")
    return str(targets), "everywhere" if share is None else f"{share:.1%}", scorecard["verdict"].partition(":")[0]
