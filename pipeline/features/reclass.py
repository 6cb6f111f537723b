"""A table from ranges of values to new values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Layer, feature

EPOCH = 1
Row = tuple[float | None, float | None, float]


def _own_cell(parameters: Mapping[str, Any], _: float) -> float:
    """Its own cell only; refuses, at plan time, rows that are empty or share values."""
    rows = _ordered(parameters["table"])
    for low, high, value in rows:
        if not low < high:
            raise ConfigError(f"the row from {low:g} to {high:g} holds no value; write the smaller number first")
        if not math.isfinite(value):
            raise ConfigError(f"the row from {low:g} to {high:g} gives {value:g}, which is no number; leave the row out for missing")
    for (low, high, _value), (next_low, next_high, _next) in pairwise(rows):
        if next_low < high:
            raise ConfigError(
                f"the rows {low:g} to {high:g} and {next_low:g} to {next_high:g} overlap, so a value has two answers; let one end where the next begins"
            )
    return 0.0


@feature(summary="Values by a table of ranges", units="1", reference="Bonham-Carter (1994)", reach=_own_cell)
def reclass(*, of: Layer, table: Annotated[tuple[Row, ...], Field(min_length=1)], default: float | None = None) -> Array:
    """The third number of the row [from, to, value] whose range holds the cell, `from` included and `to` not; (y, x) float32.

    `from` and `to` are in the layer's units, null for no end. Cells in no row get `default`, or NaN where there is none;
    missing cells stay NaN. Scores by an expert's breaks, as index overlay needs them (Bonham-Carter 1994). Breaks are
    compared as float32, the layer's own precision, so that 0.7 in the table is 0.7 in the layer.
    """
    rows = np.array(_ordered(table), dtype=np.float32)
    values = of.values
    row = np.searchsorted(rows[:, 0], values, side="right") - 1
    held = (row >= 0) & (values < rows[row, 1])
    filled = np.where(held, rows[row, 2], np.float32(np.nan if default is None else default))
    return np.where(np.isfinite(values), filled, np.float32(np.nan))


def _ordered(table: Any) -> list[tuple[float, float, float]]:
    rows = [(-np.inf if low is None else low, np.inf if high is None else high, value) for low, high, value in table]
    return sorted(rows)
