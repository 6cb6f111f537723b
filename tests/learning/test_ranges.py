from __future__ import annotations

import gstools
import numpy as np
import pytest

from pipeline.learning.ranges import apart_m, evidence_range_m, floors, neighbour_m
from pipeline.learning.table import SampleTable
from tests.learning.places import table


def field(length_m: float, *, layers: int = 3, rows: int = 900, seed: int = 0) -> SampleTable:
    """Background rows over 300 km with layers of spherical covariance of a known range, and two deposits."""
    random = np.random.default_rng(seed)
    where = random.uniform(0, 300_000, (rows, 2))
    model = gstools.Spherical(dim=2, var=1, len_scale=length_m)
    values = np.stack([gstools.SRF(model, seed=seed + k)(where.T) for k in range(layers)], axis=1)
    label = np.zeros(rows, int)
    label[:2] = 1
    return SampleTable(values, tuple("abcdefgh"[:layers]), label, np.where(label == 1, np.arange(rows), -1 - np.arange(rows)), np.arange(rows), *where.T)


@pytest.mark.parametrize("length_m", [30_000.0, 80_000.0])
def test_the_range_of_a_field_of_known_range_is_found(length_m: float) -> None:
    found = evidence_range_m(field(length_m, layers=5))
    # a spherical variogram is at 95 % of its sill at 0.81 of its range; the fields are few and lags some 10 km wide
    assert found is not None and 0.5 * length_m < found < 1.4 * length_m


def test_white_noise_has_a_range_of_the_first_lag_and_constants_have_none() -> None:
    whole = field(30_000.0)
    noise = np.random.default_rng(0).normal(size=whole.values.shape)
    found = evidence_range_m(whole.showing(noise.astype(np.float32)))
    assert found is not None and found < 12_000
    assert evidence_range_m(whole.showing(np.zeros_like(whole.values))) is None


def test_too_few_rows_tell_no_range() -> None:
    assert evidence_range_m(field(30_000.0).subset(np.arange(20))) is None


def test_the_distance_between_neighbours_is_that_of_group_centres() -> None:
    whole = table(seed=0, deposits=4)
    x, y = whole.x.copy(), whole.y.copy()
    x[:4], y[:4] = [0, 2000, 10_000, 40_000], 0
    group = whole.group.copy()
    group[1] = group[0]  # centre at 1 km
    moved = SampleTable(whole.values, whole.names, whole.label, group, whole.cell, x, y)
    assert neighbour_m(moved) == pytest.approx(9_000)  # 9, 9 and 30 km
    assert neighbour_m(moved.subset((whole.label == 0) | (group == group[0]))) is None
    assert floors(moved)["neighbour_km"] == 9.0


def test_how_far_apart_folds_are_is_measured_on_what_was_left_to_train() -> None:
    whole = table(seed=0, deposits=3)
    x, y = whole.x.copy(), whole.y.copy()
    x[:3], y[:3] = [0, 5_000, 50_000], 0
    moved = SampleTable(whole.values, whole.names, whole.label, whole.group, whole.cell, x, y)
    fold = np.zeros(len(moved), np.int64)
    fold[2] = 1
    assert apart_m(moved, fold, lambda one: fold != one) == pytest.approx(45_000)  # 50, 45 and 45 km
    assert apart_m(moved, fold, lambda one: np.zeros(len(moved), bool)) is None
