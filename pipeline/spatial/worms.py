"""Worms: edges of a potential field, followed upward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from pipeline.recipe import Vector, Whole
from pipeline.spatial import potential, ridges

HYSTERESIS = 0.5  # a worm goes on down to this share of the strength it must reach somewhere


def edges(of: Whole, *, heights_m: Sequence[float], strongest: float, least_m: float) -> Vector:
    """Crests of the horizontal gradient of the field at each height, as polylines with columns height_m, gradient (per km), azimuth_deg.

    Of all crests of a height the `strongest` share starts a line, which goes on down to half that strength; `gradient` is the mean along
    it, the azimuth that of its ends.
    Hornby, Boschetti and Horowitz (1999), Archibald, Gow and Boschetti (1999).
    """
    from skimage.filters import apply_hysteresis_threshold

    gaps = np.isnan(of.values)
    lines: list[Any] = []
    columns: dict[str, list[float]] = {"height_m": [], "gradient": [], "azimuth_deg": []}
    if gaps.all() or np.nanmin(of.values) == np.nanmax(of.values):
        return Vector(np.empty(0, object), {name: np.empty(0) for name in columns})
    survey = potential.survey(of)
    for height_m in sorted(heights_m):
        inside = slice(potential.RIM, -potential.RIM)
        higher = np.where(gaps, np.nan, potential.continued(survey, height_m=height_m)[inside, inside])
        size, crest = ridges.edges(higher, sigma=1.0)  # the height has smoothed it already: one cell, to derive by
        strength = size[crest]
        if not strength.size:
            continue
        high = np.quantile(strength, 1 - strongest)
        mask = apply_hysteresis_threshold(np.where(crest, size, 0.0), HYSTERESIS * high, high)
        for chain in ridges.traced(mask, least=max(3, int(least_m / of.cell_m))):
            points = np.column_stack([of.x[chain[:, 1]], of.y[chain[:, 0]]])
            line = shapely.simplify(shapely.LineString(points), 0.5 * of.cell_m)
            (x0, y0), (x1, y1) = points[0], points[-1]
            lines.append(line)
            columns["height_m"].append(float(height_m))
            columns["gradient"].append(float(size[chain[:, 0], chain[:, 1]].mean() / of.cell_m * potential.KM))
            columns["azimuth_deg"].append(float(ridges.azimuth(np.array(x1 - x0), np.array(y1 - y0))))
    return Vector(np.array(lines, object), {name: np.array(values) for name, values in columns.items()})
