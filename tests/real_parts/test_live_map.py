"""A small region mapped from live sources through the public command line, against a real STAC API and a server of files with ranges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.cube import Cube
from pipeline.grid import Grid, Window
from pipeline.ledger import Ledger
from tests import plainly, tiny
from tests.fakes import aster as fake_aster
from tests.fakes import copernicus_dem as fake_dem
from tests.fakes import landsat as fake_landsat
from tests.fakes import sentinel2 as fake_sentinel2
from tests.fakes.scenery import Frame
from tests.servers import catalogue, files

pytestmark = catalogue.needed
ROOT = Path(__file__).parents[2]
LON, LAT = tiny.to_lonlat(30_000, 25_000)
SIDE_M = 36_000
TILE = 32
GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=TILE)
MINE = ("sentinel2", "landsat", "aster", "dem")
FEATURES = {
    "elevation": {"use": "value", "of": "dem"},
    "iron": {"use": "band_ratio", "numerator": "sentinel2_red", "denominator": "sentinel2_blue"},
    "plants": {"use": "ndvi", "of": "landsat"},
    "aster_relative": {"use": "scene_normalized", "of": "aster", "scene": "aster_scene"},
    "clay": {"use": "kaolinite", "of": "aster_relative"},
    "distance_to_faults": {"use": "distance_to", "of": "faults", "reach_m": 10_000},
}


@dataclass
class World:
    """The servers, the items they serve, and a region whose config names them."""

    root: Path
    stac: catalogue.Catalogue
    www: files.Files
    items: dict[str, list[dict[str, Any]]]

    def run(self, *said: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *said], cwd=self.root, env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def layer(self, name: str, cache: str = "cache") -> Any:
        return Cube.at(self.root / cache, "tiny", GRID).read(name, Window(GRID, 0, 0, *GRID.shape))

    def keys(self, layer: str) -> dict[str, str]:
        return dict(Ledger.of(Cube.at(self.root / "cache", "tiny", GRID).path).keys(layer))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("region")
    with files.running(tmp_path_factory.mktemp("www")) as www, catalogue.running() as stac:
        folder, url = www.folder, www.url
        takes = fake_sentinel2.takes(LON, LAT, SIDE_M, days=("2023-05-11", "2023-06-20"))
        items = {
            "sentinel2": fake_sentinel2.write(folder, url, takes, pixel_m=400),
            "landsat": fake_landsat.write(folder, url, fake_landsat.scenes(LON, LAT, SIDE_M), pixel_m=500),
            "aster": fake_aster.write(folder, url, fake_aster.scenes(LON, LAT, SIDE_M), pixel_m=300),
            "dem": fake_dem.write(folder, url, (65.4, 27.9, 66.3, 28.6), pixels=240),
        }
        for found in items.values():
            stac.add(found)
        www.signed |= {fake_landsat.ACCOUNT, fake_aster.ACCOUNT}
        # the shipped words, host names apart
        shipped = yaml.safe_load((ROOT / "configs" / "data" / "live.yaml").read_text())["sources"]
        sources = {key: shipped[key] | {"api": stac.url, "hosts": ["127.0.0.1"]} for key in MINE}
        for key in ("landsat", "aster"):
            sources[key] |= {"sas_url": www.sas_url}
        sources |= {
            "faults": {"use": "vector", "path": "faults.gpkg"},
            "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
        }
        region = {"name": "tiny", "title": "A tiny region", "crs": tiny.CRS, "cell_m": 1000, "tile": TILE, "bounds": list(tiny.BOUNDS)}
        tiny.make(root, region=region, sources=sources, features=FEATURES, system={"name": "copper", "title": "Copper", "inputs": ["aster_relative"]})
        yield World(root, stac, www, items)


@pytest.fixture(scope="module")
def mapped(world: World) -> World:
    world.run("map", "tiny", "--workers", "0")
    return world


def test_the_map_is_made_of_the_best_looks_and_says_what_it_rests_on(mapped: World) -> None:
    bundle = mapped.root / "outputs" / "tiny"
    provenance = json.loads((bundle / "provenance.json").read_text())
    by_source: dict[str, list[dict[str, Any]]] = {}
    for entry in provenance["inputs"]:
        by_source.setdefault(entry["source"], []).append(entry)
    assert {key: len(by_source[key]) for key in MINE} == {"sentinel2": 7, "landsat": 6, "aster": 2, "dem": 4}
    assert "Copernicus" in by_source["sentinel2"][0]["licence"] and "USGS" in by_source["landsat"][0]["licence"]
    assert provenance["synthetic"] is True  # the items say that they are fakes
    assert (bundle / "prospectivity.tif").is_file() and (bundle / "targets.gpkg").is_file()


def test_the_composites_equal_those_made_the_plain_way(mapped: World) -> None:
    used = [item for item in mapped.items["sentinel2"] if not any(word in item["id"] for word in ("20230111", "20230809", "_20230512_"))]
    assert len(used) == 7

    def clear(code: int) -> bool:
        return code in (2, 4, 5, 6, 7, 11)

    (green, red, nir), count = plainly.median(mapped.www.folder, used, ("green", "red", "nir"), GRID, "scl", clear, plainly.sentinel2_light)
    limits = yaml.safe_load((ROOT / "configs" / "data" / "live.yaml").read_text())["sources"]["sentinel2"]
    out = ((nir - red) / (nir + red) > limits["max_ndvi"]) | ((green - nir) / (green + nir) > limits["max_ndwi"])
    assert out.any() and not out.all()
    assert np.array_equal(mapped.layer("sentinel2_clear_looks"), count)
    assert np.array_equal(mapped.layer("sentinel2_red"), np.where(out, np.nan, red).astype(np.float32), equal_nan=True)


def test_a_second_run_asks_the_catalogue_and_fetches_nothing(mapped: World) -> None:
    mapped.www.forget()
    assert "nothing changed" in mapped.run("map", "tiny", "--workers", "0")
    assert not [path for path in mapped.www.asked if path.lower().endswith(".tif")]


def test_two_workers_make_the_same_layers_of_what_lies_on_the_shelf_or_not(mapped: World) -> None:
    mapped.run("map", "tiny", "--workers", "2", "--set", "run.cache=other", "--set", "run.outputs=elsewhere")
    for name in ("sentinel2_red", "sentinel2_clear_looks", "landsat_swir16", "aster_swir1", "aster_scene", "dem"):
        assert np.array_equal(mapped.layer(name), mapped.layer(name, "other"), equal_nan=True), name
    for name in ("prospectivity.tif", "classes.tif"):
        assert (mapped.root / "outputs" / "tiny" / name).read_bytes() == (mapped.root / "elsewhere" / "tiny" / name).read_bytes()


def test_a_new_scene_makes_stale_the_tiles_it_touches_and_no_others(mapped: World) -> None:
    watched = ("sentinel2_red", "landsat_red", "dem")
    before = {name: mapped.keys(name) for name in watched}
    frame = Frame.around(32642, LON + 0.2, LAT, 15_000)
    new = fake_sentinel2.Take("42RTT", frame, "2023-08-20", 77)
    (item,) = fake_sentinel2.write(mapped.www.folder, mapped.www.url, [new], pixel_m=400)
    mapped.stac.add([item])
    mapped.www.forget()
    mapped.run("map", "tiny", "--workers", "0")
    after = {name: mapped.keys(name) for name in watched}
    changed = {tile for tile, key in after["sentinel2_red"].items() if key != before["sentinel2_red"][tile]}
    rows, cols = np.nonzero(np.isfinite(plainly.onto(mapped.www.folder, item, "red", GRID, "bilinear")))
    assert {f"{r},{c}" for r, c in zip(rows // TILE, cols // TILE, strict=True)} <= changed
    assert len(changed) <= len(before["sentinel2_red"]) / 2
    assert after["landsat_red"] == before["landsat_red"] and after["dem"] == before["dem"]
    asked = {path.split("/")[-2] for path in mapped.www.asked if path.endswith(".tif")}
    assert asked == {new.name}  # what the old scenes hold lies on the shelf
