"""The direction of the Earth's main field: what a magnetic survey's anomalies were induced by."""

from __future__ import annotations

import datetime

import numpy as np

from pipeline.errors import ConfigError

FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2030, 1, 1)  # what the 14th generation of the IGRF spans
NORTHWARD_DEGREES = 1e-3


def day(said: str) -> datetime.datetime:
    """The day a survey was flown, of "YYYY-MM-DD"; ConfigError where it is none, or outside the reference field's years."""
    try:
        date = datetime.date.fromisoformat(said)
    except ValueError:
        raise ConfigError(f"date {said!r} is no day; write it as YYYY-MM-DD, the middle of the survey if it took months") from None
    if not FIRST <= date <= LAST:
        raise ConfigError(
            f"date {said} is outside the reference field's years {FIRST.year} to {LAST.year}; give inclination and declination yourself"
        )
    return datetime.datetime(date.year, date.month, date.day)  # noqa: DTZ001 - ppigrf takes days without a zone


def direction(lon: float, lat: float, *, date: str) -> tuple[float, float]:
    """Inclination (positive down) and declination (positive east of true north) in degrees, at sea level. IGRF-14, Alken et al. (2021)."""
    import ppigrf  # type: ignore[import-untyped]

    east, north, up = (float(np.squeeze(part)) for part in ppigrf.igrf(lon, lat, 0.0, day(date)))
    return float(np.degrees(np.arctan2(-up, np.hypot(east, north)))), float(np.degrees(np.arctan2(east, north)))


def place(x: float, y: float, *, crs: str) -> tuple[float, float, float]:
    """Longitude and latitude of a point of the grid, and the azimuth of true north there, in degrees clockwise from grid north."""
    from pyproj import Transformer

    to_grid = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon, lat = to_grid.transform(x, y, direction="INVERSE")
    ahead_x, ahead_y = to_grid.transform(lon, lat + NORTHWARD_DEGREES)
    return lon, lat, float(np.degrees(np.arctan2(ahead_x - x, ahead_y - y)))
