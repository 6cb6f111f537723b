"""The dissimilarity index by hand, and what unlike, missing and far evidence does to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pipeline.errors import DataError
from pipeline.learning import applicability

ROWS = 60


def space(values: np.ndarray, *, counts: tuple[int, ...], importance: list[float], folds: int = 3) -> applicability.Space:
    fold = np.arange(len(values)) % folds
    positive = np.arange(len(values)) < 10
    return applicability.learnt(values.astype(np.float32), counts=counts, importance=np.array(importance), fold=fold, positive=positive)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(3).normal([0, 100, 5], [1, 30, 0.2], (ROWS, 3)).astype(np.float32)


def test_the_index_is_the_nearest_distance_in_scaled_and_weighted_layers_over_the_mean_one(values: np.ndarray) -> None:
    found = space(values, counts=(1, 1, 1), importance=[0.2, 0.1, -0.3])
    scaled = values / values.std(axis=0) * [1.0, 0.5, 0.0]
    mean = np.mean([np.linalg.norm(a - b) for i, a in enumerate(scaled) for b in scaled[:i]])
    asked = np.array([[0.5, 90, 5.3], [8, 100, 5]], np.float32)
    distance = cdist(asked / values.std(axis=0) * [1.0, 0.5, 0.0], scaled) / mean
    nearest, ore = applicability.dissimilarity(asked, found)
    assert nearest == pytest.approx(distance.min(axis=1), rel=1e-5)
    assert ore == pytest.approx(distance[:, :10].min(axis=1), rel=1e-5)


def test_the_threshold_is_the_upper_whisker_of_distances_to_other_folds(values: np.ndarray) -> None:
    found = space(values, counts=(1, 1, 1), importance=[1.0, 1.0, 1.0])
    scaled, fold = values / values.std(axis=0), np.arange(ROWS) % 3
    apart = cdist(scaled, scaled)
    mean = apart[np.triu_indices(ROWS, 1)].mean()
    own = np.array([apart[i, fold != fold[i]].min() for i in range(ROWS)]) / mean
    low, high = np.percentile(own, [25, 75])
    assert float(found["threshold"]) == pytest.approx(own[own <= high + 1.5 * (high - low)].max(), rel=1e-5)


def test_applicability_is_one_at_a_reference_row_and_falls_to_zero_far_away(values: np.ndarray) -> None:
    found = space(values, counts=(1, 1, 1), importance=[1.0, 1.0, 1.0])
    away = np.repeat(values[:1], 50, axis=0)
    away[:, 0] += np.linspace(0, 60, 50)
    answer = applicability.applicability(away, found)
    assert answer[0] == 1.0
    assert answer[-1] == 0.0
    nearest, _ = applicability.dissimilarity(away, found)
    believed = nearest <= float(found["threshold"])
    assert np.array_equal(answer >= 0.5, believed)


def test_a_feature_of_many_layers_weighs_as_much_as_one_of_one_layer() -> None:
    rng = np.random.default_rng(5)
    one = rng.normal(size=(ROWS, 1))
    thrice = np.concatenate([one, np.repeat(rng.normal(size=(ROWS, 1)), 3, axis=1)], axis=1).astype(np.float32)
    once = thrice[:, :2]
    many = applicability.dissimilarity(thrice + 1, space(thrice, counts=(1, 3), importance=[1.0, 1.0]))[0]
    single = applicability.dissimilarity(once + 1, space(once, counts=(1, 1), importance=[1.0, 1.0]))[0]
    assert many == pytest.approx(single, rel=1e-5)


def test_another_class_is_one_apart_however_many_classes_there_are() -> None:
    codes = np.arange(ROWS) % 4
    classes = (codes[:, None] == np.arange(4)).astype(np.float32)
    found = space(classes, counts=(4,), importance=[1.0])
    unseen = np.zeros((1, 4), np.float32)
    pairs = codes[:, None] != codes[None, :]
    mean = pairs[np.triu_indices(ROWS, 1)].mean()
    assert applicability.dissimilarity(classes[:4], found)[0].tolist() == [0.0] * 4
    assert applicability.dissimilarity(unseen, found)[0][0] == pytest.approx(np.sqrt(0.5) / mean)
    assert float(found["mean"]) == pytest.approx(mean)


def test_missing_evidence_lowers_it_by_its_weight(values: np.ndarray) -> None:
    found = space(values, counts=(1, 1, 1), importance=[3.0, 1.0, 0.0])
    asked = np.array([[np.nan, np.median(values[:, 1]), 5], [np.nan] * 3], np.float32)
    assert applicability.known_weight(asked, found).tolist() == [0.25, 0.0]
    assert applicability.applicability(asked, found)[0] <= 0.25
    assert applicability.applicability(asked, found)[1] == 0.0


def test_the_share_of_features_beyond_the_reference_is_counted_by_feature(values: np.ndarray) -> None:
    found = space(values, counts=(1, 2), importance=[1.0, 1.0])
    asked = np.array([values.max(axis=0) + 1, values[0], [np.nan, values[:, 1].min() - 1, values[0, 2]]], np.float32)
    assert applicability.outside(asked, found).tolist() == [1.0, 0.0, 0.5]


def test_no_importance_at_all_weighs_all_alike(values: np.ndarray) -> None:
    flat, level = (space(values, counts=(1, 1, 1), importance=given) for given in ([0.0, -1.0, np.nan], [1.0, 1.0, 1.0]))
    assert float(flat["threshold"]) == float(level["threshold"])


def test_reference_samples_in_one_fold_are_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="applicability: the reference samples lie in one fold; use smaller validation blocks"):
        space(values, counts=(1, 1, 1), importance=[1.0, 1.0, 1.0], folds=1)


def test_the_nearest_reference_row_is_found_where_values_are_missing_and_scaled() -> None:
    random = np.random.default_rng(8)
    space = {"points": random.normal(size=(90, 3)) * [1, 5, 0.2], "centre": np.array([1.0, -2.0, 0.5]), "scale": np.array([0.5, 2.0, 3.0])}
    values = random.normal(size=(200, 3)).astype(np.float32)
    values[::5, 1], values[::7, 2] = np.nan, np.nan
    placed = (np.where(np.isfinite(values), values, space["centre"]) - space["centre"]) * space["scale"]
    for held in (values, np.asfortranarray(values)):
        assert applicability.nearest_row(held, space).tolist() == cdist(placed, space["points"]).argmin(axis=1).tolist()
