"""What the scorecard foretells, from tables made by a known rule, and where it must say that it cannot tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.config.frame import Protocol
from pipeline.learning import predictive
from pipeline.learning.fitted import fitted
from pipeline.learning.table import SampleTable
from pipeline.recipe import Fit
from pipeline.stages import foretell
from tests.learning import places

SPLIT = {**Protocol(title="").split.model_dump(), "kind": "nearest", "folds": 4}
FOREST = {"use": "random_forest", "said": {"bags": 6, "trees_per_bag": 4, "min_samples_leaf": 3, "max_features": "sqrt"}, "epoch": 1}
OVERLAY = {"use": "fuzzy_overlay", "said": {"operator": "gamma", "gamma": 0.75}, "epoch": 1}
CELLS = 1000
CELL_M, COLS = 50.0, 2000
AWAY = (-10.0, -10.0, -5.0, -5.0)  # no sampled cell lies there


def found(
    table: SampleTable, told: dict[str, Any] = FOREST, numbers: list[float] | None = None, finer: int = 100, measured: Any = None, on: Any = None
) -> dict[str, Any]:
    """Of ground of two tiles whose prospectivity is the layer that tells, and two new targets and one of known ground; one in `finer` cells is ranked."""
    ground = np.random.default_rng(0).normal(size=(CELLS, 4)).astype(np.float32)
    score = (1 / (1 + np.exp(-ground[:, 0]))).astype(np.float32)
    score[:50] = np.nan
    cell = 10**6 + np.arange(CELLS)
    layers = [score, *ground.T]
    parts = [{str(i): layer[half] for i, layer in enumerate(layers)} | {"cell": cell[half]} for half in (slice(0, 400), slice(400, None))]
    samples = {
        "drawn": np.ones((len(table), 1), bool), "label": table.label, "trains": table.trains, "cells": np.array((CELLS - 50) * finer),
        "cell_km2": np.array(1.0 / finer),
    }  # fmt: skip
    targets = [
        {
            "rank": rank,
            "area_km2": 19.0,
            "mean_prospectivity": float(np.nanquantile(score, at)),
            "wkb": shapely.to_wkb(shapely.box(*box), byte_order=1),
        }
        for rank, at, box in ((1, 0.99, AWAY), (2, 0.97, AWAY), (None, 0.995, AWAY))
    ]
    if on is not None:  # one target of those cells, whose mean is what it is
        x, y = (cell[on] % COLS + 0.5) * CELL_M, -(cell[on] // COLS + 0.5) * CELL_M
        ground_of = shapely.union_all(shapely.box(x - 1, y - 1, x + 1, y + 1))
        targets = [
            {"rank": 1, "area_km2": len(on) * 1.0, "mean_prospectivity": float(score[on].mean()), "wkb": shapely.to_wkb(ground_of, byte_order=1)}
        ]
    return foretell.foretell(
        parts=parts, table=Fit(table.to_bytes()), samples=Fit(samples), targets=Fit(targets), split=SPLIT, bounds=[0, -100_000, 100_000, 0], cell_m=CELL_M, seed=3,
        told=told, numbers=numbers, looked=None if measured is None else Fit(replace(table, measured=measured).to_bytes()),
    )  # fmt: skip


def test_more_ground_holds_more_and_the_first_targets_hold_what_their_rank_deserves() -> None:
    said = found(places.table(seed=1))
    shares = [one["share"] for one in said["capture"]]
    assert [one["area"] for one in said["capture"]] == list(foretell.AREAS)
    assert shares == sorted(shares)
    assert shares[1] > 0.4
    for one in (*said["capture"], said["targets"]):
        low, high = one["deposits"]
        assert 0 <= low <= round(60 * one["share"]) <= high <= 60
    assert said["further"] == said["held_out"]["deposits"] == 60
    targets = said["targets"]
    assert targets["first"] == 2
    assert targets["area"] == pytest.approx(0.04)
    assert shares[0] < targets["share"] < shares[2]
    assert "60 further deposits, as many as were held out" in said["words"]


def test_a_few_coarse_cells_are_foretold_no_more_deposits_than_they_are() -> None:
    said = found(places.table(seed=1), finer=1)
    assert [round(one["share"] * 60) > one["area"] * 950 for one in said["capture"]] == [True, True, False]  # more than the best cells are
    assert said["capture"][0]["deposits"][1] <= 9
    fine, coarse = (np.ptp(found(places.table(seed=1), finer=finer)["capture"][1]["deposits"]) for finer in (100, 1))
    assert coarse < fine


def test_a_target_holds_what_its_cells_deserve_and_not_what_their_mean_does() -> None:
    """Ten of the best cells and thirty poor ones: the best hold most of what there is, their common mean ranks in the middle."""
    order = np.argsort(np.random.default_rng(0).normal(size=(CELLS, 4)).astype(np.float32)[50:, 0]) + 50
    table = places.table(seed=1)
    mixed, rich, poor = (found(table, on=cells)["targets"]["share"] for cells in (np.r_[order[-10:], order[300:330]], order[-10:], order[300:330]))
    assert mixed == pytest.approx(rich + poor, rel=0.05)
    assert rich > 10 * poor


def test_labels_that_mean_nothing_foretell_what_the_area_holds() -> None:
    said = found(places.table(seed=2, signal=0.0))
    assert all(one["deposits"][0] <= 60 * one["area"] <= one["deposits"][1] for one in said["capture"])


def test_a_prior_says_how_many_deposits_there_may_be() -> None:
    numbers = [0.0] * 10 + [0.5] + [0.0] * 9 + [0.5]
    said = found(places.table(seed=1), numbers=numbers)
    assert said["further"] == 15
    assert said["capture"][2]["deposits"][1] <= 20
    assert "the prior" in said["words"]


def test_too_few_deposits_and_models_without_labels_foretell_nothing_and_say_why() -> None:
    few = found(places.table(seed=3, deposits=foretell.FEWEST - 1))
    assert few["capture"] is None
    assert few["reason"] == "nothing is foretold: 9 deposit groups can be held out, where 10 are needed"
    assert found(places.table(seed=3), OVERLAY)["reason"] == "nothing is foretold: the model learns from no deposits"


def test_where_people_have_mapped_tells_nothing_of_where_further_deposits_lie() -> None:
    """Nine in ten of the known deposits lie on the mapped tenth, and there the map finds all of them; elsewhere it finds none."""
    table, random = places.table(seed=4), np.random.default_rng(4)
    measured = np.where(table.positive, np.arange(len(table)) >= 6, random.random(len(table)) < 0.1)
    values = np.where((table.positive & ~measured)[:, None], random.normal(size=table.values.shape), table.values).astype(np.float32)
    blind, even = (found(replace(table, values=values), measured=one) for one in (None, measured))
    assert "but on mapped ground and off it in proportion to the ground" in even["words"] and "mapped" not in blind["words"]
    blind, even = blind["capture"][2], even["capture"][2]
    assert even["share"] < 0.6 * blind["share"]
    assert even["design_effect"] > blind["design_effect"]  # it rests on the few found elsewhere


def test_maps_without_a_fold_are_evened_only_where_config_evens_the_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured is told apart (`looked`): the table itself says it of a background that is evened, and of no other."""
    table, seen = places.table(seed=4), []
    measured = np.random.default_rng(4).random(len(table)) < np.where(table.positive, 0.9, 0.1)

    def spied(model: Any, train: SampleTable, *rest: Any) -> Any:
        seen.append(bool(train.measured.any()))
        return fitted(model, train, *rest)

    monkeypatch.setattr(predictive, "fitted", spied)
    found(table, measured=measured)
    assert seen and not any(seen)
    seen.clear()
    found(replace(table, measured=measured), measured=measured)
    assert seen and all(seen)
