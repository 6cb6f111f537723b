"""What a presence-background model is linear in: terms of the evidence, each from 0 to 1, and the penalty that each bears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats

Array = npt.NDArray[Any]
LINEAR, QUADRATIC, ABOVE, BELOW, PRODUCT, CLASS = range(6)
KINDS = ("linear", "quadratic", "hinge", "product")
# How strongly a term is held back, by the number of presences: few presences, few claims. Phillips and Dudik (2008), as in maxnet.
_LINEAR_ALONE = ((0, 10, 30, 100), (1.0, 1.0, 0.2, 0.05))
_WITH_QUADRATIC = ((0, 10, 17, 30, 100), (1.3, 0.8, 0.5, 0.25, 0.05))
_WITH_PRODUCT = ((0, 10, 17, 30, 100), (2.6, 1.6, 0.9, 0.55, 0.05))
_CLASS = ((0, 10, 17), (0.65, 0.5, 0.25))
_HINGE = 0.5
_LEAST = 0.001  # of the range of a term: no term is free


def affordable(presences: int) -> tuple[str, ...]:
    """The kinds of terms that so many presences can teach: linear, from 10 quadratic, from 15 hinges. Phillips and Dudik (2008)."""
    return KINDS[:1] if presences < 10 else KINDS[:2] if presences < 15 else KINDS[:3]


def terms(binary: npt.NDArray[np.bool_], *, kinds: tuple[str, ...], knots: int) -> Floats:
    """The terms of p columns; (terms, 4) float64: kind, column, the other column of a product, knot.

    A column of 0 and 1 only (`binary`, (p,)) is a class and gives one term. The `knots` of hinges lie at equal steps within the range.
    """
    found: list[tuple[float, float, float, float]] = []
    at = np.arange(1, knots + 1) / (knots + 1)
    for column in range(len(binary)):
        if binary[column]:
            found.append((CLASS, column, 0, 0))
            continue
        found += [(kind, column, 0, 0) for kind, word in ((LINEAR, "linear"), (QUADRATIC, "quadratic")) if word in kinds]
        found += [(kind, column, 0, float(knot)) for kind in (ABOVE, BELOW) for knot in at if "hinge" in kinds]
    if "product" in kinds:
        found += [(PRODUCT, i, j, 0) for i in range(len(binary)) for j in range(i + 1, len(binary)) if not (binary[i] and binary[j])]
    return np.array(found, np.float64).reshape(-1, 4)


def value(term: Floats, scaled: Floats) -> Floats:
    """One term of the columns `scaled` (n, p), each from 0 to 1; (n,), from 0 to 1."""
    kind, column, other, knot = int(term[0]), int(term[1]), int(term[2]), float(term[3])
    x = scaled[:, column]
    if kind == QUADRATIC:
        return np.asarray(x * x)
    if kind == ABOVE:
        return np.maximum(x - knot, 0.0) / (1 - knot)
    if kind == BELOW:
        return np.maximum(knot - x, 0.0) / knot
    return np.asarray(x * scaled[:, other] if kind == PRODUCT else x)


def allowed(found: Floats, signs: Sequence[int]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each term's coefficient may lie above 0, and below; (terms,) each. A column of sign 1 in `signs` (p,) may only raise the sum, one
    of -1 only lower it; of 0 either. Each term then rises or falls along it as it may, and so does their sum.
    """
    sign = np.asarray(signs, np.int64)
    kind, own, other = found[:, 0], sign[found[:, 1].astype(np.int64)], sign[found[:, 2].astype(np.int64)]
    own = np.where(kind == BELOW, -own, own)  # the one kind that falls along its column
    other = np.where(kind == PRODUCT, other, 0)
    return (own >= 0) & (other >= 0), (own <= 0) & (other <= 0)


def penalties(found: Floats, presence: Floats, *, deposits: int, multiplier: float) -> Floats:
    """What a unit of each term's coefficient costs; (terms,).

    The standard deviation of the term over the presences (n, terms), over the root of the number of `deposits` they belong to, times a
    constant of its kind, which falls with that number: about the standard error of what the presences tell of the term. A lone presence has no
    deviation; it is taken for 1, the whole range. At least 0.001.
    """
    kind = found[:, 0]
    table = _WITH_PRODUCT if (kind == PRODUCT).any() else _WITH_QUADRATIC if (kind == QUADRATIC).any() else _LINEAR_ALONE
    constant = np.full(len(found), np.interp(deposits, *table))
    constant[kind == CLASS] = np.interp(deposits, *_CLASS)
    hinge = (kind == ABOVE) | (kind == BELOW)
    deviation = presence.std(axis=0, ddof=1) if len(presence) > 1 else np.ones(len(found))
    # few presences may all lie off a hinge, which would make it free
    deviation[hinge] = np.maximum(deviation[hinge], 1 / np.sqrt(deposits))
    constant[hinge] = _HINGE
    return np.asarray(np.maximum(multiplier * deviation * constant / np.sqrt(deposits), _LEAST))
