from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array
from pipeline.registry import declared, find
from tests.features.driver import empty_region, run

MIDDLE = (46, 23)  # the cell around (50, 50)


def oriented(*lines: list[tuple[float, float]]) -> tuple[Array, ...]:
    region = empty_region().with_geometry("faults", [shapely.LineString(line) for line in lines])
    return run("orientation_of", {"of": "faults", "radius_m": 1000.0}, region)


@pytest.mark.parametrize("azimuth", [0, 30, 45, 90, 135, 170, 200, 350])
def test_parallel_lines_have_the_double_angle_of_their_azimuth(azimuth: float) -> None:
    east, north = 5000 * math.sin(math.radians(azimuth)), 5000 * math.cos(math.radians(azimuth))
    lines = [[(50 + dx - east, 50 - north), (50 + dx + east, 50 + north)] for dx in (-200, 0, 300)]
    cosine, sine = oriented(*lines)
    expected = math.cos(2 * math.radians(azimuth)), math.sin(2 * math.radians(azimuth))
    assert (cosine[MIDDLE], sine[MIDDLE]) == pytest.approx(expected, abs=1e-6)


def test_two_sets_weigh_by_their_length_and_equal_ones_at_right_angles_cancel() -> None:
    north, east = [(50.0, 50.0), (50.0, 350.0)], [(50.0, 50.0), (150.0, 50.0)]
    cosine, sine = oriented(north, east)
    assert cosine[MIDDLE] == pytest.approx((300 - 100) / 400, abs=1e-6)
    assert sine[MIDDLE] == pytest.approx(0, abs=1e-6)
    cosine, sine = oriented([(50, -50), (50, 150)], [(-50, 50), (150, 50)])
    assert (cosine[MIDDLE], sine[MIDDLE]) == pytest.approx((0, 0), abs=1e-6)


def test_ground_without_a_line_has_no_orientation() -> None:
    cosine, sine = oriented([(50.0, 50.0), (50.0, 60.0)])
    assert cosine[MIDDLE] == 1
    assert cosine[0, 0] == sine[0, 0] == 0
    assert np.isfinite(cosine).all() and np.isfinite(sine).all()


def test_outputs_are_the_cosine_and_the_sine() -> None:
    assert declared(find("features", "orientation_of")).outputs("strike", {}) == ("strike_cos2", "strike_sin2")
