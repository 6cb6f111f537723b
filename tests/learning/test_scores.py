from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from pipeline.learning.scores import CURVE_AREA, average_precision, capture, prediction_area, prevalence, roc_auc, success_rate_curve

# Few distinct scores, so that ties are the rule.
RANKED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@settings(deadline=None)
@given(RANKED)
def test_auc_and_average_precision_agree_with_scikit_learn_under_ties(rows: list[tuple[int, int]]) -> None:
    label, score = np.array(rows).T
    assert roc_auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert average_precision(label, score) == pytest.approx(average_precision_score(label, score), abs=1e-12)


@settings(deadline=None)
@given(RANKED)
def test_the_success_rate_curve_runs_through_every_vertex_of_the_roc(rows: list[tuple[int, int]]) -> None:
    label, score = np.array(rows).T
    area, captured, _ = roc_curve(label, score, drop_intermediate=False)
    highest = {a: captured[area == a].max() for a in set(area.tolist())}
    found = success_rate_curve(label, score, np.array(list(highest)))
    np.testing.assert_allclose(found, list(highest.values()), atol=1e-12)


def test_auc_by_hand() -> None:
    # Positives at 3 and 2, background at 2 and 1: of four pairs three are right and one is a tie.
    assert roc_auc(np.array([1, 1, 0, 0]), np.array([3.0, 2.0, 2.0, 1.0])) == 0.875


def test_a_constant_score_is_chance() -> None:
    label = np.array([1, 0, 0, 0])
    assert roc_auc(label, np.zeros(4)) == 0.5
    assert average_precision(label, np.zeros(4)) == 0.25 == prevalence(label)
    assert capture(label, np.zeros(4)) == pytest.approx((0.01, 0.05, 0.10))


def test_capture_by_hand() -> None:
    # 100 background cells scored 1..100; positives above 99, 94 and 49 of them.
    background = np.arange(1.0, 101.0)
    score = np.concatenate((background, [99.5, 94.5, 49.5]))
    label = np.repeat((0, 1), (100, 3))
    assert capture(label, score, at=(0.005, 0.01, 0.05, 0.06, 0.10, 0.51)) == pytest.approx((0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1))


@pytest.mark.parametrize("label", [np.zeros(3), np.ones(3), np.empty(0)])
def test_one_class_has_no_score(label: np.ndarray) -> None:
    score = np.arange(len(label), dtype=float)
    assert math.isnan(roc_auc(label, score))
    assert np.isnan(capture(label, score)).all()
    assert math.isnan(average_precision(label, score)) == (not label.any())


def test_the_prediction_area_plot_meets_where_captured_and_left_out_ground_are_equal() -> None:
    # deposits grow as the square root of the area: sqrt(a) = 1 - a at a = (3 - sqrt(5)) / 2
    found = prediction_area(CURVE_AREA, np.sqrt(CURVE_AREA))
    assert found is not None
    assert found["area"] == pytest.approx((3 - math.sqrt(5)) / 2, abs=1e-3)
    assert found["captured"] == pytest.approx(1 - found["area"])
    assert found["normalized_density"] == pytest.approx(found["captured"] / found["area"])


def test_a_blind_ranking_meets_at_a_density_of_one_and_a_perfect_one_without_bound() -> None:
    blind = prediction_area(CURVE_AREA, CURVE_AREA)
    assert blind is not None and blind["normalized_density"] == pytest.approx(1.0)
    perfect = prediction_area(CURVE_AREA, np.ones_like(CURVE_AREA))
    assert perfect == {"captured": 1.0, "area": 0.0, "normalized_density": math.inf}
    assert prediction_area(CURVE_AREA, np.full_like(CURVE_AREA, np.nan)) is None
