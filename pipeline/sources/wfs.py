"""A layer of a survey's own Web Feature Service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pyproj import CRS

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _files, _served, _xml
from pipeline.sources._vectorfile import around

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

JSON = ("application/json", "json", "geojson", "application/geo+json", "application/vnd.geo+json")


def wfs(
    *,
    url: str,
    layer: str,
    version: Literal["2.0.0", "1.1.0"] = "2.0.0",
    where: dict[str, list[str]] | None = None,
    crs: str | None = None,
    page: Annotated[int, Field(ge=1)] = 1000,
    max_features: Annotated[int, Field(ge=1)] = 200_000,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "",
    citation: str = "",
    redistribute: bool = False,
    synthetic: bool | None = None,
    hosts: tuple[str, ...] = (),
) -> Features:
    """A layer of a Web Feature Service as a vector source: `url` is the service's address, `layer` the name of the feature type.

    Only features within `margin_m` of the region are asked for, `page` at a time, at most `max_features`; as GeoJSON where the service offers it, else
    as GML. They are asked for on every run, and what was made of them is made again only where they changed; with no network the last answer is used.
    `crs` stands in for what the service says of its coordinates. Nothing is copied to an output unless you may: `redistribute: true`. No password is
    sent: a service that wants one is exported to a file.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return Features(url, None, where or {}, crs, margin_m, synthetic, hosts, None, max_features, layer, version, page)


@dataclass(frozen=True)
class Features(_served.Served):
    """The source `wfs` with its parameters."""

    type_name: str
    version: str
    page: int

    @property
    def name(self) -> str:
        """The service and the layer."""
        return f"{_files.name_of(self.path)} {self.type_name}"

    def fetched(self, place: Place) -> gpd.GeoDataFrame:
        """Every feature near the region, in the CRS they came in."""
        offer, default = self._offer(place)
        west, south, east, north = around(place.grid, self.margin_m, CRS(4326))
        two = self.version.startswith("2")
        query = {
            "service": "WFS", "version": self.version, "request": "GetFeature", "typeNames" if two else "typeName": self.type_name,
            # an EPSG code written as urn counts latitude first
            "bbox": f"{south:.6f},{west:.6f},{north:.6f},{east:.6f},urn:ogc:def:crs:EPSG::4326",
        }  # fmt: skip
        told = self._count(place, query)
        if told is not None:
            self.check_count(told)
        query |= {"outputFormat": offer} if offer else {}

        def read(start: int, size: int) -> Any:
            return self._page(self.answer(place, **query, startIndex=str(start), **{"count" if two else "maxFeatures": str(size)}))

        pages = list(_served.paged(read, self.name, size=self.page, most=self.max_features, told=told))
        said = self.crs or next((page.crs for page in pages if page.crs is not None), default)
        if said is None:
            raise DataError(f"{self.name}: neither the service nor its features say a CRS; add `crs: EPSG:...` to its source")
        return _served.together([_named(page, self.type_name).set_crs(said, allow_override=True) for page in pages], said)

    def _offer(self, place: Place) -> tuple[str, str | None]:
        """The format to ask for ("" for the service's own GML) and the CRS the layer comes in, from the service's capabilities."""
        path = self.answer(place, service="WFS", version=self.version, request="GetCapabilities")
        said = _xml.root(path, _files.name_of(self.path), expected="WFS_Capabilities")
        if said.get("version") != self.version:
            raise DataError(
                f"{_files.name_of(self.path)}: speaks WFS {said.get('version')}, {self.version} was asked for; "
                "set `version:` to one it speaks (2.0.0 or 1.1.0), or export the layer to a file"
            )
        types = {_xml.text_of(kind, "Name"): kind for kind in _xml.all_of(said, "FeatureType")}
        if self.type_name not in types:
            raise DataError(f"{_files.name_of(self.path)}: offers no layer {self.type_name!r}{_files.nearest(self.type_name, types)}")
        formats = [value.text or "" for parameter in _xml.all_of(said, "Parameter") if parameter.get("name") == "outputFormat" for value in parameter.iter()]
        formats += [value.text or "" for value in _xml.all_of(types[self.type_name], "Format")]
        offer = next((known for known in JSON if known in {one.strip() for one in formats}), "")
        kind = types[self.type_name]
        default = _xml.text_of(kind, "DefaultCRS") or _xml.text_of(kind, "DefaultSRS")
        code = re.search(r"EPSG:[^:]*:(\d+)$|EPSG[:#/](\d+)$", default)
        return offer, f"EPSG:{code[1] or code[2]}" if code else None

    def _count(self, place: Place, query: dict[str, str]) -> int | None:
        """How many features there are near the region; None where the service cannot tell."""
        said = _xml.root(self.answer(place, **query, resultType="hits"), self.name, expected="FeatureCollection")
        count = said.get("numberMatched") or said.get("numberOfFeatures") or ""
        return int(count) if count.isdigit() else None

    def _page(self, path: Path) -> Any:
        import pyogrio

        start = path.read_bytes()[:2000].lstrip()
        if start.startswith(b"<") and b"ExceptionReport" in start:
            _xml.root(path, self.name, expected="FeatureCollection")
        # GDAL would fetch a schema from wherever the answer says it is, and leave a note beside the file
        how = {} if start.startswith(b"{") else {"DOWNLOAD_SCHEMA": "NO", "WRITE_GFS": "NO"}
        try:
            layers = [str(row[0]) for row in pyogrio.list_layers(path)]
            if not layers:
                return _served.together([], self.crs)
            return pyogrio.read_dataframe(path, layer=layers[0], force_2d=True, **how)
        except Exception as error:  # pyogrio raises several kinds for what is no features
            raise DataError(f"{self.name}: its answer cannot be read as features ({error}); the service changed, or is ill") from error


def _named(page: gpd.GeoDataFrame, type_name: str) -> gpd.GeoDataFrame:
    """Without the numbers of features: some servers make them up anew for each answer."""
    kind = re.escape(type_name.rpartition(":")[2])
    ids = [c for c in page.columns if c in ("gml_id", "fid") or (c == "id" and page[c].astype(str).str.match(rf"({kind}\.|fid-)").all())]
    return page.drop(columns=ids)
