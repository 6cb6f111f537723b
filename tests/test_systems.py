"""Permissive ground, maps of knowledge alone, and all systems in one go, through the public command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from pipeline import load
from pipeline.config.loading import names
from pipeline.errors import ConfigError
from tests import tiny

WEST, EAST = 1, 2
SOURCES: dict[str, Any] = {
    "dem": {"use": "raster", "path": "dem.tif", "units": "m"},
    "alteration": {"use": "raster", "path": "alteration.tif", "units": "1"},
    "rock": {"use": "raster", "path": "rock.tif", "units": "1", "kind": "categorical"},
    "faults": {"use": "vector", "path": "faults.gpkg"},
    "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
}
KNOWLEDGE = {
    "features": {"halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500}, "altered": {"use": "logistic_membership", "of": "halo"}},
    "model": {"use": "fuzzy_overlay"},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tiny region with a map of two rocks, west and east of x = 30 km."""
    tiny.make(tmp_path, sources=SOURCES)
    shape = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))
    rock = np.where(np.arange(shape[1]) < shape[1] // 2, WEST, EAST) * np.ones(shape, int)
    tiny.save(tmp_path / "rock.tif", rock.astype("int16"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=-1)
    return tmp_path


def mapped(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pipeline", "map", "tiny", *words], cwd=root, capture_output=True, text=True, check=False)


def read(folder: Path, name: str) -> Any:
    with rasterio.open(folder / f"{name}.tif") as file:
        return file.read(1)


def needing(rock: list[int], **more: Any) -> dict[str, Any]:
    return {"name": "sought", "title": "Sought", "permissive": [{"of": "rock", "classes": rock}], **more}


def test_a_map_is_confined_to_its_rock_and_says_what_that_costs(root: Path) -> None:
    tiny.write(root, sources=SOURCES, system=needing([WEST]))
    done = mapped(root)
    assert done.returncode == 0, done.stderr
    folder = root / "outputs" / "tiny"
    scored, half = np.isfinite(read(folder, "prospectivity")), int(tiny.BOUNDS[2] / tiny.CELL_M) // 2
    assert scored[:, :half].all()
    assert not scored[:, half:].any()
    assert (read(folder, "classes")[:, half:] == 0).all()
    assert np.array_equal(read(folder, "permissive") == 1, scored)
    assert gpd.read_file(folder / "targets.gpkg", layer="targets").total_bounds[2] <= 30_000
    scorecard = json.loads((folder / "scorecard.json").read_text())
    outside = scorecard["protocols"]["default"]["deposits_off_permissive_ground"]
    east = [name for name, x in zip(*_deposits(root), strict=True) if x >= 30_000]
    assert sorted(outside) == sorted(east)
    assert scorecard["permissive_share"] == 0.5
    assert any(f"{len(east)} known deposits lie outside the permissive ground as mapped" in notice for notice in scorecard["notices"])
    assert scorecard["protocols"]["default"]["protocol"]["positives"] <= len(tiny_names()) - len(east)


def tiny_names() -> list[str]:
    return [f"deposit {i}" for i in range(tiny.DEPOSITS)]


def _deposits(root: Path) -> tuple[list[str], list[float]]:
    import pandas as pd
    from pyproj import Transformer

    said = pd.read_csv(root / "occurrences.csv")
    x, _ = Transformer.from_crs("EPSG:4326", tiny.CRS, always_xy=True).transform(said["lon"], said["lat"])
    return said["name"].tolist(), x.tolist()


def test_a_region_without_the_rock_ends_in_words_an_empty_layer_and_no_stretched_ramp(root: Path) -> None:
    tiny.write(root, sources=SOURCES, system=needing([77]))
    done = mapped(root)
    assert done.returncode == 0, done.stderr
    assert "No permissive ground" in done.stdout
    folder = root / "outputs" / "tiny"
    assert np.isnan(read(folder, "prospectivity")).all()
    assert (read(folder, "classes") == 0).all()
    with rasterio.open(folder / "prospectivity.tif") as file:
        assert (file.tags(1)["VALID_MIN"], file.tags(1)["VALID_MAX"]) == ("0", "1")
    targets = gpd.read_file(folder / "targets.gpkg", layer="targets")
    assert len(targets) == 0
    assert {"rank", "status", "area_km2", "max_prospectivity"} <= set(targets.columns)
    assert not (folder / "model.skops").exists()
    assert json.loads((folder / "scorecard.json").read_text())["verdict"].startswith("No permissive ground")
    assert "nothing changed" in mapped(root).stdout


def test_without_a_known_deposit_knowledge_makes_the_map_and_it_says_so(root: Path) -> None:
    tiny.write(root, sources=SOURCES, system=needing([WEST], inputs=["halo"]), label={"occurrences": "occurrences", "commodity": ["Pt"]}, **KNOWLEDGE)
    (root / "occurrences.csv").write_text("name,lon,lat,commodity\nelsewhere,65.6,28.1,Cu\n")
    said = {**SOURCES, "occurrences": {**SOURCES["occurrences"], "columns": {"name": "name", "lon": "lon", "lat": "lat", "commodity": "commodity"}}}
    tiny.write(root, sources=said, system=needing([WEST], inputs=["halo"]), label={"occurrences": "occurrences", "commodity": ["Pt"]}, **KNOWLEDGE)
    done = mapped(root)
    assert done.returncode == 0, done.stderr
    assert "Not tested: no known deposit of this kind in the region" in done.stdout
    folder = root / "outputs" / "tiny"
    found = read(folder, "prospectivity")
    assert np.nanmax(found) > 0.5 > np.nanmin(found)
    assert len(gpd.read_file(folder / "targets.gpkg", layer="targets")) > 0


def test_known_deposits_test_a_map_of_knowledge_and_do_not_make_it(root: Path) -> None:
    tiny.write(root, sources=SOURCES, system={"name": "sought", "title": "Sought", "inputs": ["halo"]}, **KNOWLEDGE)
    assert mapped(root).returncode == 0
    folder = root / "outputs" / "tiny"
    scores = json.loads((folder / "scorecard.json").read_text())["protocols"]["default"]["scores"]
    assert scores["model"]["fold_mean"] > 0.9  # the alteration glows around them
    before = read(folder, "prospectivity")
    lines = (root / "occurrences.csv").read_text().splitlines()
    (root / "occurrences.csv").write_text("\n".join(lines[:15]) + "\n")
    assert mapped(root).returncode == 0
    assert np.array_equal(before, read(folder, "prospectivity"), equal_nan=True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"system": needing([WEST, EAST], permissive=[{"of": "rok", "classes": [1]}])}, "unknown layer 'rok'; did you mean 'rock'"),
        ({"system": needing([], permissive=[{"of": "dem", "classes": [1]}])}, "'dem' holds no classes; system.permissive reads categorical layers"),
        ({"system": needing([], permissive=[{"of": "rock", "classes": [1], "silent": [1]}])}, "class 1 both allows the system and says nothing of the rock"),
        ({"system": needing([WEST], signs={"slop": 1})}, "unknown evidence layer 'slop'; did you mean 'slope'"),
        ({"system": needing([WEST], inputs=["slop"])}, "unknown feature 'slop'; did you mean 'slope'"),
        ({"model": {"use": "fuzzy_overlay"}}, "fuzzy_overlay combines memberships from 0 to 1, and 'elevation' is none; make it one with"),
    ],
)
def test_what_a_system_may_not_say(root: Path, changes: dict[str, Any], told: str) -> None:
    tiny.write(root, sources=SOURCES, **changes)
    done = mapped(root)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())


def test_every_deposit_off_its_rock_is_an_error_with_a_way_out(root: Path) -> None:
    tiny.write(root, sources=SOURCES, system=needing([WEST]))
    names_, xs = _deposits(root)
    kept = [line for line in (root / "occurrences.csv").read_text().splitlines()[1:] if xs[names_.index(line.split(",")[0])] > 30_000]
    (root / "occurrences.csv").write_text("name,lon,lat\n" + "\n".join(kept) + "\n")
    done = mapped(root)
    assert done.returncode == 2
    assert "lies outside the permissive ground as mapped; widen within_m or add classes under system.permissive" in " ".join(done.stderr.split())


def test_all_maps_each_system_over_one_cube_and_one_that_fails_hides_none(root: Path) -> None:
    tiny.write(root, sources=SOURCES)
    systems = root / "configs" / "systems"
    systems.mkdir()
    (systems / "first.yaml").write_text(yaml.safe_dump({"system": {"name": "first", "title": "First"}}))
    (systems / "second.yaml").write_text(yaml.safe_dump({"system": {"name": "second", "title": "Second", "permissive": [{"of": "rok", "classes": [1]}]}}))
    (systems / "third.yaml").write_text(yaml.safe_dump({"system": {"name": "third", "title": "Third", "permissive": [{"of": "rock", "classes": [77]}]}}))
    done = mapped(root, "--system", "all")
    assert done.returncode == 2
    assert "error: second: " in done.stderr and "unknown layer 'rok'" in done.stderr
    assert (root / "outputs" / "tiny-first" / "targets.gpkg").is_file()
    assert "No permissive ground" in (root / "outputs" / "tiny-third" / "scorecard.json").read_text()
    assert len(list((root / "cache" / "tiny").glob("*.zarr"))) == 1
    assert mapped(root, "--system", "all").stdout.count("nothing changed") == 2


def test_systems_give_one_name_to_one_recipe_so_that_none_undoes_anothers_layers() -> None:
    said: dict[str, Any] = {}
    for system in names("systems"):
        for key, use in load("balochistan", system=system).config.features.items():
            assert said.setdefault(key, use.said()) == use.said(), f"{key} of {system} is another recipe elsewhere"


@pytest.mark.parametrize("system", names("systems"))
def test_every_system_names_its_rock_its_references_and_signs_of_its_own_evidence(system: str) -> None:
    said = load("balochistan", system=system).config.system
    assert said.name == system
    assert said.permissive
    assert len(said.references) >= 2
    assert "magnetic" not in said.signs and "gravity_gradient" not in said.signs  # two-faced in every system here


def test_an_analogue_is_declared_with_its_reason() -> None:
    said = load("balochistan", system="porphyry_copper").config.system
    assert said.setting == "Tethyan continental arc, Cretaceous to Neogene"
    assert "Richards and others (2012)" in said.analogue_of["kerman"]
    assert not {"kabul_aynak", "aynak"} & {*said.analogue_of}
    with pytest.raises(ConfigError, match=r"system\.analogue_of\.kerman"):
        load("balochistan", system="porphyry_copper", settings=("system.analogue_of.kerman=''",))


def test_a_protocol_that_hides_a_map_scores_as_if_nobody_had_made_it(root: Path) -> None:
    shape = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    checks = np.where((rows // 12 + cols // 12) % 2, WEST, EAST)  # 6 km squares of two rocks, so that every fold holds both
    tiny.save(root / "rock.tif", checks.astype("int16"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=-1)
    shade = np.where(checks == WEST, 1.0, 2.0) + np.random.default_rng(0).normal(0, 0.2, shape)
    tiny.save(root / "shade.tif", shade.astype("float32"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=None)
    features = {
        "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
        "mapped": {"use": "class_of", "of": "rock", "top": 2},
        "edge": {"use": "distance_to_class", "of": "rock", "codes": [WEST], "reach_m": 5000},
        "likely": {"use": "infill", "of": "rock", "seen": ["shade"], "classes": {"west": [WEST], "east": [EAST]}, "block_km": 10, "folds": 2, "trees": 5},
    }
    sources = {**SOURCES, "shade": {"use": "raster", "path": "shade.tif", "units": "1"}}
    tiny.write(root, sources=sources, features=features, validation={"protocols": ["unmapped", "default"]})
    said = {"title": "unmapped", "split": {"kind": "square_blocks", "block_km": 10, "folds": 3}, "seeds": 1, "hide": ["rock"]}
    (root / "configs" / "validation" / "unmapped.yaml").write_text(yaml.safe_dump(said))
    done = mapped(root)
    assert done.returncode == 0, done.stderr
    card = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())
    assert next(iter(card["protocols"])) == "unmapped" and card["verdict"] == card["protocols"]["unmapped"]["verdict"]
    unmapped = card["protocols"]["unmapped"]
    assert unmapped["hidden_evidence"] == ["mapped_1", "mapped_2", "edge"] and unmapped["told_again"] == ["likely"]
    assert "optimism" not in unmapped and card["protocols"]["default"]["optimism"]["auc"]["coordinates"] is not None


def test_hiding_holds_without_suspect_layers_and_where_each_deposit_stays_in_its_reported_cell(root: Path) -> None:
    shape = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    checks = np.where((rows // 12 + cols // 12) % 2, WEST, EAST)
    tiny.save(root / "rock.tif", checks.astype("int16"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=-1)
    shade = np.where(checks == WEST, 1.0, 2.0) + np.random.default_rng(0).normal(0, 0.2, shape)
    tiny.save(root / "shade.tif", shade.astype("float32"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=None)
    known = pd.read_csv(root / "occurrences.csv")
    known["uncertainty_m"] = 1200
    known.to_csv(root / "occurrences.csv", index=False)
    features = {
        "mapped": {"use": "class_of", "of": "rock", "top": 2},
        "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
        "edge": {"use": "distance_to_class", "of": "rock", "codes": [WEST], "reach_m": 5000},
        "likely": {"use": "infill", "of": "rock", "seen": ["shade"], "classes": {"west": [WEST], "east": [EAST]}, "block_km": 10, "folds": 2, "trees": 5},
    }
    sources = {**SOURCES, "shade": {"use": "raster", "path": "shade.tif", "units": "1"}}
    said = {"title": "unmapped", "split": {"kind": "square_blocks", "block_km": 10, "folds": 3}, "seeds": 1, "hide": ["rock"]}
    for name, more in (("unmapped", {}), ("cells", {"groups": "cells"})):
        (root / "configs" / "validation" / f"{name}.yaml").write_text(yaml.safe_dump(said | more))
    asked = {"sources": sources, "validation": {"protocols": ["unmapped", "cells"]}}
    suspect = {"name": "sought", "title": "Sought", "suspect": ["mapped"]}
    tiny.write(root, features=features, system=suspect, **asked)
    done = mapped(root, "--set", "label.jitter=true")
    assert done.returncode == 0, done.stderr
    cards = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())["protocols"]
    assert cards["unmapped"]["without_suspect"]["layers"] == ["mapped_1", "mapped_2"]
    assert cards["cells"]["protocol"]["positives"] == cards["unmapped"]["protocol"]["positives"] == tiny.DEPOSITS
    assert cards["unmapped"]["hidden_evidence"] == cards["cells"]["hidden_evidence"] == ["mapped_1", "mapped_2", "edge"]
    assert "without_suspect" not in cards["cells"]
    # the score without them is that of a map that never had them
    tiny.write(root, features={name: features[name] for name in ("halo", "edge", "likely")}, system={**suspect, "suspect": []}, **asked)
    assert mapped(root, "--set", "label.jitter=true").returncode == 0
    again = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())["protocols"]["unmapped"]
    assert again["scores"]["model"]["fold_mean"] == cards["unmapped"]["without_suspect"]["fold_mean"]


@pytest.mark.parametrize(
    ("hide", "seen", "words"),
    [
        (["rokc"], "halo", "unknown layer 'rokc'; did you mean 'rock'?"),
        (["dem"], "halo", "no feature is made of dem, so hiding it takes nothing away"),
        (["rock"], "near", "likely sees a layer made of rock, which protocol 'unmapped' hides"),
    ],
)
def test_hiding_what_is_not_there_or_not_used_or_seen_by_infill_is_refused(root: Path, hide: list[str], seen: str, words: str) -> None:
    features = {
        "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
        "near": {"use": "distance_to_class", "of": "rock", "codes": [WEST], "reach_m": 5000},
        "likely": {"use": "infill", "of": "rock", "seen": [seen], "classes": {"west": [WEST], "east": [EAST]}},
    }
    tiny.write(root, sources=SOURCES, features=features, validation={"protocols": ["unmapped"]})
    (root / "configs" / "validation" / "unmapped.yaml").write_text(yaml.safe_dump({"title": "unmapped", "hide": hide}))
    done = mapped(root)
    assert done.returncode == 2 and words in done.stderr
