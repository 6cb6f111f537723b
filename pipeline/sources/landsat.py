"""Landsat surface reflectance and temperature: a cloud-masked median of the dry season."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pipeline.recipe import Array
from pipeline.sources import _looks, _signing
from pipeline.sources._composite import Masks
from pipeline.sources._looks import Day, Index, Looks, Most, Percent, Sensor, Year
from pipeline.sources._scenes import Item, Product

EPOCH = 1

SURFACE = ("blue", "green", "red", "nir08", "swir16", "swir22")
# Landsat 8 and 9 name the thermal band lwir11, 4 to 7 lwir: other wavelengths, so they are not joined
ASSETS = {role: (role,) for role in (*SURFACE, "lwir11", "qa_pixel")}
UNCLEAR = 0b11111  # of QA_PIXEL: fill, dilated cloud, cirrus, cloud, cloud shadow
CATEGORIES = ("RT", "T2", "T1")  # a real-time scene is replaced once its orbit is known


def landsat(
    *,
    years: tuple[Year, ...] = _looks.YEARS,
    season: tuple[Day, Day] = ("05-01", "10-31"),
    max_cloud_percent: Percent = 20,
    max_looks: Most = 12,
    max_ndvi: Index | None = None,
    max_ndwi: Index | None = None,
    bands: tuple[str, ...] = SURFACE,
    platforms: tuple[str, ...] = ("landsat-8", "landsat-9"),
    leave_out: tuple[str, ...] = (),
    api: str = "https://planetarycomputer.microsoft.com/api/stac/v1",
    collection: str = "landsat-c2-l2",
    hosts: tuple[str, ...] = ("planetarycomputer.microsoft.com", "landsateuwest.blob.core.windows.net"),
    sas_url: str = _signing.SAS_URL,
    sensor: Literal["landsat"] = "landsat",
    licence: str = "public domain (USGS)",
    citation: str = "Landsat Collection 2 Level-2 courtesy of the U.S. Geological Survey",
) -> Looks:
    """Landsat Collection 2 Level-2 from a STAC catalogue: surface reflectance (1) and, as `lwir11`, surface temperature (K), the median of clear looks
    in the `season` of `years`, and their count.

    A look is clear where bits 0 to 4 of QA_PIXEL (fill, dilated cloud, cirrus, cloud, cloud shadow) are off. Counts become reflectance as
    count * 0.0000275 - 0.2 and temperature as count * 0.00341802 + 149 (USGS LSDS-1619). Only scenes of `platforms`: bands of older sensors have other wavelengths.
    Choice of looks, `max_ndvi`, `max_ndwi` and `leave_out` as of `sentinel2`. NaN where no look is clear.

    The near infrared band is the asset `nir08`, and addresses are signed at `sas_url`.
    """
    del sensor, licence, citation  # said here, written to every layer made from it
    chosen = _looks.check_bands(bands, {role: 0 for role in ASSETS if role != "qa_pixel"}, "landsat")
    return Looks(
        SENSOR, api, collection, chosen, years, season, max_cloud_percent, max_looks, Masks("nir08", max_ndvi, max_ndwi), hosts, sas_url=sas_url,
        suitable=lambda item: item["id"] not in leave_out and item["properties"].get("platform") in platforms,
    )  # fmt: skip


def scaling(_: Item, role: str, __: Item) -> tuple[float, float]:
    """Scale and offset of a band, the same in the whole collection."""
    if role == "qa_pixel":
        return 1.0, 0.0
    return (0.00341802, 149.0) if role == "lwir11" else (0.0000275, -0.2)


def clear(codes: Array, _: str) -> Array:
    """Which words of QA_PIXEL are clear ground."""
    return np.asarray((codes & UNCLEAR) == 0)


def _place(item: Item) -> str:
    said = item["properties"]
    return f"{said.get('landsat:wrs_path', item['id'])}/{said.get('landsat:wrs_row', '')}"


def _processed(item: Item) -> tuple[int, str, str]:
    said = item["properties"]
    category = said.get("landsat:collection_category")
    return CATEGORIES.index(category) if category in CATEGORIES else -1, str(said.get("created") or ""), str(said.get("updated") or "")


SENSOR = Sensor(
    Product(ASSETS, scaling, _place, _processed),
    dict.fromkeys(ASSETS, "uint16"),
    {role: "K" if role == "lwir11" else "reflectance" for role in ASSETS},
    {role: 100.0 if role == "lwir11" else 30.0 for role in ASSETS},
    {role: f"Landsat {role}, median of clear looks" for role in ASSETS},
    mask="qa_pixel",
    clear=clear,
    mask_m=30.0,
)
