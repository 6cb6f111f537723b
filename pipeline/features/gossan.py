"""Gossan and leached capping."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Gossan",
    units="1",
    reference="Volesky et al. (2003), van der Werff, van der Meer (2016)",
    bands={
        "sentinel2": ("swir16", "red"),
        "landsat": ("swir16", "red"),
        "aster": ("swir1", "red"),
    },
    scale="ratio",
)
def gossan(*, of: Bands) -> Array:
    """Shortwave infrared at 1.6 um over red; high on limonite-rich capping: (y, x) float32.

    Goethite and hematite absorb through the visible and reflect at 1.6 um: ASTER 4/2 (Volesky et al. 2003), Sentinel-2
    11/4 (van der Werff and van der Meer 2016). Dark red soil, laterite and iron formation look the same; size, shape and
    host rock decide.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    swir, red = spectral.light(of)
    return spectral.index(spectral.over(swir, red))
