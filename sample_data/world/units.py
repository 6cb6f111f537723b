"""Bedrock: stripes of units along strike inside each terrane, slices in the ophiolites, and the bodies on
top.
"""

from __future__ import annotations

import numpy as np

from sample_data.world.bodies import IRONSTONE, VOLCANO, Stocks, metres_of, ring_mask
from sample_data.world.facts import code, shapes, table, terrane_code, trusted
from sample_data.world.frame import Bools, Codes, Floats, Frame, rough_noise, smooth_noise, to_metres
from sample_data.world.terranes import across_strike

OPHIOLITES = ("raskoh_arc", "bela_ophiolite", "muslim_bagh_ophiolite", "zhob_ophiolite")
JURASSIC_BELTS = ("khuzdar_kalat_belt", "mor_lasbela_belt")


def _wavelength_m(terrane: str) -> float:
    return 9_000.0 if terrane in OPHIOLITES else 17_000.0


def _level(frame: Frame, seed: int, line: str, wavelength_m: float) -> Floats:
    """A folded surface: low in anticlines, where old rock crops out, high in synclines; bent and broken by
    noise.
    """
    bend = 0.5 * wavelength_m * smooth_noise(frame, seed, f"bend {line} {wavelength_m:.0f}", scale_m=22_000.0)
    phase = 2.0 * np.pi * (across_strike(frame, line) + bend) / max(wavelength_m, 2.5 * frame.cell_m)
    plunge = smooth_noise(frame, seed, f"plunge {line} {wavelength_m:.0f}", scale_m=15_000.0)
    detail = rough_noise(frame, seed, f"detail {line} {wavelength_m:.0f}", slope=3.5, longest_m=8_000.0)
    return np.asarray(np.cos(phase) + 0.55 * plunge + 0.22 * detail, dtype=np.float64)


def _rank(values: Floats) -> Floats:
    """Fraction of the values below each, 0 to 1."""
    out = np.empty(len(values))
    out[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return out


def _column(terrane: str) -> tuple[list[str], Floats]:
    """Class names from the lowest (oldest) up, and the upper rank of each, ending at 1."""
    rows = table("terrane_rocks")
    pairs = [part.split(":") for part in str(rows.loc[rows["terrane"] == terrane, "column"].iloc[0]).split()]
    share = np.array([float(weight) for _, weight in pairs])
    return [name for name, _ in pairs], np.cumsum(share) / share.sum()


def _anchored(rank: Floats, frame: Frame, here: Bools, terrane: str, edges: Floats) -> Floats:
    """Ranks bent so that the trusted real deposits stand in the rock that hosts them, about 4 km around."""
    if terrane not in OPHIOLITES + JURASSIC_BELTS:
        return rank
    rows = trusted("podiform chromite" if terrane in OPHIOLITES else "sediment-hosted Zn-Pb")
    # Chromite needs the crust beside its mantle rock: the rank climbs eastwards across the mantle-crust
    # contact.
    climb, start, stop = (1e-4, 0.85, float(edges[1] + edges[0]) / 2) if terrane in OPHIOLITES else (0.0, 0.6, 1.0)
    field = np.zeros(frame.shape)
    field[here] = rank
    for x, y in np.column_stack(to_metres(rows["lon"].to_numpy(), rows["lat"].to_numpy())):
        window, east, north = frame.around(float(x), float(y), 12_000.0)
        pull = np.minimum(1.0, 1.6 * np.exp(-(east**2 + north**2) / (2.0 * max(2_500.0, 0.6 * frame.cell_m) ** 2)))
        target = np.clip(edges[0] * (start + climb * east), 0.3 * edges[0], stop)
        field[window] += (target - field[window]) * pull
    return np.asarray(field[here], dtype=np.float64)


def bedrock(frame: Frame, terrane: Codes, stocks: Stocks, plutons: tuple[Floats, Floats], seed: int) -> Codes:
    """Rock class under any cover, (y, x), no gaps: stripes first, then plutons, stocks, volcano, ironstone
    and ring.
    """
    out = np.zeros(frame.shape, dtype=np.uint8)
    levels: dict[tuple[str, float], Floats] = {}
    for line, names in zip(shapes("strike_lines")["name"], shapes("strike_lines")["terranes"], strict=True):
        for name in names:
            here = terrane == terrane_code(name)
            if not here.any():
                continue
            key = (str(line), _wavelength_m(name))
            if key not in levels:
                levels[key] = _level(frame, seed, *key)
            classes, edges = _column(name)
            rank = _anchored(_rank(levels[key][here]), frame, here, name, edges)
            numbers = np.array([code(each) for each in classes], dtype=np.uint8)
            out[here] = numbers[np.minimum(np.searchsorted(edges, rank), len(numbers) - 1)]
    _discs(out, frame, *plutons, code("old_intrusion"), seed)
    _discs(out, frame, stocks.place, stocks.radius_m, code("young_intrusion"), seed)
    for body, rock in ((VOLCANO, "quaternary_volcano"), (IRONSTONE, "ironstone")):
        _discs(out, frame, np.array([metres_of(body)]), np.array([body[2]]), code(rock), seed)
    ring, body_mask = ring_mask(frame)
    out[body_mask] = code("old_intrusion")
    out[ring] = code("carbonatite")
    return out


def _discs(out: Codes, frame: Frame, places: Floats, radii_m: Floats, rock: int, seed: int) -> None:
    """Lobed discs written into `out`; a body smaller than a cell still takes the cell it stands in."""
    lobes = rough_noise(frame, seed, f"lobes {rock}", slope=3.0, longest_m=6_000.0)
    for (x, y), radius in zip(places, radii_m, strict=True):
        window, east, north = frame.around(float(x), float(y), 1.8 * float(radius))
        away = np.hypot(east, north) / (1.0 + 0.2 * np.clip(lobes[window], -2.0, 2.0))
        inside = (away <= radius) | (np.hypot(east, north) == np.hypot(east, north).min())
        out[window][inside] = rock
