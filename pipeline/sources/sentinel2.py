"""Sentinel-2 surface reflectance: a cloud-masked median of the dry season."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array
from pipeline.sources import _looks
from pipeline.sources._composite import Masks
from pipeline.sources._looks import Day, Index, Looks, Most, Percent, Sensor, Year
from pipeline.sources._scenes import Item, Product

EPOCH = 1

# Earth Search names an asset by what the band sees, the Planetary Computer by the band's number
ASSETS = {
    "blue": ("blue", "B02"), "green": ("green", "B03"), "red": ("red", "B04"), "rededge1": ("rededge1", "B05"), "rededge2": ("rededge2", "B06"),
    "rededge3": ("rededge3", "B07"), "nir": ("nir", "B08"), "nir08": ("nir08", "B8A"), "swir16": ("swir16", "B11"), "swir22": ("swir22", "B12"),
    "scl": ("scl", "SCL"),
}  # fmt: skip
NATIVE_M = {role: 10.0 if role in ("blue", "green", "red", "nir") else 20.0 for role in ASSETS}
BANDS = tuple(role for role in ASSETS if role != "scl")
UNCLEAR = (0, 1, 3, 8, 9, 10)  # no data, saturated, cloud shadow, cloud of medium and of high probability, thin cirrus
CLASSES = 12
SCALE, OFFSET = 1e-4, -0.1
OFFSET_SINCE = 4.0  # the processing baseline from which 1000 is added to every count, that dark ground may be below zero


def sentinel2(
    *,
    years: tuple[Year, ...] = _looks.YEARS,
    season: tuple[Day, Day] = ("05-01", "10-31"),
    max_cloud_percent: Percent = 20,
    max_looks: Most = 12,
    max_ndvi: Index | None = None,
    max_ndwi: Index | None = None,
    bands: tuple[str, ...] = BANDS,
    leave_out: tuple[str, ...] = (),
    api: str = "https://earth-search.aws.element84.com/v1",
    collection: str = "sentinel-2-c1-l2a",
    hosts: tuple[str, ...] = ("earth-search.aws.element84.com", "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com"),
    sas_url: str = "",
    sensor: Literal["sentinel2"] = "sentinel2",
    licence: str = "Copernicus Sentinel data, free and open, with attribution",
    citation: str = "Contains modified Copernicus Sentinel data; Sentinel-2 Level-2A by Earth Search (Element 84)",
) -> Looks:
    """Sentinel-2 Level-2A from a STAC catalogue: surface reflectance (1), the median of clear looks in the `season` of `years`, and their count.

    A look is clear where the scene classification is none of no data, saturated, shadow, cloud or cirrus (0, 1, 3, 8, 9, 10; Sen2Cor). Scenes
    above `max_cloud_percent` are not read, nor more than the `max_looks` least cloudy of each granule, so a tile holds a bounded number. Cells whose median
    is above `max_ndvi` or `max_ndwi` are missing. Counts are scaled by 0.0001; from processing baseline 04.00 on 1000 is taken off first, unless the item says that
    was done (`earthsearch:boa_offset_applied`). `leave_out` names items not to be read. NaN where no look is clear.

    Mirror: `api: https://planetarycomputer.microsoft.com/api/stac/v1`, `collection: sentinel-2-l2a`, its `hosts:` and `sas_url:`, which signs addresses.
    Earth Search's own `raster:bands` state the offset -0.1 also where it was applied: the flag is believed, not they.
    """
    del sensor, licence, citation  # said here, written to every layer made from it
    chosen = _looks.check_bands(bands, dict.fromkeys(BANDS, 0), "sentinel2")
    return Looks(
        SENSOR, api, collection, chosen, years, season, max_cloud_percent, max_looks, Masks("nir", max_ndvi, max_ndwi), hosts, sas_url=sas_url,
        suitable=lambda item: item["id"] not in leave_out,
    )  # fmt: skip


def scaling(item: Item, role: str, asset: Item) -> tuple[float, float]:
    """Scale and offset of a band: the offset of the processing baseline, unless the catalogue says it was applied; DataError when nothing tells."""
    if role == "scl":
        return 1.0, 0.0
    said = item["properties"]
    if said.get("earthsearch:boa_offset_applied") is True:
        return SCALE, 0.0
    baseline = said.get("s2:processing_baseline") or said.get("processing:version")
    if baseline is not None:
        return SCALE, OFFSET if float(baseline) >= OFFSET_SINCE else 0.0
    declared = (asset.get("raster:bands") or [{}])[0].get("offset", asset.get("raster:offset"))
    if declared is None:
        raise DataError(
            f"{item['id']}: the item says neither its processing baseline nor its offset, so its reflectance is off by 0.1 or is not; use `leave_out:`"
        )
    return SCALE, float(declared)


def clear(codes: Array, name: str) -> Array:
    """Which scene classes are clear ground; DataError for a number that is no class."""
    if codes.size and (codes.min() < 0 or codes.max() >= CLASSES):
        raise DataError(f"{name}: its scene classification holds {codes.max()}, classes are 0 to {CLASSES - 1}; the file is not a classification")
    return ~np.isin(codes, UNCLEAR)


def _place(item: Item) -> str:
    said = item["properties"]
    return str(said.get("grid:code") or said.get("s2:mgrs_tile") or item["id"]).removeprefix("MGRS-")


def _processed(item: Item) -> tuple[float, str, str]:
    said = item["properties"]
    return (
        float(said.get("s2:processing_baseline") or 0),
        str(said.get("s2:generation_time") or said.get("created") or ""),
        str(said.get("updated") or ""),
    )


SENSOR = Sensor(
    Product(ASSETS, scaling, _place, _processed),
    {role: "uint8" if role == "scl" else "uint16" for role in ASSETS},
    dict.fromkeys(BANDS, "reflectance"),
    NATIVE_M,
    {role: f"Sentinel-2 {numbers[1]} {role}, median of clear looks" for role, numbers in ASSETS.items()},
    mask="scl",
    clear=clear,
    mask_m=20.0,
)
