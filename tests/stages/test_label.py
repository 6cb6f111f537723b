"""Positives as they become samples: their weights, and the cells they may lie in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load
from pipeline.config.frame import Label
from pipeline.errors import ConfigError
from pipeline.flow import run
from pipeline.learning.table import SampleTable
from pipeline.planning import Plan, plan
from pipeline.stages import label
from tests import tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region, half of whose deposits are known to 1200 m and of medium confidence."""
    root = tiny.make(tmp_path_factory.mktemp("label"))
    table = pd.read_csv(root / "occurrences.csv")
    table["confidence"], table["uncertainty_m"] = np.resize(["high", "medium"], len(table)), np.resize([100, 1200], len(table))
    table.to_csv(root / "occurrences.csv", index=False)
    return root


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


def held(made: Plan, name: str) -> Any:
    return made.cube.load_fit(f"systems/as_published/{name}", made.fit_keys[f"systems/as_published/{name}"])


WEIGHED = ("label.weights={confidence: {medium: 0.5}}", "label.jitter=true")


def test_a_deposit_of_poor_position_teaches_from_nine_cells_and_is_scored_on_its_own(root: Path) -> None:
    made = planned(root, *WEIGHED)
    run(made)
    samples, table = held(made, "samples"), SampleTable.from_bytes(held(made, "table"))
    known = table.positive & table.scored
    assert known.sum() == len(set(table.cell[known].tolist())) == tiny.DEPOSITS
    assert sorted(np.round(samples["whole_weight"][known], 9).tolist()) == [0.5] * 12 + [1.0] * 12
    spread = table.positive & ~table.scored
    assert table.trains.all()
    assert spread.sum() == 12 * 8  # 100 m is less than the way to the next cell's centre
    for group in np.unique(table.group[spread]):
        rows = table.positive & (table.group == group)
        assert table.weight[rows].sum() == pytest.approx(np.sum(samples["whole_weight"][rows & table.scored]))
        own = rows & table.scored
        apart = np.hypot(table.x[rows][:, None] - table.x[own], table.y[rows][:, None] - table.y[own]).min(axis=1)
        assert apart.max() <= 1200
    assert not np.isin(table.cell[~table.positive], table.cell[table.positive]).any()
    card = held(made, "protocols/default/scorecard")["protocol"]
    assert card["positives"] == tiny.DEPOSITS


def test_neither_weights_nor_jitter_leave_the_samples_as_they_were(root: Path) -> None:
    made = planned(root)
    run(made)
    table = SampleTable.from_bytes(held(made, "table"))
    assert (table.weight == 1).all()
    assert table.scored.all()
    assert table.positive.sum() == tiny.DEPOSITS


def test_a_split_at_random_takes_each_deposit_where_it_was_reported(root: Path) -> None:
    (root / "configs" / "validation" / "random.yaml").write_text("title: at random\nsplit: {kind: random, folds: 3}\ngroups: cells\nseeds: 1\n")
    made = planned(root, *WEIGHED, "validation.protocols=[default, random]")
    run(made)
    assert held(made, "protocols/random/scorecard")["protocol"]["positives"] == tiny.DEPOSITS


def test_weights_and_jitter_by_columns_that_are_not_there_are_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"label\.weights: the occurrences have no column 'tonnage' \(there are: name, deposit_type"):
        planned(root, "label.weights={tonnage: {giant: 3}}")
    with pytest.raises(ConfigError, match=r"weights\.confidence\.high: Input should be greater than 0"):
        planned(root, "label.weights={confidence: {high: 0}}")


def test_jitter_without_a_stated_uncertainty_is_refused(root: Path) -> None:
    made = planned(root)
    frame = made.graph.found.frame("occurrences").drop(columns="uncertainty_m")
    with pytest.raises(ConfigError, match=r"label\.jitter: the occurrences have no column 'uncertainty_m'"):
        label.deposits(frame, Label(occurrences="occurrences", jitter=True))
