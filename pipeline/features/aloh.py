"""AlOH-bearing minerals together."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="AlOH minerals",
    units="1",
    reference="Ninomiya (2003)",
    bands={
        "aster": ("swir1", "swir3", "swir4"),
    },
    scale="ratio",
)
def aloh(*, of: Bands) -> Array:
    """ASTER (7/6) x (4/6): the depth of 2.20 um below both sides, 1 on flat ground: (y, x) float32.

    Kaolinite, alunite, smectite and white mica all absorb in band 6: the OH-bearing index OHI of Ninomiya (2003). What
    they are `kaolinite`, `alunite` and `sericite` tell.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b4, b6, b7 = spectral.light(of)
    return spectral.index(spectral.over(b7, b6) * spectral.over(b4, b6))
