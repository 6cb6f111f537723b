from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.learning import model_files
from pipeline.learning.blocks import square_blocks
from pipeline.learning.forests import BaggedForest
from pipeline.learning.table import SampleTable
from pipeline.learning.tuned import Tuned
from pipeline.learning.unlabelled import ElkanNoto
from pipeline.recipe import Fit
from pipeline.stages import making, train
from tests.learning.places import table


def drawn(whole: SampleTable) -> Fit:
    """The samples of a table, of cells of one square kilometre, as far as training asks."""
    return Fit({"label": whole.label, "trains": whole.trains, "drawn": np.ones((len(whole), 1), bool), "cells": np.array(10_000), "cell_km2": np.array(1.0)})


def told(use: str, **said: Any) -> dict[str, Any]:
    return {"use": use, "said": said, "epoch": 1}


def test_a_model_with_inner_folds_holds_out_squares_of_the_deciding_protocol() -> None:
    whole, small = table(seed=0), {"bags": 4, "trees_per_bag": 5}
    node = train.node(prefix="systems/it", told=told("elkan_noto", **small), seed=3, block_km=25)
    assert node.call.parameters["block_km"] == 25
    data = train.train(table=Fit(whole.to_bytes()), samples=drawn(whole), **node.call.parameters)
    # No deposit of this table has two cells, so no block is joined to another.
    blocks = square_blocks(whole.x, whole.y, block_m=25_000)
    by_hand = ElkanNoto(**small, random_state=3).fit(whole.values, whole.label, groups=whole.group, blocks=blocks)
    by_deposit = ElkanNoto(**small, random_state=3).fit(whole.values, whole.label, groups=whole.group)
    found: Any = model_files.load(data)
    assert found.c_ == by_hand.c_ != by_deposit.c_


def test_the_blocks_are_no_part_of_the_key_of_a_model_that_holds_nothing_out() -> None:
    node = train.node(prefix="systems/it", told=told("random_forest"), seed=3, block_km=25)
    assert set(node.call.parameters) == {"told", "seed"}
    data = train.train(table=Fit(table(seed=0).to_bytes()), samples=drawn(table(seed=0)), told=told("random_forest", bags=2, trees_per_bag=2), seed=3)
    assert model_files.load(data).predict_proba(np.zeros((1, 4), np.float32)).shape == (1, 2)


def test_the_model_of_a_background_left_out_is_kept_bare_and_one_that_was_tuned_with_its_record() -> None:
    whole = table(seed=0)
    rows = {"table": Fit(whole.to_bytes()), "samples": drawn(whole), "seed": 3, "block_km": 25}
    columns = {"names": list(whole.names), "signs": [0] * 4, "counts": [1] * 4}
    tuned = told("tuned", model="logistic_regression", budget=2, folds=2) | {"columns": columns}
    assert train.node(prefix="it", told=tuned | {"leave_out": 0.1}, seed=3, block_km=25).call.parameters["block_km"] == 25
    for said in (tuned, tuned | {"leave_out": 0.1}):
        assert type(model_files.load(train.train(told=said, **rows))) is Tuned


def test_the_map_learns_from_what_trains_by_its_weight() -> None:
    whole, small = table(seed=0), {"bags": 2, "trees_per_bag": 5}
    trains, weight = np.arange(len(whole)) % 3 > 0, np.where(whole.positive, 0.5, 1.0)
    parted = replace(whole, trains=trains, weight=weight)
    found: Any = model_files.load(train.train(table=Fit(parted.to_bytes()), samples=drawn(parted), told=told("random_forest", **small), seed=3))
    by_hand = BaggedForest(**small, min_samples_leaf=5, random_state=3).fit(whole.values[trains], whole.label[trains], whole.group[trains], weight[trains])
    assert found.predict_proba(whole.values).tolist() == by_hand.predict_proba(whole.values).tolist()


def test_a_background_row_stands_for_ground_by_the_rows_that_teach() -> None:
    label, trains = np.repeat([1, 0], [10, 90]), np.repeat([True, False, True], [10, 50, 40])
    samples = {"label": label, "trains": trains, "drawn": np.ones((100, 1), bool), "cells": np.array(2_000), "cell_km2": np.array(0.5)}
    assert making.background_km2(samples) == 1_000 / 40


def test_a_model_without_bags_cannot_make_the_map() -> None:
    with pytest.raises(ConfigError, match="model 'reference_forest' has no bags"):
        train.node(prefix="systems/it", told=told("reference_forest"), seed=3, block_km=25)
