"""Active faults: the GEM global compilation, or HimaTibetMap."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.sources._product import ProductVector

EPOCH = 1

Catalogue = Literal["gem", "himatibet"]
URLS = {
    "gem": "https://raw.githubusercontent.com/GEMScienceTools/gem-global-active-faults/master/geojson/gem_active_faults_harmonized.geojson",
    "himatibet": "https://raw.githubusercontent.com/HimaTibetMap/HimaTibetMap/master/geojson/HimaTibetMap-1.1.geojson",
}
HOSTS = ("raw.githubusercontent.com", "github.com")
# HimaTibetMap's columns are not documented where we could look, so its lines alone are kept
KEPT = {"gem": {"name": "name", "slip_type": "slip_type", "catalog_name": "catalogue"}, "himatibet": {}}


def active_faults(
    *,
    catalogue: Catalogue = "gem",
    url: str | None = None,
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    slip_type: tuple[str, ...] = (),
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "CC BY-SA 4.0 (GEM), ODC-By (HimaTibetMap)",
    citation: str = "Styron and Pagani (2020), GEM Global Active Faults Database; Taylor and Yin (2009), HimaTibetMap",
    redistribute: bool = True,
) -> ProductVector:
    """Traces of active faults as lines, with `name`, `slip_type` and `catalogue`: GEM's harmonised GeoJSON of the Earth, EPSG:4326.

    `catalogue: himatibet` takes HimaTibetMap in its place, lines without columns. `slip_type` keeps those of GEM that say one of these (Sinistral,
    Reverse, ...). `url` may be a path. Active faults are not the faults that led ore where it is: they are a control, and a hazard. Anything but
    lines, or without GEM's columns, is refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    where = {"slip_type": list(slip_type)} if slip_type else {}
    return ProductVector(
        url or URLS[catalogue], None, where, "EPSG:4326", margin_m, None, hosts, sha256, f"the {catalogue} catalogue of active faults", "lines",
        KEPT[catalogue],
    )  # fmt: skip
