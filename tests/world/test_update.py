"""Updates of a region mapped from a catalogue: ten new scenes that differ from the old ones in noise alone, and ten that show other ground in a corner."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from pipeline import flow
from pipeline.config import load
from pipeline.planning import Plan, plan
from pipeline.updating import planned
from pipeline.updating import run as updated
from tests import tiny
from tests.fakes import scenery
from tests.fakes import sentinel2 as fake
from tests.fakes.scenery import Frame
from tests.servers import catalogue, files

pytestmark = catalogue.needed
LON, LAT = tiny.to_lonlat(30_000, 30_000)
DAYS = ("2023-05-11", "2023-06-20", "2024-05-15", "2024-06-24")
KEYS = ("red", "nir")
RASTERS = ("prospectivity.tif", "uncertainty.tif", "applicability.tif", "classes.tif", "change.tif")
FEATURES = {
    "iron": {"use": "band_ratio", "numerator": "sentinel2_red", "denominator": "sentinel2_nir"},
    "smooth": {"use": "focal_mean", "of": "iron", "radius_m": 600},
    "elevation": {"use": "value", "of": "dem"},
    "distance_to_faults": {"use": "distance_to", "of": "faults", "reach_m": 10_000},
}


@dataclass
class Ground:
    """A region on disk and the servers its scenes come from."""

    root: Path
    stac: catalogue.Catalogue
    www: files.Files
    collection: str

    def add(self, *takes: fake.Take) -> list[dict[str, Any]]:
        """Serve takes; the items."""
        items = fake.write(self.www.folder, self.www.url, list(takes), pixel_m=400, keys=KEYS)
        for item in items:
            item["collection"] = self.collection
        self.stac.add(items)
        return items

    def make(self, *, features: dict[str, Any] = FEATURES, **region: Any) -> None:
        """Write the region's config."""
        sentinel = {
            "use": "sentinel2", "api": self.stac.url, "hosts": ["127.0.0.1"], "collection": self.collection, "years": [2023, 2024], "bands": list(KEYS),
            "max_looks": 20,
        }  # fmt: skip
        sources = {
            "sentinel2": sentinel, "dem": {"use": "raster", "path": "dem.tif", "units": "m"}, "faults": {"use": "vector", "path": "faults.gpkg"},
            "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
        }  # fmt: skip
        said = {"name": "tiny", "title": "Tiny", "crs": tiny.CRS, "bounds": [0, 0, 60_000, 60_000], **region}
        tiny.make(
            self.root, region=said, sources=sources, features=features, background={"per_positive": 5, "at_least": 100, "exclude_m": 1000},
            model={"use": "random_forest", "bags": 3, "trees_per_bag": 5, "min_samples_leaf": 5}, targets={"min_area_km2": 4},
        )  # fmt: skip
        protocol = self.root / "configs" / "validation" / "default.yaml"
        protocol.write_text(protocol.read_text().replace("seeds: 2", "seeds: 1"))

    def mapped(self) -> Plan:
        made = plan(load("tiny", root=self.root))
        flow.run(made)
        return made

    def update(self) -> Plan:
        made = planned(load("tiny", root=self.root))
        updated(made)
        return made

    @property
    def bundle(self) -> Path:
        return self.root / "outputs" / "tiny"

    def changes(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((self.bundle / "changes.json").read_text())
        return said

    def raster(self, name: str) -> Any:
        with rasterio.open(self.bundle / name) as file:
            return file.read(1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[catalogue.Catalogue, files.Files]]:
    with files.running(tmp_path_factory.mktemp("www")) as www, catalogue.running() as stac:
        yield stac, www


def big(day: str, seed: int, **more: Any) -> fake.Take:
    """A take of the whole ground."""
    return fake.Take("41RPL", Frame.around(32641, LON, LAT, 90_000), day, seed, **more)


def test_ten_scenes_of_noise_change_no_target(servers: Any, tmp_path: Path) -> None:
    stac, www = servers
    ground = Ground(tmp_path / "one", stac, www, "noise-alone")
    ground.add(*(big(day, 10 * i) for i, day in enumerate(DAYS)))
    ground.make(cell_m=500, tile=64)
    ground.mapped()
    before, targets = ground.raster("prospectivity.tif"), gpd.read_parquet(ground.bundle / "targets.parquet")
    assert len(targets) >= 5
    days = [f"{year}-{day}" for year in (2023, 2024) for day in ("07-03", "07-30", "08-14", "09-08", "10-02")]
    ground.add(*(big(day, 500 + i) for i, day in enumerate(days)))
    other = Path(shutil.copytree(ground.root, tmp_path / "two"))
    ground.update()
    now, said = ground.raster("prospectivity.tif"), ground.changes()
    beyond = np.isfinite(ground.raster("change.tif")).mean()
    print(said["noise_said"], f"{np.mean(now != before):.0%} of cells differ, {beyond:.2%} beyond noise, {said['patches']} patches")
    assert np.mean(now[np.isfinite(now)] != before[np.isfinite(now)]) > 0.05  # there was something to hold still
    assert said["targets"] == [] and said["noise"]["sd"] > 0
    after = gpd.read_parquet(ground.bundle / "targets.parquet")
    assert after.equals(targets)
    # the same from scratch, but for what was fitted
    for keys in (other / "cache" / "tiny").glob("*.keys/**/*.json"):
        if keys.stem != "as_fitted":
            keys.unlink()
    for parts in (other / "cache" / "tiny").glob("*.fits/**/*.parts"):
        parts.unlink()
    ground.root = other
    ground.update()
    one, two = ({name: hashlib.sha256((root / "outputs" / "tiny" / name).read_bytes()).hexdigest() for name in RASTERS} for root in (tmp_path / "one", other))
    assert one == two
    assert gpd.read_parquet(ground.bundle / "targets.parquet").equals(after)


def test_ten_scenes_in_which_a_corner_looks_like_deposits_bring_a_target_there(servers: Any, tmp_path: Path) -> None:
    """Deposits lie where the ground is brightest, and then a corner is."""
    stac, www = servers
    ground = Ground(tmp_path, stac, www, "other-ground")
    ground.add(*(big(day, 10 * i) for i, day in enumerate(DAYS)))
    ground.make(cell_m=500, tile=64, features=FEATURES | {"bright": {"use": "value", "of": "sentinel2_red"}})
    x, y = np.random.default_rng(8).uniform(3000, 57_000, (2, 4000))
    lon, lat = tiny.to_lonlat(x, y)
    elsewhere = (x < 30_000) | (y < 30_000)
    brightest = np.argsort(np.where(elsewhere, -scenery.ground(lon, lat, 0), np.inf))[:40]
    table = {"name": [f"deposit {i}" for i in range(brightest.size)], "lon": lon[brightest], "lat": lat[brightest]}
    pd.DataFrame(table).to_csv(ground.root / "occurrences.csv", index=False)
    ground.mapped()
    days = [f"{year}-{day}" for year in (2023, 2024) for day in ("07-03", "07-30", "08-14", "09-08", "10-02")]
    frame = Frame.around(32641, LON + 0.15, LAT + 0.15, 20_000)
    ground.add(*(fake.Take("41RPL", frame, day, 900 + i, wrong_by=0.3) for i, day in enumerate(days)))
    ground.update()
    said = ground.changes()
    print(said["noise_said"], said["patches"], said["targets"])
    assert said["patches"] >= 1
    new = [one for one in said["targets"] if one["what"] == "appeared" and one["status"] == "new"]
    assert any(35_000 < one["x"] < 57_000 and 35_000 < one["y"] < 57_000 for one in new)
    assert all(one["causes"] == ["better look"] and one["sources"] == ["sentinel2"] for one in new)
