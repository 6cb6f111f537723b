"""Fitting a model to what it asks for beside evidence and labels: deposit groups, spatial blocks, weights of rows."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import has_fit_parameter

from pipeline.learning.draws import Ints
from pipeline.learning.table import SampleTable


def fitted(model: Any, train: SampleTable, blocks: Ints | None = None) -> Any:
    """The model, fitted to the whole table; `blocks` (n,) is the spatial block of each row, None where there are none. Rows weigh as
    `SampleTable.evened` says of those of the fit alone."""
    return model.fit(train.values, train.label, **given(model, groups=train.group, blocks=blocks, sample_weight=train.evened()))


def given(model: Any, **offered: Any) -> dict[str, Any]:
    """What of the offered the model's `fit` takes; what is None is not given."""
    return {name: value for name, value in offered.items() if value is not None and has_fit_parameter(model, name)}
