from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning.alignment import Evidence, aligned, most_different, unitless
from pipeline.learning.forests import BaggedForest
from pipeline.learning.heldout import MODEL
from pipeline.learning.regions import left_out
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable
from tests.learning.places import table


def column(values: list[float]) -> SampleTable:
    n = len(values)
    return SampleTable(np.array(values)[:, None], ("told",), np.arange(n) % 2, np.arange(n), np.arange(n), np.zeros(n), np.zeros(n))


def ground(values: list[float]) -> Evidence:
    return Evidence(np.array(values, np.float32)[:, None], ("told",))


def ground_of(whole: SampleTable) -> Evidence:
    return Evidence(whole.values[~whole.positive], whole.names)


def shifted(whole: SampleTable) -> SampleTable:
    return whole.showing(whole.values * np.float32([1, 1, 1, 1]) + np.float32([20, 0, 0, 0]))


def test_a_value_takes_the_value_here_of_its_quantile_by_hand() -> None:
    here, there = ground([0, 10, 20, 30]), ground([1, 2, 3, 4])
    teacher = column([1, 2, 3, 4, 2.5, 99, -99, np.nan])
    found = aligned(teacher, there=there, here=here, layers=["told"]).values[:, 0]
    assert found.tolist() == pytest.approx([0, 10, 20, 30, 15, 30, 0, np.nan], nan_ok=True)


def test_what_is_not_named_or_holds_classes_or_is_missing_on_one_side_stays_as_it_is() -> None:
    teacher = column([1, 2])
    assert aligned(teacher, there=ground([1, 2]), here=ground([5, 6]), layers=[]).values[:, 0].tolist() == [1, 2]
    assert aligned(teacher, there=ground([1, 2]), here=ground([np.nan]), layers=["told"]).values[:, 0].tolist() == [1, 2]
    assert aligned(column([0, 1]), there=ground([0, 0, 1]), here=ground([0, 1, 1]), layers=["told"]).values[:, 0].tolist() == [0, 1]


def test_only_a_layer_without_a_unit_is_aligned_unasked() -> None:
    assert unitless({"distance": "m", "index": "1", "ratio": "relative reflectance"}) == ("index",)


def test_alignment_brings_back_what_a_shifted_layer_lost() -> None:
    own, teacher = table(seed=1), shifted(table(seed=0))

    def auc(taught: SampleTable) -> float:
        model = BaggedForest(bags=3, trees_per_bag=10, random_state=0)
        found = left_out({"own": own, "teacher": taught}, make_model=lambda _: model, seeds=(1,))
        return roc_auc(own.label, found.scores[MODEL][0, : len(own)])

    assert auc(teacher) < 0.7
    assert auc(aligned(teacher, there=ground_of(teacher), here=ground_of(own), layers=own.names)) > 0.9


def test_the_most_different_layers_are_named_with_the_statistic_by_hand() -> None:
    # Three of four own values lie below all of the teacher's, the fourth above them: the curves are 0.75 apart at most.
    assert most_different(ground([1, 2, 3, 9]), ground([5, 6, np.nan])) == {"told": 0.75}
    assert most_different(ground_of(table(seed=0)), ground_of(shifted(table(seed=1)))) == {"told": 1.0}
    assert most_different(ground_of(table(seed=0)), ground_of(table(seed=1))) == {}
    assert most_different(ground([1]), ground([np.nan])) == {}
