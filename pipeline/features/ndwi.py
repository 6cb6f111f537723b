"""Open water."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Open water (NDWI)",
    units="1",
    reference="McFeeters (1996)",
    band_units=("reflectance",),  # its limits mean nothing of bands each divided by its own mean
    bands={
        "sentinel2": ("green", "nir"),
        "landsat": ("green", "nir08"),
        "aster": ("green", "nir"),
    },
)
def ndwi(*, of: Bands) -> Array:
    """(green - near infrared) / (green + near infrared), -1 to 1, above 0 over open water: (y, x) float32.

    McFeeters (1996). Wet playas and deep shadow can pass 0 as well.

    NaN where a band is missing or negative, or both are 0.
    """
    from pipeline.spatial import spectral

    green, nir = spectral.light(of)
    return spectral.normalized(green, nir)
