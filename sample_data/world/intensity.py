"""The written rule: how many deposits per cell each system would make, as a function of the bedrock truth.

Log-linear in the criteria, zero off permissive ground, and scaled to a stated number of deposits. What covers
the rock plays no part, magnetics play no part, and no active fault does.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from sample_data.world.alteration import Alteration
from sample_data.world.bodies import COPPER_GROUND, clear_of_bodies, nearest_m
from sample_data.world.facts import code
from sample_data.world.faults import Faults
from sample_data.world.frame import Bools, Codes, Floats, Frame
from sample_data.world.terranes import among
from sample_data.world.units import JURASSIC_BELTS, OPHIOLITES

EXPECTED = 120.0
SYSTEMS = {
    "porphyry_copper": "porphyry Cu",
    "podiform_chromite": "podiform chromite",
    "sediment_hosted_zinc_lead": "sediment-hosted Zn-Pb",
}


def _scaled(score: Floats, permissive: Bools) -> Floats:
    """`exp(score)` on permissive ground, 0 off it, summing to EXPECTED deposits."""
    rate = np.where(permissive, np.exp(score), 0.0)
    return np.asarray(rate * (EXPECTED / rate.sum()), dtype=np.float64)


def porphyry_copper(frame: Frame, terrane: Codes, rock: Codes, alteration: Alteration, faults: Faults, inside: Bools) -> Floats:
    """Deposits per cell: young intrusion near, phyllic and ferric halos, crossings of old faults, within the
    two arcs.
    """
    young = rock == code("young_intrusion")
    wide = max(3, 2 * round(5_000.0 / frame.cell_m) + 1)
    share = uniform_filter(young.astype(float), wide, mode="nearest")
    score = (
        5.5 * alteration.phyllic
        + 2.2 * alteration.stain
        + 1.2 * np.exp(-frame.distance_m(young) / 2_000.0)
        + 1.4 * np.exp(-nearest_m(frame, faults.crossings) / 10_000.0)
        + 0.6 * np.minimum(share / 0.15, 1.0)
    )
    return _scaled(score, among(terrane, COPPER_GROUND) & clear_of_bodies(frame) & inside)


def podiform_chromite(frame: Frame, terrane: Codes, rock: Codes, alteration: Alteration, inside: Bools) -> Floats:
    """Deposits per cell: mantle rock, within 3 km below the mantle-crust contact, dunite."""
    mantle = rock == code("mantle_peridotite")
    below = frame.distance_m(rock == code("gabbro"))
    width = max(1_200.0, 0.7 * frame.cell_m)
    transition = np.exp(-((np.maximum(below - 1_000.0, 0.0) / width) ** 2))
    score = 2.6 * mantle + 2.6 * mantle * transition + 3.4 * alteration.dunite
    return _scaled(score, among(terrane, OPHIOLITES) & inside)


def sediment_hosted_zinc_lead(frame: Frame, terrane: Codes, rock: Codes, alteration: Alteration, faults: Faults, inside: Bools) -> Floats:
    """Deposits per cell: Jurassic carbonate, inverted rift faults and their steps, gossan; Tertiary limestone
    is barren.
    """
    jurassic = rock == code("jurassic_carbonate")
    away = frame.distance_m(frame.burn(faults.rift, touched=True))
    score = 2.0 * jurassic + 1.8 * np.exp(-away / 2_500.0) + 0.8 * np.exp(-nearest_m(frame, faults.steps) / 5_000.0) + 4.8 * alteration.gossan
    barren = rock == code("tertiary_limestone")
    return _scaled(score, among(terrane, JURASSIC_BELTS) & ~barren & inside)


def all_systems(frame: Frame, terrane: Codes, rock: Codes, alteration: Alteration, faults: Faults, inside: Bools) -> dict[str, Floats]:
    """Expected deposits per cell for each system by name, (y, x); above 0 exactly on permissive ground."""
    return {
        "porphyry_copper": porphyry_copper(frame, terrane, rock, alteration, faults, inside),
        "podiform_chromite": podiform_chromite(frame, terrane, rock, alteration, inside),
        "sediment_hosted_zinc_lead": sediment_hosted_zinc_lead(frame, terrane, rock, alteration, faults, inside),
    }
