"""Quartz and other silica."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Silica (quartz)",
    units="1",
    reference="Ninomiya et al. (2005)",
    bands={
        "aster": ("tir1", "tir2", "tir3"),
    },
    band_units=("radiance", "emissivity"),
    scale="ratio",
)
def silica(*, of: Bands) -> Array:
    """ASTER (11/10) x (11/12), about 1 over quartz-free rock and above over quartz: (y, x) float32.

    Quartz emits less in bands 10 and 12 than in 11 between them: the quartz index QI of Ninomiya et al. (2005), made for
    radiance at the sensor, so radiance is taken here as well as emissivity. It resolves 90 m; dune sand and quartzite are as
    bright as silica caps.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b10, b11, b12 = spectral.light(of)
    return spectral.index(spectral.over(b11, b10) * spectral.over(b11, b12))
