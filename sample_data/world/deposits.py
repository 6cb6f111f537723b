"""Deposits drawn from the written rule, split into those found (near roads, on mapped ground) and those not
yet found.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sample_data.world.facts import table, trusted
from sample_data.world.frame import Bools, Floats, Frame, stream, to_degrees, to_metres
from sample_data.world.intensity import SYSTEMS
from sample_data.world.points import draw_cells

COLUMNS = [
    "name",
    "lon",
    "lat",
    "datum",
    "deposit_type",
    "commodity",
    "confidence",
    "uncertainty_m",
    "synthetic",
    "source",
]
COMMODITY = {
    "porphyry_copper": "Cu;Mo;Au",
    "podiform_chromite": "Cr",
    "sediment_hosted_zinc_lead": "Zn;Pb;barite",
}
KNOWN = UNDISCOVERED = 60
COVERED_SHARE = 1.0 / 3.0
SPACING_M = {"porphyry_copper": 3_000.0, "podiform_chromite": 3_000.0, "sediment_hosted_zinc_lead": 3_000.0}


def discovery_log_odds(mapped: Bools, road_m: Floats) -> Floats:
    """Log odds that a deposit has been found, up to a constant, (y, x): mapped ground and roads help."""
    return 1.1 * mapped + 1.2 * np.exp(-road_m / 15_000.0)


def real() -> pd.DataFrame:
    """The published occurrences, repaired; those doubted keep confidence low and carry the reason in
    `source`.
    """
    rows = table("occurrences").copy()
    doubt = np.where(rows["doubtful"] != "", " (doubtful: " + rows["doubtful"] + ")", "")
    return rows.assign(synthetic=False, source=rows["source"] + doubt)[COLUMNS]


def draw(frame: Frame, intensity: dict[str, Floats], thickness: Floats, log_odds: Floats, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Known (real and synthetic) and undiscovered occurrences, two tables with COLUMNS, WGS84 degrees.

    A third of the porphyries, known or not, lie under cover. Known positions err by up to their
    `uncertainty_m`.
    """
    known, unknown = [real()], []
    for system, rate in intensity.items():
        rng = stream(seed, f"deposits {system}")
        anchors = trusted(SYSTEMS[system])
        taken = np.column_stack(to_metres(anchors["lon"].to_numpy(), anchors["lat"].to_numpy()))
        spacing = max(SPACING_M[system], frame.cell_m)
        found, hidden = [], []
        strata = [(np.ones(frame.shape, dtype=bool), 1.0)]
        if system == "porphyry_copper":
            strata = [(thickness > 0.0, COVERED_SHARE), (thickness <= 0.0, 1.0 - COVERED_SHARE)]
        for ground, share in strata:
            n = round((KNOWN + UNDISCOVERED) * share)
            place = draw_cells(rate * ground, n, spacing_m=spacing, frame=frame, rng=rng, taken=taken)
            taken = np.vstack([taken, place])
            keys = log_odds[frame.cell_of(*place.T)] + rng.gumbel(size=len(place))
            order = np.argsort(-keys, kind="stable")
            found.append(place[order[: len(place) // 2]])
            hidden.append(place[order[len(place) // 2 :]])
        known.append(_table(np.vstack(found), system, "synthetic", frame, rng, err=True))
        unknown.append(_table(np.vstack(hidden), system, "undiscovered", frame, rng, err=False))
    return pd.concat(known, ignore_index=True), pd.concat(unknown, ignore_index=True)


def _table(place: Floats, system: str, word: str, frame: Frame, rng: np.random.Generator, *, err: bool) -> pd.DataFrame:
    n = len(place)
    exact = place + rng.uniform(-0.45, 0.45, place.shape) * frame.cell_m
    uncertainty = rng.choice([100, 250, 500], n) if err else np.zeros(n, dtype=int)
    angle, away = rng.uniform(0.0, 2.0 * np.pi, n), uncertainty * np.sqrt(rng.random(n))
    lon, lat = to_degrees(exact[:, 0] + away * np.cos(angle), exact[:, 1] + away * np.sin(angle))
    return pd.DataFrame(
        {
            "name": [f"{word} {SYSTEMS[system]} {i + 1:03d}" for i in range(n)],
            "lon": np.round(lon, 5),
            "lat": np.round(lat, 5),
            "datum": "WGS84",
            "deposit_type": SYSTEMS[system],
            "commodity": COMMODITY[system],
            "confidence": rng.choice(["high", "high", "medium"], n) if err else "high",
            "uncertainty_m": uncertainty,
            "synthetic": True,
            "source": f"SYNTHETIC, drawn from the written rule of the sample ({word})",
        }
    )[COLUMNS]
