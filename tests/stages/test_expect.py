"""Deposits still to be found: an expert's number, spread over its tract by the map and never counted on known ground."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from pipeline.config import load
from pipeline.errors import ConfigError, DataError
from pipeline.flow import run
from pipeline.learning.lessons import Lessons
from pipeline.learning.undiscovered import number_distribution
from pipeline.planning import Plan, plan
from pipeline.recipe import Cells, Fit, Layer, Layers
from pipeline.stages import expect
from tests import tiny
from tests.learning.places import table

SCORES = np.random.default_rng(7).random((12, 15)).astype(np.float32)
SCORES[:2, :3] = np.nan
TRACT = np.ones((12, 15), np.float32)
TRACT[:, 10:] = 0
EVEN = Fit({"exponent": np.array(1.0), "scale": np.array("odds"), "mean": np.array(1.0), "finds": np.array(10**9)})
KNOWN = {"x_m": [450.0, 1450.0], "y_m": [-450.0, -50.0], "known_within_m": 100.0}


def tiles(side: int) -> list[tuple[slice, slice]]:
    return [(slice(r, r + side), slice(c, c + side)) for r in range(0, 12, side) for c in range(0, 15, side)]


def spread(side: int, mean: float = 6.0, how: Fit = EVEN) -> Any:
    """The whole raster of expected deposits, worked tile by tile."""

    def asked(here: tuple[slice, slice]) -> dict[str, Any]:
        x, y = (np.arange(15) + 0.5) * 100.0, -(np.arange(12) + 0.5) * 100.0
        at = Cells(x[here[1]], y[here[0]], np.arange(180).reshape(12, 15)[here], 100.0, 0, 180)
        return {"prospectivity": Layer.of(SCORES[here]), "tract": Layers((Layer.of(TRACT[here]),)), "at": at, "exponent": how, **KNOWN}

    total = Fit(expect.summed(parts=[expect.open_intensity(**asked(here)) for here in tiles(side)], whole_tract="t"))
    answer = np.full(SCORES.shape, 9, np.float32)
    for here in tiles(side):
        answer[here] = expect.expected(**asked(here), total=total, mean=mean)
    return answer


def test_the_cells_of_the_tract_share_the_mean_by_their_odds_and_known_ground_gets_none() -> None:
    found = spread(100)
    odds = SCORES.astype(np.float64) / (1 - SCORES.astype(np.float64))
    tract = (TRACT > 0) & ~np.isnan(SCORES)
    row, col = np.mgrid[:12, :15]
    known = np.hypot(col * 100.0 + 50 - 450, -row * 100.0 - 50 + 450) <= 100  # the other deposit lies outside the tract
    assert known.sum() == 5
    assert np.array_equal(~np.isnan(found), tract)
    assert (found[known] == 0).all()
    free = tract & ~known
    np.testing.assert_allclose(found[free], 6.0 * odds[free] / odds[free].sum(), rtol=1e-4)
    assert np.nansum(found.astype(np.float64)) == pytest.approx(6.0, rel=1e-6)


@pytest.mark.parametrize("side", [4, 5, 7])
@pytest.mark.parametrize("how", [EVEN, Fit(EVEN.value | {"exponent": np.array(1.2), "mean": np.array(2.0), "finds": np.array(8)})])
def test_any_tile_size_gives_the_same_bytes(side: int, how: Fit) -> None:
    assert spread(side, how=how).tobytes() == spread(100, how=how).tobytes()


def test_no_ground_is_said_to_hold_less_than_so_many_finds_can_tell() -> None:
    odds = SCORES.astype(np.float64) / (1 - SCORES.astype(np.float64))
    mean = float(np.nanmean(odds))
    found = spread(5, how=Fit(EVEN.value | {"mean": np.array(mean), "finds": np.array(20)}))
    free = (TRACT > 0) & ~np.isnan(SCORES) & (found > 0)
    told = np.maximum(odds[free], mean / 20)
    assert 0 < (odds[free] < mean / 20).sum() < free.sum()
    np.testing.assert_allclose(found[free], 6.0 * told / told.sum(), rtol=1e-4)


def test_what_calibrates_is_learnt_of_the_scorecard_the_map_and_the_groups_that_taught() -> None:
    held = table(seed=1, deposits=30, background=200)
    held = replace(held, group=np.concatenate([np.arange(30) // 3, np.arange(200)]), trains=np.arange(230) != 0)
    held.trains[:3] = False  # one group of three does not teach
    scores = [{"score": np.array([0.5], np.float32)}, {"score": np.array([0.0, 0.75, 0.8], np.float32)}]  # odds of 1, 0, 3 and 4
    said = {"table": Fit(held.to_bytes()), "parts": scores, "scale": "odds", "card": Fit({"calibration": None})}
    found = expect.learnt(**said | {"card": Fit({"calibration": {"exponent": 0.7, "interval": [0.6, 0.8], "use": 0.8, "finds": 9.0}})})
    assert found["mean"] == pytest.approx(2, rel=1e-6)
    assert {name: found[name].item() for name in ("exponent", "scale", "finds")} == {"exponent": 0.8, "scale": "odds", "finds": 9}
    assert expect.learnt(**said | {"card": Fit({"calibration": {"exponent": 1.2, "interval": None, "use": 1.0, "finds": 6.5}})})["finds"] == 6.5
    assert expect.learnt(**said)["exponent"] == 1
    taught = Fit(Lessons({"elsewhere": held}, {"elsewhere": np.zeros(230)}, {"elsewhere": 1.0}).packed())
    assert expect.learnt(**said, taught=taught)["finds"] == 9  # those of this ground
    assert expect.learnt(**said | {"table": Fit(held.subset(held.label == 0).to_bytes())}, taught=taught)["finds"] == 9  # of theirs, where it has none
    assert expect.learnt(**said | {"parts": [{"score": np.zeros(0, np.float32)}]})["mean"] == 0


def test_the_mean_is_that_of_the_map_away_from_known_deposits() -> None:
    x, y = (np.arange(15) + 0.5) * 100.0, -(np.arange(12) + 0.5) * 100.0
    at = Cells(x, y, np.arange(180).reshape(12, 15), 100.0, 0, 180)
    region = np.ones((12, 15), np.float32)
    found = expect.new_ground(prospectivity=Layer.of(SCORES), region=Layer.of(region), at=at, share=1.0, seed=0, **KNOWN)["score"]
    row, col = np.mgrid[:12, :15]
    near = (np.hypot(col * 100.0 + 50 - 450, -row * 100.0 - 50 + 450) <= 100) | (np.hypot(col * 100.0 + 50 - 1450, -row * 100.0 - 50 + 50) <= 100)
    assert np.array_equal(found, SCORES[~near & ~np.isnan(SCORES)])


def test_a_tract_without_a_scored_cell_is_one_clear_error() -> None:
    part = {"sum": np.array(0), "cells": np.array(0), "scored": np.array(40)}
    with pytest.raises(DataError, match="prior: the tract 'arc' holds no scored cell away from known deposits"):
        expect.summed(parts=[part], whole_tract="arc")
    nothing = expect.summed(parts=[part | {"scored": np.array(0)}], whole_tract="arc")  # no ground to map: the map says so
    assert int(nothing["sum"]) == 0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("expect"))
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 40_000, 50_000)], crs=tiny.CRS).to_file(root / "arc.gpkg", layer="arc")
    return root


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


ARC = "sources.arc={use: vector, path: arc.gpkg}"
SAID = "model: Porphyry Cu, depth_m: 1000, source: a test, page: '1', date: '2026'"
PRIOR = "priors={as_published: {n90: 2, n50: 5, n10: 12, tract: arc, %s, invented: true}}" % SAID  # noqa: UP031 - braces are YAML's here
SMALL = ("background.at_least=200", "targets.known_within_m=1000")


def test_a_prior_becomes_a_raster_chances_of_targets_and_a_stamp(root: Path) -> None:
    made = planned(root, ARC, PRIOR, *SMALL)
    run(made)
    with rasterio.open(made.outputs / "expected_deposits.tif") as file:
        found, tags, named = file.read(1), file.tags(), file.descriptions[0]
    mean = float(number_distribution(2, 5, 12) @ np.arange(13))
    assert np.nansum(found.astype(np.float64)) == pytest.approx(mean, rel=1e-5)
    east = int(40_000 / tiny.CELL_M)
    assert np.isnan(found[:, east:]).all()
    assert np.isfinite(found[:, :east]).all()
    assert "the prior is invented" in named
    assert tags["SYNTHETIC"].startswith("YES")
    targets = gpd.read_file(made.outputs / "targets.gpkg", layer="targets")
    inside = targets[targets.geometry.bounds.maxx <= 40_000]
    sums = [np.nansum(found[shapely.contains_xy(shape, *_centres())].astype(np.float64)) for shape in inside.geometry]
    assert inside["expected_deposits"].to_numpy() == pytest.approx(sums, abs=2e-6)
    assert (targets["p_at_least_one"] <= targets["expected_deposits"] + 1e-6).all()
    assert (inside["p_at_least_one"] > 0).any()
    card = json.loads((made.outputs / "scorecard.json").read_text())
    used = made.cube.load_fit("systems/as_published/exponent", made.fit_keys["systems/as_published/exponent"])
    deciding = card["protocols"]["default"]
    assert used["exponent"] == (deciding["calibration"]["use"] if deciding["calibration"] else 1)
    groups, told = deciding["protocol"]["groups"], deciding["calibration"]
    assert used["finds"] == (min(groups, told["finds"]) if told else groups) > 1
    assert used["mean"] > 0
    assert card["prior"]["n50"] == 5
    assert card["prior"]["page"] == "1"
    assert any("INVENTED number of undiscovered deposits" in notice for notice in card["notices"])


def _centres() -> Any:
    x = np.arange(tiny.CELL_M / 2, tiny.BOUNDS[2], tiny.CELL_M)
    y = np.arange(tiny.BOUNDS[3] - tiny.CELL_M / 2, 0, -tiny.CELL_M)
    return np.meshgrid(x, y)


def test_without_a_prior_for_this_system_nothing_is_expected(root: Path) -> None:
    made = planned(root, ARC, PRIOR.replace("as_published", "another"), "run.outputs=plain", *SMALL)
    run(made)
    assert not (made.outputs / "expected_deposits.tif").exists()
    assert "expected_deposits" not in gpd.read_file(made.outputs / "targets.gpkg", layer="targets").columns
    assert json.loads((made.outputs / "scorecard.json").read_text())["prior"] is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((PRIOR,), "unknown vector 'arc'"),
        ((PRIOR.replace("n50: 5", "n50: 1"),), "expected n90 <= n50 <= n10"),
        ((ARC, PRIOR, "background.kind=biased", "background.bias=halo"), "only background.kind uniform can give; it is biased"),
        ((ARC, PRIOR, "background.kind=similarity"), "only background.kind uniform can give; it is similarity"),
        ((ARC, PRIOR, "model={use: elkan_noto}"), "a prior is spread by the density of deposits, and elkan_noto gives none: its answers are cut off at 1"),
    ],
)  # fmt: skip
def test_a_prior_that_cannot_be_spread_is_refused_at_plan(root: Path, settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        planned(root, *settings)


def test_a_prior_over_a_map_of_knowledge_alone_is_refused(tmp_path: Path) -> None:
    features = {"halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500}, "altered": {"use": "logistic_membership", "of": "halo"}}
    said = {"n90": 1, "n50": 2, "n10": 4, "tract": "permissive", "model": "m", "depth_m": 1000, "source": "s", "page": "1", "date": "2026"}
    tiny.make(
        tmp_path, features=features, system={"name": "sought", "title": "Sought", "inputs": ["halo"]}, model={"use": "fuzzy_overlay"},
        priors={"sought": said},
    )  # fmt: skip
    with pytest.raises(ConfigError, match="a model that learns from none gives no density; drop the prior"):
        planned(tmp_path)
