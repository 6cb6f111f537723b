"""Shape of a surface from the 3 x 3 cells around each cell.

All functions take a (y, x) block, rows from north to south, and give a float32 block of the same shape. A
cell is NaN where one of the cells it needs (all nine unless said otherwise) is missing or outside the block.
Arithmetic is float64, one rounding at the end.
"""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array

METRES_PER_KM = 1000.0


def horn(values: Array, *, cell_m: float) -> tuple[Array, Array]:
    """Rise per metre towards the east and towards the north: two (y, x) float64 blocks.

    Third-order finite differences of Horn (1981, Proc. IEEE 69:14), the weights 1 2 1 of gdaldem and ArcGIS.
    """
    nw, n, ne, w, centre, e, sw, s, se = _nine(values)
    void = centre * 0.0  # Horn's weights skip the centre, yet a slope of a missing cell is missing
    east = ((ne + 2.0 * e + se) - (nw + 2.0 * w + sw)) / (8.0 * cell_m) + void
    north = ((nw + 2.0 * n + ne) - (sw + 2.0 * s + se)) / (8.0 * cell_m) + void
    return _framed(east), _framed(north)


def slope_degrees(values: Array, *, cell_m: float) -> Array:
    """Slope in degrees, 0 flat to 90 vertical, of a surface in metres. Horn (1981)."""
    east, north = horn(values, cell_m=cell_m)
    slope: Array = np.degrees(np.arctan(np.sqrt(east * east + north * north))).astype(np.float32)
    return slope


def downslope(values: Array, *, cell_m: float) -> tuple[Array, Array]:
    """East and north component of the unit vector pointing down the slope, -1 to 1; both 0 on flat ground.

    They are the sine and the cosine of the azimuth gdaldem calls aspect, without its jump from 360 to 0.
    """
    east, north = horn(values, cell_m=cell_m)
    steepness = np.sqrt(east * east + north * north)
    steepness[steepness == 0] = np.inf  # flat ground faces nowhere: 0, not 0 / 0
    return (0.0 - east / steepness).astype(np.float32), (0.0 - north / steepness).astype(np.float32)


def roughness(values: Array) -> Array:
    """Largest difference between two of the 3 x 3 cells, in their units. Wilson et al. (2007), gdaldem."""
    cells = _nine(values)
    high, low = cells[0].copy(), cells[0].copy()
    for cell in cells[1:]:
        np.maximum(high, cell, out=high)
        np.minimum(low, cell, out=low)
    return _framed(high - low).astype(np.float32)


def gradient_per_km(values: Array, *, cell_m: float) -> Array:
    """Steepness of any quantity, in its units per km: central differences over two cells.

    NaN where the cell or one of its four neighbours is missing; the corners may be.
    """
    _, n, _, w, centre, e, _, s, _ = _nine(values)
    east, north = (e - w) / (2.0 * cell_m), (n - s) / (2.0 * cell_m)
    return _framed(np.sqrt(east * east + north * north) * METRES_PER_KM + centre * 0.0).astype(np.float32)


def profile_curvature(values: Array, *, cell_m: float) -> Array:
    """Bend of the surface along the slope, per km: positive where the slope steepens downhill (convex), see `_bends`."""
    return _per_km(_bends(values, cell_m=cell_m)[0])


def plan_curvature(values: Array, *, cell_m: float) -> Array:
    """Bend of the surface across the slope, per km: positive on spurs (convex), negative in hollows, see `_bends`."""
    return _per_km(_bends(values, cell_m=cell_m)[1])


def total_curvature(values: Array, *, cell_m: float) -> Array:
    """Both bends together, per km: positive on crests and domes, negative in valleys and basins; the Laplacian, turned."""
    along, across = _bends(values, cell_m=cell_m)
    return _per_km(along + across)


def ruggedness(values: Array) -> Array:
    """Root of the summed squared differences from the eight neighbours, in their units. Riley et al. (1999), gdaldem TRI."""
    cells = _nine(values)
    total = np.zeros_like(cells[4])
    for cell in cells:
        total += (cell - cells[4]) ** 2
    return _framed(np.sqrt(total)).astype(np.float32)


def illumination(values: Array, *, cell_m: float, azimuth_degree: float, altitude_degree: float) -> Array:
    """Cosine of the angle between the surface's normal and the sun, 0 where it faces away. Horn (1981), gdaldem hillshade."""
    east, north = horn(values, cell_m=cell_m)
    azimuth, altitude = np.radians(azimuth_degree), np.radians(altitude_degree)
    toward = np.sin(altitude) - np.cos(altitude) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
    lit: Array = np.maximum(toward / np.sqrt(1.0 + east * east + north * north), 0.0).astype(np.float32)
    return lit


def _bends(values: Array, *, cell_m: float) -> tuple[Array, Array]:
    """Second derivatives along and across the slope, turned so that convex is positive: two (y, x) float64 blocks, per metre.

    The quadratic part of the surface of Zevenbergen and Thorne (1987, Earth Surf. Proc. Landf. 12:47) through the nine
    cells. The sum of the two is the same in all directions, so level ground, which has no direction, shares it equally.
    """
    nw, n, ne, w, centre, e, sw, s, se = _nine(values)
    void = (nw + ne + sw + se) * 0.0
    xx = ((e + w) / 2.0 - centre) * 2.0 / cell_m**2
    yy = ((n + s) / 2.0 - centre) * 2.0 / cell_m**2
    xy = (ne + sw - nw - se) / (4.0 * cell_m**2)
    east, north = (e - w) / (2.0 * cell_m), (n - s) / (2.0 * cell_m)
    steep = east * east + north * north
    level = steep == 0.0
    steep[level] = 1.0
    mean = (xx + yy) / 2.0
    along = np.where(level, mean, (xx * east * east + 2.0 * xy * east * north + yy * north * north) / steep)
    across = np.where(level, mean, (xx * north * north - 2.0 * xy * east * north + yy * east * east) / steep)
    return _framed(0.0 - along + void), _framed(0.0 - across + void)


def _per_km(bend: Array) -> Array:
    per_km: Array = (bend * METRES_PER_KM).astype(np.float32)
    return per_km


def _nine(values: Array) -> list[Array]:
    """The 3 x 3 cells around every inner cell, row by row from the north-west, float64; infinities NaN."""
    wide = values.astype(np.float64)
    wide[~np.isfinite(wide)] = np.nan
    rows, cols = wide.shape
    return [wide[r : rows - 2 + r, c : cols - 2 + c] for r in range(3) for c in range(3)]


def _framed(inner: Array) -> Array:
    """Put back the outermost ring of cells, which has no full neighbourhood."""
    return np.pad(inner, 1, constant_values=np.nan)
