from __future__ import annotations

import numpy as np

from pipeline.features.value import value
from pipeline.recipe import MISSING, Layer


def test_numbers_and_categories_pass_through_bit_for_bit() -> None:
    numbers = np.array([[1.5, np.nan], [-0.0, np.inf]], dtype=np.float32)
    codes = np.array([[3, MISSING]], dtype=np.int32)
    for values in (numbers, codes):
        passed = value(of=Layer.of(values))
        assert passed.dtype == values.dtype
        assert passed.tobytes() == values.tobytes()
