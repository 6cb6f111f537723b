from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

from pipeline.errors import DataError
from pipeline.learning.regions import LeftOut, joined, leave_one_region_out
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


def test_each_region_is_ranked_by_what_the_others_teach() -> None:
    # In a and b high is good, in c low is. By hand: b's deposit is above 3 of 4 background cells, c's above none.
    tables = {
        "a": rows([9, 8, 1, 2, 3, 2], [1, 1, 0, 0, 0, 0]),
        "b": rows([5, 1, 2, 3, 6], [1, 0, 0, 0, 0]),
        "c": rows([0, 5, 6, 7], [1, 0, 0, 0]),
    }
    model = GaussianNB(var_smoothing=1.0)
    scored = leave_one_region_out({"a": tables["a"], "b": tables["b"]}, model=model, seed=1)
    assert (scored["b"].positives, scored["b"].background) == (1, 4)
    assert (scored["b"].auc, scored["b"].best_layer) == (0.75, 0.75)
    turned = leave_one_region_out({"a": tables["a"], "c": tables["c"]}, model=model, seed=1)["c"]
    assert (turned.auc, turned.best_layer) == (0.0, 0.0)


def test_the_left_out_region_teaches_nothing() -> None:
    teacher, own = table(seed=0), table(seed=1)
    # Labels of the held-out region turned around: a model that had seen them would follow.
    turned = SampleTable(own.values, own.names, 1 - own.label, own.group, own.cell, own.x, own.y)
    model = RandomForestClassifier(n_estimators=30, min_samples_leaf=2, random_state=0)
    right = leave_one_region_out({"own": own, "teacher": teacher}, model=model, seed=1)["own"].auc
    wrong = leave_one_region_out({"own": turned, "teacher": teacher}, model=model, seed=1)["own"].auc
    assert right is not None
    assert right > 0.9
    assert wrong == pytest.approx(1 - right)


def test_a_region_without_deposits_is_skipped_with_the_reason_and_still_gives_background() -> None:
    scored = leave_one_region_out({"own": rows([1, 2, 3], [0, 0, 0]), "teacher": rows([4, 5, 6], [1, 0, 0])}, model=GaussianNB(), seed=1)
    assert scored["own"] == LeftOut(positives=0, background=3, skipped="it has no deposit to score")
    assert scored["teacher"] == LeftOut(positives=1, background=2, skipped="no other region has a deposit to learn from")


def test_a_region_or_its_teachers_without_background_are_skipped_with_the_reason() -> None:
    scored = leave_one_region_out({"own": rows([1, 2], [1, 1]), "teacher": rows([4, 5], [1, 0])}, model=GaussianNB(), seed=1)
    assert scored["own"].skipped == "it has no background to score against"
    assert scored["teacher"].skipped == "no other region has background to learn from"


def test_rows_that_do_not_train_teach_nothing_and_rows_that_are_not_scored_do_not_count() -> None:
    own = rows([5, 1, 9], [1, 0, 0])
    own.scored[2] = False
    teacher = rows([9, 1, 2, 99], [1, 0, 0, 0])
    teacher.trains[3] = False
    scored = leave_one_region_out({"own": own, "teacher": teacher}, model=GaussianNB(var_smoothing=1.0), seed=1)["own"]
    assert (scored.positives, scored.background, scored.best_layer) == (1, 1, 1.0)
