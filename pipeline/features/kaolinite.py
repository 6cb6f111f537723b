"""Kaolinite."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Kaolinite",
    units="1",
    reference="Ninomiya (2003)",
    bands={
        "aster": ("swir1", "swir2", "swir3", "swir5"),
    },
    scale="ratio",
)
def kaolinite(*, of: Bands) -> Array:
    """ASTER (4/5) x (8/6), 1 on flat ground: (y, x) float32.

    The doublet of kaolinite at 2.17 and 2.21 um lowers bands 5 and 6 together while 8 stays high: the kaolinite index KLI
    of Ninomiya (2003). Alunite is nearly as bright: `alunite` beside it tells. Weathering makes kaolinite too, so alone it
    is no sign of argillic alteration.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b4, b5, b6, b8 = spectral.light(of)
    return spectral.index(spectral.over(b4, b5) * spectral.over(b8, b6))
