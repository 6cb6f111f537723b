"""The reference protocol on the real Cloncurry data: the published scores come out, and the nulls beside them.

Protocol: random forest of 300 trees, classes balanced by subsample, leaves of 2 or more, square root of the layers per split;
positives are the cells that hold a deposit; 10 background cells per positive, drawn among all cells of the grid more than 2 cells
(Chebyshev) from any positive, anew for each seed; StratNo one-hot for its 40 most frequent codes; missing values -9999; 5 x 5 blocks
over the grid, whole blocks dealt to 5 folds; AUC of the pooled out-of-fold scores, mean of 5 seeds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.transform

from pipeline.learning.crossval import Split, cross_validate
from pipeline.learning.sampling import background, positives
from pipeline.learning.table import SampleTable
from pipeline.models.reference_forest import reference_forest

DATA = Path(os.environ.get("PROSPECT_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
SEEDS = (0, 1, 2, 3, 4)

pytestmark = pytest.mark.real


class Region:
    """The layers of one benchmark, one-hot where categorical, on the cells its samples need."""

    def __init__(self, folder: Path, *, categorical: tuple[str, ...] = ()) -> None:
        self.layers: dict[str, Any] = {}
        for path in sorted((folder / "layers").glob("*.tif")):
            with rasterio.open(path) as raster:
                values, self.transform, crs = raster.read(1), raster.transform, raster.crs
            self.nrows, self.ncols = values.shape
            if path.stem not in categorical:
                self.layers[path.stem] = values.ravel()
                continue
            codes, counts = np.unique(values[np.isfinite(values)], return_counts=True)
            for code in codes[np.argsort(-counts, kind="stable")[:40]]:
                self.layers[f"{path.stem}_{code:g}"] = (values == code).ravel()
        deposits = geopandas.read_file(folder / "deposits.geojson").to_crs(crs).geometry
        rows, cols = rasterio.transform.rowcol(self.transform, deposits.x.to_numpy(), deposits.y.to_numpy())
        rows, cols = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
        self.positives = positives(rows, cols, np.arange(len(rows)), ncols=self.ncols)
        north, west, cell = self.transform.f, self.transform.c, self.transform.a
        self.bounds = (west, north - self.nrows * cell, west + self.ncols * cell, north)

    def table(self, *, seed: int) -> SampleTable:
        known = self.positives
        everywhere = np.arange(self.nrows * self.ncols)
        rest = background(everywhere, positives=known.cells, ncols=self.ncols, count=10 * len(known.cells), exclude_cells=2, seed=seed)
        cells = np.concatenate((known.cells, rest.cells))
        rows, cols = np.divmod(cells, self.ncols)
        x, y = rasterio.transform.xy(self.transform, rows, cols)
        return SampleTable(
            values=np.column_stack([layer[cells] for layer in self.layers.values()]),
            names=tuple(self.layers),
            label=np.repeat((1, 0), (len(known.cells), len(rest.cells))),
            group=np.concatenate((known.groups, -1 - rest.cells)),
            cell=cells,
            x=x,
            y=y,
        )


def measured(region: Region, *, kind: Any, seeds: tuple[int, ...] = SEEDS) -> dict[str, dict[str, float]]:
    split = Split(kind=kind, folds=5, nx=5, ny=5, bounds=region.bounds)
    found = [
        cross_validate(region.table(seed=seed), make_model=lambda sub_seed: reference_forest(seed=sub_seed), split=split, seeds=(seed,)).result
        for seed in seeds
    ]
    wanted = ("pooled_auc", "fold_mean", "average_precision", "chance_average_precision")
    return {name: {figure: float(np.mean([result["scores"][name][figure] for result in found])) for figure in wanted} for name in found[0]["scores"]}


def told(kind: str, scores: dict[str, dict[str, float]]) -> None:
    for name, figures in scores.items():
        print(f"{kind:>14} {name:>18}: " + ", ".join(f"{figure} {value:.3f}" for figure, value in figures.items()))


@pytest.fixture(scope="module")
def cloncurry() -> Region:
    folder = DATA / "cloncurry_iocg"
    if not folder.is_dir():
        pytest.skip(f"no benchmark data: {folder} is absent; set PROSPECT_DATA to the folder that holds cloncurry_iocg")
    return Region(folder, categorical=("StratNo",))


def test_the_245_cells_with_deposits_are_the_positives(cloncurry: Region) -> None:
    assert (cloncurry.ncols, cloncurry.nrows) == (630, 1244)
    assert len(cloncurry.positives.cells) == 245


def test_block_scores_are_the_published_ones(cloncurry: Region) -> None:
    scores = measured(cloncurry, kind="extent_blocks")
    told("extent_blocks", scores)
    assert scores["model"]["pooled_auc"] == pytest.approx(0.74, abs=0.02)
    assert scores["coordinates"]["pooled_auc"] == pytest.approx(0.62, abs=0.03)
    assert scores["model"]["average_precision"] == pytest.approx(0.20, abs=0.03)
    assert scores["model"]["chance_average_precision"] == pytest.approx(0.09, abs=0.005)


def test_a_random_split_flatters_coordinates_more_than_geology(cloncurry: Region) -> None:
    scores = measured(cloncurry, kind="random", seeds=SEEDS[:2])
    told("random", scores)
    assert scores["model"]["pooled_auc"] == pytest.approx(0.82, abs=0.02)
    assert scores["coordinates"]["pooled_auc"] == pytest.approx(0.84, abs=0.02)
