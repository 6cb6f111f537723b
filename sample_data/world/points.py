"""Points drawn from a field of weights, never two closer than a spacing; and soft discs painted around
points.
"""

from __future__ import annotations

import numpy as np

from sample_data.world.frame import Floats, Frame


def draw_cells(
    weight: Floats,
    n: int,
    *,
    spacing_m: float,
    frame: Frame,
    rng: np.random.Generator,
    taken: Floats | None = None,
) -> Floats:
    """`n` distinct cell centres drawn one by one with probability in proportion to weight, kept `spacing_m`
    apart.

    `weight` is (y, x), 0 where nothing may fall; `taken` is (m, 2) easting and northing in metres of points
    to keep away from as well. Successive sampling by exponential keys (Efraimidis and Spirakis, 2006).
    Returns (<=n, 2) easting and northing in metres, in the order drawn; fewer than `n` where the ground is
    full.
    """
    flat = weight.ravel()
    cells = np.flatnonzero(flat > 0)
    keys = np.log(flat[cells]) + rng.gumbel(size=len(cells))
    order = cells[np.argsort(-keys, kind="stable")]
    x, y = frame.centres()
    kept = np.empty((n + (0 if taken is None else len(taken)), 2))
    first = 0
    if taken is not None:
        first = len(taken)
        kept[:first] = taken
    count = first
    for cell in order:
        if count == len(kept):
            break
        place = np.array([x.flat[cell], y.flat[cell]])
        if count and (np.hypot(*(kept[:count] - place).T) < spacing_m).any():
            continue
        kept[count] = place
        count += 1
    return kept[first:count]


def soft_discs(frame: Frame, places: Floats, *, radius_m: Floats, height: Floats) -> Floats:
    """The largest of Gaussian bumps `height * exp(-d^2 / 2 radius^2)` at places (n, 2); radii under 0.6 cell
    are widened.
    """
    out = np.zeros(frame.shape)
    for (x, y), radius, top in zip(places, np.maximum(radius_m, 0.6 * frame.cell_m), height, strict=True):
        window, east, north = frame.around(float(x), float(y), 3.5 * float(radius))
        np.maximum(out[window], top * np.exp(-(east**2 + north**2) / (2.0 * radius**2)), out=out[window])
    return out
