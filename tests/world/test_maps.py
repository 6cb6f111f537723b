"""The sample world through the whole pipeline: it must find planted deposits nobody told it of, and must find nothing in shuffled labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer
from scipy.spatial import cKDTree

from pipeline import load, plan, run

REPO = Path(__file__).resolve().parents[2]
SAMPLE = REPO / "sample_data" / "balochistan"
TRUTH = SAMPLE / "truth"
pytestmark = pytest.mark.world


def mapped(folder: Path, system: str, *settings: str) -> Path:
    paths = (f"run.cache={folder}/cache", f"run.outputs={folder}/outputs")
    return run(plan(load("balochistan", system=system, settings=(*paths, *settings), root=REPO))).outputs


def at(path: Path, lon: Any, lat: Any) -> Any:
    """The raster's values at points."""
    with rasterio.open(path) as file:
        x, y = Transformer.from_crs("EPSG:4326", file.crs, always_xy=True).transform(lon, lat)
        rows, cols = rasterio.transform.rowcol(file.transform, x, y)
        return file.read(1)[rows, cols]


def of_kind(path: Path, kind: str) -> pd.DataFrame:
    table = pd.read_csv(path)
    return table[table["deposit_type"] == kind]


def permissive_cells(system: str) -> tuple[Any, Any]:
    """Longitude and latitude of every cell of permissive ground, after the written rule."""
    with rasterio.open(TRUTH / f"intensity_{system}.tif") as file:
        rows, cols = np.nonzero(file.read(1, masked=True).filled(0) > 0)
        x, y = rasterio.transform.xy(file.transform, rows, cols)
        return Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True).transform(x, y)


@pytest.mark.parametrize(("system", "kind"), [("porphyry_copper", "porphyry Cu"), ("podiform_chromite", "podiform chromite")])
def test_on_permissive_ground_the_map_captures_planted_deposits_better_than_nearness_to_known_ones(
    tmp_path: Path, system: str, kind: str
) -> None:
    outputs = mapped(tmp_path, system)
    ground = permissive_cells(system)
    planted, known = (of_kind(path, kind) for path in (TRUTH / "undiscovered.csv", SAMPLE / "occurrences.csv"))
    background = at(outputs / "prospectivity.tif", *ground)
    least = np.nanquantile(background, 0.95)
    captured = (at(outputs / "prospectivity.tif", planted.lon, planted.lat) > least).mean()

    to_known = cKDTree(known[["lon", "lat"]].to_numpy())
    nearest = np.quantile(to_known.query(np.column_stack(ground))[0], 0.05)
    by_nearness = (to_known.query(planted[["lon", "lat"]].to_numpy())[0] < nearest).mean()
    print(f"{system}: the map captures {captured:.0%} of planted deposits in 5 % of permissive ground, nearness {by_nearness:.0%}")
    assert len(planted) > 50
    assert captured >= 2 * max(by_nearness, 0.05)


def test_shuffled_labels_beat_no_null(tmp_path: Path) -> None:
    """Occurrences moved to cells drawn from all permissive ground carry nothing to learn: the verdict must not claim a success.

    Not from the whole province: seven of eight would fall off permissive ground, where they cannot be positives, and the few
    left say little.
    """
    everywhere = permissive_cells("porphyry_copper")
    chosen = np.random.default_rng(11).choice(len(everywhere[0]), 60, replace=False)
    lon, lat = (np.asarray(axis)[chosen] for axis in everywhere)
    table = pd.DataFrame({"name": [f"shuffled {i}" for i in range(60)], "lon": lon, "lat": lat, "deposit_type": "porphyry Cu"})
    table["datum"], table["commodity"], table["confidence"], table["uncertainty_m"], table["synthetic"] = "WGS84", "Cu", "high", 100, True
    table.to_csv(tmp_path / "shuffled.csv", index=False)
    outputs = mapped(tmp_path, "porphyry_copper", f"sources.occurrences.path={tmp_path}/shuffled.csv")
    card = json.loads((outputs / "scorecard.json").read_text())
    assert not card["verdict"].startswith("Beats"), card["verdict"]
    assert abs(card["protocols"]["default"]["scores"]["model"]["fold_mean"] - 0.5) < 0.1
