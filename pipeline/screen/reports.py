"""The report of a map: where it is, printed, or served with the rasters beside it."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import flow, printing, registry, serving
from pipeline.errors import ConfigError, StoreError
from pipeline.screen import console, endings

if TYPE_CHECKING:
    from pipeline.planning import Plan


def show(plan: Plan, *, pdf: bool, to: Path | None) -> None:
    """Print where the report is, after writing it again where only that is to be done; StoreError when the map itself is not up to date."""
    if plan.stale:
        command = f"prospect map {plan.loaded.config.region.name}"
        raise StoreError(f"the map is not made or not up to date ({len(plan.stale)} layers and fits to make), so neither is its report; run `{command}` first")
    page = flow.run(plan).outputs / serving.REPORT
    console().print(f"the report is {endings.shown_path(page)}", soft_wrap=True)
    if pdf:
        paper = (to or page.with_suffix(".pdf")).resolve()
        printing.pdf(page, paper)
        console().print(f"printed {endings.shown_path(paper)}", soft_wrap=True)


def serve(outputs: Path, region: str | None, *, port: int, open_: bool) -> None:
    """Serve a folder of maps until interrupted, after opening the report of one of them; ConfigError when that has none."""
    here = sorted(path.parent.name for path in outputs.glob(f"*/{serving.REPORT}"))
    if region is not None and outputs.is_dir() and region not in here:
        raise ConfigError(f"{outputs.name}/: {registry.unknown('map', region, here)}")

    def told(address: str) -> None:
        page = f"{address}{region}/{serving.REPORT}" if region else address
        console().print(f"serving {endings.shown_path(outputs.resolve())}/ at {address} to this machine alone; Ctrl-C ends it", soft_wrap=True)
        console().print(f"in QGIS: Layer > Add Raster Layer > Protocol HTTP(S), e.g. {address}{region or 'REGION'}/classes.tif", soft_wrap=True)
        if open_:
            webbrowser.open(page)

    serving.serve(outputs, port=port, told=told)
