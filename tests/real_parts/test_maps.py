"""The benchmark regions through the whole pipeline: its numbers are the field's numbers, and it says so when there is no skill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline import load, plan, run
from pipeline.flow import Outcome

REPO = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PROSPECT_DATA") or REPO.parent / "shared" / "data")
pytestmark = [pytest.mark.real, pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark data at {DATA.name} (set PROSPECT_DATA)")]


def mapped(region: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, dict[str, Any]]:
    monkeypatch.setenv("PROSPECT_DATA", str(DATA.resolve()))
    outcome = run(plan(load(region, settings=(f"run.cache={folder}/cache", f"run.outputs={folder}/outputs"), root=REPO)))
    return outcome, json.loads((outcome.outputs / "scorecard.json").read_text())


def test_cloncurry_gives_the_published_numbers_under_the_reference_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, card = mapped("cloncurry", tmp_path, monkeypatch)
    scores = card["protocols"]["reference"]["scores"]
    assert scores["model"]["pooled_auc"] == pytest.approx(0.74, abs=0.02)
    assert scores["coordinates"]["pooled_auc"] == pytest.approx(0.62, abs=0.03)
    assert card["protocols"]["reference"]["protocol"]["positives"] == 245
    assert set(card["protocols"]) == {"default", "reference"}
    assert {p.name for p in outcome.outputs.iterdir()} >= {"prospectivity.tif", "classes.tif", "targets.gpkg", "model.skops"}
    said = (outcome.outputs / "provenance.json").read_text() + (outcome.outputs / "config.yaml").read_text()
    assert str(tmp_path) not in said and str(DATA.resolve()) not in said


def test_dawadimi_is_near_chance_and_the_scorecard_says_so_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, card = mapped("dawadimi", tmp_path, monkeypatch)
    assert card["verdict"].startswith("Near chance")
    assert "do not use the map to choose ground" in card["verdict"]
