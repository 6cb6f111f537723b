"""Who mapped what: detailed sheets over two fifths of the province, a general map with kilometres of error
everywhere.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from sample_data.world.bodies import RING
from sample_data.world.facts import table
from sample_data.world.frame import Bools, Codes, Floats, Frame, smooth_noise, to_degrees

MAPPED_SHARE = 0.40
NODATA = 255
COARSE = {
    1: ("surficial_deposits", "Quaternary"),
    2: ("neogene_sediment", "Neogene"),
    3: ("palaeogene_sediment", "Palaeogene"),
    4: ("cretaceous_sediment", "Cretaceous"),
    5: ("jurassic_sediment", "Jurassic"),
    6: ("mesozoic_tertiary_volcanics", "Cretaceous-Palaeogene"),
    7: ("intrusive_rock", "Cretaceous-Neogene"),
    8: ("ophiolite_and_melange", "Cretaceous-Palaeogene"),
    9: ("quaternary_volcanics", "Neogene-Quaternary"),
}


def sheets(frame: Frame, inside: Bools, road_m: Floats, seed: int) -> Bools:
    """True on mapped ground: whole 15-minute blocks, crowded along roads and in clusters, never the block of
    the ring.
    """
    lon, lat = to_degrees(*frame.centres())
    column, row = np.floor(lon * 4.0).astype(int), np.floor(lat * 4.0).astype(int)
    block = (row - row.min()) * (int(column.max() - column.min()) + 1) + column - column.min()
    ring = np.floor(RING[0] * 4.0), np.floor(RING[1] * 4.0)
    score = np.exp(-road_m / 35_000.0) + 0.7 * smooth_noise(frame, seed, "sheets", scale_m=28_000.0)
    area = np.bincount(block[inside], minlength=int(block.max()) + 1)
    mean = np.bincount(block[inside], score[inside], minlength=len(area)) / np.maximum(area, 1)
    mean[np.unique(block[(column == ring[0]) & (row == ring[1])])] = -np.inf
    mean[area == 0] = -np.inf
    order = np.argsort(-mean, kind="stable")
    reached = np.cumsum(area[order]) <= MAPPED_SHARE * area.sum()
    chosen = np.zeros(len(area), dtype=bool)
    chosen[order[reached]] = True
    return np.asarray(chosen[block] & inside, dtype=bool)


def detailed(surface: Codes, mapped: Bools) -> Codes:
    """Surface class on mapped ground, cover being a class; 255 elsewhere."""
    return np.where(mapped, surface, NODATA).astype(np.uint8)


def general(frame: Frame, surface: Codes, rock: Codes, thickness: Floats, inside: Bools, seed: int) -> Codes:
    """General class (COARSE) over the whole province, smoothed at about 8 km and misplaced by some 2 km; 255
    outside.
    """
    rows = table("classes")
    lookup = np.zeros(256, dtype=np.uint8)
    lookup[rows["code"].to_numpy()] = rows["coarse"].to_numpy()
    shown = lookup[np.where(thickness > 25.0, surface, rock)]
    best, votes = np.ones(frame.shape, dtype=np.uint8), np.full(frame.shape, -1.0)
    for number in COARSE:
        vote = gaussian_filter((shown == number).astype(float), 3_300.0 / frame.cell_m, mode="nearest")
        better = vote > votes
        best[better], votes[better] = number, vote[better]
    shift = [2_000.0 / frame.cell_m * smooth_noise(frame, seed, f"misplaced {axis}", scale_m=40_000.0) for axis in "yx"]
    r, c = np.indices(frame.shape)
    r = np.clip(np.rint(r + shift[0]).astype(int), 0, frame.height - 1)
    c = np.clip(np.rint(c + shift[1]).astype(int), 0, frame.width - 1)
    return np.where(inside, best[r, c], NODATA).astype(np.uint8)


def legend() -> pd.DataFrame:
    """code, name, group, age, map (detailed or coarse), synthetic; the carbonatite is in nobody's legend."""
    rows = table("classes")
    fine = rows.loc[rows["name"] != "carbonatite", ["code", "name", "group", "age"]].assign(map="detailed")
    wide = pd.DataFrame(
        [(number, name, name, age, "coarse") for number, (name, age) in COARSE.items()],
        columns=list(fine.columns),
    )
    return pd.concat([fine, wide], ignore_index=True).assign(synthetic=True)
