from __future__ import annotations

import numpy as np

from pipeline.features.f_parameter import f_parameter
from pipeline.recipe import Layer


def test_the_parameter_of_a_few_grounds_is_the_one_computed_by_hand() -> None:
    k = np.array([[2.5, 6.0, 2.0, 2.0, np.nan]], dtype=np.float32)
    u = np.array([[2.0, 4.0, 3.0, 3.0, 3.0]], dtype=np.float32)
    th = np.array([[10.0, 8.0, 0.0, -1.0, 5.0]], dtype=np.float32)
    found = f_parameter(potassium=Layer.of(k), uranium=Layer.of(u), thorium=Layer.of(th))
    assert found[0, :2].tolist() == [0.5, 3.0]
    assert np.isnan(found[0, 2:]).all()
