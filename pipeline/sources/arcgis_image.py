"""An image service of a survey's own ArcGIS server: values, not a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _arcgis, _files, _served
from pipeline.sources._headers import MAX_CELLS
from pipeline.sources._mosaic import Bounds, Lattice, ServedRaster

EPOCH = 1

VALUES = ("U8", "S8", "U16", "S16", "U32", "S32", "F32", "F64")


def arcgis_image(
    *,
    url: str,
    band: Annotated[int, Field(ge=1)] = 1,
    kind: Literal["continuous", "categorical"] = "continuous",
    nodata: float | None = None,
    units: str = "1",
    long_name: str = "",
    native_m: Annotated[float, Field(gt=0)] | None = None,
    licence: str = "",
    citation: str = "",
    synthetic: bool | None = None,
    hosts: tuple[str, ...] = (),
) -> Image:
    """An ArcGIS image service as a raster source: `url` is that of the service, `https://.../ImageServer`.

    Only pixels over the region are asked for, as GeoTIFF of the service's own pixel type, nearest neighbour, in pieces on its own lattice. `kind`, `nodata`,
    `units`, `native_m` as for `raster`. They are asked for on every run, and what was made of them is made again only where they changed. No token is
    sent: a service that wants one is exported to a file.
    """
    del licence, citation  # said here, written to every layer made from it
    resampling: Literal["bilinear", "nearest"] = "bilinear" if kind == "continuous" else "nearest"
    return Image(url, (("", band),), kind, resampling, nodata, None, None, None, units, long_name, native_m, synthetic, MAX_CELLS, hosts, None)


@dataclass(frozen=True)
class Image(ServedRaster):
    """The source `arcgis_image` with its parameters."""

    def lattice(self, place: Place) -> Lattice:
        """The service's pixels, from what it says of itself."""
        said, name = self._said(place), _files.name_of(self.path)
        try:
            extent = said["extent"]
            bounds = tuple(float(extent[word]) for word in ("xmin", "ymin", "xmax", "ymax"))
            wide, high, crs = float(said["pixelSizeX"]), float(said["pixelSizeY"]), _arcgis.crs_of(extent["spatialReference"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{name}: is no image service ({error} is missing); give an address that ends in /ImageServer") from error
        if crs is None or said.get("pixelType") not in VALUES:
            raise DataError(f"{name}: says no CRS, or pixels of type {said.get('pixelType')}, which are no values; ask the survey for the file")
        return Lattice(crs, bounds[0], bounds[3], wide, high, (bounds[0], bounds[1], bounds[2], bounds[3]))

    def piece(self, place: Place, bounds: Bounds, cols: int, rows: int) -> Path:
        """The pixels within bounds, as the service holds them."""
        said = self._said(place)
        reference = said["extent"]["spatialReference"]
        code = str(reference.get("latestWkid") or reference.get("wkid") or "")
        query = {
            "bbox": ",".join(repr(value) for value in bounds), "bboxSR": code, "imageSR": code, "size": f"{cols},{rows}", "format": "tiff", "f": "image",
            "pixelType": str(said["pixelType"]), "interpolation": "RSP_NearestNeighbor",
        }  # fmt: skip
        return _served.answered(self.path, place, self.hosts, "exportImage", query)

    def _said(self, place: Place) -> dict[str, Any]:
        return _arcgis.said(_served.answered(self.path, place, self.hosts, "", {"f": "json"}), _files.name_of(self.path))
