"""Risk: what exploring the map's ground in its order may bring, from held-out deposits and, with a prior, in numbers of deposits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.node import Call, FitNode
from pipeline.recipe import Fit

EPOCH = 1
STAGE = "delineate"
RISK_BYTES = 20_000_000
FIRST = (1, 2, 3, 5, 10, 20, 50, 100)  # how many of the first targets are told of together
RELATIVE = "No number of undiscovered deposits is given for this system, so these are shares of what may be found and no numbers of deposits."
HELD_OUT = "Held-out deposits captured by models that did not see them; intervals are 90 %, by redrawing blocks of ground."


def node(*, prefix: str, card: str, numbers: list[float] | None, dense: bool) -> FitNode:
    """`<prefix>/risk`, of the ranked targets and the deciding scorecard."""
    fits = {"targets": f"{prefix}/targets", "card": card, "samples": f"{prefix}/samples"}
    return FitNode(f"{prefix}/risk", STAGE, Call(risk, {"numbers": numbers, "dense": dense}, fits=fits), None, RISK_BYTES, of_map=True)


def risk(*, targets: Fit, card: Fit, samples: Fit, numbers: list[float] | None, dense: bool) -> dict[str, Any]:
    """`curve` and `search`: deposits captured against area, and the area to search for half and more of them, from held-out ground; `first_targets`:
    what the first so many targets hold together; `note`: what these numbers are not. None where nothing was held out, or scores tell no density.
    """
    km2 = float(samples.value["cells"] * samples.value["cell_km2"]) if "cell_km2" in samples.value else 0.0
    scores = (card.value.get("scores") or {}).get("model") or {}
    rate = scores.get("prediction_rate")
    new = [target for target in targets.value if target["status"] == "new"]
    return {
        "note": HELD_OUT + ("" if numbers else " " + RELATIVE), "permissive_km2": round(km2, 3),
        "curve": None if rate is None else {**rate, "area_km2": [round(area * km2, 3) for area in rate["area"]]},
        "search": [_searched(one, km2) for one in scores.get("search") or ()] or None,
        "calibration": card.value.get("calibration"),
        "first_targets": [together(new[:n], n, numbers) for n in FIRST if n <= len(new)] if dense else None,
        "all_ground": _all_ground(km2, numbers) if numbers else None,
    }  # fmt: skip


def together(first: list[Mapping[str, Any]], n: int, numbers: list[float] | None) -> dict[str, Any]:
    """What the first n targets hold together: a deposit lies in one of them with the sum of their shares, for targets do not overlap."""
    from pipeline.learning import undiscovered

    share, area = min(1.0, math.fsum(t["expected_share"] for t in first)), math.fsum(t["area_km2"] for t in first)
    told = {"targets": n, "area_km2": round(area, 6), "expected_share": round(share, 9)}
    if numbers is None:
        return told
    chance = np.array(numbers)
    mean, (low, high) = float(np.arange(len(chance)) @ chance), undiscovered.count_interval(undiscovered.count_distribution(chance, share))
    return told | {
        "expected_deposits": round(mean * share, 6), "deposits_low": low, "deposits_high": high,
        "p_at_least_one": round(undiscovered.at_least_one(chance, share), 6), "km2_per_discovery": round(area / (mean * share), 3) if share else None,
    }  # fmt: skip


def _all_ground(km2: float, numbers: list[float]) -> dict[str, Any]:
    mean = float(np.arange(len(numbers)) @ np.array(numbers))
    return {"area_km2": round(km2, 3), "expected_deposits": round(mean, 6), "km2_per_discovery": round(km2 / mean, 3)}


def _searched(one: Mapping[str, Any], km2: float) -> dict[str, Any]:
    ends = one["interval"]
    return {
        **one, "area_km2": None if one["area"] is None else round(one["area"] * km2, 3),
        "interval_km2": None if ends is None else [round(end * km2, 3) for end in ends],
    }  # fmt: skip
