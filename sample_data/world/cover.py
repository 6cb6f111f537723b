"""Quaternary cover: where fans, dunes and playa hide the rock, which kind, and how thick."""

from __future__ import annotations

import numpy as np

from sample_data.world.bodies import RING, VOLCANO, metres_of
from sample_data.world.facts import code, table, terrane_code, trusted
from sample_data.world.frame import Codes, Floats, Frame, rough_noise, smooth_noise, to_metres
from sample_data.world.points import soft_discs

PLAYA = (63.0, 28.3, 35_000.0)  # Hamun-i-Mashkel: longitude, latitude, radius in metres


def hardness(rock: Codes) -> Floats:
    """Resistance to erosion 0-1 of each cell's rock class."""
    rows = table("classes")
    lookup = np.zeros(256)
    lookup[rows["code"].to_numpy()] = rows["hardness"].to_numpy()
    return np.asarray(lookup[rock], dtype=np.float64)


def lay(frame: Frame, terrane: Codes, rock: Codes, seed: int) -> tuple[Codes, Floats]:
    """Surface class (y, x), and cover thickness in metres, 0 on outcrop; soft rock in low ground is covered
    first.

    Each terrane is covered over its share of `terrane_rocks.csv`. Trusted real deposits, the volcano and the
    ring crop out.
    """
    tendency = 0.9 * smooth_noise(frame, seed, "cover", scale_m=7_000.0)
    tendency += 0.5 * rough_noise(frame, seed, "cover detail", slope=2.5, longest_m=9_000.0)
    tendency -= 1.2 * hardness(rock) + 0.5 * (rock == code("young_intrusion"))
    bare = trusted()
    x, y = to_metres(bare["lon"].to_numpy(), bare["lat"].to_numpy())
    places = np.vstack([np.column_stack([x, y]), metres_of(VOLCANO), metres_of(RING)])
    radii = np.concatenate([np.full(len(bare), 2_000.0), [0.6 * VOLCANO[2], 0.9 * RING[2]]])
    tendency -= soft_discs(frame, places, radius_m=radii, height=np.full(len(places), 12.0))
    surface, thickness = rock.copy(), np.zeros(frame.shape)
    rows = table("terrane_rocks")
    columns = [rows[name].tolist() for name in ("terrane", "cover_share", "cover_class", "cover_depth_m")]
    for name, share, kind, depth in zip(*columns, strict=True):
        here = terrane == terrane_code(name)
        if not here.any():
            continue
        limit = float(np.quantile(tendency[here], 1.0 - share))
        covered = here & (tendency >= limit)
        over = np.clip(tendency - limit, 0.0, 3.0) / 3.0
        surface[covered] = code(kind)
        thickness[covered] = (3.0 + depth * over**0.7)[covered]
    dusty = (surface == code("alluvium")) & (smooth_noise(frame, seed, "fans", scale_m=4_000.0) > 0.8)
    surface[dusty] = code("fan_gravel")
    px, py = metres_of(PLAYA)
    gx, gy = frame.centres()
    shore = np.hypot((gx - px) / 1.3, gy - py) + 8_000.0 * smooth_noise(frame, seed, "shore", scale_m=9_000.0)
    wet = (terrane == terrane_code("kharan_basin")) & (thickness > 0) & (shore < PLAYA[2])
    surface[wet] = code("playa")
    return surface, thickness
