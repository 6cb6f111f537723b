"""Maps taught by other regions: what takes many maps to show."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import analogues
from tests.test_analogues import BY_BOTH, REPO, THREE, Worlds, across, mapped, read
from tests.test_flow import digests

pytestmark = pytest.mark.world


def test_a_run_killed_while_it_is_taught_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    root, taught = (analogues.make(tmp_path / name, **THREE) for name in ("killed", "whole"))
    mapped(taught)
    moments = random.Random(3)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "map", "own"], cwd=root, env={**os.environ, "PYTHONPATH": str(REPO)}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(2.0, 7.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    mapped(root)
    assert digests(root / "outputs" / "own") == digests(taught / "outputs" / "own")


def test_a_teacher_helps_where_few_deposits_are_known_and_its_rule_holds(tmp_path: Path) -> None:
    # a dozen deposits in much noise teach little, fifty in each of two like regions more
    noisy: Worlds = {name: {**words, "noise": 3.0, "deposits": 50} for name, words in THREE.items()}
    card = mapped(analogues.make(tmp_path, **{**noisy, "own": {"seed": 5, "training": BY_BOTH, "noise": 3.0, "deposits": 12}}))
    without = card["protocols"]["default"]["without_teachers"]
    assert card["protocols"]["default"]["scores"]["model"]["fold_mean"] > without["fold_mean"] + 0.1
    assert without["difference"]["interval"][0] > 0 and across(card)["auc"] > 0.7
    assert any("what alike and third teach helps here: AUC" in notice for notice in card["notices"])


def test_ground_like_that_of_a_teacher_is_applicable(tmp_path: Path) -> None:
    # the own deposits lie in the south alone: nobody has looked at the brighter ground of the north, which is like that of the teacher
    near = {"explored_km": 2}
    root = analogues.make(tmp_path, own={"seed": 1, "north": 6.0, "applicability": near}, alike={"seed": 2, "shift": 6.0})
    alone = mapped(root)
    north = read(root, "applicability")[: analogues.CELLS // 2 - 5]
    analogues.write(root, "own", training={"regions": ["alike"]}, applicability=near)
    card = mapped(root)
    both = read(root, "applicability")[: analogues.CELLS // 2 - 5]
    assert np.median(north) < 0.1 and np.median(both) > 0.5
    assert card["applicable_share"] > alone["applicable_share"] + 0.2
    most_like = read(root, "taught_by")
    assert (most_like[: analogues.CELLS // 2 - 5] == 2).mean() > 0.9 and (most_like[analogues.CELLS // 2 + 5 :] == 1).mean() > 0.9
    assert any("the ground of alike differs from that mapped most in halo" in notice for notice in card["notices"])


def test_a_layer_with_a_unit_is_aligned_only_if_leaving_out_teachers_gains(tmp_path: Path) -> None:
    worlds: Worlds = {name: {**words, "shift": shift} for (name, words), shift in zip(THREE.items(), (0.0, 8.0, -8.0), strict=True)}
    sources = {name: {**analogues.said(name)["sources"]} for name in worlds}
    for name, source in sources.items():
        for layer in ("glow", "sheen"):
            source[layer] = source[layer] | {"units": "nT"}
        worlds[name]["sources"] = source
    worlds["own"]["training"] = BY_BOTH | {"align": "quantiles"}
    root = analogues.make(tmp_path, **worlds)
    card = mapped(root)
    alignment = card["protocols"]["leave_one_region_out"]["alignment"]
    assert alignment["gain"]["interval"][0] > 0 and alignment["layers"] == ["halo", "shine", "high"]
    assert "halo, shine, high are aligned in spite of a unit: leaving out each region that teaches gives AUC" in alignment["says"]
    # with one teacher nothing but the deposits of the region mapped could test it, and they may not
    analogues.write(root, "own", sources=sources["own"], training={"regions": ["alike"], "align": "quantiles"})
    alone = mapped(root)["protocols"]["leave_one_region_out"]["alignment"]
    assert alone["layers"] == [] and "with one region that teaches none can be left out" in alone["says"]


@pytest.mark.parametrize("model", ["stack", "elkan_noto", "weights_of_evidence", "presence_background", "positive_unlabelled_bagging"])
def test_every_kind_of_model_learns_from_other_regions(tmp_path: Path, model: str) -> None:
    small: dict[str, Any] = {
        "stack": {"members": ["random_forest", "logistic_regression"], "folds": 2}, "elkan_noto": {"bags": 2, "trees_per_bag": 5},
        "presence_background": {"bags": 2}, "positive_unlabelled_bagging": {"bags": 4, "trees_per_bag": 3}, "weights_of_evidence": {},
    }[model]  # fmt: skip
    worlds = {name: {**THREE[name], "model": {"use": model, **small}} for name in ("own", "alike")}
    worlds["own"]["training"] = {"regions": ["alike"]}
    card = mapped(analogues.make(tmp_path, **worlds))
    assert across(card)["auc"] > 0.85
