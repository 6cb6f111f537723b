"""Synthetic worlds of other seeds through the pipeline, as far as a benchmark needs them: evidence at every cell, samples, and the truth."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from pyproj import Transformer

from pipeline import load, plan
from pipeline.flow import make
from pipeline.grid import Window
from pipeline.learning.table import SampleTable
from pipeline.planning import Plan
from sample_data.world import make_world
from sample_data.world.write import write

REPO = Path(__file__).resolve().parents[1]
KINDS = {"porphyry_copper": "porphyry Cu", "podiform_chromite": "podiform chromite", "sediment_hosted_zinc_lead": "sediment-hosted Zn-Pb"}


@dataclass(frozen=True)
class Made:
    """A plan whose table was made, that table, and which of its rows take part in each draw of the background, (draws, n)."""

    plan: Plan
    table: SampleTable
    drawn: np.ndarray

    @classmethod
    def of(cls, loaded: Any, *more: str) -> Made:
        """The plan of a config, with the fits of its table, and others by their names below the system's prefix, made."""
        found = plan(loaded)
        prefix = found.graph.prefix
        fits = make(found, (f"{prefix}/table", f"{prefix}/samples", *(f"{prefix}/{name}" for name in more))).fits
        return cls(found, SampleTable.from_bytes(fits[f"{prefix}/table"]), fits[f"{prefix}/samples"]["drawn"].T)

    def evidence(self) -> np.ndarray:
        """The evidence of every cell; (rows * columns, layers) float32."""
        window = Window(self.plan.grid, 0, 0, *self.plan.grid.shape)
        return np.stack([self.plan.cube.read(name, window).ravel() for name in self.plan.graph.evidence], axis=1)


@contextmanager
def world(seed: int, cell_m: float) -> Iterator[Path]:
    """A folder with configs/ and a world of a seed where the sample lies."""
    with TemporaryDirectory() as name:
        root = Path(name)
        shutil.copytree(REPO / "configs", root / "configs")
        write(make_world(seed, cell_m), root / "sample_data" / "balochistan")
        yield root


def scratch() -> tuple[str, str]:
    """Settings that keep the cube and outputs of a benchmark region in the machine's folder for temporary files."""
    folder = Path(gettempdir()) / "prospect-benchmarks"
    return f"run.cache={folder}/cache", f"run.outputs={folder}/outputs"


def loaded(root: Path, system: str, cell_m: float, *settings: str) -> Any:
    """The config of a world's map at its own cell size."""
    own = (f"region.cell_m={cell_m:g}", "run.workers=0", f"run.cache={root}/cache", f"run.outputs={root}/outputs")
    return load("balochistan", system=system, settings=(*own, *settings), root=root)


@dataclass(frozen=True)
class Truth:
    """What nobody in the world knows: `ground` (cells,) where deposits can be, their `rate` there, and the cells of `undiscovered` ones;
    numbers of cells of the plan's grid."""

    ground: np.ndarray
    rate: np.ndarray
    undiscovered: np.ndarray
    known: np.ndarray
    mapped: np.ndarray

    @classmethod
    def of(cls, root: Path, made: Made, system: str) -> Truth:
        """Read from the world's files, on the grid of the plan."""
        grid, folder = made.plan.grid, root / "sample_data" / "balochistan"
        cols, rows = np.meshgrid(np.arange(grid.cols), np.arange(grid.rows))
        x, y = (grid.x_m + (cols.ravel() + 0.5) * grid.cell_m), (grid.y_m - (rows.ravel() + 0.5) * grid.cell_m)
        rate, mapped = _at(folder / "truth" / f"intensity_{system}.tif", x, y), _at(folder / "geology_detailed.tif", x, y)
        ground = np.flatnonzero(np.nan_to_num(rate) > 0)
        to = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)

        def cells(path: Path) -> np.ndarray:
            table = pd.read_csv(path)
            table = table[(table["deposit_type"] == KINDS[system]) & (table["confidence"] != "low")]
            px, py = to.transform(table["lon"], table["lat"])
            numbers = np.floor((grid.y_m - py) / grid.cell_m) * grid.cols + np.floor((px - grid.x_m) / grid.cell_m)
            return np.asarray(numbers, np.int64)

        held = (cells(folder / "truth" / "undiscovered.csv"), cells(folder / "occurrences.csv"))
        return cls(ground, rate[ground], held[0], held[1], ground[~np.isnan(mapped[ground])])

    def captured(self, score: np.ndarray, *, share: float = 0.05, among: np.ndarray | None = None) -> float:
        """Share of undiscovered deposits in the best `share` of the ground; `score` over all cells, NaN lowest; ties at random.

        `among`: cells; only the deposits in these count, and only this ground.
        """
        ground = self.ground if among is None else np.intersect1d(self.ground, among)
        held = np.where(np.isnan(score), -np.inf, score)
        tie = np.random.default_rng(7).random(len(score))
        order = ground[np.lexsort((tie[ground], held[ground]))[::-1]]
        best = order[: max(1, round(share * len(order)))]
        asked = self.undiscovered[np.isin(self.undiscovered, ground)]
        return float(np.isin(asked, best).mean()) if len(asked) else float("nan")


def _at(path: Path, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with rasterio.open(path) as file:
        rows, cols = rasterio.transform.rowcol(file.transform, x, y)
        rows, cols = np.asarray(rows), np.asarray(cols)
        inside = (rows >= 0) & (rows < file.height) & (cols >= 0) & (cols < file.width)
        values = file.read(1, masked=True).astype("float64").filled(np.nan)
        return np.where(inside, values[np.where(inside, rows, 0), np.where(inside, cols, 0)], np.nan)
