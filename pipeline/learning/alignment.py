"""How far the evidence of a teaching region differs from one's own, and quantile alignment, which never looks at where deposits are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.errors import ConfigError
from pipeline.learning.draws import Floats
from pipeline.learning.table import SampleTable


def most_different(own: SampleTable, teacher: SampleTable, *, above: float = 0.5, at_most: int = 3) -> dict[str, float]:
    """The layers whose background differs most between two regions, the most different first, by name.

    The number is the two-sample Kolmogorov-Smirnov statistic, 0 alike to 1 apart, of the values there are; layers at or below `above` are
    left out, and so is one without a value on either side. Smirnov (1948). Both tables have the same names in the same order.
    """
    apart = {name: _apart(_ground(own, n), _ground(teacher, n)) for n, name in enumerate(own.names)}
    return dict(sorted(((name, by) for name, by in apart.items() if by > above), key=lambda item: (-item[1], item[0]))[:at_most])


def aligned(teacher: SampleTable, own: SampleTable, *, units: Mapping[str, str]) -> SampleTable:
    """The teacher's rows, every layer mapped so that its background has the distribution of the own region's background.

    A value goes to the own background's value of the same quantile (mid-ranks, straight lines between); beyond the teacher's background it
    takes the end of the own one. NaN stays NaN, and a layer without background values on either side stays as it is. `units` are by layer:
    ConfigError for one other than "1", as 300 m is 300 m in either region. Both tables have the same names in the same order.
    """
    physical = [f"{name} ({units[name]})" for name in teacher.names if units[name] != "1"]
    if physical:
        raise ConfigError(
            f"quantile alignment: {', '.join(physical)} has a physical unit, which means the same in every region; expected unit 1. "
            "Align nothing, or make the layer unitless"
        )
    values = teacher.values.copy()
    for n in range(values.shape[1]):
        here, there = _ground(own, n), _ground(teacher, n)
        held = np.isfinite(values[:, n])
        if here.size and there.size:
            at = np.interp(values[held, n].astype(np.float64), *_quantiles(there))
            value, quantile = _quantiles(here)
            values[held, n] = np.interp(at, quantile, value)
    return teacher.showing(values)


def _ground(table: SampleTable, column: int) -> Floats:
    """The values of one layer on background, in rising order."""
    held = table.values[table.label == 0, column].astype(np.float64)
    return np.sort(held[np.isfinite(held)])


def _quantiles(rising: Floats) -> tuple[Floats, Floats]:
    """Each distinct value and the middle of the quantiles it covers; both rise."""
    value, count = np.unique(rising, return_counts=True)
    return value, (np.cumsum(count) - count / 2) / len(rising)


def _apart(one: Floats, other: Floats) -> float:
    if not one.size or not other.size:
        return 0.0
    both = np.concatenate((one, other))
    shares = [np.searchsorted(side, both, side="right") / len(side) for side in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
