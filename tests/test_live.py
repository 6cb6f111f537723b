"""DATA=live through the public command, every address of its tables and grids on this machine: config changes hosts, nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.config import names
from tests import tiny
from tests.fakes import active_faults, boundaries, emag2, gravity, macrostrat, osm, south_asia_geology, usgs_mrds, usgs_porphyry, wdpa
from tests.servers.folder import Folder, serving

REPO = Path(__file__).parents[1]
BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
EMPTY = {"pegmatite_lithium", "iron_oxide_copper_gold"}  # they rest on old faults, an airborne survey and gravity alone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    root = tmp_path_factory.mktemp("hosts")
    for fake in (active_faults, boundaries, emag2, osm, south_asia_geology, usgs_mrds, usgs_porphyry):
        fake.make(root)
    with serving(root, {macrostrat.ADDRESS: macrostrat.service}) as of:
        of.services[boundaries.ADDRESS] = boundaries.service(of.url)
        yield of


def hosts(server: Folder) -> dict[str, Any]:
    """The addresses of data/live.yaml on this machine."""
    themes = {name: {"url": server.url(osm.NAME)} for name in ("roads", "railways", "settlements")}
    return themes | {
        "magnetics_global": {"url": server.url(emag2.NAME)}, "geology_coarse": {"url": server.url(south_asia_geology.POLYGONS)},
        "active_faults": {"url": server.url(active_faults.NAME)}, "districts": {"url": server.url(boundaries.ADDRESS)},
        "mrds": {"url": server.url(usgs_mrds.NAME)}, "porphyry_list": {"url": server.url(usgs_porphyry.NAME)},
    }  # fmt: skip


@pytest.fixture
def root(server: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped configs and a region of the fakes' ground."""
    tiny.make(tmp_path)
    for kind in ("systems", "data", "validation"):
        shutil.copytree(REPO / "configs" / kind, tmp_path / "configs" / kind, dirs_exist_ok=True)
    gravity.make(tmp_path)
    wdpa.make(tmp_path)
    _sentinel(tmp_path / "sentinel2.tif")
    scenes: dict[str, Any] = {
        "dem": {"use": "raster", "path": "dem.tif", "units": "m"},
        "sentinel2": {"use": "raster", "path": "sentinel2.tif", "bands": {band: i + 1 for i, band in enumerate(BANDS)}, "sensor": "sentinel2"},
    }  # fmt: skip
    scenes["sentinel2"] |= {"units": "reflectance", "years": None, "max_ndvi": None, "max_ndwi": None}  # what the catalogue's source is told
    scenes |= {"landsat": None, "aster": None}  # tests/real_parts asks those of a catalogue
    region = {"name": "tiny", "title": "Tiny", "crs": tiny.CRS, "cell_m": 1000, "tile": 32, "bounds": list(tiny.BOUNDS)}
    region |= {"system": "porphyry_copper", "data": "live"}
    said = {"region": region, "sources": hosts(server) | scenes, "run": {"workers": 0}}
    (tmp_path / "configs" / "regions" / "tiny.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _sentinel(path: Path) -> None:
    values = np.random.default_rng(2).uniform(0.1, 0.4, (len(BANDS), 60, 70)).astype("float32")
    transform = from_origin(-5000, 55_000, 1000, 1000)
    with rasterio.open(path, "w", driver="GTiff", width=70, height=60, count=len(BANDS), dtype="float32", crs=tiny.CRS, transform=transform) as file:
        file.write(values)


def prospect(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


SUPPLIED = ("--set", f"sources.gravity={{use: gravity, path: {gravity.NAME}}}", "--set", f"sources.protected_areas={{use: wdpa, path: {wdpa.NAME}}}")


@pytest.mark.parametrize("system", names("systems", REPO))
def test_every_system_plans_over_live_data_and_says_what_it_goes_without(root: Path, system: str) -> None:
    done = prospect("plan", "tiny", "--system", system)
    if system in EMPTY:
        assert done.exit_code == 2 and "every feature of this system reads what the data lack" in " ".join(done.stderr.split())
        return
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "absent: old_faults (no public map tells" in told or "absent: magnetics_survey (no airborne survey is public)" in told


def test_live_data_are_mapped_end_to_end_and_what_may_not_be_copied_is_not(root: Path) -> None:
    done = prospect("map", "tiny", "--set", "model.bags=3", "--set", "model.trees_per_bag=5", "--set", "system.permissive=[]", *SUPPLIED)
    assert done.exit_code == 0, done.output
    folder = root / "outputs" / "tiny"
    with rasterio.open(folder / "prospectivity.tif") as file:
        assert np.isfinite(file.read(1)).mean() > 0.8
    inputs = json.loads((folder / "provenance.json").read_text())["inputs"]
    said = {one["source"]: (one["licence"], one["citation"]) for one in inputs}
    assert {"magnetics_global", "geology_coarse", "active_faults", "roads", "districts", "mrds", "porphyry_list", "gravity", "protected_areas"} <= set(said)
    assert all("not stated" not in (licence, citation) for name, (licence, citation) in said.items() if name not in ("dem", "sentinel2"))
    contents = gpd.read_file(folder / "targets.gpkg", layer="contents").set_index("layer")
    assert contents.loc["protected_areas", "included"] == 0 and contents.loc["roads", "included"] == 1
    assert contents.loc["mrds", "licence"] == "public domain (USGS)"
    for path in folder.rglob("*"):
        assert not path.is_file() or b"Hazar Park" not in path.read_bytes(), f"{path.name} holds what the WDPA's terms forbid to copy"
    assert "nothing changed" in " ".join(
        prospect("map", "tiny", "--set", "model.bags=3", "--set", "model.trees_per_bag=5", "--set", "system.permissive=[]", *SUPPLIED).stdout.split()
    )


def test_offline_it_is_one_error_that_names_all_that_is_missing(root: Path, server: Folder) -> None:
    before = len(server.asked)
    done = prospect("plan", "tiny", "--offline")
    assert done.exit_code == 2 and len(server.asked) == before
    told = " ".join(done.stderr.split())
    assert all(f"{name}: {server.url('')}" in told for name in hosts(server)), told
    assert prospect("plan", "tiny").exit_code == 0
    asked = len(server.asked)
    assert prospect("plan", "tiny", "--offline").exit_code == 0 and len(server.asked) == asked


def test_outside_south_asia_the_general_map_is_macrostrats(root: Path, server: Folder) -> None:
    path = root / "configs" / "regions" / "tiny.yaml"
    said = yaml.safe_load(path.read_text())
    said["sources"]["geology_coarse"] = {"use": "macrostrat", "url": server.url(macrostrat.ADDRESS)}
    path.write_text(yaml.safe_dump(said))
    done = prospect("plan", "tiny")
    assert done.exit_code == 0, done.output


def test_the_region_with_a_system_of_its_own_plans(root: Path, server: Folder) -> None:
    """Kabul's region, moved to the ground of the fakes."""
    said = yaml.safe_load((REPO / "configs" / "regions" / "kabul_aynak.yaml").read_text())
    tiny_said = yaml.safe_load((root / "configs" / "regions" / "tiny.yaml").read_text())
    said["region"] = tiny_said["region"] | {"name": "kabul_aynak", "system": None}
    said["sources"] = tiny_said["sources"]
    said["sources"]["geology_coarse"] |= {"classes": {"10": ["Q", "Ti", "Kv"]}}
    (root / "configs" / "regions" / "kabul_aynak.yaml").write_text(yaml.safe_dump(said))
    done = prospect("plan", "kabul_aynak")
    assert done.exit_code == 0, done.output
    assert "systems/sediment_hosted_copper" in done.output or "sediment_hosted_copper" in " ".join(done.output.split())
