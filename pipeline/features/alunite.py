"""Alunite, kaolinite and pyrophyllite of the advanced argillic zone."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Alunite (advanced argillic)",
    units="1",
    reference="Kalinowski, Oliver (2004), Mars, Rowan (2006)",
    bands={
        "aster": ("swir1", "swir2", "swir3"),
    },
    scale="ratio",
)
def alunite(*, of: Bands) -> Array:
    """ASTER (4 + 6) / 5, the relative depth of the band at 2.17 um; 2 on flat ground: (y, x) float32.

    Alunite and pyrophyllite, and less so kaolinite, absorb in band 5 (Kalinowski and Oliver 2004; the argillic test of
    Mars and Rowan 2006). Young volcanoes carry it without any ore.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b4, b5, b6 = spectral.light(of)
    return spectral.index(spectral.over(b4 + b6, b5))
