from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from pipeline.learning import infill
from pipeline.learning.hidden import Hiding, Told
from pipeline.learning.table import SampleTable

HOW = infill.How(block_m=10_000, folds=3, trees=5, seed=0)


def world() -> tuple[SampleTable, Told, Any]:
    """Ground 100 km a side: rock 1 is dark west of the middle, rock 0 bright, but the map of the south says the opposite of what is seen."""
    random = np.random.default_rng(0)
    n, m = 600, 3000
    x, y = random.uniform(0, 100_000, (2, n + m))
    dark = x < 50_000
    seen = np.where(dark, -1.0, 1.0)[:, None].astype(np.float32) + random.normal(0, 0.1, (n + m, 1)).astype(np.float32)
    code = np.where(y < 50_000, ~dark, dark).astype(np.int64)
    taught = infill.Taught(seen[n:], code[n:], x[n:], y[n:], np.arange(n, n + m))
    held = infill.learnt(taught, classes=infill.classes_of(taught), how=HOW)
    held |= {f"taught.{field.name}": getattr(taught, field.name) for field in fields(taught)}
    label = (np.arange(n) < 40).astype(int)
    values = np.column_stack((code[:n], random.normal(size=(n, 1)), np.full((n, 2), np.nan))).astype(np.float32)
    group = np.where(label == 1, np.arange(n), -1 - np.arange(n))
    whole = SampleTable(values, ("mapped", "other", "rock_1", "rock_entropy"), label, group, np.arange(n), x[:n], y[:n])
    # two classes and entropy; the model reads the second class and the entropy
    return whole, Told(np.array([-1, 2, 3]), seen[:n], np.ones(n, bool), held, HOW), dark[:n]


def test_test_ground_loses_what_was_mapped_and_training_ground_keeps_it() -> None:
    whole, told, _ = world()
    test = whole.y < 50_000
    values = Hiding(whole, np.array([0]), (told,))(~test, test)
    assert np.isnan(values[test, 0]).all()
    assert values[~test, 0].tolist() == whole.values[~test, 0].tolist()
    assert values[:, 1].tolist() == whole.values[:, 1].tolist()
    assert np.isnan(whole.values[:, 2]).all()  # the table itself is left alone


def test_rock_of_hidden_ground_is_told_from_the_rest_alone() -> None:
    whole, told, dark = world()
    test = whole.y < 50_000
    values = Hiding(whole, np.array([0]), (told,))(~test, test)
    # taught by the north only, dark ground is rock 1 in the south too, whatever the hidden map of the south says
    inner = test & (whole.y < 35_000)
    assert values[inner & dark, 2].mean() > 0.95 and values[inner & ~dark, 2].mean() < 0.05
    # were the south's map at hand it would not be: half of what was taught says the opposite
    everything = infill.blocks(told.seen, whole.x, whole.y, np.zeros(len(whole), bool), told.held, classes=2, how=HOW)
    assert 0.3 < everything[1, inner & dark].mean() < 0.7


def test_no_cell_that_teaches_lies_among_the_test_rows() -> None:
    whole, told, _ = world()
    test = (np.abs(whole.x - 30_000) < 15_000) & (np.abs(whole.y - 70_000) < 15_000)
    hide = Hiding(whole, np.array([0]), (told,))
    x, y = told.held["taught.x"], told.held["taught.y"]
    gone = hide._hidden(x, y, ~test, test, HOW)
    inside = (np.abs(x - 30_000) < 11_000) & (np.abs(y - 70_000) < 11_000)  # at the edge a training row may lie nearer
    assert gone[inside].all() and not gone[np.hypot(x - 30_000, y - 70_000) > 60_000].any()
