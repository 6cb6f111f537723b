"""Ferric oxides and oxyhydroxides."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Ferric oxides",
    units="1",
    reference="Kalinowski, Oliver (2004), van der Werff, van der Meer (2016)",
    bands={
        "sentinel2": ("swir16", "nir"),
        "landsat": ("swir16", "nir08"),
        "aster": ("swir1", "nir"),
    },
    scale="ratio",
)
def ferric_oxides(*, of: Bands) -> Array:
    """Shortwave infrared at 1.6 um over near infrared; 1 is flat ground: (y, x) float32.

    The ferric band near 0.9 um holds the near infrared down: ASTER 4/3 (Kalinowski and Oliver 2004), Sentinel-2 11/8 (van
    der Werff and van der Meer 2016). Ferrous silicates do the same at 1.0 um, which is why Segal (1982) reads the same
    ratio as ferrous: broad bands cannot part the two, `ferric_iron` beside it can. Vegetation lowers it strongly.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    swir, nir = spectral.light(of)
    return spectral.index(spectral.over(swir, nir))
