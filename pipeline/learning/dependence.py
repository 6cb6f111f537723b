"""How a model's answer moves with one layer: partial dependence, with an interval over refits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.importance import positive_share

PLACES = 11  # of a curve


def grid(values: npt.NDArray[np.float32]) -> Floats:
    """Where a curve is asked: quantiles of the values from 5 to 95 %, each once; of a layer of 0 and 1, or without values, none."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0 or np.isin(finite, (0.0, 1.0)).all():
        return np.empty(0)
    return np.unique(np.quantile(finite, np.linspace(0.05, 0.95, PLACES)))


def curve(models: Sequence[Any], values: npt.NDArray[np.float32], column: int, at: Floats) -> dict[str, Floats]:
    """The mean answer over the rows of `values` with one column set to each of `at`: `mean` over models, `low` and `high` their 5 and 95 %.

    Friedman (2001). Where the column goes with others, it asks the model about evidence that no place has: read it beside the sets of
    features that rank alike.
    """
    held = np.empty((len(models), len(at)))
    for i, model in enumerate(models):
        asked = np.repeat(values[None], len(at), axis=0)
        asked[:, :, column] = at[:, None]
        held[i] = positive_share(model, asked.reshape(-1, values.shape[1])).reshape(len(at), -1).mean(axis=1)
    low, high = np.quantile(held, [0.05, 0.95], axis=0)
    return {"at": at, "mean": held.mean(axis=0), "low": low, "high": high}
