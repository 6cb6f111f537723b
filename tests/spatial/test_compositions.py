from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.recipe import Array
from pipeline.spatial import compositions

LN2 = 0.6931471805599453


def drawn(seed: int, count: int, parts: int) -> Array:
    return np.exp(np.random.default_rng(seed).normal(0, 1.5, (count, parts)))


def test_centred_log_ratios_of_1_2_4_are_those_worked_by_hand() -> None:
    assert np.allclose(compositions.clr(np.array([1.0, 2.0, 4.0])), [-LN2, 0, LN2], atol=1e-15)  # geometric mean 2
    assert np.allclose(compositions.clr(np.array([[1e4, 2e4, 4e4], [3.0, 3.0, 3.0]])), [[-LN2, 0, LN2], [0, 0, 0]], atol=1e-14)


def test_pivot_coordinates_of_1_2_4_are_those_worked_by_hand() -> None:
    # sqrt(2/3) ln(1 / sqrt(2 * 4)) and sqrt(1/2) ln(2 / 4)
    expected = [math.sqrt(2 / 3) * -1.5 * LN2, -math.sqrt(0.5) * LN2]
    assert np.allclose(compositions.ilr(np.array([1.0, 2.0, 4.0])), expected, atol=1e-15)


def test_a_factor_on_one_part_only_adds_a_constant() -> None:
    parts = drawn(1, 20, 4)
    shift = compositions.clr(parts * [1, 1e4, 1, 1]) - compositions.clr(parts)
    assert np.allclose(shift, math.log(1e4) * np.array([-0.25, 0.75, -0.25, -0.25]), atol=1e-12)


def test_the_basis_is_orthonormal_and_every_row_sums_to_0() -> None:
    basis = compositions.pivot_basis(7)
    assert np.allclose(basis @ basis.T, np.eye(6), atol=1e-15)
    assert np.allclose(basis.sum(axis=1), 0, atol=1e-15)


def test_the_inverses_lead_back_to_the_closed_composition() -> None:
    parts = drawn(2, 30, 5)
    closed = parts / parts.sum(axis=1, keepdims=True)
    assert np.allclose(compositions.clr_inverse(compositions.clr(parts)), closed, rtol=1e-13)
    assert np.allclose(compositions.ilr_inverse(compositions.ilr(parts)), closed, rtol=1e-13)


def test_the_aitchison_distance_is_that_of_all_pairwise_log_ratios_and_of_the_coordinates() -> None:
    a, b = drawn(3, 10, 6), drawn(4, 10, 6)
    pairwise = [
        math.sqrt(sum((math.log(u[i] / u[j]) - math.log(v[i] / v[j])) ** 2 for i in range(6) for j in range(6)) / 12)
        for u, v in zip(a, b, strict=True)
    ]
    found = compositions.aitchison_distance(a, b * 7)
    assert np.allclose(found, pairwise, rtol=1e-12)
    assert np.allclose(np.linalg.norm(compositions.ilr(a) - compositions.ilr(b), axis=1), pairwise, rtol=1e-12)
    assert compositions.aitchison_distance(np.array([1.0, 1.0]), np.array([1.0, math.e**2])) == pytest.approx(math.sqrt(2), abs=1e-15)


def test_a_missing_part_makes_the_row_missing_and_no_other() -> None:
    parts = drawn(5, 3, 3)
    parts[1, 2] = np.nan
    assert np.array_equal(np.isnan(compositions.ilr(parts)), [[False] * 2, [True] * 2, [False] * 2])


def test_robust_axes_are_the_planted_one_whatever_a_tenth_of_wild_samples_does() -> None:
    rng = np.random.default_rng(6)
    planted = np.array([3.0, -1.0, -1.0, -1.0]) / math.sqrt(12)
    centre = np.array([0.5, 0.2, -0.4, -0.3])
    clr = centre + rng.normal(0, 1.0, (400, 1)) * planted + rng.normal(0, 0.1, (400, 3)) @ compositions.pivot_basis(4)
    clr[:40] += 25 * compositions.pivot_basis(4)[2]  # ore: the last two parts torn apart
    parts = np.exp(clr + rng.normal(0, 3, (400, 1)))  # every sample closed to another sum
    found, axes = compositions.robust_axes(parts)
    assert np.abs(found - centre).max() < 0.15
    assert axes[0] @ planted > 0.995
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    classical = np.linalg.svd(compositions.clr(parts) - compositions.clr(parts).mean(axis=0))[2][0]
    assert abs(classical @ planted) < 0.2  # what the wild ones do to plain principal components
    scores = compositions.score(parts[40:], axes[0], found)
    assert np.corrcoef(scores, (clr[40:] - centre) @ planted)[0, 1] > 0.99


def test_too_few_or_too_equal_samples_are_refused() -> None:
    with pytest.raises(DataError, match="robust principal components of 4 columns need 20 samples with all of them, and 19 are there; name fewer"):
        compositions.robust_axes(np.concatenate([drawn(7, 19, 4), np.full((9, 4), np.nan)]))
    same = np.concatenate([np.ones((40, 3)), drawn(8, 5, 3)])
    with pytest.raises(DataError, match=r"robust principal components need samples that differ .*; leave out columns mostly below detection"):
        compositions.robust_axes(same)
