"""Fitting a model to what it asks for beside evidence and labels: deposit groups, spatial blocks, weights of rows."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import has_fit_parameter

from pipeline.learning.draws import Ints
from pipeline.learning.table import SampleTable


def fitted(model: Any, train: SampleTable, blocks: Ints | None = None) -> Any:
    """The model, fitted to the whole table; `blocks` (n,) is the spatial block of each row, None where there are none. Rows weigh as
    `SampleTable.evened` says of those of the fit alone; for a model that `counts_ground` the background stays what stands for so much area."""
    weight = train.weight if _counts_ground(model) else train.evened()
    return model.fit(train.values, train.label, **given(model, groups=train.group, blocks=blocks, sample_weight=weight))


def _counts_ground(model: Any) -> bool:
    """Of itself, or of the one it is wrapped around."""
    inner = getattr(model, "model", None)
    return bool(getattr(model, "counts_ground", False)) or (inner is not None and _counts_ground(inner))


def given(model: Any, **offered: Any) -> dict[str, Any]:
    """What of the offered the model's `fit` takes; what is None is not given."""
    return {name: value for name, value in offered.items() if value is not None and has_fit_parameter(model, name)}
