"""Ten Sentinel-2-like bands of the surface: rock, alteration where it crops out, plants, light, noise, and
cloud gaps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sample_data.world.alteration import Alteration
from sample_data.world.facts import table, terrane_code
from sample_data.world.frame import Bools, Codes, Floats, Frame, rough_noise, smooth_noise, stream

BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
PLANT = np.array([300, 600, 350, 900, 2200, 2800, 3000, 3050, 1500, 700], dtype=float)
# Relative change of each band at strength 1. S2 has one band near 2.2 um: white mica, clay, magnesium
# hydroxyl and carbonate all darken it, and cannot be told apart.
EFFECT = {
    "phyllic": [0.10, 0.12, 0.10, 0.10, 0.10, 0.10, 0.10, 0.10, 0.10, -0.25],
    "argillic": [0.25, 0.25, 0.22, 0.20, 0.20, 0.20, 0.20, 0.20, 0.10, -0.24],
    "propylitic": [-0.06, -0.02, -0.07, -0.06, -0.05, -0.05, -0.05, -0.05, -0.04, -0.10],
    "ferric": [-0.24, -0.10, 0.14, 0.12, 0.06, -0.02, -0.07, -0.06, 0.05, 0.03],
    "dunite": [0.02, 0.05, -0.04, -0.08, -0.10, -0.10, -0.10, -0.10, -0.02, -0.14],
}
GAP_SHARE = 0.04
STEP = 20


def plants(frame: Frame, terrane: Codes, dem: Floats, seed: int) -> Floats:
    """Share of green plants 0-0.6: juniper on high ground, canals of the Kachhi plain, a little elsewhere."""
    patch = smooth_noise(frame, seed, "plants", scale_m=3_000.0)
    high = np.clip((dem - 1_900.0) / 900.0, 0.0, 1.0) * np.clip(0.6 + 0.6 * patch, 0.0, 1.0)
    canals = (terrane == terrane_code("kachhi_sibi_plain")) * np.clip(patch, 0.0, 1.0)
    return np.asarray(np.clip(0.35 * high + 0.6 * canals + 0.03 * np.clip(patch, 0.0, 1.0), 0.0, 0.6), dtype=np.float64)


def reflectance(
    frame: Frame,
    terrane: Codes,
    surface: Codes,
    thickness: Floats,
    alteration: Alteration,
    dem: Floats,
    seed: int,
) -> NDArray[np.uint16]:
    """Surface reflectance x 10000 in steps of 20, (band, y, x) uint16, never 0; alteration shows through no
    cover.
    """
    rows = table("classes")
    ends = np.zeros((256, len(BANDS)))
    ends[rows["code"].to_numpy()] = rows[list(BANDS)].to_numpy(dtype=float)
    shown = thickness <= 0.0
    strength = {name: getattr(alteration, name) * shown for name in EFFECT}
    strength["dunite"] = gaussian_filter(strength["dunite"], 0.5)
    green = plants(frame, terrane, dem, seed)
    north, east = np.gradient(dem, frame.cell_m)
    light = 1.0 + np.clip(1.6 * (north * 0.7 - east * 0.7), -0.2, 0.2)
    light *= np.exp(0.05 * rough_noise(frame, seed, "albedo", slope=2.2, longest_m=12_000.0))
    # A slow tilt of the spectrum stands for weathering and varnish: the same rock is not the same colour
    # everywhere.
    tilt = 0.035 * smooth_noise(frame, seed, "weathering", scale_m=25_000.0)
    out = np.empty((len(BANDS), *frame.shape), dtype=np.uint16)
    for i, band in enumerate(BANDS):
        value = ends[:, i][surface] * light * (1.0 + tilt * (i - 4.5) / 4.5)
        for name, effect in EFFECT.items():
            value *= 1.0 + effect[i] * strength[name]
        value = value * (1.0 - green) + PLANT[i] * green
        value *= 1.0 + 0.012 * stream(seed, f"noise {band}").standard_normal(frame.shape)
        out[i] = np.clip(np.rint(value / STEP) * STEP, STEP, 10_000).astype(np.uint16)
    return out


def clear_looks(frame: Frame, inside: Bools, dem: Floats, seed: int) -> NDArray[np.uint8]:
    """Number of clear looks, uint8, (y, x): 0 over some 4 % of the province, where no reflectance is seen."""
    sky = smooth_noise(frame, seed, "clouds", scale_m=9_000.0) + 0.5 * rough_noise(frame, seed, "cloud edges", slope=3.0, longest_m=15_000.0)
    sky -= 0.5 * np.clip(dem / 2_000.0, 0.0, 1.2)
    limit = np.quantile(sky[inside], GAP_SHARE)
    return np.where(sky < limit, 0, np.clip(np.rint(3.0 + 6.0 * (sky - limit)), 1, 40)).astype(np.uint8)
