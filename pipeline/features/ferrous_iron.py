"""Iron in its ferrous state."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Ferrous iron",
    units="1",
    reference="van der Meer et al. (2014), van der Werff, van der Meer (2016)",
    bands={
        "sentinel2": ("swir22", "nir", "green", "red"),
        "landsat": ("swir22", "nir08", "green", "red"),
        "aster": ("swir2", "nir", "green", "red"),
    },
    scale="ratio",
)
def ferrous_iron(*, of: Bands) -> Array:
    """Shortwave infrared at 2.2 um over near infrared, plus green over red; 2 is grey ground: (y, x) float32.

    The crystal field band of ferrous iron at 1.0 um holds the near infrared down, and green beside red is high where
    ferric stain is absent: the ASTER index 5/3 + 1/2 of Rowan (in Kalinowski and Oliver 2004), carried over to Sentinel-2
    as 12/8 + 3/4 by van der Meer et al. (2014). Goethite raises it too, through its band at 0.9 um;
    hydroxyl and carbonate lower it, for they absorb at 2.2 um.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    swir, nir, green, red = spectral.light(of)
    return spectral.index(spectral.over(swir, nir) + spectral.over(green, red))
