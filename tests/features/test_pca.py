from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from pipeline.errors import ConfigError, DataError
from pipeline.features.pca import pca, standardized_axes
from pipeline.recipe import Array, Fit, Layer, Layers, Sample, Samples
from pipeline.registry import declared


def correlated(seed: int = 2, cells: int = 4000) -> Array:
    """Four layers of two causes and noise, in very different units: (4, cells)."""
    rng = np.random.default_rng(seed)
    light, iron = rng.normal(0, 1, (2, cells))
    causes = np.stack([light + 0.1 * iron, 0.9 * light - 0.6 * iron, 0.8 * light + 0.5 * iron, 0.3 * light])
    return (causes + rng.normal(0, 0.2, (4, cells))) * [[1e-2], [1.0], [50.0], [1e3]] + [[0.3], [-5.0], [900.0], [1e5]]


def samples(columns: Array) -> Samples:
    return Samples(Sample(column.astype(np.float32)) for column in columns)


def layers(columns: Array) -> Layers:
    return Layers(Layer.of(column.astype(np.float32)[None, :]) for column in columns)


def test_components_are_those_of_scikit_learn_up_to_the_sign() -> None:
    columns = correlated().astype(np.float32).astype(np.float64)
    theirs = PCA(n_components=4).fit_transform(StandardScaler().fit_transform(columns.T)).T
    ours = pca(of=layers(columns), axes=Fit(standardized_axes(of=samples(columns))), components=4)
    assert len(ours) == 4
    for block, reference in zip(ours, theirs, strict=True):
        turned = reference * np.sign(np.vdot(block, reference))
        assert np.allclose(block[0], turned, rtol=0, atol=2e-5)


def test_rows_with_a_gap_are_left_out_of_the_fit_whole() -> None:
    columns = correlated()
    holed = np.concatenate([columns, np.full((4, 500), np.nan)], axis=1)
    holed[0, -500:] = 1e6  # one layer alone holds a value there, and it must not count
    kept, full = standardized_axes(of=samples(holed)), standardized_axes(of=samples(columns))
    assert np.allclose(kept["mean"], full["mean"], rtol=1e-12)
    assert np.allclose(kept["weights"], full["weights"], rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_sign_of_a_component_does_not_hang_on_the_sample(seed: int) -> None:
    # two layers that are mirror images, so that a rule by the largest weight alone would toss a coin
    rng = np.random.default_rng(seed)
    cause = rng.normal(0, 1, 3000)
    columns = np.stack([cause, -cause]) + rng.normal(0, 0.3, (2, 3000))
    weights = standardized_axes(of=samples(columns))["weights"]
    assert weights[0, 0] > 0 and weights[0, 1] < 0
    assert weights[1, 0] > 0 and weights[1, 1] > 0


def test_a_layer_without_spread_adds_nothing() -> None:
    columns = correlated()
    columns[3] = 7
    fit = standardized_axes(of=samples(columns))
    assert np.isfinite(fit["weights"]).all()
    first, *_, last = pca(of=layers(columns), axes=Fit(fit), components=4)
    assert np.std(first) > 1
    assert np.all(last == 0)


def test_too_few_whole_rows_are_refused() -> None:
    columns = correlated(cells=5)
    columns[1, 1:] = np.nan
    with pytest.raises(DataError, match="principal components of 4 layers need more than 4 cells where all of them hold a value, and 1 of"):
        standardized_axes(of=samples(columns))


def test_more_components_than_layers_are_refused_at_plan_time() -> None:
    with pytest.raises(ConfigError, match="3 components of 2 layers do not exist; give at most 2"):
        declared(pca).reach({"of": ("a", "b"), "components": 3}, 30.0)
