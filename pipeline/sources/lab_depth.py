"""Depth of the lithosphere-asthenosphere boundary, from a global model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.sources._headers import MAX_CELLS
from pipeline.sources._product import Expected, ProductRaster

EPOCH = 1

EXPECTED = Expected("a model of lithosphere thickness", 5, 450)  # a spreading ridge; the thickest craton of any model


def lab_depth(
    *,
    path: str,
    licence: str,
    citation: str,
    native_m: Annotated[float, Field(gt=0)] = 100_000,
    crs: str = "EPSG:4326",
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
    nodata: float | None = None,
    scale: float | None = None,
    resampling: Literal["bilinear", "cubic", "nearest"] = "bilinear",
) -> ProductRaster:
    """Lithosphere thickness, km, float32, of a global tomographic model: `path` is its GeoTIFF, by path or address.

    Models differ by tens of kilometres, so the one meant is named: `licence` and `citation` must be said. `native_m` is what the model resolves,
    a hundred kilometres unless said, whatever its pixels. A file in metres is read with `scale: 0.001`; values outside 5 to 450 km are refused.
    """
    del licence, citation  # said here, written to every layer made from it
    return ProductRaster(
        path, (("", 1),), "continuous", resampling, nodata, crs, scale, 0.0 if scale else None, "km", "Lithosphere thickness", native_m, None,
        MAX_CELLS, hosts, sha256, EXPECTED,
    )  # fmt: skip
