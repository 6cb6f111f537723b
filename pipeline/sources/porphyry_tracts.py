"""Permissive tracts for porphyry copper of the USGS global assessment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.sources._product import ProductVector

EPOCH = 1

KEPT = {"Coded_ID": "tract", "Tract_name": "name"}


def porphyry_tracts(
    *,
    path: str,
    layer: str | None = None,
    member: str = "*tracts*.*",
    hosts: tuple[str, ...] = ("mrdata.usgs.gov", "pubs.usgs.gov"),
    sha256: str | None = None,
    tract: tuple[str, ...] = (),
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "public domain (USGS)",
    citation: str = "Dicken and others (2016), USGS SIR 2010-5090-Z; for western Pakistan Zurcher and others (2015), SIR 2010-5090-V",
    redistribute: bool = True,
) -> ProductVector:
    """Tracts in which porphyry copper may be, as polygons with `tract` (the assessment's code) and `name`, EPSG:4326.

    `path` is a vector file or ZIP archive of the SIR 2010-5090 series, by path or address (the series has several editions, so none is the
    default); `member` finds the tracts in an archive. `tract` keeps those of these codes, as `priors:` needs one. Its estimates of undiscovered
    deposits are not read: type them under `priors:` with their page, they belong to a deposit model and a date. Lines or points, or a file
    without the columns Coded_ID and Tract_name, are refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    where = {"Coded_ID": list(tract)} if tract else {}
    return ProductVector(path, layer, where, None, margin_m, None, hosts, sha256, "a tract file of SIR 2010-5090", "polygons", KEPT, member)
