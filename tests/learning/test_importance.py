"""Permutation importance finds what the labels were made of."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.learning import importance
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable

ROWS = 400


def table_of(values: np.ndarray, label: np.ndarray) -> SampleTable:
    """A table of these values and labels, one row a group, at places in a line."""
    cell = np.arange(len(values))
    return SampleTable(values=values, names=tuple("abcd"[: values.shape[1]]), label=label, group=cell, cell=cell, x=cell * 1.0, y=cell * 0.0)


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three independent layers; the first decides the label, the second a little."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(ROWS, 3)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(2.5 * values[:, 0] + 0.8 * values[:, 1] - 1)))
    return values, (rng.random(ROWS) < chance).astype(np.int8)


def lost_by(table: SampleTable, fold: np.ndarray, columns: list[list[int]], *, repeats: int = 5) -> np.ndarray:
    models = importance.refitted(table, make_model=lambda _: LogisticRegression(), fold=fold, seed=1)
    return importance.drops(table, models=models, fold=fold, columns=columns, seed=1, repeats=repeats)


def test_what_the_labels_were_made_of_costs_most_when_shuffled() -> None:
    values, label = drawn()
    table = table_of(values, label)
    fold = np.arange(ROWS) % 4
    lost = lost_by(table, fold, [[0], [1], [2]])
    assert lost.shape == (4, 3)
    first, second, third = lost.mean(axis=0)
    assert first > 0.2 > second > 0.01 > abs(third)


def test_a_drop_is_the_auc_lost_on_the_fold_by_the_stated_shuffles() -> None:
    values, label = drawn()
    table, fold = table_of(values, label), np.arange(ROWS) % 2
    lost = lost_by(table, fold, [[0, 1, 2]], repeats=200)
    test = fold == 1
    model = LogisticRegression().fit(values[~test], label[~test])
    base = roc_auc(label[test], model.decision_function(values[test]))
    assert lost[1, 0] == pytest.approx(base - 0.5, abs=0.01)  # rows shuffled whole rank by chance


def test_rows_of_no_fold_take_no_part_and_a_fold_of_one_class_is_not_scored() -> None:
    values, label = drawn()
    fold = np.where(np.arange(ROWS) < 10, -1, np.where(label == 1, 0, 1 + np.arange(ROWS) % 2))
    fold[np.flatnonzero(label == 1)[::2]] = 1
    lost = lost_by(table_of(values, label), fold, [[0]])
    assert np.isnan(lost[0, 0])
    assert lost[1, 0] > 0.1


def test_features_that_rank_alike_are_one_set() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, ROWS))
    values = np.column_stack([a, np.exp(-a), b, b + 3 * rng.normal(size=ROWS), rng.normal(size=ROWS)])
    values[3, 0] = np.nan
    assert importance.alike(values, (1, 1, 2, 1)) == [[0, 1], [2], [3]]
    assert importance.alike(values[:, :1], (1,)) == [[0]]


def test_a_feature_with_a_double_weighs_its_part_of_what_the_two_cost_together() -> None:
    found = importance.shares([0.01, 0.0, 0.2, -0.1, np.nan], [0.3, 0.2, -0.1, np.nan], [[0, 1], [2], [3], [4]])
    assert found.tolist() == [0.15, 0.15, 0.2, 0.0, 0.0]


def test_a_model_with_inner_folds_is_given_the_other_folds_as_its_blocks() -> None:
    seen: list[tuple[int, list[int]]] = []

    class Asking(LogisticRegression):
        def fit(self, X: object, y: object, blocks: object = None) -> Asking:
            seen.append((len(np.asarray(X)), sorted(set(np.asarray(blocks).tolist()))))
            super().fit(X, y)
            return self

    values, label = drawn()
    importance.refitted(table_of(values, label), make_model=lambda _: Asking(), fold=np.arange(ROWS) % 4, seed=1)
    assert seen == [(300, [1, 2, 3]), (300, [0, 2, 3]), (300, [0, 1, 3]), (300, [0, 1, 2])]
