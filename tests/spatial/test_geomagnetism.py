from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.spatial import geomagnetism

WMM2020 = (  # north, east, down in nT on 2020-01-01 at sea level: test values of the World Magnetic Model 2020, another model of the same field
    (80.0, 0.0, 6570.4, -146.3, 54606.0),
    (0.0, 120.0, 39624.3, 109.9, -10932.5),
    (-80.0, 240.0, 5940.6, 15772.1, -52480.8),
)


@pytest.mark.parametrize(("lat", "lon", "north", "east", "down"), WMM2020)
def test_the_direction_agrees_with_the_world_magnetic_model(lat: float, lon: float, north: float, east: float, down: float) -> None:
    inclination, declination = geomagnetism.direction(lon, lat, date="2020-01-01")
    assert inclination == pytest.approx(np.degrees(np.arctan2(down, np.hypot(north, east))), abs=0.05)
    assert declination == pytest.approx(np.degrees(np.arctan2(east, north)), abs=0.1)


@pytest.mark.parametrize("easting", [300_000.0, 500_000.0, 750_000.0])
def test_true_north_leans_towards_the_central_meridian_by_the_convergence(easting: float) -> None:
    lon, lat, north = geomagnetism.place(easting, 3_300_000.0, crs="EPSG:32641")
    assert north == pytest.approx(-(lon - 63.0) * np.sin(np.radians(lat)), abs=0.01)  # of a transverse Mercator, to first order
    assert lat == pytest.approx(29.8, abs=0.1)


def test_a_day_that_is_none_or_has_no_field_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="is no day; write it as YYYY-MM-DD, the middle of the survey if it took months"):
        geomagnetism.day("June 1975")
    with pytest.raises(ConfigError, match="is outside the reference field's years 1900 to"):
        geomagnetism.day("1850-01-01")
