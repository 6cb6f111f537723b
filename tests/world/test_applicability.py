"""Over a body unlike anything mapped or drilled, the map must say that it should not be believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer

from tests.world.test_maps import SAMPLE, TRUTH, mapped

pytestmark = pytest.mark.world


def test_applicability_is_low_over_a_body_no_sheet_shows_and_not_on_the_ground_that_taught_the_map(tmp_path: Path) -> None:
    outputs = mapped(tmp_path, "porphyry_copper")
    unseen = json.loads((TRUTH / "unseen_terrane.json").read_text())
    known = pd.read_csv(SAMPLE / "occurrences.csv")
    known = known[known["deposit_type"] == "porphyry Cu"]
    with rasterio.open(outputs / "applicability.tif") as file, rasterio.open(outputs / "prospectivity.tif") as scored:
        found, to_grid = file.read(1), Transformer.from_crs("EPSG:4326", file.crs, always_xy=True)
        rows, cols = np.indices(found.shape)
        x, y = rasterio.transform.xy(file.transform, rows.ravel(), cols.ravel())
        x, y = (np.asarray(axis).reshape(found.shape) for axis in (x, y))
        assert np.array_equal(np.isnan(found), np.isnan(scored.read(1)))

    def within(lon: float, lat: float, reach_m: float) -> np.ndarray:
        east, north = to_grid.transform(lon, lat)
        return np.asarray(np.hypot(x - east, y - north) <= reach_m)

    body = within(unseen["lon"], unseen["lat"], unseen["diameter_m"] / 2)
    taught = np.any([within(lon, lat, 3000) for lon, lat in zip(known["lon"], known["lat"], strict=True)], axis=0)
    here, there = found[body & ~np.isnan(found)], found[taught & ~np.isnan(found)]
    print(f"applicability: median {np.median(here):.2f} over the unseen body ({here.size} cells), {np.median(there):.2f} near known deposits")
    assert here.size > 20
    assert np.median(here) < 0.5
    assert np.median(here) < np.median(there) - 0.2
