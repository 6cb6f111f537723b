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
