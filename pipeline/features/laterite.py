"""Lateritic cover."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Laterite",
    units="1",
    reference="Kalinowski, Oliver (2004)",
    bands={
        "aster": ("swir1", "swir2"),
    },
    scale="ratio",
)
def laterite(*, of: Bands) -> Array:
    """ASTER band 4 over band 5 (1.65 over 2.17 um), high over kaolinite with iron oxides, higher still over
    alunite: (y, x) float32.

    Bierwirth's ratio in Kalinowski and Oliver (2004). On Sentinel-2 and Landsat the same words would name the number that
    `hydroxyl` gives already, so they are refused: the same evidence twice under two names.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    above, below = spectral.light(of)
    return spectral.index(spectral.over(above, below))
