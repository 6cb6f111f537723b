"""Cheap worlds, kept: small tables of evidence and truth of many seeds on a coarse grid, made once and read again by every measurement.

A world of 5 km cells takes seconds. What is kept of it is what the pipeline itself makes: the sample table, the evidence of every cell of the map's
own ground, and beside them the truth. A file's name bears a digest of the code and configuration it was made by, so that a change makes it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.worlds import KINDS, REPO, Made, Truth, loaded, world
from pipeline.grid import Window
from pipeline.learning.table import SampleTable
from pipeline.recipe import Columns
from sample_data.world.frame import to_metres

CELL_M = 5000.0
SYSTEMS = tuple(KINDS)
MADE_BY = (
    "sample_data/world", "sample_data/facts", "configs/systems", "configs/regions/balochistan.yaml", "configs/data/sample.yaml", "pipeline/features",
    "pipeline/spatial", "pipeline/config/frame.py",
    "pipeline/learning/infill.py", "pipeline/learning/sampling.py", "pipeline/stages/label.py", "pipeline/stages/background.py", "pipeline/stages/ground.py",
    "benchmarks/worlds.py", "benchmarks/kept.py",
)  # fmt: skip
WINDOWS = {  # windows of fewer than one cell see no neighbour: the smallest that a coarse grid allows
    "porphyry_copper": ("hydroxyl_halo", "ferric_halo"),
    "podiform_chromite": ("brightness", "mantle_near", "crust_near"),
    "sediment_hosted_zinc_lead": ("ferric_halo",),
}


@dataclass(frozen=True)
class Kept:
    """One system in one world, all on the grid of its map.

    `table`, with the background of the first draw, is what the model learns from, and says which rows are on measured ground; `cell` (n,) are the
    cells of the map's ground, `values` (n, layers) their evidence, `rate` (n,) deposits of the written rule there (0 off its ground), `mapped` (n,)
    whether the detailed map covers them. `undiscovered` and `known` are cells of deposits, one each, on the map's ground or off it; `explored_m` (n,) is the
    distance to any recorded occurrence. `unseen` (n,) marks the planted body that no map shows.
    """

    table: SampleTable
    columns: Columns
    cell: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    rate: npt.NDArray[np.float64]
    mapped: npt.NDArray[np.bool_]
    undiscovered: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    explored_m: npt.NDArray[np.float64]
    unseen: npt.NDArray[np.bool_]
    cols: int
    cell_m: float

    def at(self, cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The places among `cell` of those cells that are on the map's ground."""
        found = np.searchsorted(self.cell, cells)
        held = (found < len(self.cell)) & (self.cell[np.minimum(found, len(self.cell) - 1)] == cells)
        return np.asarray(found[held], np.int64)


def kept(
    seeds: Iterable[int], systems: tuple[str, ...] = SYSTEMS, *, cell_m: float = CELL_M, processes: int = 1, each: bool = False
) -> Iterator[tuple[int, str, Kept]]:
    """The systems of the worlds of some seeds, in their order; made where they are not kept. `each`: every seed gives one system, in turn."""
    asked = [(seed, (systems[seed % len(systems)],) if each else systems, cell_m) for seed in seeds]
    if processes > 1:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_make, asked):
                pass
    for one in asked:
        _make(one)
        for system in one[1]:
            yield one[0], system, _read(_file(one[0], system, cell_m))


def _file(seed: int, system: str, cell_m: float) -> Path:
    return Path(gettempdir()) / "prospect-benchmarks" / "worlds" / f"{digest()}-{cell_m:g}" / f"{seed}-{system}.npz"


@lru_cache
def digest(of: tuple[str, ...] = ()) -> str:
    """Of the files that make a world and its tables, and of more files or folders."""
    held = hashlib.blake2b(digest_size=6)
    for name in (*MADE_BY, *of):
        place = REPO / name
        for file in sorted(place.rglob("*") if place.is_dir() else [place]):
            if file.is_file() and "__pycache__" not in file.parts:
                held.update(str(file.relative_to(REPO)).encode() + file.read_bytes())
    return held.hexdigest()


def _make(one: tuple[int, tuple[str, ...], float]) -> None:
    seed, systems, cell_m = one
    missing = [system for system in systems if not _file(seed, system, cell_m).exists()]
    if not missing:
        return
    with world(seed, cell_m) as root:
        for system in missing:
            file = _file(seed, system, cell_m)
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".part{seed}.npz")
            np.savez_compressed(part, allow_pickle=False, **_arrays(root, system, cell_m))
            part.replace(file)


def settings(system: str, cell_m: float) -> tuple[str, ...]:
    """What a system's configuration needs on a coarse grid."""
    return tuple(f"features.{name}.radius_m={cell_m:g}" for name in WINDOWS[system]) if cell_m > 2000 else ()


def columns(made: Made) -> Columns:
    """The evidence of a plan: its names, their signs, and how many layers each feature gave."""
    graph = made.plan.graph
    counts: dict[str, int] = {}
    layers = {meta.name: node.name for node in graph.nodes for meta in getattr(node, "outputs", ())}
    for layer in graph.evidence:
        counts[layers[layer]] = counts.get(layers[layer], 0) + 1
    return Columns.of(graph.evidence, made.plan.loaded.config.system.signs, counts.values())


def _arrays(root: Path, system: str, cell_m: float) -> dict[str, Any]:
    found = loaded(root, system, cell_m, "validation.protocols=[default]", *settings(system, cell_m))
    made = Made.of(found)
    truth, grid, evidence, told = Truth.of(root, made, system), made.plan.grid, made.evidence(), columns(made)
    window = Window(grid, 0, 0, *grid.shape)
    allowed = made.plan.cube.read(f"{made.plan.graph.prefix}/permissive", window).ravel() > 0
    first = np.concatenate([[0], np.cumsum(told.counts)[:-1]]).astype(int)
    enough = np.logical_or.reduceat(np.isfinite(evidence), first, axis=1).mean(axis=1) >= found.config.map.least_evidence
    cell = np.flatnonzero(allowed & enough)
    rate = np.zeros(len(allowed))
    rate[truth.ground] = truth.rate
    x, y = grid.x_m + (cell % grid.cols + 0.5) * grid.cell_m, grid.y_m - (cell // grid.cols + 0.5) * grid.cell_m
    occurrences = pd.read_csv(root / "sample_data" / "balochistan" / "occurrences.csv")
    placed = np.column_stack(to_metres(occurrences["lon"].to_numpy(), occurrences["lat"].to_numpy()))
    unseen = pd.read_json(root / "sample_data" / "balochistan" / "truth" / "unseen_terrane.json", typ="series")
    here = np.column_stack(to_metres(np.array([float(unseen["lon"])]), np.array([float(unseen["lat"])])))[0]
    table = made.table.subset(made.drawn[0])
    return {
        "table": np.frombuffer(table.to_bytes(), np.uint8), "names": np.array(told.names, np.str_), "signs": np.array(told.signs), "counts": np.array(told.counts),
        "cell": cell, "values": evidence[cell], "rate": rate[cell], "mapped": np.isin(cell, truth.mapped), "undiscovered": truth.undiscovered, "known": truth.known,
        "explored_m": np.hypot(x[:, None] - placed[:, 0], y[:, None] - placed[:, 1]).min(axis=1),
        "unseen": np.hypot(x - here[0], y - here[1]) <= float(unseen["diameter_m"]) / 2, "cols": np.array(grid.cols), "cell_m": np.array(grid.cell_m),
    }  # fmt: skip


def _read(file: Path) -> Kept:
    with np.load(file, allow_pickle=False) as held:
        told = Columns(tuple(held["names"].tolist()), tuple(held["signs"].tolist()), tuple(held["counts"].tolist()))
        rest = {one.name: held[one.name] for one in fields(Kept) if one.name not in ("table", "columns", "cols", "cell_m")}
        return Kept(table=SampleTable.from_bytes(held["table"].tobytes()), columns=told, cols=int(held["cols"]), cell_m=float(held["cell_m"]), **rest)


def make_all(seeds: Iterable[int], systems: tuple[str, ...], *, cell_m: float, processes: int, each: bool = False) -> None:
    """Make what is not kept yet."""
    for _ in kept(seeds, systems, cell_m=cell_m, processes=processes, each=each):
        pass
