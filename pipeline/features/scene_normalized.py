"""Radiance of many scenes to relative reflectance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.recipe import MISSING, Array, Bands, Fit, Layer, Sample, Samples, feature

EPOCH = 1
ROLES = ("green", "red", "nir", "swir1", "swir2", "swir3", "swir4", "swir5", "swir6")
LEAST = 200  # sampled cells of a scene: fewer tell no mean spectrum
Share = Annotated[float, Field(ge=0, le=0.1)]


def spectra(*, of: Samples, scene: Sample, dark_share: Share) -> dict[str, Array]:
    """Fit: `scenes` (k,), the codes with cells enough, and per band the `dark` light (k, bands) and `mean` spectrum above it."""
    values = np.stack([sample.values for sample in of], axis=1).astype(np.float64)
    whole = np.isfinite(values).all(axis=1) & (scene.values != MISSING)
    codes, counts = np.unique(scene.values[whole], return_counts=True)
    codes = codes[counts >= LEAST]
    dark, mean = np.zeros((2, len(codes), values.shape[1]))
    for i, code in enumerate(codes):
        seen = values[whole & (scene.values == code)]
        dark[i] = np.quantile(seen, dark_share, axis=0) if dark_share > 0 else 0.0
        mean[i] = np.median(seen - dark[i], axis=0)
    return {"scenes": codes.astype(np.int64), "dark": dark, "mean": mean}


def _by_role(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{role}" for role in ROLES)


@feature(
    summary="Radiance normalised within scenes",
    units="relative reflectance",
    reference="Kruse (1988), Chavez (1988)",
    outputs=_by_role,
    fit=spectra,
    bands={"aster": ROLES},
    band_units=("radiance",),
    reads="any",
    evidence=False,  # a band is read by the indices; the model reads those
    carries_sensor=True,
)
def scene_normalized(*, of: Bands, scene: Layer, spectrum: Fit, dark_share: Share = 0.0) -> tuple[Array, ...]:
    """Each band over the median of its own scene: nine blocks (y, x) float32, a source of bands named as this feature, in relative reflectance,
    1 where the ground is as the scene's middle; NaN where a band or the scene is missing, or a scene has too few cells (200 sampled).

    For radiance at the sensor (ASTER L1T): sun, season and air multiply each band of a scene alike, and dividing by the scene's own
    spectrum takes them out (internal average relative reflectance, Kruse 1988). `scene` tells by a code which scene each cell came from. With
    `dark_share`, that quantile of each band is first taken off as haze (Chavez 1988): right where the scene has shadow or clear water.

    What it cannot do: a scene that is mostly one rock has that rock's spectrum divided out, and beside another scene it leaves a seam. Nor
    does it undo crosstalk: light of band 4 leaks into bands 5 and 9 (Iwasaki and Tonooka 2005), so in L1T kaolinite, alunite and carbonate
    are weaker evidence than in a product with the correction (AST_07XT), which needs no normalisation.
    """
    del dark_share  # only the fit reads it
    codes = spectrum.value["scenes"]
    place = np.clip(np.searchsorted(codes, scene.values), 0, max(len(codes) - 1, 0))
    known = np.isin(scene.values, codes)
    blocks = []
    for band, layer in enumerate(of.values()):
        if not len(codes):
            blocks.append(np.full(layer.values.shape, np.nan, np.float32))
            continue
        mean = spectrum.value["mean"][place, band]
        relative = (layer.values.astype(np.float64) - spectrum.value["dark"][place, band]) / np.where(mean > 0, mean, np.nan)
        blocks.append(np.where(known, np.maximum(relative, 0.0), np.nan).astype(np.float32))
    return tuple(blocks)
