"""Surveys at another level, and samples of another laboratory, come back as one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.errors import DataError
from pipeline.recipe import Vector
from pipeline.spatial import assays
from tests.features.driver import COLS, Region, centres, empty_region, run


def surveys(*, gain: float = 1.0, overlap: int = 20) -> tuple[Region, np.ndarray]:
    """One field seen by two surveys, west and east, the eastern one 70 units off and stretched; and the field."""
    x, y = centres()
    field = 100 * np.sin(x / 1500) + 80 * np.cos(y / 1100)
    rng = np.random.default_rng(0)
    west, east = field + rng.normal(0, 0.5, field.shape), (field - 70) / gain + rng.normal(0, 0.5, field.shape)
    west[:, COLS // 2 + overlap // 2 :] = np.nan
    east[:, : COLS // 2 - overlap // 2] = np.nan
    region = empty_region().with_layer("west", west.astype(np.float32)).with_layer("east", east.astype(np.float32))
    return region, field


@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_two_surveys_become_one_without_a_seam(gain: float) -> None:
    region, field = surveys(gain=gain)
    found = run("levelled", {"of": ("west", "east"), "gain": gain != 1.0}, region)[0]
    away = found - field
    assert np.abs(np.median(away[:, COLS * 3 // 4 :])) < 1.0
    assert np.std(away) < 3
    alone = np.s_[:, : COLS // 2 - 10]
    assert np.array_equal(found[alone], region.layers["west"][alone])


def test_surveys_that_do_not_meet_are_refused() -> None:
    region, _ = surveys(overlap=0)
    with pytest.raises(DataError, match="layer 2 of `of` meets those before it in 0 sampled cells, and levelling needs 100"):
        run("levelled", {"of": ("west", "east")}, region)


def samples(*, apart_m: float = 0.0) -> Vector:
    """Zinc along three campaigns over the same hills, the second at twice, the third at half the level of the first."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 5000, (900, 2))
    campaign = rng.choice(["a", "b", "c"], 900, p=[0.5, 0.3, 0.2])
    xy[campaign == "c"] += apart_m
    level = np.select([campaign == "b", campaign == "c"], [2.0, 0.5], 1.0)
    zinc = np.exp(4 + np.sin(xy[:, 0] / 1500) + rng.normal(0, 0.1, 900)) * level
    return Vector(shapely.points(xy), {"zn": zinc, "campaign": campaign.astype(object)})


def test_campaigns_are_shifted_to_the_largest_by_what_they_share() -> None:
    of = samples()
    values = assays.measured(of, "zn", detection="half", transform="log")
    shift = assays.shifts(of, values, "campaign", within_m=300)
    assert dict(zip(shift["survey"], shift["shift"], strict=True)) == pytest.approx({"a": 0.0, "b": -np.log(2), "c": np.log(2)}, abs=0.05)
    even = assays.levelled(of, values, "campaign", shift)
    plain = 4 + np.sin(shapely.get_x(of.geometry) / 1500)
    assert np.std(even - plain) == pytest.approx(0.1, abs=0.01)


def test_a_campaign_that_shares_no_ground_is_refused_with_what_to_do() -> None:
    of = samples(apart_m=20_000)
    values = assays.measured(of, "zn", detection="half", transform="log")
    with pytest.raises(DataError, match="survey 'c' has 0 samples within 300 m of another survey's, and levelling needs 20; give a larger level_within_m"):
        assays.shifts(of, values, "campaign", within_m=300)
    with pytest.raises(DataError, match="the table of samples has no column 'labs'; it holds campaign, zn"):
        assays.shifts(of, values, "labs", within_m=300)


def test_a_kriged_map_of_levelled_campaigns_shows_the_ground_and_not_the_campaigns() -> None:
    rng = np.random.default_rng(5)
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    xy = rng.uniform((xmin, ymin), (xmax, ymax), (600, 2))
    campaign = np.where(xy[:, 0] + rng.normal(0, 800, 600) > (xmin + xmax) / 2, "east", "west").astype(object)
    zinc = np.exp(3 + 0.5 * np.sin(xy[:, 1] / 1500) + np.where(campaign == "east", 1.0, 0.0) + rng.normal(0, 0.05, 600))
    region = empty_region().with_geometry("samples", list(shapely.points(xy)), {"zn": zinc, "campaign": campaign})
    said = {"of": "samples", "column": "zn", "reach_m": 2000.0, "transform": "log"}
    _, y = centres()
    truth = 3 + 0.5 * np.sin(y / 1500)
    raw, even = (run("kriged", {**said, **more}, region)[0] for more in ({}, {"survey": "campaign", "level_within_m": 500.0}))
    east = np.s_[:, COLS * 3 // 4 :]
    assert np.nanmedian((raw - truth)[east]) - np.nanmedian((raw - truth)[:, : COLS // 4]) > 0.8
    assert abs(np.nanmedian((even - truth)[east]) - np.nanmedian((even - truth)[:, : COLS // 4])) < 0.1
