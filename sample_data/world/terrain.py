"""Elevation: a base and a relief for each terrane, ridges where rock is hard, flats where cover is thick, and
the sea.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sample_data.world.bodies import VOLCANO, metres_of
from sample_data.world.cover import hardness
from sample_data.world.facts import table, terrane_code
from sample_data.world.frame import Bools, Codes, Floats, Frame, rough_noise

COAST_LATITUDE = 26.0


def sea(frame: Frame, inside: Bools) -> Bools:
    """True south of the coast: cells with no province cell further south in their column, below about 26 N.

    Columns beyond the province take the nearest column that has a coast.
    """
    rows = np.arange(frame.height)[:, None]
    has = inside.any(axis=0)
    last = np.where(has, frame.height - 1 - np.argmax(inside[::-1], axis=0), -1)
    _, y = frame.centres()
    coastal = has & (y[np.clip(last, 0, None), np.arange(frame.width)] < (COAST_LATITUDE - 28.0) * 110_800.0)
    columns = np.flatnonzero(coastal)
    nearest = columns[np.argmin(np.abs(np.arange(frame.width)[:, None] - columns[None, :]), axis=1)]
    return np.asarray(rows > last[nearest][None, :], dtype=bool) & ~inside


def elevation(frame: Frame, terrane: Codes, rock: Codes, thickness: Floats, water: Bools, seed: int) -> NDArray[np.int16]:
    """Metres above the sea, int16, (y, x), 0 in the sea; never below 1 on land."""
    rows = table("terrane_rocks")
    base, relief = np.zeros(21), np.zeros(21)
    number = [terrane_code(str(name)) for name in rows["terrane"]]
    base[number], relief[number] = rows["base_m"], rows["relief_m"]
    wide, narrow = 14_000.0 / frame.cell_m, 6_000.0 / frame.cell_m
    level = gaussian_filter(base[terrane], wide, mode="nearest")
    amplitude = gaussian_filter(relief[terrane], narrow, mode="nearest")
    hard = gaussian_filter(hardness(rock), max(0.5, 1_500.0 / frame.cell_m), mode="nearest")
    flat = gaussian_filter(np.clip(thickness / 60.0, 0.0, 1.0), max(0.5, 1_500.0 / frame.cell_m), mode="nearest")
    rugged = rough_noise(frame, seed, "terrain", slope=3.2, longest_m=20_000.0)
    height = level + amplitude * (1.5 * (hard - 0.5) + 0.3 * rugged) * (1.0 - 0.85 * flat) - 0.25 * amplitude * flat
    x, y = metres_of(VOLCANO)
    gx, gy = frame.centres()
    height += 1_250.0 * np.exp(-np.hypot(gx - x, gy - y) / 5_500.0)
    inland = np.clip(frame.distance_m(water) / 40_000.0, 0.0, 1.0)
    height = np.maximum(1.0, height * (0.15 + 0.85 * inland**0.7) if water.any() else height)
    height[water] = 0.0
    return np.rint(np.clip(height, 0.0, 3_500.0)).astype(np.int16)
