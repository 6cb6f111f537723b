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


def poor_and_rich(*, poor: int, rich: int) -> tuple[Any, Any, Any]:
    """Labels, scores of two repeats and groups: of 100 cells of ground ten are said to hold a hundredth of what the others do."""
    score = np.concatenate([np.repeat([0.001, 0.1], [10, 90]), np.repeat([0.001, 0.1], [poor, rich])])
    return np.repeat([0, 1], [100, poor + rich]), np.stack([score, score]), np.arange(score.size)


def test_the_least_is_raised_until_the_poorest_tenth_expects_what_held_out_deposits_say_of_it() -> None:
    mean, finds = 0.0901, 40.0
    expected = 20 * (10 * mean / finds) / (10 * mean / finds + 9)
    share = expected / 20 * (5 + 5) / (5 + expected)  # five finds speak for the map
    told = calibration.finds_told(*poor_and_rich(poor=5, rich=15), "share", finds=finds)
    assert mean / told == pytest.approx(0.9 * share / (1 - share), rel=1e-9)
    assert told < finds


def test_a_find_split_into_many_cells_is_one_find() -> None:
    label, scores, group = poor_and_rich(poor=5, rich=15)
    again = np.concatenate([np.arange(len(label)), np.repeat(np.flatnonzero(label == 1)[:3], 4)])
    told = [calibration.finds_told(*said, "share", finds=40.0) for said in ((label, scores, group), (label[again], scores[:, again], group[again]))]
    assert told[0] == pytest.approx(told[1], rel=1e-12)


def test_the_least_is_never_lowered_and_never_above_the_mean() -> None:
    label, scores, group = poor_and_rich(poor=0, rich=20)
    assert calibration.finds_told(label, scores, group, "share", finds=40.0) == 40
    assert calibration.finds_told(label, scores, group, None, finds=40.0) == 40
    assert calibration.finds_told(label, np.full_like(scores, np.nan), group, "share", finds=40.0) == 40
    assert calibration.finds_told(*poor_and_rich(poor=500, rich=0), "share", finds=40.0) == pytest.approx(1)


def test_ground_that_holds_more_than_a_map_says_expects_more_and_the_rest_what_it_did() -> None:
    """Of deposits one in twenty lies anywhere, and the map knows only of the others."""
    rng = np.random.default_rng(3)
    ground = rng.beta(0.5, 2, 20_000)
    rate = (ground / (1 - ground)) ** 1.5
    rate = 0.95 * rate / rate.sum() + 0.05 / rate.size
    found = rng.choice(ground, 1000, p=rate)
    label, scores = np.repeat([0, 1], [ground.size, found.size]), np.concatenate([ground, found])[None]
    told = calibration.finds_told(label, scores, np.arange(label.size), finds=100.0)
    odds = np.sort(np.clip(ground, 0, 0.999) / (1 - np.clip(ground, 0, 0.999)))
    before, after = (1000 * held / held.sum() for held in (np.maximum(odds, odds.mean() / finds) for finds in (100.0, told)))
    counted, was = np.count_nonzero(found <= np.quantile(ground, 0.1)), before[:2000].sum()
    assert was < after[:2000].sum() < counted
    assert after[:2000].sum() == pytest.approx(was * (5 + counted) / (5 + was), rel=1e-6)
    assert after[15_000:].sum() == pytest.approx(before[15_000:].sum(), rel=0.02)
