"""OpenStreetMap, from the extracts of Geofabrik: roads, rail, ports, power, settlements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pyproj import CRS

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _files, _kept
from pipeline.sources._product import ProductVector, Shape
from pipeline.sources._vectorfile import around

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

URL = "https://download.geofabrik.de/"
HOSTS = ("download.geofabrik.de",)
What = Literal["roads", "rail", "ports", "power", "settlements"]
ROADS = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "motorway_link", "trunk_link", "primary_link", "secondary_link")
PLACES = ("city", "town", "village", "national_capital")


@dataclass(frozen=True)
class Theme:
    """Where a theme stands: the file of the free shapefiles and its classes, or, in the raw extract, GDAL's layer and what picks it."""

    shape: Shape
    shapefile: str = ""
    classes: tuple[str, ...] = ()
    raw_layer: str = "lines"
    raw_where: str = ""
    raw_class: str = ""


THEMES: dict[str, Theme] = {
    "roads": Theme("lines", "gis_osm_roads_free_1", ROADS, "lines", "highway IS NOT NULL", "highway"),
    "rail": Theme("lines", "gis_osm_railways_free_1", ("rail", "narrow_gauge"), "lines", "railway IN ('rail', 'narrow_gauge')", "railway"),
    # the free shapefiles hold neither harbours nor power lines
    "ports": Theme("points", raw_layer="points", raw_where="""other_tags LIKE '%"harbour"=>%' OR other_tags LIKE '%"seamark:type"=>"harbour"%'"""),
    "power": Theme("lines", raw_layer="lines", raw_where="""other_tags LIKE '%"power"=>"line"%'"""),
    "settlements": Theme("points", "gis_osm_places_free_1", PLACES, "points", "place IN ('city', 'town', 'village')", "place"),
}


def osm(
    *,
    what: What,
    area: str = "asia/pakistan",
    url: str | None = None,
    classes: tuple[str, ...] = (),
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    licence: str = "ODbL 1.0",
    citation: str = "OpenStreetMap contributors, extract by Geofabrik GmbH",
    redistribute: bool = True,
) -> ProductVector:
    """One theme of OpenStreetMap with `name` and `class`, EPSG:4326: `what` is roads, rail, power (lines), ports or settlements (points).

    `area` is Geofabrik's (`asia/pakistan`, `asia/iran`, `asia/gcc-states`); `url` another extract, or a path. Roads, rail and settlements come from
    the free shapefiles (`-latest-free.shp.zip`), of which only features near the region are read; `classes` says which of their `fclass`, by
    default roads from motorway to unclassified. Ports and power lines stand in the raw extract alone (`-latest.osm.pbf`), which GDAL reads; roads, rail
    and settlements are read from one too when `url` ends so. One archive serves every theme and is fetched once.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    theme = THEMES[what]
    raw = not theme.shapefile or (url or "").endswith((".pbf", ".osm"))
    address = url or f"{URL}{area}-latest{'.osm.pbf' if raw else '-free.shp.zip'}"
    rest: dict[str, Any] = {
        "path": address, "layer": None, "where": {}, "crs": "EPSG:4326", "margin_m": margin_m, "synthetic": None, "hosts": hosts, "sha256": sha256,
        "product": "an extract of OpenStreetMap", "shape": theme.shape,
    }  # fmt: skip
    wanted = {"class": classes or theme.classes}
    if raw:
        return Raw(**rest, kept={"name": "name", "class": "class"}, among=wanted if classes or what == "roads" else {}, theme=theme)
    return ProductVector(**rest, kept={"name": "name", "fclass": "class"}, member=f"{theme.shapefile}.*", among=wanted)


@dataclass(frozen=True)
class Raw(ProductVector):
    """A theme out of a raw extract, whose features near the region are kept as a file of their own."""

    theme: Theme | None = None

    def file(self, place: Place) -> Path:
        """The features near the region, read once and kept."""
        return _kept.kept(self._read(super().file(place), place), place, "osm")

    def _read(self, path: Path, place: Place) -> gpd.GeoDataFrame:
        import pyogrio

        theme, name = self.theme, _files.name_of(self.path)
        assert theme is not None
        box = around(place.grid, self.margin_m, CRS(4326))
        how: dict[str, Any] = {"columns": ["name", *([theme.raw_class] if theme.raw_class else [])]}
        try:
            frame = pyogrio.read_dataframe(path, layer=theme.raw_layer, where=theme.raw_where, bbox=box, force_2d=True, **how)
        except Exception as error:  # pyogrio raises several kinds for a damaged file
            raise DataError(f"{name}: cannot be read as an OpenStreetMap extract ({error}); fetch it again") from error
        held = frame[theme.raw_class] if theme.raw_class else ""
        return frame.assign(**{"class": held})[["name", "class", frame.geometry.name]]
