"""Too little of something: each ends in a map that says what it does not know, or in one clear error. Through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import from_origin
from typer.testing import CliRunner, Result

from pipeline.cli import app
from tests import tiny

SHAPE = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tiny.make(tmp_path / "r")
    monkeypatch.chdir(made)
    return made


def prospect(*settings: str) -> Result:
    return CliRunner().invoke(app, ["map", "tiny", *(word for setting in settings for word in ("--set", setting))])


def card(root: Path, *settings: str) -> dict[str, Any]:
    """The scorecard of a run that ends well."""
    done = prospect(*settings)
    assert done.exit_code == 0, done.output
    return dict(json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text()))


def refused(root: Path, *settings: str) -> str:
    """The line of error of a run that leaves nothing behind."""
    done = prospect(*settings)
    assert done.exit_code == 2 and not isinstance(done.exception, Exception), done.output
    assert not (root / "outputs" / "tiny").exists()
    return " ".join(done.output.split())


def keep(root: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(root / "occurrences.csv", index=False)


def known(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "occurrences.csv")


def change(root: Path, name: str, values: Any) -> None:
    tiny.save(root / f"{name}.tif", np.asarray(values, "float32"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=None)


def prospectivity(root: Path) -> Any:
    with rasterio.open(root / "outputs" / "tiny" / "prospectivity.tif") as file:
        return file.read(1)


def test_two_deposits_are_ranked_each_by_the_other_and_no_more_is_claimed(root: Path) -> None:
    frame = known(root).sort_values("lon")
    keep(root, frame.iloc[[0, -1]])
    found = card(root)
    assert found["verdict"].startswith("Too few to tell: 2 deposit groups, where 10 or more are needed")
    assert "held out, they rank above" in found["verdict"]
    assert np.isfinite(prospectivity(root)).all()


def test_deposits_of_one_block_cannot_be_held_out_by_blocks(root: Path) -> None:
    x, y = np.random.default_rng(0).uniform(22_000, 28_000, (2, 12))
    lon, lat = tiny.to_lonlat(x, y)
    keep(root, pd.DataFrame({"name": [f"deposit {i}" for i in range(12)], "lon": lon, "lat": lat}))
    line = refused(root, "label.group_within_m=300")
    assert "validation" in line and "block" in line


def test_deposits_that_are_all_one_group_cannot_be_held_out(root: Path) -> None:
    keep(root, known(root).assign(commodity="copper"))
    columns = "sources.occurrences.columns={name: name, lon: lon, lat: lat, commodity: commodity}"
    assert "every positive belongs to one deposit group, so no deposit can be held out" in refused(root, columns, "label.group_within_m=100000")


def test_a_class_that_only_one_fold_holds_is_told_of_in_no_other_and_the_map_is_made(root: Path) -> None:
    rock = np.full(SHAPE, 2)
    rock[:20, :20] = 1  # one block of 10 km, which one fold holds
    tiny.save(root / "rock.tif", rock.astype("int16"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=-1)
    rare = "features.rock={use: class_named, of: map, classes: {rare: [1], common: [2], none: [3]}}"
    found = card(root, "sources.map={use: raster, path: rock.tif, units: '1', kind: categorical}", rare)
    assert all(fold["skipped"] is None for fold in found["protocols"]["default"]["scores"]["model"]["per_seed"][0]["folds"])
    assert found["protocols"]["default"]["scores"]["model"]["fold_mean"] > 0.8
    drop = {one["name"]: one["drop"] for one in found["importance"]["features"]}
    assert drop["rock"] < drop["halo"]
    assert np.isfinite(prospectivity(root)).all()


def test_a_constant_layer_tells_nothing_and_changes_no_verdict(root: Path) -> None:
    change(root, "flat", np.full(SHAPE, 3.0))
    found = card(root, "sources.flat={use: raster, path: flat.tif, units: '1'}", "features.even={use: value, of: flat}")
    assert {one["name"]: one["drop"] for one in found["importance"]["features"]}["even"] == 0
    assert "even" not in [curve["feature"] for curve in found["importance"]["dependence"]["curves"]]
    assert found["protocols"]["default"]["scores"]["model"]["fold_mean"] > 0.85


def test_a_constant_layer_alone_is_near_chance_and_says_so(root: Path) -> None:
    change(root, "flat", np.full(SHAPE, 3.0))
    tiny.write(root, features={"even": {"use": "value", "of": "flat"}})
    found = card(root, "sources.flat={use: raster, path: flat.tif, units: '1'}")
    assert found["verdict"].startswith("Near chance: AUC 0.50")
    assert len(np.unique(prospectivity(root))) == 1


def test_a_layer_missing_over_half_the_region_lowers_what_is_known_there_and_no_more(root: Path) -> None:
    with rasterio.open(root / "alteration.tif") as file:
        values = file.read(1)
    values[:, : SHAPE[1] // 2] = np.nan
    change(root, "alteration", values)
    found = card(root)
    share = prospectivity(root)
    assert np.isfinite(share).all() and found["protocols"]["default"]["scores"]["model"]["fold_mean"] > 0.6
    with rasterio.open(root / "outputs" / "tiny" / "applicability.tif") as file:
        believed = file.read(1)
    west, east = believed[:, : SHAPE[1] // 2 - 5], believed[:, SHAPE[1] // 2 + 5 :]
    assert np.median(west) < np.median(east) / 2  # most of the weight rests on the layer that is missing
    # where half the evidence or more must be known, and this is all there is, the west is not scored
    tiny.write(root, features={"halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500}})
    card(root)
    assert np.isnan(prospectivity(root)[:, : SHAPE[1] // 2 - 5]).all() and np.isfinite(prospectivity(root)[:, SHAPE[1] // 2 + 5 :]).all()
