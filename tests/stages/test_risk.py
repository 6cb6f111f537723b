"""Risk of exploration: chances agree with a Monte Carlo that throws deposits on the map, areas with counting of cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

from pipeline.config import load
from pipeline.flow import run
from pipeline.learning.undiscovered import number_distribution
from pipeline.planning import plan
from pipeline.recipe import Fit
from pipeline.stages import risk
from tests import tiny

SOURCES = tuple(f"sources.{name}={{use: vector, path: {name}.gpkg}}" for name in ("districts", "licences"))
TARGETS = {"area_share": 0.3, "min_area_km2": 1, "known_within_m": 0, "districts": "districts", "flag": {"licence": {"of": "licences", "by": "holder"}}}
# half of the deposits are kept from the map, which finds their halos again: new ground that is worth something
LABEL = {"occurrences": "occurrences", "group_within_m": 1000, "refuse": [f"deposit {i}" for i in range(12, 24)]}
WEST, EAST = shapely.box(0, 0, 25_000, 50_000), shapely.box(25_000, 0, 60_000, 50_000)
BLOCK = shapely.box(20_000, 20_000, 35_000, 40_000)
PRIOR = "priors.as_published={n90: 2, n50: 5, n10: 12, tract: permissive, model: m, depth_m: 1000, source: s, page: '1', date: '2026', invented: true}"
NUMBERS = number_distribution(2, 5, 12)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("risk"), targets=TARGETS, label=LABEL)
    gpd.GeoDataFrame({"name": ["West", "East"]}, geometry=[WEST, EAST], crs=tiny.CRS).to_file(root / "districts.gpkg", layer="d")
    gpd.GeoDataFrame({"name": ["b1"], "holder": ["A"]}, geometry=[BLOCK], crs=tiny.CRS).to_file(root / "licences.gpkg", layer="l")
    return root


def mapped(root: Path, *settings: str) -> Path:
    return run(plan(load("tiny", settings=(*SOURCES, *settings), root=root))).outputs


@pytest.fixture(scope="module")
def outputs(root: Path) -> Path:
    return mapped(root, PRIOR)


def read(path: Path) -> tuple[Any, Any, Any]:
    """A raster's values, and the centres of its cells."""
    with rasterio.open(path) as file:
        values = file.read(1).astype(np.float64)
    row, col = np.mgrid[: values.shape[0], : values.shape[1]]
    return values, (col + 0.5) * tiny.CELL_M, tiny.BOUNDS[3] - (row + 0.5) * tiny.CELL_M


def test_chances_of_targets_and_of_the_first_together_agree_with_deposits_thrown_on_the_map(outputs: Path) -> None:
    expected, x, y = read(outputs / "expected_deposits.tif")
    targets = gpd.read_parquet(outputs / "targets.parquet")
    targets = targets[targets["status"] == "new"].sort_values("rank").reset_index(drop=True)
    card = json.loads((outputs / "scorecard.json").read_text())["risk"]
    weight = np.nan_to_num(expected).ravel()
    of = np.full(weight.size, -1)
    for i, shape in enumerate(targets.geometry):
        of[shapely.contains_xy(shape, x, y).ravel()] = i
    rng, draws = np.random.default_rng(8), 40_000
    count = rng.choice(len(NUMBERS), draws, p=NUMBERS)
    fell = of[rng.choice(weight.size, int(count.sum()), p=weight / weight.sum())]
    assert targets["p_at_least_one"].max() > 0.2
    draw = np.repeat(np.arange(draws), count)
    hits = np.zeros((draws, len(targets)), np.int64)
    np.add.at(hits, (draw[fell >= 0], fell[fell >= 0]), 1)
    sure = 5 * np.sqrt(0.25 / draws)
    assert targets["p_at_least_one"].to_numpy() == pytest.approx((hits > 0).mean(axis=0), abs=sure)
    assert targets["expected_deposits"].to_numpy() == pytest.approx(hits.mean(axis=0), abs=sure * 3)
    assert ((hits > targets["deposits_high"].to_numpy(np.int64)).mean(axis=0) <= 0.05 + sure).all()
    worth = targets[targets["expected_deposits"] > 0.01]
    assert worth["km2_per_discovery"].to_numpy() == pytest.approx((worth["area_km2"] / worth["expected_deposits"]).to_numpy(), rel=1e-3)
    assert [one["targets"] for one in card["first_targets"]][:3] == [1, 2, 3]
    for one in card["first_targets"]:
        together = hits[:, : one["targets"]].sum(axis=1)
        assert one["p_at_least_one"] == pytest.approx((together > 0).mean(), abs=sure)
        assert one["expected_deposits"] == pytest.approx(together.mean(), abs=sure * 5)
        assert one["area_km2"] == pytest.approx(targets["area_km2"][: one["targets"]].sum(), rel=1e-6)
        low, high = one["deposits_low"], one["deposits_high"]
        assert (together < low).mean() <= 0.05 + sure and (together > high).mean() <= 0.05 + sure
    assert np.diff([one["p_at_least_one"] for one in card["first_targets"]]).min() >= 0


def test_districts_and_blocks_are_counted_cell_by_cell(outputs: Path) -> None:
    classes, x, y = read(outputs / "classes.tif")
    expected, _, _ = read(outputs / "expected_deposits.tif")
    targets = gpd.read_parquet(outputs / "targets.parquet")
    new = targets[targets["status"] == "new"]
    for table, areas in (("by_district", {"East": EAST, "West": WEST}), ("by_licence", {"b1": BLOCK})):
        found = pyogrio.read_dataframe(outputs / "targets.gpkg", layer=table).set_index("name")
        assert list(found.index) == sorted(areas)
        for name, shape in areas.items():
            inside, row = shapely.contains_xy(shape, x, y), found.loc[name]
            touching = new[new.intersection(shape).area > 0]
            assert row["area_km2"] == pytest.approx(shape.area / 1e6)
            assert row["scored_km2"] == pytest.approx((classes[inside] > 0).sum() * 0.25)
            assert row["high_share"] == pytest.approx((classes[inside] >= 4).sum() / (classes[inside] > 0).sum(), abs=1e-6)
            assert row["targets"] == len(touching) and row["best_rank"] == touching["rank"].min()
            assert row["target_km2"] == pytest.approx(new.intersection(shape).area.sum() / 1e6, abs=1e-3)
            assert row["expected_share"] == pytest.approx(np.nansum(expected[inside]) / np.nansum(expected), abs=1e-5)
    assert pyogrio.read_dataframe(outputs / "targets.gpkg", layer="by_licence")["by"].tolist() == ["A"]


def test_ground_to_search_and_the_curve_come_from_held_out_deposits_with_intervals(outputs: Path) -> None:
    whole = json.loads((outputs / "scorecard.json").read_text())
    card, scores = whole["risk"], whole["protocols"]["default"]["scores"]["model"]
    assert card["permissive_km2"] == 3000.0
    assert card["curve"]["captured"] == scores["prediction_rate"]["captured"]
    area, captured = np.array(card["curve"]["area"]), np.array(card["curve"]["captured"])
    for one, share in zip(card["search"], (0.5, 0.8, 0.9), strict=True):
        assert one["captured"] == share
        i = int(np.argmax(captured >= share))
        assert area[max(i - 1, 0)] - 1e-6 <= one["area"] <= area[i] + 1e-6
        assert one["area_km2"] == pytest.approx(one["area"] * 3000, abs=1e-2)
        assert one["interval"][0] <= one["area"] <= one["interval"][1]
    ends = np.array(card["curve"]["interval"])
    assert (ends[:, 0] <= captured + 1e-6).all() and (ends[:, 1] >= captured - 1e-6).all()
    assert (ends[:, 1] - ends[:, 0]).max() > 0.05
    for table in ("first_targets", "ground_to_search", "discovery_curve"):
        assert len(pyogrio.read_dataframe(outputs / "targets.gpkg", layer=table)) > 2
    assert 0 < card["calibration"]["use"] == min(1.0, card["calibration"]["interval"][1])


def test_without_a_prior_only_shares_are_told(root: Path) -> None:
    plain = mapped(root, "run.outputs=plain")
    card = json.loads((plain / "scorecard.json").read_text())["risk"]
    assert "these are shares of what may be found and no numbers of deposits" in card["note"]
    assert set(card["first_targets"][0]) == {"targets", "area_km2", "expected_share"}
    assert card["all_ground"] is None
    targets = gpd.read_parquet(plain / "targets.parquet")
    assert "p_at_least_one" not in targets and "metal_t" not in targets
    assert 0 < targets["expected_share"].sum() <= 1


def test_any_tile_gives_the_same_tables(root: Path, outputs: Path) -> None:
    other = mapped(root, PRIOR, "region.tile=17", "run.cache=small", "run.outputs=small")
    for table in ("by_district", "by_licence", "first_targets", "ground_to_search", "discovery_curve"):
        one, two = (pyogrio.read_dataframe(folder / "targets.gpkg", layer=table) for folder in (outputs, other))
        pd.testing.assert_frame_equal(one, two)
    assert (other / "scorecard.json").read_bytes() == (outputs / "scorecard.json").read_bytes()


def test_a_map_that_could_not_be_tested_tells_no_curve_and_no_shares() -> None:
    found = risk.risk(targets=Fit([]), card=Fit({"scores": None}), samples=Fit({"cells": np.array(0)}), numbers=None, dense=False)
    assert found["curve"] is None and found["search"] is None and found["first_targets"] is None
