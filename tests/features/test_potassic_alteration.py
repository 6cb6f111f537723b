from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.features.potassic_alteration import potassic_alteration, usual_ratio
from pipeline.recipe import Fit, Layer, Sample


def test_potassium_is_told_from_what_thorium_leads_to_expect() -> None:
    fit = usual_ratio(potassium=Sample(np.array([1.0, 2.0, 3.0, np.nan, 9.0])), thorium=Sample(np.array([8.0, 6.0, 10.0, 50.0, np.nan])))
    assert fit["ratio"] == pytest.approx([6 / 24])
    k, th = np.array([[2.0, 5.0, 1.0]], dtype=np.float32), np.array([[8.0, 8.0, np.nan]], dtype=np.float32)
    found = potassic_alteration(potassium=Layer.of(k), thorium=Layer.of(th), usual=Fit(fit))
    assert found[0, :2].tolist() == [0.0, 3.0]
    assert np.isnan(found[0, 2])


def test_rock_and_moisture_that_move_both_alike_leave_nothing() -> None:
    thorium = np.random.default_rng(4).uniform(2, 30, (9, 11)).astype(np.float32)
    potassium = np.float32(0.25) * thorium
    fit = usual_ratio(potassium=Sample(potassium.ravel()), thorium=Sample(thorium.ravel()))
    found = potassic_alteration(potassium=Layer.of(potassium), thorium=Layer.of(thorium), usual=Fit(fit))
    assert np.abs(found).max() < 1e-6


@pytest.mark.parametrize("thorium", [[np.nan, 4.0], [-1.0, -3.0]])
def test_thorium_that_explains_nothing_is_refused(thorium: list[float]) -> None:
    with pytest.raises(DataError, match="thorium is nowhere known together with potassium, or not positive on average"):
        usual_ratio(potassium=Sample(np.array([1.0, np.nan])), thorium=Sample(np.array(thorium)))
