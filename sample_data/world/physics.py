"""Magnetic and gravity fields of the rocks, at ground survey detail and as global grids see them.

Formulae: Blakely (1995), Potential Theory in Gravity and Magnetic Applications, chapters 11 and 12.
"""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from sample_data.world.bodies import RING, Stocks, metres_of, ring_mask
from sample_data.world.facts import table
from sample_data.world.frame import Bools, Codes, Floats, Frame, smooth_noise, stream, to_degrees
from sample_data.world.points import soft_discs

FIELD_NT = 46_000.0
INCLINATION_DEG = 43.0  # 38 on the coast to 48 in the north: the middle, one value for the whole province
DECLINATION_DEG = 1.0
PAD_M = 60_000.0
SURVEY_BOXES = ((60.8, 28.3, 64.3, 30.0), (66.0, 26.0, 67.3, 28.0), (67.0, 30.2, 68.4, 31.3))
LAST_BOX_SOUTH_NORTH_EAST = (26.6, 28.3, 66.0)
SURVEY_SHARE = 1.0 / 3.0


def _filtered(source: Floats, cell_m: float, gain: str, top_m: float, bottom_m: float) -> Floats:
    """Field of a slab of `source` between two depths below the sensor, for `gain` magnetic (nT per SI) or
    gravity.
    """
    pad = round(PAD_M / cell_m)
    padded = np.pad(source, pad, mode="reflect")
    shape = tuple(fft.next_fast_len(n, real=True) for n in padded.shape)
    ky = -2.0 * np.pi * fft.fftfreq(shape[0], cell_m)[:, None]  # rows run south, y runs north
    kx = 2.0 * np.pi * fft.rfftfreq(shape[1], cell_m)[None, :]
    k = np.hypot(kx, ky)
    k[0, 0] = 1.0
    slab = np.exp(-k * top_m) - np.exp(-k * bottom_m)
    if gain == "magnetic":
        dip, turn = np.radians(INCLINATION_DEG), np.radians(DECLINATION_DEG)
        theta = np.sin(dip) + 1j * np.cos(dip) * (np.sin(turn) * kx + np.cos(turn) * ky) / k
        factor = 0.5 * FIELD_NT * theta**2 * slab
        factor[0, 0] = 0.0
    else:
        # 41.93 mGal per g/cm3 and kilometre of slab (2 pi G), falling off with depth and wavenumber.
        factor = 0.04193 * slab / k
        factor[0, 0] = 0.04193 * (bottom_m - top_m)
    out = fft.irfft2(fft.rfft2(padded, s=shape) * factor, s=shape)
    return np.asarray(out[pad : pad + source.shape[0], pad : pad + source.shape[1]], dtype=np.float64)


def susceptibility(frame: Frame, rock: Codes, stocks: Stocks, seed: int) -> Floats:
    """SI, (y, x): class value with lognormal spread; each altered stock adds a magnetic core or takes
    magnetism away.
    """
    rows = table("classes")
    lookup = np.zeros(256)
    lookup[rows["code"].to_numpy()] = rows["k_msi"].to_numpy() * 1e-3
    k = lookup[rock] * np.exp(0.45 * smooth_noise(frame, seed, "susceptibility", scale_m=2_500.0))
    size = 0.8 * stocks.radius_m + 400.0
    core = soft_discs(frame, stocks.place, radius_m=size, height=np.clip(stocks.magnetic, 0.0, 1.0))
    drained = soft_discs(frame, stocks.place, radius_m=1.6 * size, height=np.clip(-stocks.magnetic, 0.0, 1.0))
    k = (k + 0.035 * core) * (1.0 - 0.95 * np.clip(drained, 0.0, 1.0))
    ring, body = ring_mask(frame)
    k[body] = 0.001
    k[ring] = 0.12
    return np.asarray(k, dtype=np.float64)


def magnetics(frame: Frame, k: Floats, thickness: Floats, seed: int, *, height_m: float) -> Floats:
    """Total-field anomaly in nT, (y, x), at a height above ground; rock under more than 150 m of cover lies
    at 1.2 km.
    """
    shallow = thickness < 150.0
    near = _filtered(np.where(shallow, k, 0.0), frame.cell_m, "magnetic", height_m + 60.0, height_m + 3_500.0)
    far = _filtered(np.where(shallow, 0.0, k), frame.cell_m, "magnetic", height_m + 1_200.0, height_m + 5_000.0)
    crust = 45.0 * smooth_noise(frame, seed, "lower crust", scale_m=70_000.0)
    return near + far + crust


def survey(frame: Frame, field: Floats, inside: Bools, seed: int) -> Floats:
    """The anomaly in nT where airborne surveys were flown, over a third of the province; NaN elsewhere."""
    flown = survey_mask(frame, inside)
    rng = stream(seed, "survey noise")
    lines = gaussian_filter(rng.standard_normal(frame.shape), (20_000.0 / frame.cell_m, 0.0))
    noise = 1.5 * rng.standard_normal(frame.shape) + 1.5 * lines / lines.std()
    return np.where(flown, field + noise, np.nan)


def survey_mask(frame: Frame, inside: Bools) -> Bools:
    """True in the survey boxes; the western edge of the last is moved until a third of the province is
    covered.
    """
    lon, lat = to_degrees(*frame.centres())
    flown = np.zeros(frame.shape, dtype=bool)
    for west, south, east, north in SURVEY_BOXES:
        flown |= (lon >= west) & (lon < east) & (lat >= south) & (lat < north)
    flown &= inside
    south, north, east = LAST_BOX_SOUTH_NORTH_EAST
    band = inside & ~flown & (lat >= south) & (lat < north) & (lon < east)
    wanted = round(SURVEY_SHARE * int(inside.sum())) - int(flown.sum())
    longitudes = np.sort(lon[band])
    if wanted > 0 and len(longitudes) > wanted:
        flown |= band & (lon >= longitudes[-wanted])
    return np.asarray(flown, dtype=bool)


def gravity(frame: Frame, rock: Codes, thickness: Floats, dem: Floats, seed: int) -> Floats:
    """Bouguer-like anomaly in mGal, (y, x): roots under high ground, dense ophiolite and arc, light basin
    fill.
    """
    rows = table("classes")
    lookup = np.full(256, 2.65)
    lookup[rows["code"].to_numpy()] = rows["density"].to_numpy()
    body = _filtered(lookup[rock] - 2.65, frame.cell_m, "gravity", 1_000.0, 4_000.0)
    fill = -0.35 * 0.04193 * gaussian_filter(thickness, 4_000.0 / frame.cell_m, mode="nearest")
    root = -0.085 * gaussian_filter(dem, 45_000.0 / frame.cell_m, mode="nearest")
    mantle = 12.0 * smooth_noise(frame, seed, "mantle", scale_m=110_000.0)
    plug = soft_discs(frame, np.array([metres_of(RING)]), radius_m=np.array([4_000.0]), height=np.array([8.0]))
    return body + fill + root + mantle + plug - 5.0
