"""Iron-bearing silicates."""

from __future__ import annotations

from pipeline.recipe import Array, Bands, feature

EPOCH = 1


@feature(
    summary="Ferrous silicates",
    units="1",
    reference="Kalinowski, Oliver (2004), Cudahy (2012)",
    bands={
        "aster": ("swir2", "swir1"),
    },
    scale="ratio",
)
def ferrous_silicates(*, of: Bands) -> Array:
    """ASTER band 5 over band 4 (2.17 over 1.65 um), high over biotite, chlorite, amphibole and pyroxene: (y, x) float32.

    The slope of ferrous iron from 1.0 to 1.6 um lowers band 4 (Kalinowski and Oliver 2004; the ferrous iron index of
    Cudahy 2012). The inverse of `laterite`: give a model one of them. Where the ground is free of AlOH it tells basalt and
    amphibolite from felsic rock.
    NaN where a band is missing or negative, and where a divisor is 0.
    """
    from pipeline.spatial import spectral

    b5, b4 = spectral.light(of)
    return spectral.index(spectral.over(b5, b4))
