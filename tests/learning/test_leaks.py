"""The leak hunt: what must not raise a score on held-out blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.learning import heldout
from pipeline.learning.crossval import Split, cross_validate
from pipeline.learning.forests import BaggedForest
from pipeline.learning.table import SampleTable
from tests.learning.places import CELL_M, SIDE, table

BLOCKS = Split(kind="square_blocks", block_m=10_000.0)
AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0))


def forest(seed: int) -> BaggedForest:
    return BaggedForest(bags=4, trees_per_bag=10, random_state=seed)


def dilated(whole: SampleTable, *, divided: bool) -> SampleTable:
    """Deposits grown into their four neighbours, whose evidence is nearly theirs: in the same group, learned from, not scored."""
    random = np.random.default_rng(5)
    parts = [whole]
    row, col = np.divmod(whole.cell, SIDE)
    for down, right in AROUND:
        inside = whole.positive & (row + down >= 0) & (row + down < SIDE) & (col + right >= 0) & (col + right < SIDE)
        near = whole.subset(inside)
        values = near.values + random.normal(0, 0.05, near.values.shape).astype(np.float32)
        parts.append(
            replace(
                near, values=values, cell=near.cell + down * SIDE + right, x=near.x + right * CELL_M, y=near.y - down * CELL_M,
                scored=np.zeros(len(near), bool),
            )
        )  # fmt: skip
    rows = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "label", "group", "cell", "x", "y", "scored")}
    weight = np.where(rows["label"] == 1, 1 / 5, 1.0) if divided else np.ones(len(rows["label"]))
    return SampleTable(names=whole.names, weight=weight, **rows)


@pytest.fixture(autouse=True)
def no_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nulls cost most of the time and are not looked at here."""
    monkeypatch.setattr(heldout, "NULLS", {})
    monkeypatch.setattr(heldout, "NAMES", (heldout.MODEL,))


def auc(given: SampleTable, split: Split = BLOCKS) -> float:
    found = cross_validate(given, make_model=forest, split=split, seeds=(0, 1))
    return float(found.result["scores"]["model"]["fold_mean"])


@pytest.mark.parametrize("divided", [True, False])
@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_deposits_grown_into_their_neighbours_do_not_raise_the_block_auc(signal: float, divided: bool) -> None:
    plain = table(seed=3, signal=signal)
    grown, as_reported = (auc(rows) for rows in (dilated(plain, divided=divided), plain))
    assert grown < as_reported + 0.03


def test_the_same_rows_scored_and_split_at_random_would_show_as_skill() -> None:
    """What the test above would see if dilation leaked: labels that tell nothing, and an AUC far from a half."""
    grown = dilated(table(seed=3, signal=0.0), divided=False)
    leaky = replace(grown, scored=np.ones(len(grown), bool), group=np.arange(len(grown)))
    assert auc(leaky, Split(kind="random")) > 0.8
