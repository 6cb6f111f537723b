from __future__ import annotations

import numpy as np
import pytest

from pipeline.spatial.squares import BATCH, SIDE, batches, in_squares


@pytest.mark.parametrize("shape", [(8, 8), (17, 30), (1, 100), (64, 7)])
def test_every_cell_of_the_mask_comes_once_and_no_other(shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.7
    found = in_squares(mask)
    assert sorted(found.tolist()) == np.flatnonzero(mask.ravel()).tolist()
    assert in_squares(np.zeros(shape, bool)).size == 0


def test_sixty_four_cells_in_a_row_are_a_square_where_the_mask_has_no_holes() -> None:
    r, c = np.divmod(in_squares(np.ones((24, 40), bool)), 40)
    for first in range(0, r.size, SIDE**2):
        part = slice(first, first + SIDE**2)
        assert np.ptp(r[part]) == np.ptp(c[part]) == SIDE - 1


@pytest.mark.parametrize("holes", [True, False])
def test_what_layers_hold_is_handed_on_with_the_places_of_the_cells(holes: bool) -> None:
    random = np.random.default_rng(1)
    mask = random.random((150, 170)) < 0.9 if holes else np.ones((150, 170), bool)
    layers = [random.random(mask.shape).astype(np.float32), random.integers(0, 9, mask.shape).astype(np.int32)]
    seen = []
    for part, values in batches(mask, layers):
        seen += part.tolist()
        for held, layer in zip(values, layers, strict=True):
            assert held.tolist() == layer.ravel()[part].tolist()
    assert len(seen) > BATCH  # more than one batch
    assert seen == in_squares(mask).tolist()
    with pytest.raises(ValueError, match="reshape"):
        next(batches(mask, [layers[0][1:]]))
