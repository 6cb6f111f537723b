"""Classes are told from what can be seen, by forests that did not see the place's map."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError, DataError
from pipeline.recipe import MISSING, Ground
from pipeline.registry import declared, find
from tests.features.driver import COLS, ROWS, Region, checked, empty_region, run

SAID = {"of": "map", "seen": ("brightness",), "classes": {"dark": (1, 2), "bright": (5,)}, "block_km": 1.0, "trees": 20}


def ground(*, cover: float = 0.0) -> tuple[Region, np.ndarray]:
    """A dark west and a bright east under a wavy contact, mapped in the north only; and the truth, by place in `classes`."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:ROWS, :COLS]
    bright = x > COLS / 2 + 6 * np.sin(y / 5)
    brightness = np.where(bright, 1.0, -1.0) + rng.normal(0, 0.4, (ROWS, COLS))
    code = np.where(bright, 5, np.where(y % 2, 1, 2)).astype(np.int32)
    hidden = rng.random((ROWS, COLS)) < cover
    code[hidden] = 9
    brightness[hidden] = 8.0
    code[ROWS // 2 :] = MISSING
    return empty_region().with_layer("brightness", brightness.astype(np.float32)).with_layer("map", code), bright.astype(int)


def test_the_unmapped_half_is_told_as_it_is() -> None:
    region, truth = ground()
    dark, bright, entropy = run("infill", SAID, region)
    south = np.s_[ROWS // 2 :]
    assert dark + bright == pytest.approx(1, abs=1e-6)
    assert np.mean((bright > 0.5)[south] == truth[south]) > 0.97
    assert entropy[south][np.abs(dark[south] - bright[south]) > 0.9].max() < 0.3 < entropy.max() <= 1


def test_a_wrong_map_of_a_block_does_not_reach_what_is_told_there() -> None:
    region, _ = ground()
    code = region.layers["map"].copy()
    block = np.s_[7:17, 3:13]  # one block of 1 km: the grid starts 300 m west and 700 m north of its corner
    code[block] = np.where(code[block] == 5, 1, 5)
    told = run("infill", SAID, region)[1][block]
    lied = run("infill", SAID, region.with_layer("map", code))[1][block]
    assert np.array_equal(told, lied)


def test_under_cover_the_rock_is_told_from_ground_without_cover() -> None:
    region, truth = ground(cover=0.3)
    magnetic = (truth * 10.0 + np.random.default_rng(0).normal(0, 1, truth.shape)).astype(np.float32)
    region = region.with_layer("magnetic", magnetic)
    said = {**SAID, "seen": ("magnetic",), "cover": (9,)}
    covered = region.layers["map"] == 9
    bright = run("infill", said, region)[1]
    assert np.mean((bright > 0.5)[covered] == truth[covered]) > 0.97


def test_what_no_layer_sees_is_missing() -> None:
    region, _ = ground()
    seen = region.layers["brightness"].copy()
    seen[40:50, 5:9] = np.nan
    for block in run("infill", SAID, region.with_layer("brightness", seen)):
        assert np.array_equal(np.isnan(block), np.isnan(seen))


def test_a_code_of_two_classes_and_a_class_called_entropy_are_refused() -> None:
    refuse = declared(find("features", "infill")).check
    ground_ = Ground("EPSG:6933", (0, 0, 1, 1), 1.0)
    with pytest.raises(ConfigError, match="code 5 stands in two classes; give each code one class, cover among them"):
        refuse(checked("infill", {**SAID, "cover": (5,)}), ground_)
    with pytest.raises(ConfigError, match="a class is called entropy, as the last output is"):
        refuse(checked("infill", {**SAID, "classes": {"entropy": (1,), "other": (2,)}}), ground_)


def test_a_map_of_one_class_is_refused() -> None:
    region, _ = ground()
    flat = np.full((ROWS, COLS), 5, np.int32)
    with pytest.raises(DataError, match="of the 1 mapped classes 1 have 30 sampled cells"):
        run("infill", SAID, region.with_layer("map", flat))
