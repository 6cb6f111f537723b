"""Directed principal components for hydroxyl and for ferric iron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.recipe import Array, Bands, Fit, Samples, feature

EPOCH = 1
ROLES = ("blue", "red", "nir", "swir16", "swir22")
LANDSAT_ROLES = ("blue", "red", "nir08", "swir16", "swir22")
SETS = {  # places among the roles; then, within the set, the band the mineral reflects and the one it absorbs
    "hydroxyl": ((0, 2, 3, 4), 2, 3),  # blue nir swir16 swir22: swir16 against swir22
    "iron": ((0, 1, 2, 3), 1, 0),  # blue red nir swir16: red against blue
}


def directed_axes(*, of: Samples) -> dict[str, Array]:
    """Fit: for both sets `<set>_mean` (4,) and `<set>_weights` (4,), the chosen axis of their covariance."""
    from pipeline.spatial import components

    fit: dict[str, Array] = {}
    for name, (places, high, low) in SETS.items():
        mean, covariance = components.moments([of[i].values for i in places], names="the bands of crosta")
        fit |= {f"{name}_mean": mean, f"{name}_weights": components.directed(components.axes(covariance), high=high, low=low)}
    return fit


def _named(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{target}" for target in SETS)


@feature(
    summary="Directed principal component",
    units="reflectance",
    reference="Crosta, Moore (1989), Loughlin (1991)",
    bands={"sentinel2": ROLES, "landsat": LANDSAT_ROLES},
    outputs=_named,
    fit=directed_axes,
)
def crosta(*, of: Bands, axes: Fit) -> tuple[Array, ...]:
    """Hydroxyl (with carbonate, lumped) and ferric iron as principal components of four bands: two blocks (y, x) float32,
    `<name>_hydroxyl` and `<name>_iron`, bright where the mineral is, 0 at the sample's mean.

    Loughlin (1991): four bands, one of them only from the iron-bearing end (blue, near infrared, 1.6 and 2.2 um) keep iron
    out of the hydroxyl component; four without 2.2 um (blue, red, near infrared, 1.6 um) keep hydroxyl out of the iron
    component. Of the four axes of the covariance that one is taken in which the reflecting and the absorbing band have the
    largest weights of opposite sign (the most negative product), turned so that the reflecting band counts positive. It
    answers to this region's own ground, so a scene full of vegetation or sand gives another axis: mask those first. NaN
    where any of the five bands is missing.
    """
    from pipeline.spatial import components

    bands = [layer.values for layer in of.values()]
    gap = np.any([~np.isfinite(band) for band in bands], axis=0)
    blocks = []
    for name, (places, _, _) in SETS.items():
        block = components.score([bands[i] for i in places], axes.value[f"{name}_weights"], axes.value[f"{name}_mean"])
        block[gap] = np.nan  # both answers know the same ground
        blocks.append(block)
    return tuple(blocks)
