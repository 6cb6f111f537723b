"""MgOH and epidote of the propylitic zone."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="MgOH: chlorite, epidote, amphibole (propylitic)",
    units="1",
    reference="Kalinowski, Oliver (2004), Cudahy (2012)",
    bands={
        "aster": ("swir3", "swir4", "swir5", "swir6"),
    },
    scale="ratio",
)
def mgoh(*, of: Bands) -> Array:
    """ASTER (6 + 9) / (7 + 8), the relative depth of 2.25 to 2.33 um; 1 on flat ground: (y, x) float32.

    Chlorite and epidote absorb at 2.25 um (band 7) and 2.33 um (band 8): Hewson's index in Kalinowski and Oliver (2004),
    the MgOH group content of Cudahy (2012). Calcite and dolomite lower band 8 alone and raise it half as much: mask with
    `carbonate`. Greenschist, amphibolite and serpentinite are bright without any alteration by ore fluids.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b6, b7, b8, b9 = spectral.light(of)
    return spectral.index(spectral.over(b6 + b9, b7 + b8))
