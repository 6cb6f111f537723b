"""Provinces and districts: geoBoundaries."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.asset import Acquired, Place
from pipeline.errors import DataError
from pipeline.sources import _files
from pipeline.sources._product import ProductVector

EPOCH = 1

URL = "https://www.geoboundaries.org/api/current/gbOpen"
# the record names a file on GitHub, which hands large ones out from its other hosts
HOSTS = ("www.geoboundaries.org", "github.com", "raw.githubusercontent.com", "media.githubusercontent.com")
KEPT = {"shapeName": "name"}
MOST_BYTES = 1_000_000  # of a record

Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Level = Literal["ADM0", "ADM1", "ADM2", "ADM3", "ADM4"]


def boundaries(
    *,
    country: Country,
    level: Level = "ADM2",
    url: str = URL,
    hosts: tuple[str, ...] = HOSTS,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "CC BY 4.0 or ODbL, per record (geoBoundaries)",
    citation: str = "Runfola and others (2020), geoBoundaries, PLoS ONE 15(4) e0231866",
    redistribute: bool = True,
) -> Boundaries:
    """Administrative boundaries as polygons with `name`, EPSG:4326: ADM1 provinces, ADM2 districts of a `country` (ISO 3166, three letters).

    The record of geoBoundaries' gbOpen names the file to fetch and its licence, which is told. `url` is the address of the service.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    address = f"{url.rstrip('/')}/{country}/{level}/"
    return Boundaries(address, None, {}, "EPSG:4326", margin_m, None, hosts, None, "a file of geoBoundaries", "polygons", KEPT)


@dataclass(frozen=True)
class Boundaries(ProductVector):
    """A country's boundaries of one level."""

    def record(self, place: Place) -> dict[str, Any]:
        """What geoBoundaries says of them: `gjDownloadURL`, `boundaryLicense`, `boundaryID` ...; DataError when it knows none."""
        from pipeline.fetch import download

        name, hosts = _files.name_of(self.path), _files.hosts_of(self.path, self.hosts)
        path = download(self.path, hosts=hosts, shelf=place.shelf, max_bytes=MOST_BYTES, offline=place.offline)
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{name}: its record is no JSON ({error}); the service changed, or is ill: try later") from error
        if not isinstance(said, dict) or not isinstance(said.get("gjDownloadURL"), str):
            raise DataError(f"{name}: its record names no file (gjDownloadURL); is that country's level there? (ADM1 provinces, ADM2 districts)")
        return said

    def file(self, place: Place) -> Path:
        """The file the record names."""
        return _files.locate(str(self.record(place)["gjDownloadURL"]), place, hosts=self.hosts, sha256=None)

    def acquire(self, place: Place) -> Acquired:
        """As any product; what the record says of its licence is told."""
        acquired, said = super().acquire(place), self.record(place)
        told = f"licence of {said.get('boundaryID', 'the record')}: {said.get('boundaryLicense', 'not stated')} ({said.get('boundarySource', 'source not stated')})"
        assets = tuple(replace(asset, origin=str(said["gjDownloadURL"])) for asset in acquired.assets)
        return Acquired(assets, (), (*acquired.notices, told), acquired.synthetic)
