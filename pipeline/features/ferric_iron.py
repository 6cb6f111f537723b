"""Iron in its ferric state."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Ferric iron",
    units="1",
    reference="Sabins (1999), Kalinowski, Oliver (2004)",
    bands={
        "sentinel2": ("red", "blue"),
        "landsat": ("red", "blue"),
        "aster": ("red", "green"),
    },
    scale="ratio",
)
def ferric_iron(*, of: Bands) -> Array:
    """Red over blue, of ASTER red over green; 1 is grey ground, above 1 red: (y, x) float32.

    Ferric oxides and oxyhydroxides absorb blue and green by charge transfer and reflect red: the TM ratio 3/1 of
    Sabins (1999), the ASTER ratio 2/1 of Kalinowski and Oliver (2004). Red soils and sandstones are as red as gossans.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    red, blue_or_green = spectral.light(of)
    return spectral.index(spectral.over(red, blue_or_green))
