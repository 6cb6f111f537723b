"""For and against: contributions at each target's best cell add up to its prospectivity, whatever the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from pipeline import load, open_cube, plan, run
from pipeline.planning import Plan
from pipeline.stages import reasons
from tests import tiny

KNOWLEDGE = {
    "system": {"name": "as_published", "title": "Knowledge", "inputs": ["halo", "slope"]},
    "features": {
        "slope": {"of": "dem"}, "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
        "altered": {"use": "logistic_membership", "of": "halo"}, "steep": {"use": "logistic_membership", "of": "slope"},
    },
    "model": {"use": "fuzzy_overlay"},
}  # fmt: skip


def fit(made: Plan, name: str) -> Any:
    return made.cube.load_fit(f"{made.graph.prefix}/{name}", made.fit_keys[f"{made.graph.prefix}/{name}"])


@pytest.mark.parametrize("said", [{}, KNOWLEDGE], ids=["forest", "overlay"])
def test_each_target_says_what_speaks_for_it_and_the_contributions_add_up_to_its_best_cell(tmp_path: Path, said: dict[str, Any]) -> None:
    root = tiny.make(tmp_path, **said)
    made = plan(load("tiny", root=root))
    outputs = run(made).outputs
    targets, why = fit(made, "targets"), fit(made, "reasons")
    assert len(targets) == len(why) > 2
    cube = open_cube("tiny", root=root)
    for target, told in zip(targets, why, strict=True):
        x, y = target["best"]
        there = float(cube["prospectivity"].sel(x=x, y=y))
        assert there == pytest.approx(target["max_prospectivity"], abs=1e-6)
        assert told["base"] + sum(told["contributions"].values()) == pytest.approx(there, abs=1e-5)
    glow = "altered" if said else "halo"
    assert np.mean([told["for_1"].startswith(glow) for told in why]) > 0.9  # it glows around the deposits
    written = gpd.read_parquet(outputs / "targets.parquet")
    assert written["for_1"].tolist() == [told["for_1"] for told in why]
    silent = [told["against_1"] is None for told in why]
    assert written["against_1"].isna().tolist() == silent
    for row, told in zip(written.itertuples(), why, strict=True):
        worst = min(told["contributions"].values())
        assert told["against_1"] is None or told["against_1"].endswith(f"({worst:+.3f})"), row


def test_any_tile_gives_the_same_reasons(tmp_path: Path) -> None:
    root = tiny.make(tmp_path)
    answers = []
    for tile in (32, 64):
        made = plan(load("tiny", settings=(f"region.tile={tile}",), root=root))
        run(made)
        answers.append((fit(made, "targets"), fit(made, "reasons"), fit(made, "importance")))
    for one, other in zip(*answers, strict=True):
        assert one == other


def test_the_words_name_at_most_three_for_and_one_against_in_order() -> None:
    words = reasons._words(np.array([0.1, -0.2, 0.3, 0.0, 0.1, 0.05]), list("abcdef"))
    assert words == {"for_1": "c (+0.300)", "for_2": "a (+0.100)", "for_3": "e (+0.100)", "against_1": "b (-0.200)"}
    assert reasons._words(np.array([0.0, 0.2]), ["a", "b"]) == {"for_1": "b (+0.200)", "for_2": None, "for_3": None, "against_1": None}
