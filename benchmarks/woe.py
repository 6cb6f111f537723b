"""Weights of evidence on the Cloncurry benchmark, scored on its own training points as published, beside the published figure.

    python -m benchmarks.woe            # reads $PROSPECT_DATA/cloncurry_iocg, by default ../shared/data beside the checkout

Fitted to every cell of the grid, a unit cell each, and scored on the same cells: the area under the curve says how well the weights
describe the known deposits, not how well they find unknown ones. The published figure has another grid and other classes.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.transform
from rich.console import Console
from rich.table import Table

from pipeline.learning.scores import roc_auc
from pipeline.learning.weights_of_evidence import WeightsOfEvidence

DATA = Path(os.environ.get("PROSPECT_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))
PUBLISHED = 0.714
SIGNS = {"Dist2Breccia": -1, "Dist2Fault": -1, "FaultDensity": 1}
CODES = "StratNo"
LEAST = 5  # rock classes of fewer deposits stand together as one more class


def read(folder: Path) -> tuple[dict[str, Any], Any, float]:
    """Layers by name (cells,), which cells hold a deposit (cells,), and the area of a cell in km2."""
    layers = {}
    for path in sorted((folder / "layers").glob("*.tif")):
        with rasterio.open(path) as raster:
            layers[path.stem] = raster.read(1).ravel()
            transform, crs, shape = raster.transform, raster.crs, raster.shape
    deposits = gpd.read_file(folder / "deposits.geojson").to_crs(crs).geometry
    row, col = rasterio.transform.rowcol(transform, deposits.x.to_numpy(), deposits.y.to_numpy())
    ore = np.zeros(shape, bool)
    ore[np.asarray(row, int), np.asarray(col, int)] = True
    return layers, ore.ravel(), abs(transform.a * transform.e) / 1e6


def evidence(layers: dict[str, Any], ore: Any, *, rocks: bool) -> tuple[Any, dict[str, Any]]:
    """The matrix of every cell, and what the model is told of its columns; with or without the rock classes."""
    columns, names, signs, counts = [], [], [], []
    for name, sign in SIGNS.items():
        columns.append(layers[name].astype(np.float32))
        names.append(name)
        signs.append(sign)
        counts.append(1)
    if rocks:
        codes, found = np.unique(layers[CODES][ore & np.isfinite(layers[CODES])], return_counts=True)
        kept = codes[found >= LEAST]
        columns += [np.where(np.isfinite(layers[CODES]), layers[CODES] == code, np.nan).astype(np.float32) for code in kept]
        names += [f"{CODES} {code:g}" for code in kept]
        signs += [0] * len(kept)
        counts.append(len(kept))
    return np.stack(columns, axis=1), {"names": tuple(names), "signs": tuple(signs), "counts": tuple(counts)}


def binning(report: dict[str, Any]) -> str:
    """The classes that took part, in a line each."""
    used = [entry for entry in report["layers"] if entry["refused"] is None]
    cuts = [f"{entry['layer']} at {entry['threshold']:.4g}" for entry in used if entry["class"] == "at or above"]
    rocks = sum(entry["class"] in ("is", "none of these") for entry in used)
    return "; ".join([*cuts, f"{rocks} classes of {CODES}"] if rocks else cuts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="*", default=[10, 20, 50], help="equal areas that cuts are tried at")
    asked = parser.parse_args()
    folder = DATA / "cloncurry_iocg"
    if not folder.is_dir():
        print(f"no benchmark data: {folder} is absent; set PROSPECT_DATA to the folder that holds cloncurry_iocg")
        return
    layers, ore, cell_km2 = read(folder)
    shown = Table(title=f"Weights of evidence on its own training points: {ore.sum()} deposit cells of {ore.size}, unit cell {cell_km2:g} km2")
    for heading in ("evidence", "cuts tried", "AUC, all cells", "observed/expected", "independence", "binning"):
        shown.add_column(heading)
    shown.add_row("as published, other grid and classes", "", f"{PUBLISHED}", "", "", "not stated here")
    report: dict[str, Any] = {}
    for rocks in (False, True):
        values, told = evidence(layers, ore, rocks=rocks)
        for steps in asked.steps:
            model = WeightsOfEvidence(unit_cell_km2=cell_km2, steps=steps, **told).fit(values, ore)
            report = model.report()
            test = report["independence"]
            auc = roc_auc(ore.astype(np.int8), model.predict_proba(values)[:, 1])
            held = "holds" if test["holds"] else "fails"
            shown.add_row("all four layers" if rocks else "without rock classes", f"{steps}", f"{auc:.3f}", f"{test['ratio']:.2f}", held, binning(report))
    weights = Table(title=f"The weights of the last row, {report['independence']['says']}")
    for heading in ("layer", "class", "threshold", "deposits", "km2", "W+", "s(W+)", "contrast", "C/s(C)", "refused"):
        weights.add_column(heading)
    for entry in report["layers"]:
        of = (entry[key] for key in ("threshold", "w_plus", "s_w_plus", "contrast", "studentized_contrast"))
        threshold, plus, deviation, contrast, studentized = ("" if value is None else f"{value:.3f}" for value in of)
        weights.add_row(
            entry["layer"], entry["class"], threshold, f"{entry['deposits']}", f"{entry['area_km2']:.0f}", plus, deviation, contrast, studentized,
            entry["refused"] or "",
        )  # fmt: skip
    console = Console(width=190)
    console.print(shown)
    console.print(weights)


if __name__ == "__main__":
    main()
