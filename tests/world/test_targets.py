"""Targets of the sample, as the default configuration makes them: off forbidden ground, flagged, and moved by a railway that is not built."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest

from pipeline import load, plan, run

REPO = Path(__file__).resolve().parents[2]
SAMPLE = REPO / "sample_data" / "balochistan"
COARSE = ("region.cell_m=3000", "region.tile=64", "validation.protocols=[default]")
pytestmark = pytest.mark.world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample")


def mapped(folder: Path, *settings: str) -> Path:
    paths = (f"run.cache={folder}/cache", f"run.outputs={folder}/outputs")
    return run(plan(load("balochistan", settings=(*COARSE, *paths, *settings), root=REPO))).outputs


def test_protected_land_towns_and_water_hold_no_target_and_licences_flag_theirs(folder: Path) -> None:
    outputs = mapped(folder)
    targets = gpd.read_parquet(outputs / "targets.parquet")
    assert len(targets) > 20
    for layer, within_m in (("protected_areas", 0), ("settlements", 1000), ("water", 0)):
        ground = gpd.read_file(SAMPLE / "land.gpkg", layer=layer).to_crs(targets.crs).buffer(within_m, quad_segs=16).union_all()
        assert targets.intersection(ground).area.max() < 1.0, layer  # square metres
    held = gpd.read_file(SAMPLE / "land.gpkg", layer="licences").to_crs(targets.crs)
    held = held[held["status"] != "expired"].union_all()
    touched = targets.intersection(held).area > 1.0
    assert (targets["licence"].notna() == touched).all()
    border = gpd.read_file(SAMPLE / "land.gpkg", layer="border").to_crs(targets.crs).geometry[0]
    assert targets["border_zone_km"].to_numpy() == pytest.approx((targets.distance(border) / 1000).to_numpy(), abs=0.1)
    districts = pyogrio.read_dataframe(outputs / "targets.gpkg", layer="by_district")
    assert districts["targets"].sum() >= (targets["status"] == "new").sum()
    assert districts["area_km2"].sum() == pytest.approx(350_000, rel=0.03)


def test_a_railway_to_gwadar_brings_ports_nearer_and_changes_the_ranking(folder: Path) -> None:
    def ranked(*settings: str) -> gpd.GeoDataFrame:
        found = gpd.read_parquet(mapped(folder, *settings) / "targets.parquet")
        return found[found["status"] == "new"].assign(shape=lambda f: f.geometry.to_wkb()).set_index("shape")

    before = ranked()
    railway = "targets.access.network.rail_to_gwadar={km_h: 60, join_h: 3}"
    after = ranked(railway).loc[before.index]
    nearer = after["port_h"] < before["port_h"] - 1
    assert (after["port_h"] <= before["port_h"] + 1e-3).all() and nearer.any()
    assert (after["merit"] >= before["merit"] - 1e-6).all() and (after["merit"] > before["merit"])[nearer].all()
    assert np.isfinite(before[["road_h", "rail_h", "port_h", "smelter_h", "power_h"]]).all(axis=None)
    by_access = "targets.merit.access=5"  # as weighed by default an hour may be too little to pass the next one
    there = ranked(by_access)
    assert ranked(by_access, railway).loc[there.index, "rank"].tolist() != there["rank"].tolist()
    assert before["rank_by_prospectivity"].tolist() == after["rank_by_prospectivity"].tolist()
    # a smelter moved to the coast: one line
    moved = ranked("sources.smelters.where={name: ['Gwadar smelter (invented)']}").loc[before.index]
    assert (moved["merit"] - before["merit"]).to_numpy() == pytest.approx(0.2 * (moved["merit_access"] - before["merit_access"]).to_numpy(), abs=1e-5)
    assert moved["rank"].tolist() != before["rank"].tolist()


def test_the_scorecard_of_the_sample_tells_risk_in_numbers_and_that_they_are_invented(folder: Path) -> None:
    card = json.loads((mapped(folder) / "scorecard.json").read_text())
    assert card["risk"]["first_targets"][-1]["p_at_least_one"] > card["risk"]["first_targets"][0]["p_at_least_one"]
    assert [one["captured"] for one in card["risk"]["search"]] == [0.5, 0.8, 0.9]
    assert any("INVENTED" in notice for notice in card["notices"])
    assert len(card["merit"]["top_ten"]) >= 10
