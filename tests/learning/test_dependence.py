"""Partial dependence of models whose answer is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.learning import dependence


class Known:
    """A model that answers `slope` times the first column plus the square of the second."""

    classes_ = np.array([0, 1])

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def predict_proba(self, X: Any) -> Any:
        answer = self.slope * X[:, 0].astype(float) + X[:, 1].astype(float) ** 2
        return np.column_stack([1 - answer, answer])


def test_the_curve_of_a_sum_is_its_own_term_and_the_mean_of_the_rest() -> None:
    values = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    models = [Known(slope) for slope in (1.0, 2.0, 3.0, 4.0, 5.0)]
    at = np.array([-1.0, 0.0, 2.0])
    found = dependence.curve(models, values, 0, at)
    rest = (values[:, 1].astype(float) ** 2).mean()
    assert found["mean"] == pytest.approx(3 * at + rest)
    assert found["low"] == pytest.approx(np.array([-4.8, 0.0, 2.4]) + rest)
    assert found["high"] == pytest.approx(np.array([-1.2, 0.0, 9.6]) + rest)


def test_a_curve_is_asked_at_quantiles_and_not_of_classes_or_of_nothing() -> None:
    assert dependence.grid(np.arange(101, dtype=np.float32)) == pytest.approx(np.linspace(5, 95, dependence.PLACES))
    assert dependence.grid(np.array([0, 1, 1, np.nan], np.float32)).size == 0
    assert dependence.grid(np.full(4, np.nan, np.float32)).size == 0
    assert dependence.grid(np.array([3, 3, 3, 3], np.float32)).tolist() == [3.0]
