"""Classes grouped by a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import MISSING, Array, Layer, feature

EPOCH = 1


def _own_cell(parameters: Mapping[str, Any], _: float) -> float:
    """Its own cell only; refuses, at plan time, a code with two groups and one that no layer can hold."""
    for number in (*(number for row in parameters["table"] for number in row), parameters.get("other") or 0):
        if not MISSING < number < 2**31:
            raise ConfigError(f"{number} is no code; codes are whole numbers above -2147483648 and below 2147483648")
    code, times = Counter(code for code, _group in parameters["table"]).most_common(1)[0]
    if times > 1:
        raise ConfigError(f"code {code} stands in {times} rows of the table; keep one")
    return 0.0


@feature(
    summary="Classes grouped by a table",
    units="1",
    reference="Bonham-Carter (1994)",
    reads="categorical",
    reach=_own_cell,
    dtype="int32",
    evidence=False,  # a code is no quantity: class_of and the other features of classes turn it into evidence
)
def class_by_table(*, of: Layer, table: Annotated[tuple[tuple[int, int], ...], Field(min_length=1)], other: int | None = None) -> Array:
    """The group of the cell's class, by rows of [code, group]; (y, x) int32 categories, missing where the layer is.

    A class in no row gets `other`, or is missing where there is none. Brings the units of a map, often hundreds, down to the few
    rock groups a deposit model knows; what reads categories reads the result, too.
    """
    rows = np.array(sorted(table), dtype=np.int32)
    values = of.values
    row = np.clip(np.searchsorted(rows[:, 0], values), 0, len(rows) - 1)
    groups = np.where(rows[row, 0] == values, rows[row, 1], MISSING if other is None else np.int32(other))
    return np.where(values == MISSING, MISSING, groups).astype(np.int32)
