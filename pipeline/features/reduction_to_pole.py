"""Reduction of magnetic anomalies to the pole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Cells, Fit, Ground, Layer, Whole, feature

EPOCH = 1
LEAST_INCLINATION = 20.0  # nearer the equator the filter lifts noise along the declination more than eightfold
Day = Annotated[str, BeforeValidator(str)]  # YAML reads an unquoted day as a date


def _refuse_low(inclination: float) -> None:
    if abs(inclination) < LEAST_INCLINATION:
        raise ConfigError(
            f"the field is inclined {inclination:.1f} degrees, and below {LEAST_INCLINATION:g} a reduction to the pole is mostly stripes along "
            "the declination; use analytic_signal or theta of the anomaly instead: they hardly depend on it"
        )


def reduced_anomaly(*, of: Whole, date: str, inclination: float | None, declination: float | None) -> dict[str, Array]:
    """Fit: the survey reduced to the pole on its own step; `direction`: inclination, and declination from true and from grid north."""
    import numpy as np

    from pipeline.spatial import geomagnetism, potential

    lon, lat, true_north = geomagnetism.place(float(of.x.mean()), float(of.y.mean()), crs=of.crs)
    if inclination is None or declination is None:
        modelled = geomagnetism.direction(lon, lat, date=date)
        inclination = modelled[0] if inclination is None else inclination
        declination = modelled[1] if declination is None else declination
    _refuse_low(inclination)
    survey = potential.survey(of)
    answer = potential.reduced(survey, inclination=inclination, declination=declination + true_north)
    return survey.kept(answer) | {"direction": np.array([inclination, declination, declination + true_north])}


def _refuse_near_the_equator(parameters: Mapping[str, Any], ground: Ground) -> None:
    """Refuses, at plan time, a date the reference field does not know and a field too near level, stated or modelled at the ground's centre."""
    from pipeline.spatial import geomagnetism

    inclination = parameters["inclination"]
    if None in (inclination, parameters["declination"]):
        geomagnetism.day(parameters["date"])
    if inclination is None:
        west, south, east, north = ground.bounds
        lon, lat, _ = geomagnetism.place((west + east) / 2, (south + north) / 2, crs=ground.crs)
        inclination, _ = geomagnetism.direction(lon, lat, date=parameters["date"])
    _refuse_low(inclination)


@feature(
    summary="Reduction to the pole",
    units="input",
    reference="Baranov, Naudy (1964), Blakely (1995)",
    check=_refuse_near_the_equator,
    fit=reduced_anomaly,
    windowed=True,
)
def reduction_to_pole(
    *,
    of: Layer,
    field: Fit,
    date: Day,
    inclination: Annotated[float, Field(ge=-90, le=90)] | None = None,
    declination: Annotated[float, Field(ge=-180, le=180)] | None = None,
    at: Cells,
) -> Array:
    """The total-field anomaly as it would be where the field points straight down, in its own units; (y, x) float32; NaN where the
    layer is.

    Anomalies move over their bodies and lose their paired lows (Baranov and Naudy 1964). `date` is the day of the survey, YYYY-MM-DD;
    inclination and declination (degrees, down and east of true north) are the reference field's (IGRF-14) at the region's centre
    then, unless given. One direction serves the whole region: the inclination changes by up to 2 degrees per degree of latitude.
    Bodies are taken as magnetized along the field; remanence moves them. Below 20 degrees of inclination it is refused. The
    level and the plane of the region stay as measured.
    """
    from pipeline.spatial import potential

    del date, inclination, declination  # only the fit reads them
    return potential.at_cells(field, of, at)
