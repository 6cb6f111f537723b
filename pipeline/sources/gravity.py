"""WGM2012: the Earth's gravity anomalies on a 2 arc-minute grid."""

from __future__ import annotations

from typing import Literal

from pipeline.sources._headers import MAX_CELLS
from pipeline.sources._product import Expected, ProductRaster

EPOCH = 1

NATIVE_M = 3704.0
Anomaly = Literal["bouguer", "isostatic", "free_air"]
# the Bouguer anomaly reaches -600 under Tibet and +600 over trenches; the others stay within some 400
RANGES = {"bouguer": (-800.0, 800.0), "isostatic": (-500.0, 500.0), "free_air": (-500.0, 800.0)}
TITLES = {"bouguer": "Complete spherical Bouguer anomaly", "isostatic": "Isostatic anomaly", "free_air": "Surface free-air anomaly"}


def gravity(
    *,
    path: str,
    anomaly: Anomaly = "bouguer",
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
    nodata: float | None = None,
    licence: str = "BGI terms of use: free with citation",
    citation: str = "Bonvalot and others (2012), World Gravity Map WGM2012, Bureau Gravimetrique International, doi:10.18168/bgi.23",
    resampling: Literal["bilinear", "cubic", "nearest"] = "bilinear",
) -> ProductRaster:
    """Gravity anomaly, mGal, float32: WGM2012 of the Bureau Gravimetrique International, the whole Earth on 2 arc-minutes.

    The bureau hands its grids out by form, so there is no address to fetch from: `path` is a GeoTIFF of one of them, by path or by an address
    of your own (`rio convert` makes one of the bureau's netCDF). `anomaly` says which of the three it is. Read as EPSG:4326. Values beyond what
    the anomaly can be are another product, or m/s2 in the place of mGal, and refused.
    """
    del licence, citation  # said here, written to every layer made from it
    expected = Expected(f"WGM2012 ({anomaly})", *RANGES[anomaly], pixel_deg=1 / 30)
    return ProductRaster(
        path, (("", 1),), "continuous", resampling, nodata, "EPSG:4326", None, None, "mGal", TITLES[anomaly], NATIVE_M, None,
        MAX_CELLS, hosts, sha256, expected,
    )  # fmt: skip
