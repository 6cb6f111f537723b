from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.class_named import class_named
from pipeline.recipe import MISSING, Ground, Layer
from pipeline.registry import declared

ROCKS = np.array([[7, 4], [9, MISSING]], dtype=np.int32)


def test_each_block_marks_the_codes_of_its_name_and_missing_stays_missing() -> None:
    arc, basin = class_named(of=Layer.of(ROCKS), classes={"arc": (7, 9), "basin": (4,)})
    assert np.array_equal(arc, [[1, 0], [1, np.nan]], equal_nan=True)
    assert np.array_equal(basin, [[0, 1], [0, np.nan]], equal_nan=True)
    assert arc.dtype == np.float32


def test_a_layer_goes_by_the_name_of_its_class_and_none_is_refused() -> None:
    recipe = declared(class_named)
    assert recipe.outputs("rock", {"classes": {"arc": (7,), "basin": (4,)}}) == ("rock_arc", "rock_basin")
    assert not recipe.of_region
    with pytest.raises(ConfigError, match="no class is named"):
        recipe.check({"classes": {}}, Ground("EPSG:3857", (0, 0, 1, 1), 1.0))
