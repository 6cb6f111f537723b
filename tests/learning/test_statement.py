"""Values in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.learning import statement

GROUND = np.array([1.0, 2.0, 3.0, 4.0, np.nan])


@pytest.mark.parametrize(
    ("value", "scale", "words"),
    [
        (5.75, "ratio", "halo 2.3x background"),
        (0.1, "ratio", "halo 0.04x background"),
        (40.0, "ratio", "halo 16x background"),
        (-1.0, "ratio", "halo lower than all background"),
        (3.75, "ratio", "halo 1.5x background"),
        (3.5, "ratio", "halo higher than 75% of background"),
        (1.8, "ratio", "halo lower than 75% of background"),
        (3.5, "interval", "halo higher than 75% of background"),
        (1.5, "interval", "halo lower than 75% of background"),
        (9.0, "interval", "halo higher than all background"),
        (np.nan, "ratio", "halo unknown here"),
    ],
)
def test_a_value_is_said_against_the_background(value: float, scale: statement.Scale, words: str) -> None:
    assert statement.said("halo", value, GROUND, scale) == words


def test_a_share_stands_beside_that_of_the_background_and_no_ratio_is_made_to_nothing() -> None:
    assert statement.said("intrusion", 0.85, np.array([0.0, 0.0, 0.1, 0.3]), "share") == "intrusion 85%, background 10%"
    assert statement.said("faults", 0.4, np.array([0.0, 0.0, 0.0, 0.5]), "ratio") == "faults higher than 75% of background"
    assert statement.said("height", 0.4, np.linspace(0, 0.401, 999), "interval") == "height higher than nearly all background"
    assert statement.said("faults", 0.4, np.array([np.nan]), "ratio") == "faults unknown here"
    assert statement.said("height", 2.0, np.array([1.0, 2.0, 2.0, 2.0, 3.0]), "ratio") == "height as most background"


def test_of_several_layers_the_one_most_unlike_its_background_is_told_of() -> None:
    ground = np.column_stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9), np.full(9, np.nan)])
    assert statement.telling(np.array([0.5, 0.05, 3.0]), ground) == 1
    assert statement.telling(np.array([np.nan, np.nan, np.nan]), ground) == 0
