from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.distance_to_contact import distance_to_contact
from pipeline.recipe import Layer
from pipeline.registry import declared

INTRUSION, CARBONATE, SHALE = 4, 6, 9


def test_cells_beside_the_contact_are_half_a_cell_from_it() -> None:
    rock = np.full((3, 8), CARBONATE, dtype=np.int32)
    rock[:, :3] = INTRUSION
    away = distance_to_contact(of=Layer.of(rock, cell_m=100.0), a=(INTRUSION,), b=(CARBONATE,), reach_m=400.0)
    assert away[1].tolist() == [250, 150, 50, 50, 150, 250, 350, 400]


def test_a_contact_with_another_rock_and_a_shared_corner_are_none() -> None:
    rock = np.full((4, 4), SHALE, dtype=np.int32)
    rock[0, 0], rock[1, 1] = INTRUSION, CARBONATE
    away = distance_to_contact(of=Layer.of(rock, cell_m=100.0), a=(INTRUSION,), b=(CARBONATE,), reach_m=900.0)
    assert np.all(away == 900)
    rock[0, 1] = CARBONATE
    away = distance_to_contact(of=Layer.of(rock, cell_m=100.0), a=(CARBONATE,), b=(INTRUSION,), reach_m=900.0)
    assert away[0, 1] == 50
    assert away[2, 0] == np.float32(np.hypot(150, 50))  # from the contact's lower end


def test_a_class_on_both_sides_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"class 6 is in both `a` and `b`, and a contact lies between different classes; take it out"):
        declared(distance_to_contact).reach({"of": "x", "a": (4, 6), "b": (6, 9), "reach_m": 500.0}, 100.0)
