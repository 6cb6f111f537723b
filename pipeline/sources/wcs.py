"""A coverage of a survey's own Web Coverage Service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.sources import _files, _served, _xml
from pipeline.sources._headers import MAX_CELLS
from pipeline.sources._mosaic import Bounds, Lattice, ServedRaster

EPOCH = 1

VERSION = "2.0.1"
EAST = ("long", "lon", "longitude", "x", "e", "easting")


def wcs(
    *,
    url: str,
    coverage: str,
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
) -> Coverage:
    """A coverage of a Web Coverage Service 2.0.1 as a raster source: `url` is the service's address, `coverage` the identifier.

    Only pixels over the region are asked for, as GeoTIFF, in pieces of 2000 on the coverage's own lattice, unchanged: they are brought to the grid here.
    `kind`, `nodata`, `units`, `native_m` as for `raster`. They are asked for on every run, and what was made of them is made again only where they changed.
    """
    del licence, citation  # said here, written to every layer made from it
    resampling: Literal["bilinear", "nearest"] = "bilinear" if kind == "continuous" else "nearest"
    return Coverage(url, (("", band),), kind, resampling, nodata, None, None, None, units, long_name, native_m, synthetic, MAX_CELLS, hosts, None, coverage)


@dataclass(frozen=True)
class Coverage(ServedRaster):
    """The source `wcs` with its parameters."""

    coverage: str

    def lattice(self, place: Place) -> Lattice:
        """The coverage's grid, from its description."""
        name = f"{_files.name_of(self.path)} {self.coverage}"
        path = _served.answered(self.path, place, self.hosts, "", self._query("DescribeCoverage"))
        said = _xml.root(path, name, expected="CoverageDescriptions")
        try:
            envelope, vectors = _xml.all_of(said, "Envelope")[0], [_numbers(v.text) for v in _xml.all_of(said, "offsetVector")]
            code = re.search(r"EPSG[:/](?:[^:/]*[:/])?(\d+)", envelope.attrib["srsName"])
            labels = [label.casefold() for label in envelope.attrib["axisLabels"].split()]
            low, high = (_numbers(_xml.text_of(envelope, corner)) for corner in ("lowerCorner", "upperCorner"))
            east = next(i for i, label in enumerate(labels) if label in EAST)
            wide, tall = (max(abs(vector[axis]) for vector in vectors) for axis in (east, 1 - east))
            assert code is not None and len(low) == len(high) == 2 and wide > 0 and tall > 0
        except (IndexError, KeyError, StopIteration, ValueError, AssertionError) as error:
            raise DataError(f"{name}: its description is not that of a grid with two axes and an EPSG code; ask the survey for the file") from error
        bounds = low[east], low[1 - east], high[east], high[1 - east]
        return Lattice(f"EPSG:{code[1]}", bounds[0], bounds[3], wide, tall, bounds)

    def piece(self, place: Place, bounds: Bounds, cols: int, rows: int) -> Path:
        """The pixels within bounds, as the service holds them."""
        del cols, rows
        path = _served.answered(self.path, place, self.hosts, "", self._query("DescribeCoverage"))
        labels = _xml.all_of(_xml.root(path, self.coverage, expected="CoverageDescriptions"), "Envelope")[0].attrib["axisLabels"].split()
        inset = 1e-3 * (bounds[2] - bounds[0]) / max(1, 2000)  # a hair inside, so that the pixels beyond the edges do not come along
        spans = {True: (bounds[0] + inset, bounds[2] - inset), False: (bounds[1] + inset, bounds[3] - inset)}
        subsets = [f"{label}({spans[label.casefold() in EAST][0]!r},{spans[label.casefold() in EAST][1]!r})" for label in labels]
        query = self._query("GetCoverage") | {"format": "image/tiff"}
        return _served.answered(self.path, place, self.hosts, "", query, repeated=[("subset", one) for one in subsets])

    def _query(self, request: str) -> dict[str, str]:
        return {"service": "WCS", "version": VERSION, "request": request, "coverageId": self.coverage}


def _numbers(text: str | None) -> list[float]:
    return [float(part) for part in (text or "").split()]
