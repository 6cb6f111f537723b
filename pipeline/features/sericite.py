"""White mica of the phyllic zone."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Sericite (phyllic)",
    units="1",
    reference="Kalinowski, Oliver (2004), Mars, Rowan (2006), Cudahy (2012)",
    bands={
        "aster": ("swir2", "swir3", "swir4"),
    },
    scale="ratio",
)
def sericite(*, of: Bands) -> Array:
    """ASTER (5 + 7) / 6, the relative depth of the band at 2.20 um; 2 on flat ground: (y, x) float32.

    Muscovite, illite and smectite absorb in band 6 and not in band 5, where kaolinite and alunite do (Kalinowski and Oliver
    2004; the phyllic test of Mars and Rowan 2006; Cudahy's AlOH content, 2012). Kaolinite is nearly as bright: set
    `kaolinite` against it. So are muscovite-bearing schist and granite, without any ore fluid.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b5, b6, b7 = spectral.light(of)
    return spectral.index(spectral.over(b5 + b7, b6))
