"""ASTER radiance at the sensor: in each cell the best scene, and which one it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pipeline.asset import Place
from pipeline.errors import ConfigError, DataError
from pipeline.sources import _looks, _signing, _stored
from pipeline.sources._composite import Masks
from pipeline.sources._looks import Day, Looks, Most, Percent, Sensor, Year
from pipeline.sources._scenes import Item, Product, time_of

EPOCH = 1

Gain = Literal["high", "normal", "low1", "low2"]
GAINS: Mapping[str, Gain] = {"HGH": "high", "NOR": "normal", "LO1": "low1", "LOW": "low1", "LO2": "low2"}
# band of the file, name of the band, W/m2/sr/um of one count by gain: Abrams, Hook and Ramachandran, ASTER User Handbook, table of unit conversion coefficients
BANDS: dict[str, tuple[str, str, dict[Gain, float]]] = {
    "green": ("VNIR:1", "01", {"high": 0.676, "normal": 1.688, "low1": 2.25}),
    "red": ("VNIR:2", "02", {"high": 0.708, "normal": 1.415, "low1": 1.89}),
    "nir": ("VNIR:3", "3N", {"high": 0.423, "normal": 0.862, "low1": 1.15}),
    "swir1": ("SWIR:1", "04", {"high": 0.1087, "normal": 0.2174, "low1": 0.2900, "low2": 0.2900}),
    "swir2": ("SWIR:2", "05", {"high": 0.0348, "normal": 0.0696, "low1": 0.0925, "low2": 0.4090}),
    "swir3": ("SWIR:3", "06", {"high": 0.0313, "normal": 0.0625, "low1": 0.0830, "low2": 0.3900}),
    "swir4": ("SWIR:4", "07", {"high": 0.0299, "normal": 0.0597, "low1": 0.0795, "low2": 0.3320}),
    "swir5": ("SWIR:5", "08", {"high": 0.0209, "normal": 0.0417, "low1": 0.0556, "low2": 0.2450}),
    "swir6": ("SWIR:6", "09", {"high": 0.0159, "normal": 0.0318, "low1": 0.0424, "low2": 0.2650}),
    "tir1": ("TIR:1", "10", {"normal": 0.006822}),
    "tir2": ("TIR:2", "11", {"normal": 0.006780}),
    "tir3": ("TIR:3", "12", {"normal": 0.006590}),
    "tir4": ("TIR:4", "13", {"normal": 0.005693}),
    "tir5": ("TIR:5", "14", {"normal": 0.005225}),
}
REFLECTED = tuple(band for band in BANDS if not band.startswith("tir"))
SWIR_ENDS = "2008-04"  # the month in which the detectors of the short-wave telescope grew too warm for good
METADATA_BYTES = 10**7


def aster(
    *,
    years: tuple[Year, ...] = (2001, 2002, 2003, 2004, 2005, 2006, 2007),
    season: tuple[Day, Day] = ("05-01", "10-31"),
    max_cloud_percent: Percent = 5,
    max_looks: Most = 6,
    bands: tuple[str, ...] = REFLECTED,
    gain_when_unsaid: Gain | None = None,
    leave_out: tuple[str, ...] = (),
    api: str = "https://planetarycomputer.microsoft.com/api/stac/v1",
    collection: str = "aster-l1t",
    hosts: tuple[str, ...] = ("planetarycomputer.microsoft.com", "astersa.blob.core.windows.net"),
    sas_url: str = _signing.SAS_URL,
    sensor: Literal["aster"] = "aster",
    licence: str = "public domain (NASA LP DAAC)",
    citation: str = "ASTER Level 1 Precision Terrain Corrected Registered At-Sensor Radiance V003, NASA LP DAAC, doi:10.5067/ASTER/AST_L1T.003",
) -> Looks:
    """ASTER L1T from a STAC catalogue: radiance at the sensor (W m-2 sr-1 um-1), not reflectance, in each cell of the least cloudy scene that has every band
    there, then the earliest; `scene`, a code that says which; and the count of looks. `scene_normalized` makes relative reflectance of it.

    Radiance is (count - 1) * the unit conversion coefficient of the band's gain (ASTER User Handbook). Gains stand in each scene's metadata file; where
    it says none `gain_when_unsaid` holds. L1T has no cloud mask: only scenes with at most `max_cloud_percent` are read, at most `max_looks` of each half
    degree, and night is left out. Scenes since April 2008 are refused when a SWIR band is asked for: its detectors were too warm. NaN where no scene has every band.

    The Planetary Computer holds 2000 to 2006; bands are numbers in the files VNIR, SWIR and TIR. How the metadata file writes gains (`ASTERGains`) could
    not be looked up: it is from memory.
    """
    del sensor, licence, citation  # said here, written to every layer made from it
    chosen = _looks.check_bands(bands, BANDS, "aster")
    swir = any(band.startswith("swir") for band in chosen)
    if swir and min(years) > 2008:
        raise ConfigError(
            f"`years:` of aster start in {min(years)}, its SWIR bands are of no use since April 2008; ask for earlier years, or leave the SWIR bands out"
        )
    files = {BANDS[band][0].split(":")[0] for band in chosen}

    def suitable(item: Item) -> bool:
        fit = item["id"] not in leave_out and files <= set(item["assets"])
        night = files != {"TIR"} and float(item["properties"].get("view:sun_elevation", 90)) <= 0
        return fit and not night and not (swir and time_of(item).strftime("%Y-%m") >= SWIR_ENDS)

    def prepared(items: list[Item], source: Looks, place: Place) -> list[Item]:
        return [{**item, "gains": _gains(item, source, place, gain_when_unsaid)} for item in items]

    return Looks(
        SENSOR, api, collection, chosen, years, season, max_cloud_percent, max_looks, Masks("nir"), hosts, "best", sas_url, suitable, prepared
    )  # fmt: skip


def scaling(item: Item, role: str, _: Item) -> tuple[float, float]:
    """Scale and offset of a band: a count of 1 is no light."""
    number, coefficients = BANDS[role][1:]
    gain = "normal" if role.startswith("tir") else item["gains"].get(number)
    if gain not in coefficients:
        raise DataError(f"{item['id']}: its metadata names no gain of band {number}, so its counts are no radiance; say `gain_when_unsaid:` or use `leave_out:`")
    return coefficients[gain], -coefficients[gain]


def gains_in(text: str) -> dict[str, Gain]:
    """The gain of each band a scene's metadata names, `01 HGH, 02 HGH, 3N NOR` ..."""
    said = re.search(r"<PSAName>\s*ASTERGains\s*</PSAName>\s*<PSAValue>([^<]*)</PSAValue>", text)
    return {number: GAINS[word] for number, word in re.findall(r"(\d[\dN])\W+([A-Z]{2}[A-Z\d])", said[1] if said else "") if word in GAINS}


def _gains(item: Item, source: Looks, place: Place, otherwise: Gain | None) -> dict[str, Gain]:
    numbers = [number for _, number, _ in BANDS.values()]
    unsaid: dict[str, Gain] = dict.fromkeys(numbers, otherwise) if otherwise else {}
    if "xml" not in item["assets"]:
        return unsaid
    path: Path = _stored.whole(str(item["assets"]["xml"]["href"]), source.hosts, source.sas_url, place, METADATA_BYTES)
    return unsaid | gains_in(path.read_text(encoding="utf-8", errors="replace"))


def _place(item: Item) -> str:
    west, south, east, north = item["bbox"]
    return f"{round(west + east)}/{round(south + north)}"  # half degrees: scenes lie on no fixed grid


def _take(item: Item) -> str:
    parts = str(item["id"]).split("_")
    return parts[2] if len(parts) > 2 else str(item["id"])


def _processed(item: Item) -> tuple[str, str]:
    said = item["properties"]
    return str(said.get("created") or ""), str(said.get("updated") or "")


SENSOR = Sensor(
    Product({band: (where,) for band, (where, _, _) in BANDS.items()}, scaling, _place, _processed, take=_take),
    {band: "uint16" if band.startswith("tir") else "uint8" for band in BANDS},
    dict.fromkeys(BANDS, "radiance"),
    {band: 15.0 if band in ("green", "red", "nir") else 30.0 if band.startswith("swir") else 90.0 for band in BANDS},
    {band: f"ASTER band {number} {band}, radiance at the sensor in W/m2/sr/um, best scene" for band, (_, number, _) in BANDS.items()},
)
