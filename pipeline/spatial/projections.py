"""Which map projection and which cell suit an outline."""

from __future__ import annotations

import math

Bounds = tuple[float, float, float, float]

NEAR_EQUATOR, TOWARDS_POLE = 10.0, 60.0  # degrees: Albers' cone opens to a cylinder, and closes to a plane
WIDE = 1.1  # times as wide as high
CELLS_M = (30, 50, 100, 200, 250, 500, 1000, 2000, 5000)
MOST_CELLS = 4_000_000


def equal_area(bounds: Bounds) -> str:
    """A PROJ text of an equal-area CRS in metres for longitude and latitude `bounds` (west, south, east, north; degrees), on WGS84.

    Albers' conic with standard parallels a sixth in from the south and north (Snyder 1987, USGS PP 1395, p. 99), which keeps shapes best over ground
    wider than high between 10 and 60 degrees; else Lambert's azimuthal about the middle, for compact or tall ground, near the equator and
    towards a pole. The origin is the middle, to a quarter of a degree, at 0 0, so a grid's coordinates are exact.
    """
    west, south, east, north = bounds
    lon, lat = _quarter((west + east) / 2), _quarter((south + north) / 2)
    wide = (east - west) * math.cos(math.radians((south + north) / 2)) / (north - south)
    rest = "+x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
    least, most = sorted((abs(south), abs(north)))
    if wide < WIDE or least < NEAR_EQUATOR or most > TOWARDS_POLE or south * north < 0:
        return f"+proj=laea +lat_0={lat:g} +lon_0={lon:g} {rest}"
    sixth = (north - south) / 6
    return f"+proj=aea +lat_0={lat:g} +lon_0={lon:g} +lat_1={round(south + sixth, 2):g} +lat_2={round(north - sixth, 2):g} {rest}"


def cell_m(bounds: Bounds) -> int:
    """The finest of the usual cells, metres, of which `bounds` (xmin, ymin, xmax, ymax; metres) hold at most 4 million, what a laptop maps in an hour."""
    area = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    return next((cell for cell in CELLS_M if area / cell**2 <= MOST_CELLS), CELLS_M[-1])


def _quarter(degrees: float) -> float:
    return round(degrees * 4) / 4
