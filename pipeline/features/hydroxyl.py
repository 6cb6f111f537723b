"""Hydroxyl-bearing or carbonate minerals."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Hydroxyl or carbonate, lumped",
    units="1",
    reference="Sabins (1999), van der Werff, van der Meer (2016)",
    bands={
        "sentinel2": ("swir16", "swir22"),
        "landsat": ("swir16", "swir22"),
    },
    scale="ratio",
)
def hydroxyl(*, of: Bands) -> Array:
    """Shortwave infrared at 1.6 over 2.2 um; 1 is flat ground, higher over clay, mica, chlorite or carbonate: (y, x) float32.

    The one broad band at 2.2 um holds AlOH, MgOH and carbonate alike (TM 5/7, Sabins 1999), so limestone is as bright as
    alteration: read it beside geology. Vegetation is bright too: its water absorbs at 2.2 um. With ASTER use `aloh`,
    `mgoh` and `carbonate`, which part them.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    swir16, swir22 = spectral.light(of)
    return spectral.index(spectral.over(swir16, swir22))
