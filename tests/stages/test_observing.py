"""What to look at next is worked out again with a plain loop over targets, observations and outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.learning import merit
from pipeline.stages import observing

WEIGHTS = {"prospectivity": 0.5, "confidence": 0.2, "access": 0.2, "footprint": 0.1}
RNG = np.random.default_rng(6)
GROUND = RNG.normal(size=(200, 3)).astype(np.float32)
VALUES = RNG.normal(size=(8, 3)).astype(np.float32)
LOOKS = [
    {"title": "magnetics", "cost": 2.0, "columns": [1, 2], "maps": False, "visits": False},
    {"title": "mapping", "cost": 3.0, "columns": [], "maps": True, "visits": False},
    {"title": "visit", "cost": 0.5, "columns": [], "maps": False, "visits": True},
    {"title": "spectra", "cost": 1.0, "columns": [0], "maps": False, "visits": False},
]


class Model:
    """A logistic answer, as models give it."""

    def predict_both(self, rows: Any) -> tuple[Any, Any]:
        answer = 1 / (1 + np.exp(-(rows @ np.array([0.5, 1.0, -0.3])) + 0.5))
        return answer, np.zeros(len(rows))


def targets() -> list[dict[str, Any]]:
    best, spread = Model().predict_both(VALUES)[0], RNG.uniform(0.01, 0.2, 8)
    held = []
    for i in range(8):
        said = {"applicability": float(RNG.uniform(0.2, 0.9)), "mean": float(best[i] * 0.8), "spread": float(spread[i]), "inferred": [0.0, 0.6, 1.0][i % 3]}
        held.append(
            {
                "status": "known ground" if i == 5 else "new", "max_prospectivity": float(best[i]), "mean_prospectivity": said["mean"],
                "mean_uncertainty": said["spread"], "mean_applicability": said["applicability"], "inferred_share": said["inferred"],
                "merit_prospectivity": float(best[i] / best.max()), "merit_confidence": merit.confidence(**said), "merit_access": None,
                "merit_footprint": float(RNG.uniform()),
            }
        )  # fmt: skip
    return held


def worth(prospectivity: float, confidence: float, footprint: float) -> float:
    return (0.5 * prospectivity + 0.2 * confidence + 0.1 * footprint) / 0.8


def outcomes(target: dict[str, Any], values: Any, look: dict[str, Any], top: float) -> list[float]:
    certain = target["merit_confidence"]
    if look["maps"]:
        steady = max(0.0, 1 - target["mean_uncertainty"] / target["mean_prospectivity"])
        certain = (target["mean_applicability"] + steady + 1.0) / 3
    found = [worth(target["merit_prospectivity"], certain, target["merit_footprint"])]
    for share in (0.25, 0.75) if look["columns"] else ():
        row = values.copy()
        for column in look["columns"]:
            row[column] = np.quantile(GROUND[:, column], share, method="inverted_cdf")
        found.append(worth(float(Model().predict_both(row[None])[0][0]) / top, certain, target["merit_footprint"]))
    ends = [target["max_prospectivity"] + sign * target["mean_uncertainty"] for sign in (-1, 1)] if look["visits"] else []
    return found + [worth(min(max(end, 0), 1) / top, certain, target["merit_footprint"]) for end in ends]


def test_the_best_look_is_that_of_a_plain_loop() -> None:
    held = targets()
    told = observing.best(held, VALUES, ground=GROUND, model=Model(), observations=LOOKS, weights=WEIGHTS)
    top = max(t["max_prospectivity"] for t in held)
    now = [worth(t["merit_prospectivity"], t["merit_confidence"], t["merit_footprint"]) for t in held]
    names = set()
    for i, target in enumerate(held):
        if target["status"] != "new":
            assert told[i] == {"next_observation": None, "next_rank_change": None}
            continue
        choices = []
        for place, look in enumerate(LOOKS):
            if look["maps"] and not target["inferred_share"]:
                continue
            others = [m for j, m in enumerate(now) if j != i and held[j]["status"] == "new"]
            ranks = [1 + sum(m > w for m in others) for w in (now[i], *outcomes(target, VALUES[i], look, top))]
            choices.append((-(max(ranks) - min(ranks)) / look["cost"], look["cost"], place, max(ranks) - min(ranks)))
        value, _, place, change = min(choices)
        expected = (LOOKS[place]["title"], change) if value < 0 else (None, None)
        assert (told[i]["next_observation"], told[i]["next_rank_change"]) == expected
        names.add(expected[0])
    assert len(names) > 1


def test_without_observations_or_new_ground_nothing_is_asked_for() -> None:
    held = [t | {"status": "known ground"} for t in targets()]
    nothing = {"next_observation": None, "next_rank_change": None}
    assert observing.best(held, VALUES, ground=GROUND, model=Model(), observations=LOOKS, weights=WEIGHTS) == [nothing] * 8
    assert observing.best(targets(), VALUES, ground=GROUND, model=Model(), observations=[], weights=WEIGHTS) == [nothing] * 8
