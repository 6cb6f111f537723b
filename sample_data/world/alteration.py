"""What ore-forming fluids left in the bedrock, strengths 0-1, and the decoys that look alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.world.bodies import VOLCANO, Stocks, clear_of_bodies, metres_of, nearest_m
from sample_data.world.facts import code, trusted
from sample_data.world.faults import Faults
from sample_data.world.frame import Codes, Floats, Frame, smooth_noise, stream, to_metres
from sample_data.world.points import draw_cells, soft_discs
from sample_data.world.terranes import among
from sample_data.world.units import JURASSIC_BELTS, OPHIOLITES


@dataclass(frozen=True)
class Alteration:
    """Fields (y, x), 0-1, in the bedrock; `ferric` is the sum of the iron stains of all origins as seen from
    above.
    """

    phyllic: Floats
    stain: Floats
    propylitic: Floats
    argillic: Floats
    gossan: Floats
    dunite: Floats
    ferric: Floats


def alter(frame: Frame, terrane: Codes, rock: Codes, stocks: Stocks, faults: Faults, seed: int) -> Alteration:
    """Halos of the stocks (phyllic 0.5-3 km, propylitic to 6 km), gossans on rift faults, dunite, and three
    decoys.

    Decoys: the volcano's advanced argillic cap, gossans on Tertiary limestone, iron stains on barren
    volcanics.
    """
    rng = stream(seed, "alteration")
    size = rng.uniform(800.0, 1_500.0, len(stocks.place))
    phyllic = soft_discs(frame, stocks.place, radius_m=size, height=stocks.phyllic)
    stain = soft_discs(frame, stocks.place, radius_m=1.25 * size, height=stocks.ferric)
    rim = soft_discs(frame, stocks.place, radius_m=2.6 * size, height=0.8 * stocks.phyllic)
    gossan = _gossans(frame, terrane, rock, faults, seed)
    barren = draw_cells(
        np.where(rock == code("tertiary_limestone"), 1.0, 0.0),
        70,
        spacing_m=10_000.0,
        frame=frame,
        rng=stream(seed, "barren gossans"),
    )
    false_gossan = soft_discs(
        frame,
        barren,
        radius_m=rng.uniform(600.0, 1_500.0, len(barren)),
        height=rng.uniform(0.4, 1.0, len(barren)),
    )
    volcanics = np.isin(rock, [code("arc_andesite"), code("arc_volcanic_sediment"), code("old_intrusion")])
    stained = draw_cells(
        np.where(volcanics & clear_of_bodies(frame), 1.0, 0.0),
        90,
        spacing_m=9_000.0,
        frame=frame,
        rng=stream(seed, "barren stains"),
    )
    false_stain = soft_discs(
        frame,
        stained,
        radius_m=rng.uniform(700.0, 1_600.0, len(stained)),
        height=rng.uniform(0.3, 0.8, len(stained)),
    )
    x, y = metres_of(VOLCANO)
    argillic = soft_discs(frame, np.array([[x, y]]), radius_m=np.array([4_500.0]), height=np.array([1.0]))
    ferric = np.clip(stain + gossan + false_gossan + false_stain + 0.7 * argillic, 0.0, 1.0)
    dunite = _dunite(frame, terrane, rock, seed)
    return Alteration(phyllic, stain, np.clip(rim - phyllic, 0.0, 1.0), argillic, gossan, dunite, ferric)


def _gossans(frame: Frame, terrane: Codes, rock: Codes, faults: Faults, seed: int) -> Floats:
    """Fe-Mn gossans over sulphide on Jurassic carbonate, crowded near rift faults and their steps; 0-1."""
    rng = stream(seed, "gossans")
    real = trusted("sediment-hosted Zn-Pb")
    anchors = np.column_stack(to_metres(real["lon"].to_numpy(), real["lat"].to_numpy()))
    away = frame.distance_m(frame.burn(faults.rift, touched=True))
    weight = np.exp(-away / 2_500.0) * (1.0 + 2.0 * np.exp(-nearest_m(frame, faults.steps) / 5_000.0)) + 0.004
    weight *= (rock == code("jurassic_carbonate")) & among(terrane, JURASSIC_BELTS)
    spacing = max(2_800.0, frame.cell_m)
    drawn = draw_cells(weight, 330, spacing_m=spacing, frame=frame, rng=rng, taken=anchors)
    place = np.vstack([anchors, drawn])
    height = 0.2 + 0.8 * rng.beta(1.6, 1.6, len(place))
    height[: len(anchors)] = np.maximum(height[: len(anchors)], 0.8)
    return soft_discs(frame, place, radius_m=rng.uniform(500.0, 1_000.0, len(place)), height=height)


def _dunite(frame: Frame, terrane: Codes, rock: Codes, seed: int) -> Floats:
    """Share of dunite in the mantle rock of the ophiolites, 0-1: patches kilometres wide; 0 elsewhere."""
    real = trusted("podiform chromite")
    anchors = np.column_stack(to_metres(real["lon"].to_numpy(), real["lat"].to_numpy()))
    field = smooth_noise(frame, seed, "dunite", scale_m=2_200.0) + 0.5 * smooth_noise(frame, seed, "dunite belts", scale_m=12_000.0)
    field += soft_discs(frame, anchors, radius_m=np.full(len(anchors), 1_800.0), height=np.full(len(anchors), 2.5))
    mantle = (rock == code("mantle_peridotite")) & among(terrane, OPHIOLITES)
    return np.asarray(np.clip((field - 0.3) / 1.7, 0.0, 1.0) * mantle, dtype=np.float64)
