from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.errors import DataError
from pipeline.learning.fitted import fitted
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable
from pipeline.learning.weights_of_evidence import WeightsOfEvidence


def table() -> SampleTable:
    return SampleTable(
        values=np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0], [4.0, 7.0]]),
        names=("ferric", "slope"),
        label=np.array([1, 1, 0, 0]),
        group=np.array([3, 4, -1, -2]),
        cell=np.array([10, 20, 30, 40]),
        x=np.array([0.5, 1.5, 2.5, 3.5]),
        y=np.array([9.5, 8.5, 7.5, 6.5]),
    )


def test_a_table_survives_its_bytes_and_the_bytes_repeat() -> None:
    whole = table()
    data = whole.to_bytes()
    assert data == table().to_bytes()
    back = SampleTable.from_bytes(data)
    assert back.names == ("ferric", "slope")
    np.testing.assert_array_equal(back.values, [[1, np.nan], [2, 5], [3, 6], [4, 7]])
    assert back.values.dtype == np.float32 and back.label.dtype == np.int8
    assert back.group.tolist() == [3, 4, -1, -2] and back.cell.tolist() == [10, 20, 30, 40]
    assert back.x.tolist() == [0.5, 1.5, 2.5, 3.5] and back.y.tolist() == [9.5, 8.5, 7.5, 6.5]


@pytest.mark.parametrize("damage", [lambda d: d[:100], lambda d: b"", lambda d: b"PK" + d[2:200], lambda d: d.replace(b"cell.npy", b"sell.npy")])
def test_damaged_bytes_are_one_error_that_says_what_to_do(damage: object) -> None:
    with pytest.raises(DataError, match="run the label stage again"):
        SampleTable.from_bytes(damage(table().to_bytes()))  # type: ignore[operator]


def test_bytes_with_pickled_objects_are_refused() -> None:
    import io

    buffer = io.BytesIO()
    whole = table()
    np.savez(buffer, **{name: getattr(whole, name) for name in ("values", "label", "group", "cell", "x", "y")}, names=np.array([{"a": 1}], object))
    with pytest.raises(DataError, match="cannot be read"):
        SampleTable.from_bytes(buffer.getvalue())


def test_a_subset_keeps_rows_together() -> None:
    part = table().subset(np.array([2, 0]))
    assert part.cell.tolist() == [30, 10] and part.values[:, 0].tolist() == [3, 1] and part.positive.tolist() == [False, True]
    assert table().subset(np.array([True, False, False, True])).group.tolist() == [3, -2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": np.zeros(4)}, "no positive"),
        ({"label": np.ones(4)}, "no background"),
        ({"label": np.array([1, 2, 0, 0])}, r"labels \[2\]"),
        ({"values": np.array([[1.0, np.nan]] * 4)}, "no sampled cell has a value in slope"),
        ({"group": np.array([3, 3, -1, -2])}, "one deposit group"),
        ({"values": np.empty((4, 0)), "names": ()}, "no evidence layer"),
    ],
)
def test_a_table_no_model_can_use_says_why(change: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        replace(table(), **change).checked()  # type: ignore[arg-type]


def test_a_usable_table_passes() -> None:
    whole = table()
    assert whole.checked() is whole


def test_lengths_that_disagree_are_refused() -> None:
    with pytest.raises(DataError, match="values have shape"):
        replace(table(), names=("one",))
    with pytest.raises(DataError, match="cell must have one value per row"):
        replace(table(), cell=np.array([1]))


def test_rows_teach_and_are_scored_and_weigh_one_when_nothing_is_said() -> None:
    whole = table()
    assert whole.trains.tolist() == whole.scored.tolist() == [True] * 4
    assert whole.weight.tolist() == [1.0] * 4


def test_the_background_counts_on_measured_ground_and_off_it_as_the_deposits_known_there() -> None:
    n = 12
    held = SampleTable(
        values=np.zeros((n, 1), np.float32), names=("height",), label=np.repeat((1, 0), (4, 8)), group=np.arange(n) - 8, cell=np.arange(n), x=np.zeros(n),
        y=np.zeros(n), measured=np.array([1, 1, 1, 0, *[1] * 2, *[0] * 6], bool),
    )  # fmt: skip
    deposits, cells = (3 + 1) / (4 + 2), (2 + 1) / (8 + 2)  # each with a row more of either kind
    on, off = deposits / cells, (1 - deposits) / (1 - cells)
    assert held.odds() == pytest.approx(np.where(held.measured, on, off))
    assert held.evened() == pytest.approx([1] * 4 + [on] * 2 + [off] * 6)
    assert np.array_equal(held.subset(held.measured).evened(), np.ones(5))  # all of one kind: nothing to even out
    assert SampleTable.from_bytes(held.to_bytes()).measured.tolist() == held.measured.tolist()


def test_a_model_does_not_learn_where_people_have_mapped_when_its_background_is_evened() -> None:
    """Deposits lie where a layer is high, wherever that is; on mapped ground one in two of them is known, elsewhere one in ten."""
    random = np.random.default_rng(0)
    cells = 20_000
    mapped, told = random.random(cells) < 0.25, random.normal(size=cells)
    there = random.random(cells) < 0.02 * np.exp(told)
    known = there & (random.random(cells) < np.where(mapped, 0.5, 0.1))
    rows = np.concatenate((np.flatnonzero(known), random.choice(np.flatnonzero(~known), 2000, replace=False)))
    values = np.column_stack((told, mapped)).astype(np.float32)
    whole = SampleTable(
        values=values[rows],
        names=("told", "proxy"),
        label=known[rows],
        group=np.arange(len(rows)),
        cell=rows,
        x=rows * 1.0,
        y=rows * 0.0,
        measured=mapped[rows],
    )
    blind = replace(whole, measured=np.zeros(len(rows), bool))
    learnt, even = (fitted(LogisticRegression(), one) for one in (blind, whole))
    assert learnt.coef_[0, 1] > 1.2  # the logarithm of five is 1.6
    assert abs(even.coef_[0, 1]) < 0.3 and even.coef_[0, 0] == pytest.approx(learnt.coef_[0, 0], abs=0.25)
    hidden = there & ~known
    auc = [roc_auc(hidden[~known], model.predict_proba(values[~known])[:, 1]) for model in (learnt, even)]
    assert auc[1] > auc[0] + 0.01


def test_a_model_that_counts_ground_is_given_the_background_as_it_is_also_inside_another() -> None:
    class Told:
        counts_ground = False

        def fit(self, *_: Any, sample_weight: Any = None) -> Told:
            self.weight = sample_weight
            return self

    class Counting(Told):
        counts_ground = True

    class Around(Told):
        def __init__(self, model: Told) -> None:
            self.model = model

    n = 30
    held = SampleTable(
        values=np.zeros((n, 1), np.float32), names=("height",), label=np.repeat((1, 0), (10, 20)), group=np.arange(n), cell=np.arange(n), x=np.zeros(n),
        y=np.zeros(n), weight=np.full(n, 2.0), measured=np.arange(n) % 10 < 3 + 5 * (np.arange(n) < 10),
    )  # fmt: skip
    assert np.array_equal(fitted(Told(), held).weight, held.evened()) and not np.array_equal(held.evened(), held.weight)
    assert np.array_equal(fitted(Counting(), held).weight, held.weight)
    assert np.array_equal(fitted(Around(Counting()), held).weight, held.weight)
    assert WeightsOfEvidence.counts_ground
