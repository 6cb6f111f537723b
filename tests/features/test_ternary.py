"""A ternary image stretches each element between its own quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from tests.features.driver import COLS, ROWS, empty_region, run


def test_each_colour_runs_between_its_quantiles_and_clips_beyond() -> None:
    rng = np.random.default_rng(0)
    layers = {name: rng.lognormal(mean, 0.4, (ROWS, COLS)).astype(np.float32) for name, mean in (("k", 0.5), ("th", 2.0), ("u", 1.0))}
    layers["u"][3, 4] = np.nan
    region = empty_region()
    for name, values in layers.items():
        region = region.with_layer(name, values)
    found = run("ternary", {"potassium": "k", "thorium": "th", "uranium": "u", "tail": 0.1}, region)
    for block, values in zip(found, layers.values(), strict=True):
        known = values[np.isfinite(values)].astype(float)
        low, high = np.percentile(known, [10, 90])
        assert block == pytest.approx(np.clip((values - low) / (high - low), 0, 1), abs=1e-6, nan_ok=True)
        assert np.mean(block == 0) == pytest.approx(0.1, abs=0.01)
    assert np.isnan(found[2][3, 4]) and not np.isnan(found[0][3, 4])
