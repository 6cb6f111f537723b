"""The doctor: what this machine has, what a job asks of it, how long it will take, and what will not fit."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import Requirement
from rich.console import Console

from pipeline import __version__, threads
from pipeline.config import home
from pipeline.errors import ResourceError
from pipeline.node import FitNode
from pipeline.objects import ObjectPath, located
from pipeline.screen import bars, console, shown_bytes
from pipeline.screen.plans import to_write
from pipeline.stages import publish

if TYPE_CHECKING:
    from pipeline.planning import Plan
    from pipeline.rehearsal import Estimate

PROCESS_BYTES = 350e6  # of a worker before its first tile: the interpreter and its libraries
PUBLISHED = 2.0  # copies of the published rasters while they are made: the one in the making and the one it replaces


def show(planned: Callable[[], Plan] | None) -> bool:
    """Print it; whether all fits. `planned` makes the plan of a region, if one was named."""
    screen = console()
    cores, memory = threads.cores(), _memory()
    screen.print("this machine", style="bold")
    screen.print(f"  prospect {__version__}, Python {platform.python_version()}, {platform.system()} on {platform.machine()}")
    screen.print(f"  cores: {cores}; memory: {shown_bytes(memory)} free of {shown_bytes(psutil.virtual_memory().total)}")
    for line in _versions():
        screen.print(f"  {line}", soft_wrap=True)
    screen.print(f"  disk: {shown_bytes(shutil.disk_usage(home()).free)} free where the project lies")
    if planned is None:
        screen.print("name a region to hear of a job: prospect doctor balochistan")
        return True
    try:
        plan = planned()
    except ResourceError as error:
        screen.print("\nwhat will not fit", style="bold")
        screen.print(f"  - {' '.join(str(error).split())}", soft_wrap=True)
        return False
    return _job(screen, plan, cores, memory)


def _job(screen: Console, plan: Plan, cores: int, memory: float) -> bool:
    from pipeline import rehearsal

    config, grid = plan.loaded.config, plan.grid
    store = located(plan.loaded.root, config.run.cache)
    workers = max(config.run.workers, 1)
    written, cells = to_write(plan)
    screen.print(f"\nthe job: {config.region.title} · {config.system.title}", style="bold")
    screen.print(f"  {grid.rows} x {grid.cols} = {grid.rows * grid.cols:,} cells of {grid.cell_m:g} m, {math.prod(grid.tiles_shape)} tiles of {grid.tile}")
    if not plan.stale:
        left = "is" if publish.is_current(plan.outputs, plan.bundle_key) else "but the outputs is"
        screen.print(f"  all {left} up to date: nothing to compute")
        return True
    jobs = sum(plan.tasks(node) or 1 for node in plan.nodes if node.name in plan.stale)
    screen.print(f"  to do: {len(plan.stale)} layers and fits, {jobs:,} jobs, {cells:,} cells to write, {shown_bytes(written)} before compression")
    with bars.spinner(f"rehearsing for {rehearsal.SECONDS:.0f} seconds"):
        found = rehearsal.rehearse(plan)
    _time(screen, found, min(workers, cores))
    disk = found.packed * written
    published = PUBLISHED * 4 * grid.rows * grid.cols * len(plan.graph.rasters)
    held = _held(plan) + workers * PROCESS_BYTES
    screen.print(f"  disk: about {shown_bytes(disk)} for the store (packed to {found.packed:.0%} in the rehearsal), at most {shown_bytes(published)} for outputs")
    screen.print(f"  memory: about {shown_bytes(held)} in {workers} {'worker' if workers == 1 else 'workers'}")
    troubles = []
    if held > memory:
        troubles.append(f"memory: {shown_bytes(held)} are asked for, {shown_bytes(memory)} are free; use fewer workers or a smaller region.tile")
    if config.run.workers > cores and not config.run.scheduler:
        troubles.append(f"workers: {config.run.workers} on {cores} cores take turns; --workers {cores} is as fast and holds less")
    asked = [(plan.outputs, published)] + ([] if isinstance(store, ObjectPath) else [(store, disk)])
    troubles += _disks(asked)
    if isinstance(store, ObjectPath):
        screen.print(f"  the store is {store}: what it may hold is not known here")
    screen.print("\nwhat will not fit" if troubles else "\nall fits", style="bold")
    for trouble in troubles:
        screen.print(f"  - {trouble}", soft_wrap=True)
    return not troubles


def _time(screen: Console, found: Estimate, workers: int) -> None:
    parts = ", ".join(f"{stage} {_shown_s(seconds)}" for stage, seconds in found.stages.items() if seconds >= 0.5)
    scored = f"; the model scores {found.scored_per_s:,.0f} cells a second, one fit takes {found.fit_s:.1f} s" if found.scored_per_s and found.fit_s else ""
    screen.print(
        f"  time: about {_shown_s(found.seconds(workers))} on {workers} {'core' if workers == 1 else 'cores'}, from {found.took_s:.0f} s of rehearsal "
        f"({parts or 'next to nothing'}, of one process{scored})",
        soft_wrap=True,
    )
    if found.reckoned:
        names = [name.rpartition("/")[2] for name in found.reckoned]
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        screen.print(f"  reckoned as middling layers, for they rest on what is made first: {', '.join(names[:8])}{more}", soft_wrap=True)
    screen.print("  not in it: starting workers, targets, what other regions teach, and what validation does beside its fits", soft_wrap=True)


def _held(plan: Plan) -> float:
    """Bytes of tiles in all workers, as the plan bounds them, or of the largest fit if that is more."""
    grid, workers = plan.grid, max(plan.loaded.config.run.workers, 1)
    side = min(grid.tile, max(grid.rows, grid.cols))
    stale = [node for node in plan.nodes if node.name in plan.stale]
    tiles = max((4 * (side + 2 * c.halo(grid.cell_m)) ** 2 * (2 * len(c.read_layers()) + 6) for node in stale for c in node.calls), default=0)
    return max(float(tiles * workers), float(max((node.bytes for node in stale if isinstance(node, FitNode)), default=0)))


def _disks(asked: list[tuple[Path, float]]) -> list[str]:
    """What does not fit on the disks, those that share one counted together."""
    disks: dict[int, tuple[Path, float]] = {}
    for path, wanted in asked:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        device = there.stat().st_dev
        disks[device] = (there, disks.get(device, (there, 0.0))[1] + wanted)
    free = {device: shutil.disk_usage(there).free for device, (there, _) in disks.items()}
    return [
        f"disk: {shown_bytes(wanted)} are asked for, {shown_bytes(free[device])} are free in {there.name}/; set run.cache or run.outputs to another disk"
        for device, (there, wanted) in disks.items()
        if wanted > free[device]
    ]


def _memory() -> float:
    """Bytes that are free; in a container, what is left of what it may have."""
    free = float(psutil.virtual_memory().available)
    try:
        limit, used = (Path(f"/sys/fs/cgroup/memory.{word}").read_text().strip() for word in ("max", "current"))
        return min(free, float(limit) - float(used)) if limit.isdigit() else free
    except OSError:
        return free


def _versions() -> list[str]:
    """The libraries that decide numbers, and which of all that is pinned is not what is installed."""
    from pipeline.stages.acquire import library_versions

    said = ["libraries: " + ", ".join(f"{name} {version}" for name, version in library_versions().items())]
    lock = Path(__file__).parents[2] / "requirements.lock"
    if lock.is_file():
        wanted = [Requirement(line) for line in lock.read_text().splitlines() if "==" in line and not line.startswith("#")]
        pins = {one.name: str(one.specifier).removeprefix("==") for one in wanted if one.marker is None or one.marker.evaluate()}
        other = [f"{name} {found or 'missing'} (pinned {pin})" for name, pin in pins.items() if (found := _installed(name)) != pin]
        said.append(f"not as requirements.lock pins: {', '.join(other)}" if other else f"as requirements.lock pins: all {len(pins)} packages")
    return said


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _shown_s(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
