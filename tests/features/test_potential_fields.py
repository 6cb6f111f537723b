"""Potential fields against harmonica's forward models: prisms and dipoles whose derivatives and continuations are known in closed form."""

from __future__ import annotations

import datetime

import harmonica
import numpy as np
import pytest
from scipy import ndimage

from pipeline.errors import ConfigError
from pipeline.features.reduction_to_pole import reduced_anomaly
from pipeline.recipe import Array, Ground, Whole
from pipeline.registry import declared, find
from tests.features.driver import CELL_M, CRS, centres, checked, empty_region, over, run

INNER = (slice(10, -10), slice(10, -10))  # a kilometre from the survey's edge
BODY = (450.0, 2050.0, -50.0, 1150.0, -1500.0, -400.0)  # west east south north bottom top
DIPOLE = (1250.0, 550.0, -500.0)
DAY = "2010-01-01"
MGAL_PER_KM = 0.1  # one Eotvos


def gravity(component: str, *, height_m: float = 0.0) -> Array:
    """Gravity of the body, mGal or Eotvos, at the cells' centres."""
    x, y = centres()
    found: Array = harmonica.prism_gravity((x, y, np.full_like(x, height_m)), BODY, 300.0, field=component)
    return found


def anomaly(inclination: float, declination: float, *, at: tuple[float, float, float] = DIPOLE) -> Array:
    """Total-field anomaly of a dipole magnetized along the field, nT."""
    x, y = centres()
    moment = harmonica.magnetic_angles_to_vec(1e9, inclination, declination)
    field = harmonica.dipole_magnetic((x, y, np.zeros_like(x)), at, moment, field="b")
    found: Array = harmonica.total_field_anomaly(field, inclination, declination)
    return found


def magnetic_at_the_pole(body: tuple[float, ...]) -> Array:
    """Anomaly of a prism under a vertical field, nT."""
    x, y = centres()
    magnetized = harmonica.magnetic_angles_to_vec(1.0, 90.0, 0.0)
    found: Array = -harmonica.prism_magnetic((x, y, np.zeros_like(x)), body, magnetized, field="b_u")
    return found


def apart(found: Array, truth: Array) -> Array:
    """How far from the truth, in shares of its greatest value."""
    shares: Array = np.abs(found - truth) / np.abs(truth).max()
    return shares


def highest(values: Array) -> tuple[float, float]:
    """Metres east and north from the dipole to the highest cell."""
    x, y = centres()
    return float(x.ravel()[values.argmax()] - DIPOLE[0]), float(y.ravel()[values.argmax()] - DIPOLE[1])


def test_the_first_vertical_derivative_of_gravity_is_the_prisms_own_within_two_per_cent() -> None:
    error = apart(over("first_vertical_derivative", gravity("g_z")), gravity("g_zz") * MGAL_PER_KM)
    assert error[INNER].max() < 0.02


def test_the_horizontal_gradient_of_gravity_is_the_prisms_own() -> None:
    truth = np.hypot(gravity("g_ez"), gravity("g_nz")) * MGAL_PER_KM
    assert apart(over("total_horizontal_gradient", gravity("g_z")), truth).max() < 0.002


def test_the_gradients_of_a_plane_are_its_slope_and_nothing_downward() -> None:
    x, y = centres()
    plane = 40 + 3e-3 * x - 4e-3 * y
    assert over("total_horizontal_gradient", plane) == pytest.approx(5.0, abs=1e-3)  # the plane itself is rounded to float32
    assert over("analytic_signal", plane) == pytest.approx(5.0, abs=1e-3)
    assert over("first_vertical_derivative", plane) == pytest.approx(0.0, abs=1e-3)
    assert over("upward_continuation", plane, height_m=800.0) == pytest.approx(plane, abs=1e-4)


@pytest.mark.parametrize(("height_m", "most"), [(100.0, 0.005), (300.0, 0.01), (1000.0, 0.06)])
def test_upward_continuation_is_the_field_higher_up(height_m: float, most: float) -> None:
    error = apart(over("upward_continuation", gravity("g_z"), height_m=height_m), gravity("g_z", height_m=height_m))
    assert error[INNER].max() < most  # a kilometre is a seventh of this survey: ground outside it begins to tell


def test_the_residual_is_what_a_higher_flight_would_lose() -> None:
    truth = gravity("g_z") - gravity("g_z", height_m=300.0)
    assert apart(over("residual", gravity("g_z"), height_m=300.0), truth)[INNER].max() < 0.02


def test_tilt_is_zero_over_a_vertical_contact_and_45_degrees_one_depth_away() -> None:
    depth_m = 400.0
    x, _ = centres()
    from_contact = x[0] - 1250.0
    tilt = over("tilt", magnetic_at_the_pole((1250.0, 2e5, -2e5, 2e5, -5e4, -depth_m)))[40]
    assert np.interp(0.0, tilt[20:50], from_contact[20:50]) == pytest.approx(0.0, abs=CELL_M / 10)
    near = np.abs(from_contact) <= 600
    expected = np.degrees(np.arctan(from_contact / depth_m))  # Salem et al. (2007)
    assert tilt[near] == pytest.approx(expected[near], abs=1.5)


def test_theta_is_one_over_the_contact_and_the_cosine_of_tilt_everywhere() -> None:
    field = magnetic_at_the_pole((1250.0, 2e5, -2e5, 2e5, -5e4, -400.0))
    x, _ = centres()
    theta, tilt = over("theta", field), over("tilt", field)
    assert x[0][theta[40].argmax()] == 1250.0
    assert theta == pytest.approx(np.cos(np.radians(tilt)), abs=1e-5)


@pytest.mark.parametrize("inclination", [0.0, 20.0, 45.0, 70.0, 90.0])
def test_the_analytic_signal_peaks_over_the_body_whatever_the_inclination(inclination: float) -> None:
    east, north = highest(over("analytic_signal", anomaly(inclination, 5.0)))
    assert np.hypot(east, north) <= CELL_M  # a fifth of the depth


@pytest.mark.parametrize(("inclination", "declination"), [(45.0, 3.0), (45.0, -20.0), (-60.0, 10.0), (25.0, 0.0)])
def test_reduction_to_the_pole_centres_a_dipole(inclination: float, declination: float) -> None:
    measured = anomaly(inclination, declination)
    assert highest(measured) != (0.0, 0.0)
    reduced = over("reduction_to_pole", measured, date=DAY, inclination=inclination, declination=declination)
    assert highest(reduced) == (0.0, 0.0)
    assert apart(reduced, anomaly(90.0, 0.0))[INNER].max() < 0.02


def test_reduction_at_the_pole_changes_nothing() -> None:
    measured = gravity("g_z")
    assert over("reduction_to_pole", measured, date=DAY, inclination=90.0, declination=0.0) == pytest.approx(measured, rel=1e-5, abs=1e-5)


def test_the_direction_is_the_days_at_the_regions_centre_and_counts_from_grid_north() -> None:
    from_pole_m = 1_089_000.0 * np.sqrt(0.5)  # 80 N on the prime meridian, where true north is 45 degrees west of this grid's
    steps = np.arange(-2, 3) * CELL_M
    polar = Whole(np.zeros((5, 5)), from_pole_m + steps, -from_pole_m - steps, CELL_M, "EPSG:3413")
    found = reduced_anomaly(of=polar, date="2020-01-01", inclination=None, declination=None)["direction"]
    assert found == pytest.approx([83.14, -1.28, -46.28], abs=0.1)  # the World Magnetic Model 2020 there
    given = reduced_anomaly(of=polar, date="2020-01-01", inclination=-70.0, declination=4.0)["direction"]
    assert given == pytest.approx([-70.0, 4.0, -41.0], abs=0.01)


def test_a_low_inclination_is_refused_with_what_to_use_instead() -> None:
    said = checked("reduction_to_pole", {"of": "layer", "date": DAY, "inclination": -12.0})
    with pytest.raises(ConfigError, match=r"inclined -12.0 degrees.*use analytic_signal or theta"):
        declared(find("features", "reduction_to_pole")).check(said, ground(4_000_000.0))
    with pytest.raises(ConfigError, match="use analytic_signal or theta"):  # near the dip equator, before anything runs
        declared(find("features", "reduction_to_pole")).check(checked("reduction_to_pole", {"of": "layer", "date": DAY}), ground(1_300_000.0))


def ground(y_m: float) -> Ground:
    """A small region on the prime meridian, so many metres north of the equator."""
    return Ground(CRS, (0.0, y_m - 900.0, 900.0, y_m), CELL_M)


@pytest.mark.parametrize(("date", "told"), [("June 2005", "no day"), ("1899-12-31", "1900 to 2030")])
def test_a_day_outside_the_reference_field_is_refused_before_anything_runs(date: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        declared(find("features", "reduction_to_pole")).check(checked("reduction_to_pole", {"of": "layer", "date": date}), ground(4_000_000.0))


def test_an_older_survey_is_reduced_with_the_direction_it_states() -> None:
    said = {"of": "layer", "date": "1899-12-31", "inclination": 45.0, "declination": 3.0}
    declared(find("features", "reduction_to_pole")).check(checked("reduction_to_pole", said), ground(4_000_000.0))
    assert highest(over("reduction_to_pole", anomaly(45.0, 3.0), **{k: v for k, v in said.items() if k != "of"})) == (0.0, 0.0)


def test_a_day_may_be_written_as_yaml_reads_it() -> None:
    assert checked("reduction_to_pole", {"of": "layer", "date": datetime.date(2005, 6, 30)})["date"] == "2005-06-30"


def test_a_hole_stays_a_hole_and_spoils_little_around_it() -> None:
    field = gravity("g_z")
    holed = field.copy()
    holed[50:59, 50:60] = np.nan  # on the anomaly's flank, where the field is a sixth of its peak
    found = over("first_vertical_derivative", holed)
    assert np.array_equal(np.isnan(found), np.isnan(holed))
    away = ndimage.distance_transform_edt(np.isfinite(holed))
    error = np.abs(found - over("first_vertical_derivative", field)) / np.abs(gravity("g_zz") * MGAL_PER_KM).max()
    assert np.nanmax(error) < 0.03
    assert np.nanmax(error[away >= 3]) < 0.005


def test_a_survey_that_is_nowhere_known_gives_nothing() -> None:
    region = empty_region().with_layer("layer", np.full(empty_region().grid.shape, np.nan, dtype=np.float32))
    assert np.isnan(run("tilt", {"of": "layer"}, region)[0]).all()
