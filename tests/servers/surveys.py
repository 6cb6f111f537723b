"""Small services of a survey: an ArcGIS feature layer and image service, and a Web Coverage Service 2.0.1, each over data at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.io import MemoryFile

Answer = tuple[int, str, bytes]


@dataclass
class FeatureLayer:
    """.../FeatureServer/0 over features in EPSG:4326."""

    held: gpd.GeoDataFrame
    most: int = 10
    geojson: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, path: str, query: dict[str, str]) -> Answer:
        """One answer; faults come with status 200, as ArcGIS sends them."""
        self.asked.append(query)
        if not path.strip("/"):
            fields = [{"name": n, "type": f"esriFieldType{t}"} for n, t in (("OBJECTID", "OID"), ("kind", "String"), ("length", "Double"))]
            forms = "JSON, geoJSON" if self.geojson else "JSON"
            said = {"type": "Feature Layer", "geometryType": "esriGeometryPolyline", "fields": fields, "maxRecordCount": self.most, "supportedQueryFormats": forms}
            return self._json(said | {"objectIdField": "OBJECTID"})
        if query.get("where") != "1=1" or query["insr"] != "4326":
            return self._json({"error": {"code": 400, "message": "Invalid query", "details": ["where"]}})
        near = self.held[self.held.intersects(shapely.box(*map(float, query["geometry"].split(","))))]
        if query.get("returncountonly") == "true":
            return self._json({"count": len(near)})
        start, count = int(query["resultoffset"]), min(int(query["resultrecordcount"]), self.most)
        page = near.iloc[start : start + count].assign(OBJECTID=range(start, start + len(near.iloc[start : start + count])), Shape__Length=1.5)
        if query["f"] == "geojson":
            return 200, "application/geo+json", page.to_json().encode()
        features = [
            {
                "attributes": {"OBJECTID": int(row.OBJECTID), "kind": row.kind, "length": row.length},
                "geometry": {"paths": [shapely.get_coordinates(row.geometry).tolist()]},
            }
            for row in page.itertuples()
        ]
        fields = [{"name": n, "type": f"esriFieldType{t}"} for n, t in (("OBJECTID", "OID"), ("kind", "String"), ("length", "Double"))]
        return self._json({"geometryType": "esriGeometryPolyline", "spatialReference": {"wkid": 4326}, "fields": fields, "features": features})

    @staticmethod
    def _json(said: dict[str, Any]) -> Answer:
        return 200, "application/json", json.dumps(said).encode()


@dataclass
class Pixels:
    """An array (rows, columns) north up on a lattice, in an EPSG code."""

    values: np.ndarray
    epsg: int
    west: float
    north: float
    step: float
    nodata: float = -9999.0
    off: float = 0.0  # of a pixel: how far its answers lie from where it says
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        rows, cols = self.values.shape
        return self.west, self.north - rows * self.step, self.west + cols * self.step, self.north

    def tiff(self, west: float, south: float, east: float, north: float) -> Answer:
        """The pixels whose middles lie within."""
        c0, c1 = round((west - self.west) / self.step), round((east - self.west) / self.step)
        r0, r1 = round((self.north - north) / self.step), round((self.north - south) / self.step)
        part = self.values[r0:r1, c0:c1]
        transform = Affine(self.step, 0, self.west + (c0 + self.off) * self.step, 0, -self.step, self.north - r0 * self.step)
        profile = {"driver": "GTiff", "count": 1, "dtype": str(part.dtype), "height": part.shape[0], "width": part.shape[1], "nodata": self.nodata}
        with MemoryFile() as memory:
            with memory.open(**profile, crs=rasterio.CRS.from_epsg(self.epsg), transform=transform) as file:
                file.write(part, 1)
            return 200, "image/tiff", memory.read()

    def image_server(self, path: str, query: dict[str, str]) -> Answer:
        """.../ImageServer"""
        self.asked.append(query)
        if not path.strip("/"):
            west, south, east, north = self.bounds
            extent = {"xmin": west, "ymin": south, "xmax": east, "ymax": north, "spatialReference": {"wkid": self.epsg, "latestWkid": self.epsg}}
            said = {"extent": extent, "pixelSizeX": self.step, "pixelSizeY": self.step, "bandCount": 1, "pixelType": "F32"}
            return 200, "application/json", json.dumps(said).encode()
        assert query["f"] == "image" and query["format"] == "tiff" and query["bboxsr"] == str(self.epsg)
        return self.tiff(*map(float, query["bbox"].split(",")))

    def coverage_service(self, _: str, query: dict[str, str]) -> Answer:
        """A WCS 2.0.1 of one coverage, `tmi`, in a CRS whose axes are easting and northing."""
        self.asked.append(query)
        if query.get("coverageid") != "tmi":
            said = "<ows:Exception><ows:ExceptionText>no such coverage</ows:ExceptionText></ows:Exception>"
            text = f'<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/2.0">{said}</ows:ExceptionReport>'
            return 200, "text/xml", text.encode()
        if query["request"] == "DescribeCoverage":
            west, south, east, north = self.bounds
            return 200, "text/xml", DESCRIPTION.format(
                west=west, south=south, east=east, north=north, step=self.step, srs=f"http://www.opengis.net/def/crs/EPSG/0/{self.epsg}"
            ).encode()  # fmt: skip
        return 400, "text/xml", b"<a/>"

    def subset(self, spans: dict[str, tuple[float, float]]) -> Answer:
        """The answer to GetCoverage, whose word `subset` stands twice."""
        (west, east), (south, north) = spans["E"], spans["N"]
        return self.tiff(west, south, east, north)


DESCRIPTION = """<?xml version="1.0"?>
<wcs:CoverageDescriptions xmlns:wcs="http://www.opengis.net/wcs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"><wcs:CoverageDescription>
<gml:boundedBy><gml:Envelope srsName="{srs}" axisLabels="E N" uomLabels="m m" srsDimension="2"><gml:lowerCorner>{west} {south}</gml:lowerCorner>
<gml:upperCorner>{east} {north}</gml:upperCorner></gml:Envelope></gml:boundedBy><gml:domainSet><gml:RectifiedGrid dimension="2">
<gml:offsetVector srsName="{srs}">{step} 0</gml:offsetVector><gml:offsetVector srsName="{srs}">0 -{step}</gml:offsetVector>
</gml:RectifiedGrid></gml:domainSet></wcs:CoverageDescription></wcs:CoverageDescriptions>
"""
