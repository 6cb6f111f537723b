"""Bytes fetched for a part of what a catalogue holds: fakes of each product on loopback, behind a real STAC API, read through the sources.

    python -m benchmarks.fetch

Prints for each source the bytes of all its files, the share of the ground of all its scenes (each counted) that the region covers, the bytes sent for it
and what share of all they are; then the same for most of the ground (of Landsat a fifth) in cells so coarse that overviews serve them.
A region smaller than a block of the
reprojection (256 cells) costs what the block does, and a file's blocks are read whole: the smaller the region against them, the more it pays for its edge.
So the fakes' scenes are cut into about as many blocks to a side as real ones: 16 for Sentinel-2 (there 21: 10,980 pixels in blocks of 512), 31 for Landsat
(there some 30: 7,700 pixels in blocks of 256).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from pyproj import Transformer
from rich.console import Console
from rich.table import Table

from pipeline.asset import Place
from pipeline.grid import Grid
from pipeline.sources import copernicus_dem, landsat, sentinel2
from tests import tiny
from tests.fakes import copernicus_dem as fake_dem
from tests.fakes import landsat as fake_landsat
from tests.fakes import sentinel2 as fake_sentinel2
from tests.servers import catalogue, files

CENTRE = tiny.to_lonlat(30_000, 25_000)
SHARE = 0.05  # of the ground of all scenes of a collection
CELLS = 500  # of a side of the region: a little less than two blocks of the one reprojection, which reads whole blocks
FINE_M = 50.0  # cells above it are served by overviews, of pixels of 30 m: then there are more of them
HERE = ("127.0.0.1",)
BLOCK = 128  # pixels
PIXEL_M = 30.0
COARSE = {"landsat": 0.2}  # of the ground; its 16-bit mask takes GDAL minutes a scene in cells of kilometres
SIDES_M = {"sentinel2": 60_000.0, "landsat": 120_000.0, "copernicus_dem": 60_000.0}  # of a scene


@dataclass(frozen=True)
class Measured:
    """One source read over one region: share of the collection's ground, bytes sent, bytes of the collection."""

    source: str
    cell_m: float
    ground: float
    sent: int
    held: int

    @property
    def share(self) -> float:
        return self.sent / self.held


@contextmanager
def served(key: str, *, side_m: float) -> Iterator[tuple[files.Files, Any, list[dict[str, Any]]]]:
    """Both servers, filled with scenes of one source; the source itself and its items."""
    lon, lat = CENTRE
    with tempfile.TemporaryDirectory() as temporary, files.running(Path(temporary)) as www, catalogue.running() as stac:
        items = _written(key, www, lon, lat, side_m)
        stac.add(items)
        said: dict[str, Any] = {"api": stac.url, "hosts": HERE}
        if key == "sentinel2":
            source: Any = sentinel2.sentinel2(**said, years=(2023,), bands=("red", "nir", "swir16"))
        elif key == "landsat":
            source = landsat.landsat(**said, years=(2023,), bands=("red", "nir08"), sas_url=www.sas_url)
        else:
            source = copernicus_dem.copernicus_dem(**said)
        yield www, source, items


def _written(key: str, www: files.Files, lon: float, lat: float, side_m: float) -> list[dict[str, Any]]:
    if key == "sentinel2":
        takes = fake_sentinel2.takes(lon, lat, side_m, days=("2023-05-11", "2023-06-20"))
        takes = [take for take in takes if not take.wrong_by]
        return fake_sentinel2.write(www.folder, www.url, takes, pixel_m=PIXEL_M, keys=("red", "nir", "swir16"), block=BLOCK)
    if key == "landsat":
        return fake_landsat.write(www.folder, www.url, fake_landsat.scenes(lon, lat, side_m)[:6], pixel_m=PIXEL_M, keys=("red", "nir08"), block=BLOCK)
    return fake_dem.write(www.folder, www.url, (65.4, 27.9, 66.3, 28.6), pixels=round(100_000 / PIXEL_M))


def measure(www: files.Files, key: str, source: Any, items: list[dict[str, Any]], *, fine: bool, share: float) -> Measured:
    """Read a square that holds `share` of the ground of all scenes, each counted, off the middle of the first one, tile by tile, from an empty cache;
    in `fine` cells about as large as a pixel, or in 50 to a side."""
    scenes = [_in_metres(item) for item in items]
    xmin, ymin, xmax, ymax = scenes[0].bounds
    x, y = xmin + 0.4 * (xmax - xmin), ymin + 0.4 * (ymax - ymin)

    def covered(side: float) -> float:
        square = shapely.box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        return float(sum(shapely.intersection(scene, square).area for scene in scenes) / sum(scene.area for scene in scenes))

    low, high = 0.0, 400_000.0
    while high - low > 1:
        low, high = ((low + high) / 2, high) if covered((low + high) / 2) < share else (low, (low + high) / 2)
    cells = CELLS * max(1, round(high / CELLS / FINE_M)) if fine else 50
    cell_m = math.ceil(high / cells)
    grid = Grid.covering((x - high / 2, y - high / 2, x + high / 2, y + high / 2), crs=tiny.CRS, cell_m=cell_m, tile=256)
    www.forget()
    with tempfile.TemporaryDirectory() as cache:
        assets = source.acquire(Place(Path(cache), Path(cache), grid)).assets
        for tile in grid.tiles():
            window = grid.window(tile)
            source.read_all(tuple(asset for asset in assets if asset.touches(window.bounds)), window)
    held = sum(int(asset["file:size"]) for item in items for asset in item["assets"].values())
    return Measured(key, cell_m, covered(high), sum(n for path, n in www.sent.items() if path.lower().endswith(".tif")), held)


def _in_metres(item: dict[str, Any]) -> Any:
    to_grid = Transformer.from_crs(4326, tiny.CRS, always_xy=True)
    lon, lat = shapely.get_coordinates(shapely.segmentize(shapely.geometry.shape(item["geometry"]), 0.02)).T
    return shapely.Polygon(list(zip(*to_grid.transform(lon, lat), strict=True)))


def main() -> None:
    """Measure and print; without PostgreSQL and PostGIS, which pip cannot give, say so and measure nothing."""
    if catalogue.postgres() is None:
        print("bytes fetched: not measured, the STAC API behind the fakes needs PostgreSQL with PostGIS; .ci/tools installs them")
        return
    table = Table("source", "cell m", "share of the ground", "bytes sent", "bytes held", "share of the bytes", title="Bytes fetched, fakes on loopback")
    for key, side_m in SIDES_M.items():
        with served(key, side_m=side_m) as (www, source, items):
            for fine, share in ((True, SHARE), (False, COARSE.get(key, 0.9))):
                one = measure(www, key, source, items, fine=fine, share=share)
                print(f"{key}, {one.ground:.1%} of the ground: {one.share:.1%} of the bytes", flush=True)
                table.add_row(key, f"{one.cell_m:g}", f"{one.ground:.1%}", f"{one.sent:,}", f"{one.held:,}", f"{one.share:.1%}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
