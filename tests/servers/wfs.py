"""A small Web Feature Service 2.0: capabilities, hits, pages by startIndex and count, a box with latitude first, GeoJSON or GML 3.2."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import geopandas as gpd
import shapely

NS = (
    'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:gml="http://www.opengis.net/gml/3.2" '
    'xmlns:survey="http://survey.example/ns"'
)
Answer = tuple[int, str, bytes]


@dataclass
class Survey:
    """The layers by name, in EPSG:4326, and what is odd about the service."""

    layers: dict[str, gpd.GeoDataFrame]
    json: bool = True
    version: str = "2.0.0"
    count_default: int = 1000
    pages: bool = True  # whether it heeds startIndex
    tells: bool = True  # whether it tells how many there are
    lies_by: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, _: str, query: dict[str, str]) -> Answer:
        """One answer."""
        self.asked.append(query)
        if query.get("service") != "WFS":
            return self._exception("MissingParameterValue", "service")
        if query["request"] == "GetCapabilities":
            return 200, "text/xml", self._capabilities().encode()
        name = query.get("typenames") or query.get("typename") or ""
        if name not in self.layers:
            return self._exception("InvalidParameterValue", f"unknown type {name}")
        south, west, north, east = (float(part) for part in query["bbox"].split(",")[:4])
        assert query["bbox"].endswith("urn:ogc:def:crs:EPSG::4326")
        held = self.layers[name]
        held = held[held.intersects(shapely.box(west, south, east, north))]
        matched = str(len(held) + self.lies_by) if self.tells else "unknown"
        start = int(query.get("startindex", 0)) if self.pages else 0
        count = min(int(query.get("count") or query.get("maxfeatures") or self.count_default), self.count_default)
        page = held.iloc[0:0] if query.get("resulttype") == "hits" else held.iloc[start : start + count]
        if query.get("outputformat") == "application/json":
            return 200, "application/json", self._json(name, page).encode()
        return 200, "text/xml", self._gml(name, page, matched).encode()

    def _capabilities(self) -> str:
        crs = "<wfs:DefaultCRS>urn:ogc:def:crs:EPSG::4326</wfs:DefaultCRS>"
        types = "".join(f"<wfs:FeatureType><wfs:Name>{escape(name)}</wfs:Name>{crs}</wfs:FeatureType>" for name in self.layers)
        formats = ["application/gml+xml; version=3.2", *(["application/json"] if self.json else [])]
        offered = "".join(f"<ows:Value>{escape(one)}</ows:Value>" for one in formats)
        return (
            f'<?xml version="1.0"?><wfs:WFS_Capabilities version="{self.version}" {NS}><ows:OperationsMetadata><ows:Operation name="GetFeature">'
            f'<ows:Parameter name="outputFormat"><ows:AllowedValues>{offered}</ows:AllowedValues></ows:Parameter></ows:Operation></ows:OperationsMetadata>'
            f"<wfs:FeatureTypeList>{types}</wfs:FeatureTypeList></wfs:WFS_Capabilities>"
        )

    def _json(self, name: str, page: gpd.GeoDataFrame) -> str:
        said = json.loads(page.to_json())
        for number, feature in enumerate(said["features"]):
            feature["id"] = f"{name.rpartition(':')[2]}.fid-{len(self.asked)}-{number}"  # made up anew for each answer, as some servers do
        return json.dumps(said)

    def _gml(self, name: str, page: gpd.GeoDataFrame, matched: str) -> str:
        local = name.rpartition(":")[2]
        members = []
        for number, row in enumerate(page.itertuples(index=False)):
            # latitude first: the urn of EPSG:4326 says so
            positions = " ".join(f"{y!r} {x!r}" for x, y in shapely.get_coordinates(row.geometry).tolist())
            said = "".join(f"<survey:{column}>{escape(str(getattr(row, column)))}</survey:{column}>" for column in page.columns if column != "geometry")
            members.append(
                f'<wfs:member><survey:{local} gml:id="{local}.{len(self.asked)}.{number}">{said}<survey:geom><gml:LineString gml:id="g{number}" '
                f'srsName="urn:ogc:def:crs:EPSG::4326"><gml:posList>{positions}</gml:posList></gml:LineString></survey:geom></survey:{local}></wfs:member>'
            )
        return (
            f'<?xml version="1.0"?><wfs:FeatureCollection {NS} timeStamp="2026-01-01T00:00:{len(self.asked):02d}Z" numberMatched="{matched}" '
            f'numberReturned="{len(page)}">{"".join(members)}</wfs:FeatureCollection>'
        )

    @staticmethod
    def _exception(code: str, text: str) -> Answer:
        said = f'<ows:Exception exceptionCode="{code}"><ows:ExceptionText>{escape(text)}</ows:ExceptionText></ows:Exception>'
        return 200, "text/xml", f'<?xml version="1.0"?><ows:ExceptionReport version="2.0.0" {NS}>{said}</ows:ExceptionReport>'.encode()
