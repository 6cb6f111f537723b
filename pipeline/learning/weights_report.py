"""What a weights-of-evidence model rests on, in plain values: its table of weights, and whether they may be added."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from pipeline.learning.evidence_classes import Counts, weights

if TYPE_CHECKING:
    from pipeline.learning.weights_of_evidence import WeightsOfEvidence

LEAST_RATIO, SURE = 0.85, 0.95  # observed over expected deposits, and the probability of dependence, past which independence fails


def table(model: WeightsOfEvidence) -> dict[str, Any]:
    """The unit cell, the prior probability, the `layers` and the test of `independence` of a fitted model, as JSON holds them.

    `layers` has an entry per class: those `below` and `at or above` the threshold of a continuous layer, or those of one map, the last
    `none of these`. Each tells its deposits and area (deposit cells included), W+ of the class and W- of all others, their standard
    deviations, contrast and studentised contrast (None where a count of zero leaves no number), whether the class is `favourable`, and
    why it was `refused` (None where it was not). Numbers are those counted, also where the weight was then set to 0.
    """
    entries = [entry for layer in range(len(model.first_) - 1) for entry in _layer(model, layer)]
    prior = model.counted_[0] / model.counted_[:2].sum()
    return {"unit_cell_km2": float(model.unit_cell_km2), "prior": float(prior), "layers": entries, "independence": independence(model)}


def independence(model: WeightsOfEvidence) -> dict[str, Any]:
    """Whether the layers of a fitted model are conditionally independent, so that their weights may be added.

    `ratio` of observed to expected deposits, under 0.85 a sign of dependence (Bonham-Carter 1994); `z`, the excess of the expected over
    its standard deviation, and the `probability` of dependence (Agterberg and Cheng 2002, one-sided). `holds` unless the ratio is too low
    or the probability above 0.95; `says` it in a sentence.
    """
    observed, expected, deviation = float(model.counted_[0]), float(model.expected_[0]), float(model.expected_[1])
    ratio, z = observed / expected, (expected - observed) / deviation
    holds = bool(ratio >= LEAST_RATIO and ndtr(z) <= SURE)
    told = f"{expected:.1f} deposits are expected where {observed:.0f} are known (ratio {ratio:.2f}, z {z:.2f})"
    says = f"Conditional independence is not contradicted: {told}."
    if not holds:
        says = f"Conditional independence fails: {told}. Probabilities are too high; use logistic_regression, which does not need it."
    return {"observed": observed, "expected": expected, "ratio": ratio, "z": z, "probability": float(ndtr(z)), "holds": holds, "says": says}


def _layer(model: WeightsOfEvidence, layer: int) -> list[dict[str, Any]]:
    first, last = int(model.first_[layer]), int(model.first_[layer + 1])
    of = slice(first + layer, last + layer + 1)
    rows, one_map = model.background_[of], last - first > 1
    found = Counts(model.deposits_[of], np.zeros(len(rows), np.int64), rows * (model.counted_[1] / model.counted_[2]), rows)
    weighed = weights(found)
    entries = []
    for i in range(len(rows)):
        column = first + max(i - 1, 0)
        named = f"column {column}" if model.names is None else model.names[column]
        words = ("none of these", "is") if one_map else ("below", "at or above")
        entries.append({
            "layer": named if i or not one_map else f"{named} and the {last - first - 1} after it",
            "class": words[min(i, 1)],
            "threshold": None if one_map else _plain(model.cut_[column]),
            "deposits": int(found.deposits[i]),
            "area_km2": float((found.deposits[i] + found.units[i]) * model.unit_cell_km2),
            "w_plus": _plain(weighed.plus[i]),
            "s_w_plus": _plain(math.sqrt(weighed.plus_variance[i])),
            "w_minus": _plain(weighed.minus[i]),
            "s_w_minus": _plain(math.sqrt(weighed.minus_variance[i])),
            "contrast": _plain(weighed.contrast[i]),
            "studentized_contrast": _plain(weighed.studentized[i]),
            "favourable": bool(model.weight_[of][i] > 0),
            "refused": str(model.refused_[of][i]) or None,
        })  # fmt: skip
    return entries


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
