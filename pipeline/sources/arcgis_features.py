"""A feature layer of a survey's own ArcGIS server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pyproj import CRS

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _arcgis, _served
from pipeline.sources._vectorfile import around

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

SIZES = ("shape__area", "shape__length", "shape_area", "shape_length", "st_area(shape)", "st_length(shape)")  # follow from the shape


def arcgis_features(
    *,
    url: str,
    where: dict[str, list[str]] | None = None,
    page: Annotated[int, Field(ge=1)] = 1000,
    max_features: Annotated[int, Field(ge=1)] = 200_000,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "",
    citation: str = "",
    redistribute: bool = False,
    synthetic: bool | None = None,
    hosts: tuple[str, ...] = (),
) -> Features:
    """A layer of an ArcGIS REST service as a vector source: `url` is that of the layer, `https://.../FeatureServer/0` or `.../MapServer/3`.

    Only features within `margin_m` of the region are asked for, `page` at a time or as many as the service gives at most, in the order of its object
    numbers, in longitude and latitude. They are asked for on every run, and what was made of them is made again only where they changed. No token is
    sent: a layer that wants one is exported to a file. Nothing is copied to an output unless you may: `redistribute: true`.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return Features(url, None, where or {}, "EPSG:4326", margin_m, synthetic, hosts, None, max_features, page)


@dataclass(frozen=True)
class Features(_served.Served):
    """The source `arcgis_features` with its parameters."""

    page: int

    def fetched(self, place: Place) -> gpd.GeoDataFrame:
        """Every feature near the region, in EPSG:4326."""
        layer = _arcgis.said(self.answer(place, f="json"), self.name)
        fields = layer.get("fields")
        if not isinstance(fields, list) or not layer.get("geometryType"):
            kind = layer.get("type", "it does not say what it is")
            raise DataError(f"{self.name}: is no feature layer ({kind}); give the address of one layer, such as .../FeatureServer/0")
        number = layer.get("objectIdField") or next((f["name"] for f in fields if f.get("type") == "esriFieldTypeOID"), "")
        form = "geojson" if "geojson" in str(layer.get("supportedQueryFormats", "")).casefold() else "json"
        box = ",".join(f"{value:.6f}" for value in around(place.grid, self.margin_m, CRS(4326)))
        query = {"where": "1=1", "geometry": box, "geometryType": "esriGeometryEnvelope", "inSR": "4326", "spatialRel": "esriSpatialRelIntersects"}
        count = _arcgis.said(self.answer(place, "query", **query, returnCountOnly="true", f="json"), self.name).get("count")
        if not isinstance(count, int):
            raise DataError(f"{self.name}: does not say how many features there are; the layer may not allow queries: ask for an export")
        self.check_count(count)
        query |= {"outFields": "*", "outSR": "4326", "returnGeometry": "true", "f": form} | ({"orderByFields": number} if number else {})

        def read(start: int, size: int) -> Any:
            return self._page(self.answer(place, "query", **query, resultOffset=str(start), resultRecordCount=str(size)), number)

        size = min(self.page, int(layer.get("maxRecordCount") or self.page))
        pages = list(_served.paged(read, self.name, size=size, most=self.max_features, told=count))
        return _served.together([page.set_crs("EPSG:4326", allow_override=True) for page in pages], "EPSG:4326")

    def _page(self, path: Path, number: str) -> Any:
        import pyogrio

        _arcgis.said(path, self.name)
        try:
            page = pyogrio.read_dataframe(path, force_2d=True)
        except Exception as error:  # pyogrio raises several kinds for what is no features
            raise DataError(f"{self.name}: its answer cannot be read as features ({error}); the service changed, or is ill") from error
        drop = [column for column in page.columns if column.casefold() in (*SIZES, number.casefold(), "id")]
        return page.drop(columns=drop)
