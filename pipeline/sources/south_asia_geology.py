"""Generalised geology of South Asia at 1:5,000,000, of the USGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.asset import Asset, Place
from pipeline.errors import ConfigError
from pipeline.sources._classed import Classed, coded
from pipeline.sources._product import ProductVector

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

ITEM = "https://www.sciencebase.gov/catalog/file/get/60c3b89fd34e86b93897ef19?name="
HOSTS = ("www.sciencebase.gov", "certmapper.cr.usgs.gov")
NATIVE_M = 5000.0  # drawn for 1:5,000,000 from sheets to 1:10,000,000: lines may be kilometres off
GIVES = {"classes": ("geo8apg", "polygons", {"GLG": "glg"}), "units": ("geo8apg", "polygons", {"GLG": "glg"}), "lines": ("geo8alg", "lines", {})}
# GLG is an age, followed by v for volcanic and i for intrusive rock; H2O and oth have no class
CLASSES: dict[int, tuple[str, ...]] = {
    1: ("Q", "Qs"), 2: ("N", "QN", "NQ"), 3: ("Pg", "T", "Ts", "NPg"), 4: ("K", "Ks", "TK", "PgK"), 5: ("J", "Js", "KJ", "JTr"),
    6: ("Tv", "Kv", "TKv", "Mv", "Mzv", "Jv", "CzMzv"), 7: ("Ti", "Ki", "TKi", "Mzi", "Ji", "CzMzi"), 8: ("Mi", "TKim"), 9: ("Qv",),
    10: ("Tr", "TrP", "MzPz", "Mz", "Pz", "Pzu", "Pzl", "Pzi", "Pzv", "P", "C", "D", "S", "O", "Cm", "pC", "pCi", "pCv"),
}  # fmt: skip
WATER = ("h2o", "h20", "oth", "")


def south_asia_geology(
    *,
    gives: Literal["classes", "units", "lines"] = "classes",
    url: str | None = None,
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    classes: dict[int, tuple[str, ...]] | None = None,
    where: dict[str, list[str]] | None = None,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "public domain (USGS)",
    citation: str = "Wandrey and Law (1998), Maps showing geology, oil and gas fields and geologic provinces of South Asia, USGS OFR 97-470-C",
    redistribute: bool = True,
) -> ProductVector | Classed:
    """General geological map of Pakistan, Afghanistan, India and their neighbours (59 to 105 E), EPSG:4326.

    `gives: classes` is one categorical layer in the legend of the systems (1 surficial deposits, 2 to 5 Neogene to Jurassic sediment, 6 Mesozoic
    and Tertiary volcanics, 7 intrusive rock, 8 ophiolite and melange, 9 Quaternary volcanics, 10 older and other rock); `classes` says which GLG
    codes are which (`{"1": [Q, Qs]}`: YAML's keys are text). Q, N, Ts, Pg, pC, Pz, Pzu, MzPz, Ki, Mi and Tv are codes of the map; the others of the
    default follow the pattern of the USGS series and were not seen; a code of the file that has no class is told and missing. `units` is the polygons
    with `glg`, `lines` contacts and faults (`where` picks among them, by the file's own columns). Lines are kilometres off: a prior, never a contact
    to measure from.

    The archives are items of ScienceBase; `url` may be another copy or a path. That address was not tried from a machine with a network.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    stem, shape, kept = GIVES[gives]
    if classes and (gives != "classes"):
        raise ConfigError(f"`classes:` is for `gives: classes`, and it gives {gives}; drop one or change the other")
    said: dict[str, Any] = {
        "path": url or f"{ITEM}{stem}.zip", "layer": None, "where": where or {}, "crs": "EPSG:4326", "margin_m": margin_m, "synthetic": None,
        "hosts": hosts, "sha256": sha256, "product": f"{stem} of OFR 97-470-C", "shape": shape, "kept": kept, "member": f"{stem}.*",
    }  # fmt: skip
    if gives != "classes":
        return ProductVector(**said)
    by_code = {code.casefold(): number for number, codes in (classes or CLASSES).items() for code in codes}
    return Classed(Units(**said, codes=by_code), "General geological map", NATIVE_M)


@dataclass(frozen=True)
class Units(ProductVector):
    """The map's polygons with the class of each."""

    codes: dict[str, int] | None = None

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """`said` (the GLG code) and `code` (NaN for none); water and ground outside the map left out."""
        frame, notices = super().table(assets, place)
        said = frame["glg"].fillna("").astype(str).str.strip()
        land = ~said.str.casefold().isin(WATER)
        codes = said.str.casefold().map(self.codes or {})
        return coded(frame, said, codes)[land].reset_index(drop=True), notices


