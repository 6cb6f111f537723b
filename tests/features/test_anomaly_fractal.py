from __future__ import annotations

import numpy as np

from pipeline.features.anomaly_fractal import anomaly_fractal, thresholds
from pipeline.recipe import Fit, Layer, Sample


def test_a_cell_counts_the_thresholds_it_lies_above_and_gaps_stay() -> None:
    values = np.array([[-5, 0, 10, 10.5, 25, 25.5, 1e9, np.nan]], dtype=np.float32)
    found = anomaly_fractal(of=Layer.of(values), populations=Fit({"breaks": np.array([10.0, 25.0])}), classes=3)
    assert np.array_equal(found, np.array([[0, 0, 0, 1, 1, 2, 2, np.nan]], dtype=np.float32), equal_nan=True)


def test_a_small_rich_population_is_told_from_a_wide_poor_one() -> None:
    rng = np.random.default_rng(5)
    rich = np.zeros((200, 200), dtype=bool)
    rich[60:75, 80:100] = True
    values = np.where(rich, np.exp(rng.normal(np.log(400), 0.25, rich.shape)), np.exp(rng.normal(np.log(20), 0.35, rich.shape)))
    layer = values.astype(np.float32)
    fit = thresholds(of=Sample(layer.ravel()), classes=4)
    found = anomaly_fractal(of=Layer.of(layer), populations=Fit(fit), classes=4)
    assert np.all(found[rich] >= 2)
    assert np.mean(found[~rich] >= 2) < 0.01
