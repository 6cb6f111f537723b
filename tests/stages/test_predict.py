"""Which cells are scored, and how classes and quantiles follow from the scores."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.learning import model_files
from pipeline.models.random_forest import random_forest
from pipeline.recipe import MISSING, Fit, Layer, Layers
from pipeline.stages import predict


@pytest.fixture(scope="module")
def model() -> Fit:
    values = np.random.default_rng(2).normal(size=(200, 4)).astype(np.float32)
    return Fit(model_files.dump(random_forest(bags=3, trees_per_bag=4, seed=1).fit(values, (values[:, 0] > 0).astype(np.int8))))


def layers(*rows: list[float]) -> Layers:
    return Layers(Layer.of(np.array([row], np.float32)) for row in rows)


nan = float("nan")


def test_evidence_is_counted_by_feature_not_by_layer(model: Fit) -> None:
    """Three layers of one feature are missing in the second cell: one feature of two is known, and that is half."""
    evidence = layers([1, 1, nan], [0, nan, 0], [1, nan, nan], [0, nan, nan])
    region = Layer.of(np.ones((1, 3), np.float32))
    by_feature, _ = predict.score_cells(evidence=evidence, region=region, model=model, least_evidence=0.5, counts=[1, 3])
    by_layer, _ = predict.score_cells(evidence=evidence, region=region, model=model, least_evidence=0.5, counts=[1, 1, 1, 1])
    assert np.isfinite(by_feature).tolist() == [[True, True, True]]
    assert np.isfinite(by_layer).tolist() == [[True, False, False]]


def test_cells_outside_the_region_or_without_any_evidence_are_not_scored(model: Fit) -> None:
    evidence = layers([1, 1, nan], [0, 0, nan], [1, 1, nan], [0, 0, nan])
    region = Layer.of(np.array([[1, nan, 1]], np.float32))
    mean, spread = predict.score_cells(evidence=evidence, region=region, model=model, least_evidence=0, counts=[2, 2])
    assert np.isfinite(mean).tolist() == np.isfinite(spread).tolist() == [[True, False, False]]


def test_classes_cover_at_most_their_share_and_ties_go_down() -> None:
    scores = np.array([0.0] * 6 + [0.1, 0.2, 0.3, 0.9])
    edges = predict.quantiles(model=Fit(b"a model"), parts=[{"0": scores.astype(np.float32)}], class_shares=[0.5, 0.7, 0.8, 0.9], area_share=0.1)
    found = predict.classify(prospectivity=Layer.of(np.array([[*scores, nan]], np.float32)), edges=Fit(edges))
    assert found.tolist() == [[1] * 6 + [2, 3, 4, 5, int(MISSING)]]


def test_a_region_without_a_scored_cell_is_one_clear_error() -> None:
    with pytest.raises(DataError, match="no cell of the region could be scored"):
        predict.quantiles(model=Fit(b"a model"), parts=[{"0": np.array([nan, nan], np.float32)}], class_shares=[0.5, 0.8, 0.9, 0.95], area_share=0.05)
