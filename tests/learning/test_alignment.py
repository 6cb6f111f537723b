from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from pipeline.errors import ConfigError
from pipeline.learning.alignment import aligned, most_different
from pipeline.learning.regions import leave_one_region_out
from pipeline.learning.table import SampleTable
from tests.learning.places import table

UNITLESS = dict.fromkeys(("told", "a", "b", "c"), "1")


def column(values: list[float], label: list[int]) -> SampleTable:
    n = len(label)
    return SampleTable(np.array(values)[:, None], ("told",), np.array(label), np.arange(n), np.arange(n), np.zeros(n), np.zeros(n))


def shifted(whole: SampleTable) -> SampleTable:
    return whole.showing(whole.values * np.float32([1, 1, 1, 1]) + np.float32([20, 0, 0, 0]))


def test_a_value_takes_the_own_value_of_its_quantile_by_hand() -> None:
    own = column([0, 10, 20, 30], [0, 0, 0, 0])
    teacher = column([1, 2, 3, 4, 2.5, 99, -99, np.nan], [0, 0, 0, 0, 1, 1, 1, 1])
    assert aligned(teacher, own, units={"told": "1"}).values[:, 0].tolist() == pytest.approx([0, 10, 20, 30, 15, 30, 0, np.nan], nan_ok=True)


def test_alignment_does_not_see_where_deposits_of_the_own_region_are() -> None:
    teacher, own = shifted(table(seed=0)), table(seed=1)
    without = own.subset(~own.positive)
    assert aligned(teacher, own, units=UNITLESS).to_bytes() == aligned(teacher, without, units=UNITLESS).to_bytes()


def test_a_layer_without_values_on_one_side_stays_as_it_is() -> None:
    teacher = column([1, 2], [0, 1])
    assert aligned(teacher, column([np.nan], [0]), units={"told": "1"}).values[:, 0].tolist() == [1, 2]


def test_a_layer_with_a_physical_unit_is_refused() -> None:
    one = column([1], [0])
    with pytest.raises(ConfigError, match=r"quantile alignment: told \(m\) has a physical unit"):
        aligned(one, one, units={"told": "m"})


def test_alignment_brings_back_what_a_shifted_layer_lost() -> None:
    own, teacher = table(seed=1), shifted(table(seed=0))
    model = RandomForestClassifier(n_estimators=30, min_samples_leaf=2, random_state=0)
    as_is = leave_one_region_out({"own": own, "teacher": teacher}, model=model, seed=1)["own"].auc
    brought = leave_one_region_out({"own": own, "teacher": aligned(teacher, own, units=UNITLESS)}, model=model, seed=1)["own"].auc
    assert as_is is not None
    assert brought is not None
    assert as_is < 0.7
    assert brought > 0.9


def test_the_most_different_layers_are_named_with_the_statistic_by_hand() -> None:
    # Three of four own values lie below all of the teacher's, the fourth above them: the curves are 0.75 apart at most.
    assert most_different(column([1, 2, 3, 9, 99], [0, 0, 0, 0, 1]), column([5, 6, np.nan], [0, 0, 0])) == {"told": 0.75}
    assert most_different(table(seed=0), shifted(table(seed=1))) == {"told": 1.0}
    assert most_different(table(seed=0), table(seed=1)) == {}
    assert most_different(column([1], [0]), column([np.nan], [0])) == {}
