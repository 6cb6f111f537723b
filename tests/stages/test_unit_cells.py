"""The area behind the background reaches the model that counts unit cells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import load, open_cube, plan, run
from pipeline.learning import model_files
from pipeline.learning.weights_of_evidence import WeightsOfEvidence
from tests import tiny


def test_weights_of_evidence_map_a_probability_per_unit_cell_of_the_whole_ground(tmp_path: Path) -> None:
    said = {"model": {"use": "weights_of_evidence", "unit_cell_km2": 0.5}, "system": {"name": "sought", "title": "Sought", "signs": {"halo": 1}}}
    # a background that leaves out the surroundings of deposits would stand for less favourable ground than the map's
    root = tiny.make(tmp_path / "r", background={"per_positive": 10, "at_least": 3000, "exclude_m": 0}, **said)
    loaded = load("tiny", root=root)
    run(plan(loaded))
    model = model_files.load((root / "outputs" / "tiny" / "model.skops").read_bytes())
    assert isinstance(model, WeightsOfEvidence)
    # 60 km x 50 km is 6000 unit cells of half a square kilometre, those with a deposit among them
    assert model.counted_[:2].sum() == pytest.approx(6000)
    assert model.names == ("elevation", "slope", "halo", "distance_to_faults") and model.signs == (0, 0, 1, 0)
    halo = next(entry for entry in model.report()["layers"] if entry["layer"] == "halo" and entry["class"] == "at or above")
    assert halo["w_plus"] > 2 and halo["refused"] is None
    maps = open_cube("tiny", root=root)
    # the mean over the map, times the unit cells, is what the model expects of the whole ground
    assert np.nanmean(maps["prospectivity"].values) * 6000 == pytest.approx(model.expected_[0], rel=0.1)
    assert (maps["uncertainty"].values > 0).all()
    scored = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())
    assert scored["protocols"]["default"]["scores"]["model"]["fold_mean"] > 0.85
    # what it rests on is published, and that its weights may not be added, where they may not
    assert scored["model"] == {"use": "weights_of_evidence", **model.report()}
    assert scored["model"]["unit_cell_km2"] == 0.5 and scored["model"]["independence"]["observed"] == tiny.DEPOSITS
    assert {"contrast", "studentized_contrast", "s_w_plus", "s_w_minus"} <= scored["model"]["layers"][0].keys()
    told = [notice for notice in scored["notices"] if notice.startswith("Conditional independence fails")]
    assert bool(told) is not scored["model"]["independence"]["holds"]
    assert scored["protocols"]["default"]["reliability"]["scale"] == "share"
    assert scored["signs"]["enforced"] and scored["signs"]["declared"] == {"halo": 1} and not scored["signs"]["against"]


def test_a_model_that_does_not_enforce_signs_says_so_and_names_the_layers_that_go_against_them(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r", model={"use": "spline_logistic", "bags": 2}, system={"name": "sought", "title": "Sought", "signs": {"halo": -1}})
    run(plan(load("tiny", root=root)))
    signs = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())["signs"]
    assert not signs["enforced"] and signs["against"]["halo"] > 0
    assert "spline_logistic does not enforce the signs of the system" in signs["says"] and "against them along halo (+" in signs["says"]


def test_weights_that_may_not_be_added_are_told(tmp_path: Path) -> None:
    # the same glow twice: what either tells is counted twice
    features = {f"halo{i}": {"use": "focal_mean", "of": "alteration", "radius_m": radius} for i, radius in enumerate((1500, 1600, 1400))}
    root = tiny.make(tmp_path / "r", model={"use": "weights_of_evidence"}, features=features, background={"at_least": 2000, "exclude_m": 0})
    run(plan(load("tiny", root=root)))
    card = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())
    assert not card["model"]["independence"]["holds"]
    assert any("Conditional independence fails" in notice and "use logistic_regression" in notice for notice in card["notices"])
