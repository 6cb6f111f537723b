"""Straight segments of edges: what the eye calls lineaments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from pipeline.recipe import Array, Vector, Whole
from pipeline.spatial import ridges

BEND = 0.75  # cells a chain may leave its chord before it is cut in two
HYSTERESIS = 0.5  # an edge goes on down to this share of the strength it must reach somewhere


def segments(of: Whole, *, scales_m: Sequence[float], strongest: float, least_m: float) -> Vector:
    """Straight edges of a surface with columns azimuth_deg, length_m, scale_m; those of the finer scale first.

    At each scale the crests of the gradient that reach the `strongest` share of all crests, and what hangs together with them at half that
    strength, are walked as chains, cut where they bend (Douglas and Peucker 1973), and kept from `least_m` on. Each segment is the axis of its
    cells. A coarser scale adds only what no finer one told already: a segment of which half lies within a scale of those kept is dropped.
    """
    kept: list[shapely.LineString] = []
    columns: dict[str, list[float]] = {"azimuth_deg": [], "length_m": [], "scale_m": []}
    for scale_m in sorted(scales_m):
        sigma = scale_m / of.cell_m
        found = [] if sigma < 0.5 else _at_scale(of, sigma=sigma, strongest=strongest, least_m=least_m)
        told = shapely.union_all(shapely.buffer(np.array(kept, object), scale_m)) if kept else None
        for line in found:
            if told is not None and shapely.length(shapely.intersection(line, told)) > 0.5 * line.length:
                continue
            (x0, y0), (x1, y1) = line.coords
            kept.append(line)
            columns["azimuth_deg"].append(float(ridges.azimuth(np.array(x1 - x0), np.array(y1 - y0))))
            columns["length_m"].append(line.length)
            columns["scale_m"].append(scale_m)
    return Vector(np.array(kept, object), {name: np.array(values) for name, values in columns.items()})


def _at_scale(of: Whole, *, sigma: float, strongest: float, least_m: float) -> list[shapely.LineString]:
    from skimage.filters import apply_hysteresis_threshold

    size, crest = ridges.edges(of.values, sigma=sigma)
    strength = size[crest]
    if not strength.size:
        return []
    high = np.quantile(strength, 1 - strongest)
    mask = apply_hysteresis_threshold(np.where(crest, size, 0.0), HYSTERESIS * high, high)
    least = max(3, int(np.ceil(least_m / of.cell_m / np.sqrt(2))))
    lines = []
    for chain in ridges.traced(mask, least=least):
        for start, end in _straight(chain):
            line = _axis(of, chain[start : end + 1])
            if line.length >= least_m:
                lines.append(line)
    return lines


def _straight(chain: Array) -> list[tuple[int, int]]:
    """First and last of each run of a chain that keeps within `BEND` cells of its chord."""
    waiting, found = [(0, len(chain) - 1)], []
    while waiting:
        start, end = waiting.pop()
        a, b = chain[start].astype(float), chain[end].astype(float)
        length = float(np.hypot(*(b - a)))
        inner = chain[start + 1 : end] - a
        away = np.abs(inner[:, 0] * (b - a)[1] - inner[:, 1] * (b - a)[0]) / length if length > 0 else np.hypot(*inner.T)
        if away.size and away.max() > BEND:
            cut = start + 1 + int(away.argmax())
            waiting += [(cut, end), (start, cut)]
        elif length > 0:
            found.append((start, end))
    return found


def _axis(of: Whole, cells: Array) -> shapely.LineString:
    """The cells' main axis, from the first to the last of them; from west to east, or south to north."""
    points = np.column_stack([of.x[cells[:, 1]], of.y[cells[:, 0]]])
    centre = points.mean(axis=0)
    _, _, turned = np.linalg.svd(points - centre, full_matrices=False)
    along = (points - centre) @ turned[0]
    ends = centre + np.array([along.min(), along.max()])[:, None] * turned[0]
    return shapely.LineString(ends[np.lexsort((ends[:, 1], ends[:, 0]))])
