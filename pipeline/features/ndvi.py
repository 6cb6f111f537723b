"""Green vegetation."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Green vegetation (NDVI)",
    units="1",
    reference="Rouse et al. (1974)",
    band_units=("reflectance",),  # its limits mean nothing of bands each divided by its own mean
    bands={
        "sentinel2": ("nir", "red"),
        "landsat": ("nir08", "red"),
        "aster": ("nir", "red"),
    },
)
def ndvi(*, of: Bands) -> Array:
    """(near infrared - red) / (near infrared + red), -1 to 1; bare rock near 0.1, crops above 0.4: (y, x) float32.

    Rouse et al. (1974). Above about 0.3 plants hide the ground and every mineral index with it.

    NaN where a band is missing or negative, or both are 0.
    """
    from pipeline.spatial import spectral

    nir, red = spectral.light(of)
    return spectral.normalized(nir, red)
