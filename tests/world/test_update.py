"""Updates of a region mapped from a catalogue: one new scene on 400 tiles, ten that differ from the old ones in noise alone, ten that show other ground."""

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
from pipeline.ledger import Ledger
from pipeline.node import LayerNode
from pipeline.planning import plan, tile_name
from pipeline.updating import planned
from pipeline.updating import run as updated
from tests import plainly, tiny
from tests.fakes import scenery
from tests.fakes import sentinel2 as fake
from tests.fakes.scenery import Frame
from tests.servers import catalogue, files

pytestmark = catalogue.needed
LON, LAT = tiny.to_lonlat(30_000, 30_000)
DAYS = ("2023-05-11", "2023-06-20", "2024-05-15", "2024-06-24")
KEYS = ("red", "nir")
DEM = {"use": "raster", "path": "dem.tif", "units": "m"}
KEPT = ("as_fitted",)  # what of a map stays as it was when its model was fitted
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

    def add(self, *takes: fake.Take, pixel_m: float = 400) -> list[dict[str, Any]]:
        """Serve takes; the items."""
        items = fake.write(self.www.folder, self.www.url, list(takes), pixel_m=pixel_m, keys=KEYS)
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
            "sentinel2": sentinel, **({"dem": DEM} if "elevation" in features else {}), "faults": {"use": "vector", "path": "faults.gpkg"},
            "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
        }  # fmt: skip
        said = {"name": "tiny", "title": "Tiny", "crs": tiny.CRS, "bounds": [0, 0, 60_000, 60_000], **region}
        tiny.make(
            self.root, region=said, sources=sources, features=features, background={"per_positive": 5, "at_least": 100, "exclude_m": 1000},
            model={"use": "random_forest", "bags": 3, "trees_per_bag": 5, "min_samples_leaf": 5}, targets={"min_area_km2": 4},
        )  # fmt: skip
        protocol = self.root / "configs" / "validation" / "default.yaml"
        protocol.write_text(protocol.read_text().replace("seeds: 2", "seeds: 1"))

    def mapped(self) -> None:
        flow.run(plan(load("tiny", root=self.root)))

    def update(self) -> None:
        updated(planned(load("tiny", root=self.root)))

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


def test_one_new_scene_on_400_tiles_remakes_what_it_reaches_and_nothing_else(servers: Any, tmp_path: Path) -> None:
    """A scene where four tiles meet. The mean looks into the next tile; what is made of it is made again there too, but no tile further.

    The scenes there were lie on a quarter of the ground and little else is asked, to be quick: the share is the larger for it.
    """
    stac, www = servers
    ground = Ground(tmp_path, stac, www, "many-tiles")
    ground.add(*(fake.Take("41RPL", Frame.around(32641, LON, LAT, 30_000), day, 10 * i) for i, day in enumerate(DAYS[::2])))
    ground.make(features={name: FEATURES[name] for name in ("iron", "smooth", "distance_to_faults")}, cell_m=187.5, tile=16)
    x, y = np.random.default_rng(8).uniform(18_000, 42_000, (2, 24))
    lon, lat = tiny.to_lonlat(x, y)
    pd.DataFrame({"name": [f"deposit {i}" for i in range(24)], "lon": lon, "lat": lat}).to_csv(tmp_path / "occurrences.csv", index=False)
    whole = plan(load("tiny", root=tmp_path))
    grid, all_tasks = whole.grid, sum(whole.tasks(node) for node in whole.nodes)
    assert grid.tiles_shape == (20, 20)
    flow.run(whole)
    before = {name: dict(Ledger.of(whole.cube.path).keys(name)) for name in whole.keys}
    (item,) = ground.add(fake.Take("42RTT", Frame.around(32642, LON, LAT, 2000, step_m=100), "2024-07-20", 77), pixel_m=50)
    made = planned(load("tiny", root=tmp_path))
    jobs = updated(made).jobs
    ledger = Ledger.of(made.cube.path)
    changed = {name: {tile for tile, key in ledger.keys(name).items() if key != before[name][tile]} for name in before}
    seen = np.isfinite(plainly.onto(www.folder, item, "red", grid, "bilinear"))
    touched = {(int(row) // 16, int(col) // 16) for row, col in zip(*np.nonzero(seen), strict=True)}
    assert len(touched) == 4
    here, around = ({tile_name(near) for tile in touched for near in grid.near(tile, halo)} for halo in (0, 4))  # 600 m are 3.2 cells
    reached = dict.fromkeys(("sentinel2_red", "sentinel2_nir", "sentinel2_clear_looks", "iron"), here)
    reached |= dict.fromkeys(("smooth", *(name for name in before if name.startswith("systems/") and not name.endswith(KEPT))), around)
    assert {name: tiles for name, tiles in changed.items() if tiles} == reached
    again = {node.name: node.tiles for node in made.nodes if isinstance(node, LayerNode) and "/without/" in node.name}
    assert {name.rpartition("/")[2] for name in again} == {"sentinel2", "iron", "smooth", "prospectivity"}
    assert all(set(map(tile_name, tiles or ())) == around for name, tiles in again.items() if name.endswith(("smooth", "prospectivity")))
    print(f"{sum(jobs.values())} jobs of {all_tasks} tile-tasks, {sum(jobs.values()) / all_tasks:.1%}: {jobs}")
    # every job is counted: the last step of each fit too
    assert sum(jobs.values()) < 0.1 * all_tasks
    assert ground.changes()["new"] == {"sentinel2": "better look"} and ground.changes()["noise"]["seasons"] == 2


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
