"""Calcite and dolomite."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Carbonate",
    units="1",
    reference="Ninomiya (2003)",
    bands={
        "aster": ("swir3", "swir5", "swir6"),
    },
    scale="ratio",
)
def carbonate(*, of: Bands) -> Array:
    """ASTER (6/8) x (9/8): the depth of 2.33 um below both sides, 1 on flat ground: (y, x) float32.

    The calcite index CLI of Ninomiya (2003). Chlorite, epidote and amphibole absorb there too: where `mgoh` is high as well,
    it may be they.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b6, b8, b9 = spectral.light(of)
    return spectral.index(spectral.over(b6, b8) * spectral.over(b9, b8))
