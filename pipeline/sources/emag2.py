"""EMAG2: the Earth's magnetic anomaly on a 2 arc-minute grid, upward continued to 4 km."""

from __future__ import annotations

from typing import Literal

from pipeline.sources._headers import MAX_CELLS
from pipeline.sources._product import Expected, ProductRaster

EPOCH = 1

URL = "https://www.ngdc.noaa.gov/geomag/data/EMAG2/EMAG2_V3_20170530/EMAG2_V3_20170530_UpCont.tif"
HOSTS = ("www.ngdc.noaa.gov", "www.ncei.noaa.gov")
NATIVE_M = 3704.0  # two nautical miles; in poorly flown ground it resolves less
# the strongest anomaly known, Kursk, is near 190 000 nT at the ground and a tenth of that at 4 km
EXPECTED = Expected("EMAG2", -30_000, 30_000, pixel_deg=1 / 30)


def emag2(
    *,
    url: str = URL,
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    nodata: float | None = None,
    licence: str = "public domain (NOAA)",
    citation: str = "Meyer, Saltus and Chulliat (2017), EMAG2v3, NOAA National Centers for Environmental Information, doi:10.7289/V5H70CVX",
    resampling: Literal["bilinear", "cubic", "nearest"] = "bilinear",
) -> ProductRaster:
    """Magnetic anomaly at 4 km above the ellipsoid, nT, float32: EMAG2 version 3, the whole Earth on 2 arc-minutes.

    One file of some 230 MB, fetched once for all regions; `url` may be a path. It says no CRS and counts longitude from 0 to 360: it is read as
    EPSG:4326 and turned. What is missing is the lowest float32 (`nodata` where a copy says otherwise). Values beyond 30 000 nT, or other
    pixels, are another product and refused.
    """
    del licence, citation  # said here, written to every layer made from it
    return ProductRaster(
        url, (("", 1),), "continuous", resampling, nodata, "EPSG:4326", None, None, "nT", "Magnetic anomaly at 4 km", NATIVE_M, None,
        MAX_CELLS, hosts, sha256, EXPECTED,
    )  # fmt: skip
