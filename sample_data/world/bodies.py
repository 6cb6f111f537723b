"""Bodies planted by hand or by chance: stocks of the arcs, the Quaternary volcano, the carbonatite ring, the
ironstone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.world.facts import trusted
from sample_data.world.faults import Faults
from sample_data.world.frame import Bools, Codes, Floats, Frame, smooth_noise, stream, to_metres
from sample_data.world.points import draw_cells
from sample_data.world.terranes import among

COPPER_GROUND = ("chagai_arc", "raskoh_arc", "dalbandin_trough")
VOLCANO = (62.8, 29.1, 10_000.0)  # Koh-i-Sultan: longitude, latitude, radius in metres
RING = (63.8, 29.42, 3_000.0)  # the planted unseen body, a carbonatite ring 6 km wide
IRONSTONE = (66.8, 29.5, 4_000.0)  # the ferric decoy near Dilband
APART_M = 3_000.0


@dataclass(frozen=True)
class Stocks:
    """Intrusions, one row each: `place` (n, 2) metres, `radius_m`, alteration strengths 0-1, and the sign of
    magnetism.

    The first rows stand under the trusted real porphyry occurrences.
    """

    place: Floats
    radius_m: Floats
    phyllic: Floats
    ferric: Floats
    magnetic: Floats


def metres_of(body: tuple[float, float, float]) -> tuple[float, float]:
    """Easting and northing in metres of a planted body."""
    x, y = to_metres(body[0], body[1])
    return float(x), float(y)


def clear_of_bodies(frame: Frame) -> Bools:
    """True outside the volcano and the ring (and 3 km around), where no stock and no deposit may fall."""
    out = np.ones(frame.shape, dtype=bool)
    for body in (VOLCANO, RING):
        x, y = metres_of(body)
        window, east, north = frame.around(x, y, body[2] + 3_000.0)
        out[window] &= np.hypot(east, north) > body[2] + 3_000.0
    return out


def young_stocks(frame: Frame, terrane: Codes, faults: Faults, seed: int, *, n: int = 480) -> Stocks:
    """Palaeogene-Neogene stocks, crowded near the crossings of old faults; about seven in ten are altered.

    The magnetic sign is drawn apart from everything else: a potassic core gives a high, phyllic rock a low.
    """
    rng = stream(seed, "young stocks")
    real = trusted("porphyry Cu")
    anchors = np.column_stack(to_metres(real["lon"].to_numpy(), real["lat"].to_numpy()))
    near = np.exp(-frame.distance_m(frame.burn(faults.arc, touched=True)) / 5_000.0)
    crossing = np.exp(-nearest_m(frame, faults.crossings) / 8_000.0)
    weight = 0.3 + 1.5 * near + 3.0 * crossing
    weight *= np.exp(0.8 * smooth_noise(frame, seed, "stock clusters", scale_m=12_000.0))
    fertile = np.zeros(frame.shape)
    for name, share in zip(COPPER_GROUND, (1.0, 0.5, 0.8), strict=True):
        fertile[among(terrane, (name,))] = share
    weight = np.where(clear_of_bodies(frame), weight * fertile, 0.0)
    spacing = max(APART_M, frame.cell_m)
    drawn = draw_cells(weight, n - len(anchors), spacing_m=spacing, frame=frame, rng=rng, taken=anchors)
    place = np.vstack([anchors, drawn])
    radius = 800.0 + 2_700.0 * rng.beta(1.4, 3.0, len(place))
    altered = rng.random(len(place)) < 0.7
    altered[: len(anchors)] = True
    phyllic = np.where(altered, 0.25 + 0.75 * rng.beta(2.0, 2.0, len(place)), 0.05 * rng.random(len(place)))
    phyllic[: len(anchors)] = np.maximum(phyllic[: len(anchors)], 0.75)
    ferric = np.clip(phyllic * rng.uniform(0.6, 1.2, len(place)) + 0.1 * rng.random(len(place)), 0.0, 1.0)
    magnetic = rng.choice([-1.0, 1.0], len(place)) * rng.uniform(0.4, 1.0, len(place))
    return Stocks(place, radius, phyllic, ferric, magnetic)


def old_intrusions(frame: Frame, terrane: Codes, seed: int, *, n: int = 45) -> tuple[Floats, Floats]:
    """Cretaceous plutons, barren here: places (n, 2) in metres and radii in metres."""
    rng = stream(seed, "old intrusions")
    weight = np.where(among(terrane, COPPER_GROUND) & clear_of_bodies(frame), 1.0, 0.0)
    place = draw_cells(weight, n, spacing_m=12_000.0, frame=frame, rng=rng)
    return place, rng.uniform(2_000.0, 6_000.0, len(place))


def nearest_m(frame: Frame, places: Floats) -> Floats:
    """Distance in metres from each cell centre to the nearest of places (n, 2); 1e9 where there is none."""
    out = np.full(frame.shape, 1e9)
    x, y = frame.centres()
    for east, north in places:
        np.minimum(out, np.hypot(x - east, y - north), out=out)
    return out


def ring_mask(frame: Frame) -> tuple[Bools, Bools]:
    """The carbonatite ring and the whole body inside its outer edge; at least one cell each."""
    x, y = metres_of(RING)
    window, east, north = frame.around(x, y, RING[2])
    away = np.hypot(east, north)
    body, ring = np.zeros(frame.shape, dtype=bool), np.zeros(frame.shape, dtype=bool)
    body[window] = (away <= RING[2]) | (away == away.min())
    ring[window] = (away <= RING[2]) & (away >= 0.45 * RING[2]) | (away == away.min())
    return ring, body
