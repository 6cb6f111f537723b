"""Models that are told of columns, and models made of models, through the real shell: scored on blocks, fitted, written, read and applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import load, open_cube, plan, run
from tests import tiny

MODELS: tuple[dict[str, Any], ...] = (
    {"use": "stack", "members": ["gradient_boosting", "logistic_regression"], "folds": 2},
    {"use": "tuned", "model": "logistic_regression", "budget": 3, "folds": 2},
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("models"))


def mapped(root: Path, tile: int) -> dict[str, Any]:
    settings = (f"region.tile={tile}",)
    run(plan(load("tiny", settings=settings, root=root)))
    cube = open_cube("tiny", settings=settings, root=root)
    return {name: cube[name].values for name in ("prospectivity", "uncertainty", "halo")}


def finds_the_glow(root: Path, layers: dict[str, Any]) -> None:
    share, spread = layers["prospectivity"], layers["uncertainty"]
    known = np.isfinite(share)
    # The glow exp(-(r / 2500 m)^2), meant over 1500 m, is 0.84 at a deposit and less than 0.5 from some 2 km on.
    assert np.median(share[known & (layers["halo"] > 0.8)]) > np.median(share[known & (layers["halo"] < 0.5)]) + 0.3
    assert share[known].min() >= 0 and share[known].max() <= 1
    assert spread[known].min() >= 0 and spread[known].max() <= 0.5
    card = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())
    assert card["protocols"]["default"]["scores"]["model"]["fold_mean"] > 0.9


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model["use"]))
def test_a_model_made_of_models_makes_a_map_that_finds_the_glow_around_deposits(root: Path, model: dict[str, Any]) -> None:
    tiny.write(root, model=model)
    finds_the_glow(root, mapped(root, 64))


def test_the_signs_of_the_system_reach_the_model_and_any_tile_gives_its_map(root: Path) -> None:
    model = {"use": "gradient_boosting", "bags": 4}
    tiny.write(root, model=model, system={"name": "sought", "title": "Sought", "signs": {"halo": 1}})
    small, large = mapped(root, 32), mapped(root, 64)
    assert all(np.array_equal(small[name], large[name], equal_nan=True) for name in small)
    finds_the_glow(root, small)
    # Told that the glow speaks against deposits, the model may not use it: nothing else tells of them.
    tiny.write(root, model=model, system={"name": "sought", "title": "Sought", "signs": {"halo": -1}})
    mapped(root, 64)
    card = json.loads((root / "outputs" / "tiny" / "scorecard.json").read_text())
    assert card["protocols"]["default"]["scores"]["model"]["fold_mean"] < 0.7
