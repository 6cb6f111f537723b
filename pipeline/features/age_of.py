"""Age of the map unit."""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Cells, Vector, feature, point
from pipeline.spatial import tables

EPOCH = 1


@feature(summary="Age of the map unit", units="Ma", reference="Cohen and others (2013)", reach=point, check=tables.columns_are_there)
def age_of(*, of: Vector, column: str, oldest: str | None = None, at: Cells) -> Array:
    """Middle of the age of the unit at the cell's centre, in millions of years; (y, x) float32; NaN where no polygon lies or its age is unknown.

    `column` holds names of the geological time scale ("Late Cretaceous-Palaeocene", "Upper Jurassic", "Tertiary"), read by the International
    Chronostratigraphic Chart 2023/09 (Cohen and others 2013); or numbers in Ma, the age or, with `oldest` beside it, the youngest. The middle of a
    long span says little: a unit told as "Mesozoic" is given 159 Ma. Where polygons overlap the smallest counts.
    """
    from pipeline.spatial import ages, polygons

    middle = np.full(len(of.geometry) + 1, np.nan)
    tops = of.columns[column]
    bases = of.columns[oldest] if oldest else tops
    for i, (top, base) in enumerate(zip(tops, bases, strict=True)):
        if isinstance(top, str):
            spans = [ages.span(top), ages.span(base)] if isinstance(base, str) else [ages.span(top)]
            ends = [end for found in spans if found for end in found]
            middle[i] = (min(ends) + max(ends)) / 2 if ends else np.nan
        elif top is not None and base is not None:
            middle[i] = (float(top) + float(base)) / 2
    return middle[polygons.number(of.geometry, at)].astype(np.float32)
