"""How far the evidence of a teaching region differs from one's own, and quantile alignment, which never looks at where deposits are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.table import SampleTable


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of a region's ground, (n, p), NaN missing: cells drawn without a look at deposits; columns named by `names`."""

    values: npt.NDArray[np.float32]
    names: tuple[str, ...]

    def rising(self, name: str) -> Floats:
        """The values there are of one layer, in rising order."""
        held = self.values[:, self.names.index(name)].astype(np.float64)
        return np.sort(held[np.isfinite(held)])


def most_different(own: Evidence, teacher: Evidence, *, above: float = 0.5, at_most: int = 3) -> dict[str, float]:
    """The layers whose ground differs most between two regions, the most different first, by name.

    The number is the two-sample Kolmogorov-Smirnov statistic, 0 alike to 1 apart, of the values there are; layers at or below `above` are
    left out, and so is one without a value on either side. Smirnov (1948). Both have the same names.
    """
    apart = {name: _apart(own.rising(name), teacher.rising(name)) for name in own.names}
    return dict(sorted(((name, by) for name, by in apart.items() if by > above), key=lambda item: (-item[1], item[0]))[:at_most])


def aligned(teacher: SampleTable, *, there: Evidence, here: Evidence, layers: Collection[str]) -> SampleTable:
    """The teacher's rows, each of `layers` mapped so that the ground there has the distribution of the ground here.

    A value goes to the value here of the same quantile (mid-ranks, straight lines between); beyond the ground there it takes the end of the
    one here. NaN stays NaN. A layer without values on either side stays as it is, and so does one of 0 and 1 only: a class is no quantity.
    """
    values = teacher.values.copy()
    for name in layers:
        own, other, n = here.rising(name), there.rising(name), teacher.names.index(name)
        held = np.isfinite(values[:, n])
        if own.size and other.size and not _classes(own, other):
            at = np.interp(values[held, n].astype(np.float64), *_quantiles(other))
            value, quantile = _quantiles(own)
            values[held, n] = np.interp(at, quantile, value)
    return teacher.showing(values)


def unitless(units: Mapping[str, str]) -> tuple[str, ...]:
    """The layers that may be aligned unasked: a unit, as of 300 m, means the same in every region."""
    return tuple(name for name, unit in units.items() if unit == "1")


def _classes(*grounds: Floats) -> bool:
    return all(np.isin(ground, (0.0, 1.0)).all() for ground in grounds)


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
