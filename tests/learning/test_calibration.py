"""The exponent of an intensity is found again on ground drawn from a known power of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.learning import calibration, intervals


def drawn(power: float, *, deposits: int = 400, seed: int = 1) -> tuple[Any, Any, Any, Any]:
    """Labels, scores of two repeats and units of ground on which deposits fall as the odds of the score to a power."""
    rng = np.random.default_rng(seed)
    ground = rng.beta(1, 4, 60_000)
    rate = (ground / (1 - ground)) ** power
    found = rng.choice(ground, deposits, p=rate / rate.sum())
    score = np.concatenate([rng.choice(ground, 6000), found])
    label = np.concatenate([np.zeros(6000), np.ones(deposits)])
    unit = rng.integers(0, 40, len(score))
    return label, np.stack([score, score]), unit, intervals.weights(unit, seed=3, replicates=200)


@pytest.mark.parametrize("power", [0.6, 1.0, 1.4])
def test_the_power_that_deposits_were_drawn_with_is_found_again_inside_its_interval(power: float) -> None:
    found = calibration.exponent(*drawn(power))
    assert found is not None
    assert found["exponent"] == pytest.approx(power, abs=0.12)
    low, high = found["interval"]
    assert low < found["exponent"] < high and low - 0.05 < power < high + 0.05
    assert high - low < 0.5
    assert found["use"] == (1.0 if high >= 1 else high)


def test_the_best_exponent_is_that_of_a_plain_search_of_the_likelihood() -> None:
    label, scores, unit, weight = drawn(0.8, deposits=60)
    odds = np.maximum(np.clip(scores[0], 0, 0.999) / (1 - np.clip(scores[0], 0, 0.999)) / 999, 1e-6)
    grid = np.linspace(0, 2, 2001)
    likely = [(e * np.log(odds[label == 1])).sum() - label.sum() * np.log((odds[label == 0] ** e).sum()) for e in grid]
    found = calibration.exponent(label, scores, unit, weight)
    assert found is not None and found["exponent"] == pytest.approx(grid[int(np.argmax(likely))], abs=2e-3)


def test_scores_that_say_nothing_have_an_exponent_near_nought() -> None:
    label, scores, unit, weight = drawn(0.0, deposits=300)
    found = calibration.exponent(label, scores, unit, weight)
    assert found is not None and found["exponent"] < 0.15


def test_where_the_model_says_none_the_exponent_is_learnt_of_what_so_many_finds_can_tell() -> None:
    """A few deposits on ground that is said to hold none would else make all differences look too bold."""
    label, scores, unit, weight = drawn(1.0, deposits=60)
    lost = scores.copy()
    lost[:, np.flatnonzero(label == 1)[:4]] = 0.0  # they lie where the model saw none
    lost[:, np.flatnonzero(label == 0)[:600]] = 0.0
    bold, right = (calibration.exponent(label, lost, unit, weight, finds=finds) for finds in (np.inf, 40))
    assert bold is not None and right is not None
    assert bold["exponent"] + 0.1 < right["exponent"]
    odds = np.clip(lost[0], 0, 0.999) / (1 - np.clip(lost[0], 0, 0.999)) / 999
    odds = np.maximum(odds, odds[label == 0].mean() / 40)
    grid = np.linspace(0, 2, 2001)
    likely = [(e * np.log(odds[label == 1])).sum() - label.sum() * np.log((odds[label == 0] ** e).sum()) for e in grid]
    assert right["exponent"] == pytest.approx(grid[int(np.argmax(likely))], abs=2e-3)


def test_too_few_deposits_teach_nothing_and_rows_not_scored_are_left_out() -> None:
    label, scores, unit, weight = drawn(1.0, deposits=4)
    assert calibration.exponent(label, scores, unit, weight) is None
    label, scores, unit, weight = drawn(1.0, deposits=50)
    holed = scores.copy()
    holed[1, ::2] = np.nan
    assert calibration.exponent(label, holed, unit, weight) is not None
    assert calibration.exponent(label, np.full(scores.shape, np.nan), unit, weight) is None


def test_the_power_to_use_is_1_where_the_interval_is_not_known() -> None:
    label, scores, unit, weight = drawn(0.6)
    found = calibration.exponent(label, scores, unit, np.zeros_like(weight))
    assert found is not None and found["interval"] is None and found["use"] == 1 and found["exponent"] < 0.8


def test_the_least_that_finds_can_tell_hangs_on_no_scale_of_the_intensity() -> None:
    label, scores, unit, weight = drawn(1.0, deposits=60)
    scores[:, np.flatnonzero(label == 1)[:4]] = 0.0
    one, small = (calibration.exponent(label, scores * by, unit, weight, "share", finds=40) for by in (1e-1, 1e-5))
    assert one is not None and small is not None
    assert one["exponent"] == pytest.approx(small["exponent"], abs=1e-9)


def test_calibrated_intensity_is_the_odds_as_a_share_of_the_highest_to_the_power() -> None:
    assert calibration.calibrated(np.array([0.5, 0.999, 1.0, 0.0]), 1.0) == pytest.approx([1 / 999, 1, 1, 0])
    assert calibration.calibrated(0.5, 0.5) == pytest.approx((1 / 999) ** 0.5)
    assert np.isnan(calibration.calibrated(np.nan, 1.0))
    assert calibration.calibrated(np.array([0.0, 0.5]), 0.5, mean=2.0, finds=40) == pytest.approx([(0.05 / 999) ** 0.5, (1 / 999) ** 0.5])
    assert np.isnan(calibration.calibrated(np.nan, 1.0, mean=2.0, finds=40))
