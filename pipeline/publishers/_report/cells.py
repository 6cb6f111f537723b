"""Values of tables as a person reads them, beside what they sort by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.bundle import Column

UNITS = {"km2": "km²", "m2": "m²", "1": "", "percent": "%"}
NONE = "—"


@dataclass(frozen=True)
class Cell:
    """One value: as text, and the number or word it sorts by; None sorts last, whichever way."""

    text: str
    sort: float | str | None


def cell(value: Any, column: Column) -> Cell:
    """A value of a column; a dash where it is missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) or value == "":
        return Cell(NONE, None)
    if column.dtype.lower().startswith(("float", "int")):
        number = float(value)
        unit = UNITS.get(column.unit, column.unit)
        return Cell(f"{_number(number, column)}{f' {unit}' if unit else ''}", number)
    if column.dtype.lower().startswith("bool"):
        return Cell("yes" if value else "no", float(bool(value)))
    return Cell(str(value), str(value))


def rows(frame: pd.DataFrame, columns: Mapping[str, Column]) -> list[dict[str, Cell]]:
    """Each row as its cells, by column."""
    held = {name: frame[name].tolist() for name in columns}
    return [{name: cell(held[name][i], column) for name, column in columns.items()} for i in range(len(frame))]


def is_number(column: Column) -> bool:
    """Whether a column stands to the right and sorts by size."""
    return column.dtype.lower().startswith(("float", "int", "bool"))


def _number(number: float, column: Column) -> str:
    if column.dtype.lower().startswith("int"):
        return f"{int(number):,}"
    if column.unit == "1":
        return f"{number:.3f}" if abs(number) < 10 else f"{number:,.1f}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.1f}" if abs(number) >= 0.1 or number == 0 else f"{number:.2g}"
