from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.features.class_of import class_of, commonest
from pipeline.recipe import MISSING, Fit, Layer, Sample
from pipeline.registry import declared

ROCKS = np.array([[7, 7, 4], [4, 9, MISSING], [7, 2, 2]], dtype=np.int32)


def test_the_commonest_come_first_and_equals_by_code() -> None:
    codes = commonest(of=Sample(ROCKS.ravel()), top=3)["codes"]
    assert codes.dtype == np.int32
    assert codes.tolist() == [7, 2, 4]


def test_spare_places_are_padded_and_stay_empty_on_the_map() -> None:
    fit = commonest(of=Sample(ROCKS.ravel()), top=6)
    assert fit["codes"].tolist() == [7, 2, 4, 9, MISSING, MISSING]
    blocks = class_of(of=Layer.of(ROCKS), categories=Fit(fit), top=6)
    assert [np.nansum(block) for block in blocks] == [3, 2, 2, 1, 0, 0]
    assert all(np.isnan(block[1, 2]) for block in blocks)


def test_each_block_marks_one_class_and_the_rare_ones_belong_to_none() -> None:
    fit = Fit(commonest(of=Sample(ROCKS.ravel()), top=2))
    first, second = class_of(of=Layer.of(ROCKS), categories=fit, top=2)
    assert np.array_equal(first, np.array([[1, 1, 0], [0, 0, np.nan], [1, 0, 0]]), equal_nan=True)
    assert np.array_equal(second, np.array([[0, 0, 0], [0, 0, np.nan], [0, 1, 1]]), equal_nan=True)


def test_a_sample_without_a_valid_cell_gives_empty_classes() -> None:
    assert commonest(of=Sample(np.full(4, MISSING)), top=2)["codes"].tolist() == [MISSING, MISSING]


def test_outputs_are_numbered_from_the_commonest() -> None:
    assert declared(class_of).outputs("rock", {"of": "geology", "top": 3}) == ("rock_1", "rock_2", "rock_3")


def test_a_layer_of_numbers_is_refused() -> None:
    fit = Fit(commonest(of=Sample(ROCKS.ravel()), top=1))
    height = Layer.of(np.ones((2, 2), dtype=np.float32), name="dem")
    with pytest.raises(
        DataError,
        match=r"class_of needs a layer of categories .* but 'dem' holds float32; give it a classified",
    ):
        class_of(of=height, categories=fit, top=1)
