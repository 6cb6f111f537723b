"""Evidence that may have been mapped because of deposits: the score without it is made, published and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config import load
from pipeline.errors import ConfigError
from pipeline.flow import run
from pipeline.planning import Plan, plan
from pipeline.stages import publish
from tests import tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("suspect"))


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


def test_the_score_without_a_suspect_layer_is_that_of_a_system_that_never_had_it(root: Path) -> None:
    """The halo glows around the deposits and nothing else tells of them: without it the score falls to that of the other layers."""
    made = planned(root, "system.suspect=[halo]", "background.at_least=200")
    run(made)
    card = json.loads((made.outputs / "scorecard.json").read_text())
    found = card["protocols"]["default"]
    without = found["without_suspect"]
    assert without["layers"] == ["halo"]
    assert found["evidence"] == ["elevation", "slope", "halo", "distance_to_faults"]
    assert found["scores"]["model"]["fold_mean"] > 0.75
    assert sum(c["observed"] for c in found["reliability"]["classes"]) == pytest.approx(found["protocol"]["positives"], abs=1e-4)
    assert sum(c["expected"] for c in found["reliability"]["classes"]) == pytest.approx(found["protocol"]["positives"], abs=1e-4)
    assert without["fold_mean"] < found["scores"]["model"]["fold_mean"] - 0.1
    # these nulls see no evidence, so they are the same on the same folds; the halo was the best layer
    blind = ("coordinates", "distance_to_known", "random")
    assert {name: without["nulls"][name] for name in blind} == {name: found["scores"][name]["fold_mean"] for name in blind}
    assert without["nulls"]["best_layer"] < found["scores"]["best_layer"]["fold_mean"] - 0.1
    told = [notice for notice in card["notices"] if notice.startswith("halo may have been mapped because of known deposits")]
    assert len(told) == 1
    assert f"{without['fold_mean']:.2f} without" in told[0]
    again = planned(root, "system.inputs=[halo]", "run.outputs=other", "background.at_least=200")
    run(again)
    other = json.loads((again.outputs / "scorecard.json").read_text())["protocols"]["default"]
    assert "without_suspect" not in other
    assert other["scores"]["model"]["fold_mean"] == without["fold_mean"]


def test_what_is_suspect_must_be_evidence_and_leave_some(root: Path) -> None:
    with pytest.raises(ConfigError, match="unknown evidence layer 'hallo'; did you mean 'halo'"):
        planned(root, "system.suspect=[hallo]")
    with pytest.raises(ConfigError, match="every layer of evidence is suspect, so none is left"):
        planned(root, "system.suspect=[halo, slope, elevation, distance_to_faults]")


def test_a_map_that_cannot_be_tested_says_so_of_its_suspect_layers_too() -> None:
    card = {"without_suspect": {"layers": ["halo", "slope"], "fold_mean": None, "nulls": {}, "verdict": "Not tested"}}
    assert publish._suspect(card) == ["halo, slope may have been mapped because of known deposits, and what the map is worth without is not tested"]
