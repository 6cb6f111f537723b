from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.fuzzy_linear import fuzzy_linear
from pipeline.recipe import Layer
from pipeline.registry import declared


def test_ground_within_500_m_belongs_and_beyond_5_km_does_not() -> None:
    distance = Layer.of(np.array([[0, 500, 2750, 5000, 9000, np.nan]], dtype=np.float32))
    share = fuzzy_linear(of=distance, zero_at=5000, one_at=500)
    assert np.array_equal(share, np.array([[1, 1, 0.5, 0, 0, np.nan]], dtype=np.float32), equal_nan=True)


def test_a_line_without_a_slope_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"zero_at and one_at are both 3, which is a step and no line; give two values, or use reclass"):
        declared(fuzzy_linear).reach({"of": "x", "zero_at": 3.0, "one_at": 3.0}, 100.0)
