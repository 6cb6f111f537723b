"""Two scenes of one ground under another sun: no seam is left in an index; and what normalisation cannot do."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import registry
from pipeline.features.scene_normalized import LEAST, ROLES
from pipeline.recipe import MISSING, Array
from tests.features.driver import COLS, ROWS, Region, empty_region, run
from tests.features.minerals import bands

HALF = COLS // 2
SAID = {"of": "aster", "scene": "scene"}


def ground(*, haze: float = 0.0, one_rock: bool = False) -> tuple[Region, Array]:
    """Patches of clay in plain rock, seen by two scenes whose gain differs by band; and where the clay is."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:ROWS, :COLS]
    clay = (np.sin(x / 3.0) * np.sin(y / 4.0) > 0.55) if not one_rock else (x >= HALF)
    plain = dict.fromkeys(ROLES, 0.3)
    rock = {**plain, "swir3": 0.22}  # an absorption at 2.2 um
    east = x >= HALF
    gains = rng.uniform(0.5, 2.0, (2, len(ROLES)))
    region = empty_region().with_layer("scene", np.where(east, 12, 7).astype(np.int32))
    for i, role in enumerate(ROLES):
        light = np.where(clay, rock[role], plain[role]) * (1 + rng.normal(0, 0.01, x.shape))
        seen = light * np.where(east, gains[1, i], gains[0, i]) * 50 + haze * np.where(east, 4.0, 1.0)
        region = region.with_layer(f"aster_{role}", seen.astype(np.float32))
    return region, clay


def aloh(by_role: dict[str, Array]) -> Array:
    function = registry.find("features", "aloh")
    found: Array = function(of=bands(by_role, registry.declared(function).roles["aster"]))
    return found


def normalized(region: Region, **more: float) -> dict[str, Array]:
    return dict(zip(ROLES, run("scene_normalized", {**SAID, **more}, region), strict=True))


def seam(index: Array, clay: Array) -> float:
    """How far the rock that is not `clay` differs across the seam, in its own noise."""
    west, east = np.s_[:, HALF - 25 : HALF], np.s_[:, HALF : HALF + 25]
    apart = abs(np.median(index[west][~clay[west]]) - np.median(index[east][~clay[east]]))
    return float(apart / np.std(index[west][~clay[west]]))


def test_an_index_has_a_seam_before_and_none_after() -> None:
    region, clay = ground()
    raw = aloh({role: region.layers[f"aster_{role}"] for role in ROLES})
    even = aloh(normalized(region))
    assert seam(raw, clay) > 10
    assert seam(even, clay) < 0.5
    assert np.median(even[clay]) > 1.15 * np.median(even[~clay])


def test_haze_leaves_a_seam_unless_the_dark_is_taken_off() -> None:
    region, clay = ground(haze=6.0)
    shadow = np.zeros((ROWS, COLS), bool)
    shadow[:, 5:8] = shadow[:, -8:-5] = True
    for role in ROLES:
        values = region.layers[f"aster_{role}"].copy()
        values[shadow] = np.where(np.arange(COLS) >= HALF, 24.0, 6.0)[None, :].repeat(ROWS, 0)[shadow]
        region = region.with_layer(f"aster_{role}", values)
    assert seam(aloh(normalized(region)), ~clay) > 2  # between the clays of both: haze pales the more the darker the scene
    assert seam(aloh(normalized(region, dark_share=0.01)), ~clay) < 1


def test_a_scene_of_one_rock_has_it_divided_out_as_the_docstring_says() -> None:
    region, clay = ground(one_rock=True)
    even = aloh(normalized(region))
    assert np.median(even[clay]) == pytest.approx(np.median(even[~clay]), rel=0.01)


def test_a_scene_of_few_cells_and_cells_of_no_scene_are_missing() -> None:
    region, _ = ground()
    scene = region.layers["scene"].copy()
    scene[:5, :5], scene[40, 40] = 99, MISSING
    assert LEAST > 25
    for block in normalized(region.with_layer("scene", scene)).values():
        assert np.isnan(block[:5, :5]).all() and np.isnan(block[40, 40])
        assert np.isfinite(block[10, 10])
