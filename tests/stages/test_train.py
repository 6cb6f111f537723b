from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.learning import model_files
from pipeline.learning.blocks import square_blocks
from pipeline.learning.table import SampleTable
from pipeline.learning.unlabelled import ElkanNoto
from pipeline.recipe import Fit
from pipeline.stages import train
from tests.learning.places import table


def drawn(whole: SampleTable) -> Fit:
    """The samples of a table, of cells of one square kilometre, as far as training asks."""
    return Fit({"label": whole.label, "drawn": np.ones((len(whole), 1), bool), "cells": np.array(10_000), "cell_km2": np.array(1.0)})


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


def test_a_model_without_bags_cannot_make_the_map() -> None:
    with pytest.raises(ConfigError, match="model 'reference_forest' has no bags"):
        train.node(prefix="systems/it", told=told("reference_forest"), seed=3, block_km=25)
