from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from pipeline.errors import DataError
from pipeline.learning.forests import BaggedForest
from pipeline.learning.heldout import MODEL, HeldOut
from pipeline.learning.regions import balanced, joined, left_out, region_of, taught, units
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable
from tests.learning.places import table


def rows(values: list[float], label: list[int], *, name: str = "told") -> SampleTable:
    n = len(label)
    group = np.where(np.array(label) == 1, np.arange(n), -1 - np.arange(n))
    return SampleTable(np.array(values)[:, None], (name,), np.array(label), group, np.arange(n), np.zeros(n), np.zeros(n))


def test_groups_and_cells_of_regions_never_meet_and_places_are_gone() -> None:
    whole = joined({"own": rows([1, 2, 3], [1, 0, 1]), "teacher": rows([4, 5, 6], [1, 0, 0])})
    assert whole.cell.tolist() == [0, 1, 2, 3, 4, 5]
    assert whole.group.tolist() == [0, -2, 2, 3, -5, -6]
    assert whole.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert np.isnan(whole.x).all()
    assert np.isnan(whole.y).all()


def test_columns_are_matched_by_name() -> None:
    one, other = table(seed=0), table(seed=1)
    turned = SampleTable(other.values[:, ::-1], other.names[::-1], other.label, other.group, other.cell, other.x, other.y)
    assert joined({"own": one, "teacher": turned}).to_bytes() == joined({"own": one, "teacher": other}).to_bytes()


def test_a_region_with_other_layers_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="regions own and teacher have other layers: own has no slope; teacher has no told"):
        joined({"own": rows([1], [1]), "teacher": rows([1], [1], name="slope")})


def test_no_region_is_refused() -> None:
    with pytest.raises(DataError, match="joined sample table: no region"):
        joined({})


def scored(tables: dict[str, SampleTable], model: Any = None) -> dict[str, dict[str, float | str]]:
    """By region its AUCs, or why it was skipped."""
    found = left_out(tables, make_model=lambda _: model or GaussianNB(var_smoothing=1.0), seeds=(1,))
    return {region: of(tables, found, place) for place, region in enumerate(tables)}


def of(tables: dict[str, SampleTable], found: HeldOut, place: int) -> dict[str, float | str]:
    if (0, place) in found.skipped:
        return {"skipped": found.skipped[0, place]}
    whole = joined(tables)
    rows = (region_of(tables) == place) & whole.scored
    return {name: roc_auc(whole.label[rows], score[0, rows]) for name, score in found.scores.items()}


def test_each_region_is_ranked_by_what_the_others_teach() -> None:
    # In a and b high is good, in c low is. By hand: b's deposit is above 3 of 4 background cells, c's above none.
    tables = {
        "a": rows([9, 8, 1, 2, 3, 2], [1, 1, 0, 0, 0, 0]),
        "b": rows([5, 1, 2, 3, 6], [1, 0, 0, 0, 0]),
        "c": rows([0, 5, 6, 7], [1, 0, 0, 0]),
    }
    found = scored({"a": tables["a"], "b": tables["b"]})["b"]
    assert (found[MODEL], found["best_layer"]) == (0.75, 0.75)
    turned = scored({"a": tables["a"], "c": tables["c"]})["c"]
    assert (turned[MODEL], turned["best_layer"]) == (0.0, 0.0)
    assert found.keys() == {MODEL, "random", "best_layer"}


def test_the_left_out_region_teaches_nothing() -> None:
    teacher, own = table(seed=0), table(seed=1)
    # Labels of the held-out region turned around: a model that had seen them would follow.
    turned = SampleTable(own.values, own.names, 1 - own.label, own.group, own.cell, own.x, own.y)
    model = BaggedForest(bags=3, trees_per_bag=10, random_state=0)
    right = scored({"own": own, "teacher": teacher}, model)["own"][MODEL]
    wrong = scored({"own": turned, "teacher": teacher}, model)["own"][MODEL]
    assert float(right) > 0.9
    assert wrong == pytest.approx(1 - float(right))


def test_a_region_without_deposits_is_skipped_with_the_reason() -> None:
    found = scored({"own": rows([1, 2, 3], [0, 0, 0]), "teacher": rows([4, 5, 6], [1, 0, 0])})
    assert found == {"own": {"skipped": "it has no deposit to score"}, "teacher": {"skipped": "no other region has a deposit to learn from"}}


def test_a_region_or_its_teachers_without_background_are_skipped_with_the_reason() -> None:
    found = scored({"own": rows([1, 2], [1, 1]), "teacher": rows([4, 5], [1, 0])})
    assert found["own"] == {"skipped": "it has no background to score against"}
    assert found["teacher"] == {"skipped": "no other region has background to learn from"}
    assert scored({"own": rows([1, 2], [1, 0])})["own"] == {"skipped": "no other region has a deposit to learn from"}


def test_rows_that_do_not_train_teach_nothing_and_rows_that_are_not_scored_do_not_count() -> None:
    own = rows([5, 1, 9], [1, 0, 0])
    own.scored[2] = False
    teacher = rows([9, 1, 2, 99], [1, 0, 0, 0])
    teacher.trains[3] = False
    assert scored({"own": own, "teacher": teacher})["own"]["best_layer"] == 1.0


def test_background_counts_in_proportion_to_the_deposits_of_its_region_by_hand() -> None:
    # two deposits to four cells, and one to eight: 12 / 3 = 4 cells a deposit, so 8 over four cells and 4 over eight
    label = np.array([1, 1, 0, 0, 0, 0, 1] + [0] * 8 + [0] * 3)
    region = np.array([0] * 6 + [1] * 9 + [2] * 3)
    assert balanced(label, np.ones(18), region).tolist() == [1, 1, 2, 2, 2, 2, 1] + [0.5] * 8 + [0] * 3
    alone = balanced(label[:6], np.ones(6), region[:6])
    assert alone.tolist() == [1] * 6


def test_to_know_the_region_tells_a_model_nothing_of_the_label() -> None:
    # what rises with the number of deposits of a region tells regions apart, and would pass for evidence
    few, many = rows([0.0] * 41, [1] + [0] * 40), rows([1.0] * 60, [1] * 20 + [0] * 40)
    asked = rows([0.0, 1.0], [1, 0])
    tables = {"few": few, "many": many}
    whole = joined(tables)
    weight = balanced(whole.label, np.ones(len(whole.label)), region_of(tables))
    fair = GaussianNB(var_smoothing=1.0).fit(whole.values, whole.label, sample_weight=weight).predict_proba(asked.values)[:, 1]
    assert fair[0] == pytest.approx(fair[1], abs=1e-6)  # equal, but for the last bits of sums in float32
    unfair = GaussianNB(var_smoothing=1.0).fit(whole.values, whole.label).predict_proba(asked.values)[:, 1]
    assert unfair[1] > unfair[0]


def test_a_region_without_deposits_teaches_no_background() -> None:
    told = taught({"barren": rows([1, 2], [0, 0]), "teacher": rows([3, 4], [1, 0])})
    assert told.trains.tolist() == [False, False, True, True]


def test_pieces_of_ground_of_two_regions_are_never_one() -> None:
    one, other = table(seed=0), table(seed=1)
    ground = units({"one": one, "other": other})
    assert not {*ground[: len(one)]} & {*ground[len(one) :]}
    assert len({*ground}) > 20
