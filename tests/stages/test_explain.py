"""What the map's model rests on, told of tables made by a known rule, and of tables that cannot tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.config.frame import Protocol
from pipeline.learning.table import SampleTable
from pipeline.recipe import Fit
from pipeline.stages import explain

ROWS = 400
SPLIT = {**Protocol(title="").split.model_dump(), "kind": "square_blocks", "folds": 4, "block_km": 10}
FOREST = {"use": "random_forest", "said": {"bags": 2, "trees_per_bag": 10, "min_samples_leaf": 2, "max_features": "sqrt"}, "epoch": 1}
OVERLAY = {"use": "fuzzy_overlay", "said": {"operator": "gamma", "gamma": 0.75}, "epoch": 1}


def table(**changes: Any) -> SampleTable:
    """Places over 100 x 100 km: ore where `told` is high, `double` says the same, `other` and the two layers of `mute` say nothing."""
    rng = np.random.default_rng(4)
    told, other, mute, more = rng.normal(size=(4, ROWS))
    values = np.column_stack([told, 2 * told + 0.1 * rng.normal(size=ROWS), other, mute, more])
    label = (told + 0.3 * rng.normal(size=ROWS) > 0.8).astype(np.int8)
    x, y = rng.uniform(0, 100_000, (2, ROWS))
    cell = np.arange(ROWS)
    made = SampleTable(values=values, names=("told", "double", "other", "mute_1", "mute_2"), label=label, group=cell, cell=cell, x=x, y=y)
    return replace(made, **changes)


def found(of: SampleTable, told: dict[str, Any] = FOREST) -> dict[str, Any]:
    said = {"title": "blocks", "split": SPLIT, "bounds": [0, 0, 100_000, 100_000], "seed": 3}
    return explain.importance(table=Fit(of.to_bytes()), told=told, features=["told", "double", "other", "mute"], counts=[1, 1, 1, 2], **said)


def test_the_skill_rests_on_what_the_labels_were_made_of_and_a_double_counts_with_it() -> None:
    said = found(table())
    drops = {one["name"]: one["drop"] for one in said["features"]}
    assert [one["features"] for one in said["sets"]] == [["told", "double"]]
    assert said["sets"][0]["drop"] > 0.3 > max(abs(drops["other"]), abs(drops["mute"])) * 5
    assert said["sets"][0]["folds"] == 4
    assert 0 < said["sets"][0]["spread"] < 0.2
    assert said["protocol"] == {"title": "blocks", "split": "10 km blocks in 4 folds", "seed": 3, "shuffles": explain.SHUFFLES}
    curves = {one["feature"]: one for one in said["dependence"]["curves"]}
    assert list(curves) == ["told", "double", "other"]  # two layers have no one axis
    rise = {name: one["mean"][-1] - one["mean"][0] for name, one in curves.items()}
    assert rise["told"] > 0.1 > 3 * abs(rise["other"])
    assert all(low <= mean <= high for one in curves.values() for low, mean, high in zip(one["low"], one["mean"], one["high"], strict=True))
    weight = explain.weights(said)
    assert weight is not None
    assert min(weight[:2]) >= said["sets"][0]["drop"] / 2
    assert max(weight[2:]) < 0.06


def test_a_map_of_knowledge_is_tested_like_any_other_when_deposits_are_known() -> None:
    member = 1 / (1 + np.exp(-table().values))
    said = found(table(values=member.astype(np.float32)), OVERLAY)
    assert said["untested"] is None
    assert said["sets"][0]["drop"] > 0.02


EMPTY = np.zeros(0, np.int64)
NOTHING = dict.fromkeys(("label", "group", "cell", "x", "y", "weight", "trains", "scored", "measured"), EMPTY) | {"values": np.empty((0, 5))}
CANNOT_TELL = {
    "no ground": (NOTHING, OVERLAY, "No permissive ground"),
    "no deposit": ({"label": np.zeros(ROWS)}, OVERLAY, "Not tested: no known deposit"),
    "one deposit": ({"label": np.arange(ROWS) == 7}, FOREST, "every positive belongs to one deposit group"),
    "one block": ({"x": np.full(ROWS, 5.0), "y": np.full(ROWS, 5.0)}, FOREST, "all the positives lie in one block"),
}


@pytest.mark.parametrize(("changes", "told", "words"), CANNOT_TELL.values(), ids=CANNOT_TELL.keys())
def test_what_cannot_be_measured_is_said_and_nothing_is_claimed(changes: dict[str, Any], told: dict[str, Any], words: str) -> None:
    said = found(table(**changes), told)
    assert words in said["untested"]
    assert said["features"] == said["sets"] == []
    assert said["dependence"] is None
    assert explain.weights(said) is None
