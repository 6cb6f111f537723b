"""Fuzzy operators by hand, and an overlay that learns nothing from labels."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from pipeline.errors import DataError
from pipeline.learning import model_files
from pipeline.learning.fuzzy import OPERATORS, FuzzyOverlay

MEMBERS = np.array([[0.2, 0.5, 0.8], [1.0, 0.0, 0.4], [0.6, np.nan, 0.5], [np.nan, np.nan, np.nan]])
LABELS = np.array([0, 1, 0, 1])


def test_it_is_an_estimator() -> None:
    check_estimator(FuzzyOverlay())


@pytest.mark.parametrize(
    ("operator", "by_hand"),
    [
        ("and", [0.2, 0.0, 0.5, 0]),
        ("or", [0.8, 1.0, 0.6, 0]),
        ("product", [0.08, 0.0, 0.3, 0]),
        ("sum", [1 - 0.8 * 0.5 * 0.2, 1.0, 1 - 0.4 * 0.5, 0]),
        ("gamma", [0.92**0.75 * 0.08**0.25, 0.0, 0.8**0.75 * 0.3**0.25, 0]),
    ],
)
def test_the_operators_agree_with_sums_by_hand(operator: str, by_hand: list[float]) -> None:
    mean, _ = FuzzyOverlay(operator=operator, gamma=0.75).fit(MEMBERS, LABELS).predict_both(MEMBERS)
    assert mean == pytest.approx(by_hand)


def test_the_spread_is_that_of_leaving_out_one_criterion_in_turn() -> None:
    _, spread = FuzzyOverlay(operator="product").fit(MEMBERS, LABELS).predict_both(MEMBERS)
    assert spread[0] == pytest.approx(np.std([0.5 * 0.8, 0.2 * 0.8, 0.2 * 0.5]))
    assert spread[3] == 0


def test_labels_change_nothing() -> None:
    one, other = (FuzzyOverlay().fit(MEMBERS, labels).predict_proba(MEMBERS) for labels in (LABELS, 1 - LABELS))
    assert np.array_equal(one, other)


def test_a_row_is_its_own_and_survives_its_file() -> None:
    values = np.random.default_rng(0).random((300, 5))
    values[::3, 2] = np.nan
    model = FuzzyOverlay().fit(values, np.arange(300) % 2)
    back = model_files.load(model_files.dump(model))
    assert back.predict_proba(values[40:43]).tobytes() == model.predict_proba(values)[40:43].tobytes()


def test_unknown_settings_are_refused_when_fitted_and_when_read() -> None:
    with pytest.raises(ValueError, match=r"operator 'mean' with gamma 0.75: expected one of and, or, product, sum, gamma, and gamma from 0 to 1"):
        FuzzyOverlay(operator="mean").fit(MEMBERS, LABELS)
    good = model_files.dump(FuzzyOverlay().fit(MEMBERS, LABELS))
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(held, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"gamma\\"', b'"gamna\\"').replace(b'\\"gamma\\"', b'\\"gamna\\"'))
    assert held.getvalue() != good
    with pytest.raises(DataError, match=r"a fuzzy overlay with unknown settings|its attributes are not those"):
        model_files.load(held.getvalue())


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="needs two classes to name, though it learns nothing of them; got 1 class"):
        FuzzyOverlay().fit(MEMBERS, np.zeros(4))


def test_all_operators_are_tried_above() -> None:
    assert set(OPERATORS) == {"and", "or", "product", "sum", "gamma"}
