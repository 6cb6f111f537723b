from __future__ import annotations

import numpy as np

from pipeline.features.anomaly_mad import anomaly_mad, median_and_mad
from pipeline.recipe import Array, Fit, Layer, Sample


def anomaly(values: list[float]) -> Array:
    held = np.array(values, dtype=np.float32)
    return anomaly_mad(of=Layer.of(held[None, :]), moments=Fit(median_and_mad(of=Sample(held))))[0]


def test_it_is_the_departure_from_the_median_over_1_4826_mads_worked_by_hand() -> None:
    # median 4; deviations 3 2 1 0 1 5 96, whose median is 2
    expected = np.array([-3, -2, -1, 0, 1, 5, 96]) / (1.4826 * 2)
    assert np.array_equal(anomaly([1, 2, 3, 4, 5, 9, 100]), expected.astype(np.float32))


def test_gaps_take_no_part_and_stay() -> None:
    found = anomaly([1, np.nan, 2, 3, np.inf, 4, 5, 9, 100])
    assert np.array_equal(np.isnan(found), [False, True, False, False, True, False, False, False, False])
    assert found[5] == 0


def test_a_normal_population_has_a_standard_deviation_of_1_whatever_a_few_wild_cells_say() -> None:
    values = np.random.default_rng(1).normal(50, 3, 20_000)
    values[:200] = 1e6
    assert abs(anomaly(list(values))[200:].std() - 1) < 0.03


def test_a_layer_that_mostly_does_not_vary_is_not_scaled_and_an_empty_one_stays_empty() -> None:
    assert np.array_equal(anomaly([2, 2, 2, 2, 9.5]), np.array([0, 0, 0, 0, 7.5], dtype=np.float32))
    assert np.isnan(anomaly([np.nan, np.nan])).all()
