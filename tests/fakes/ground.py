"""The ground every fake covers: that of the tiny region, in longitude and latitude, and some around it."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

WEST, SOUTH, EAST, NORTH = 65.3, 27.8, 66.4, 28.7  # the tiny region lies within
MIDDLE = 65.8, 28.2


def box(x0: float, y0: float, x1: float, y1: float) -> Any:
    """A rectangle by shares of the ground, from the south-west."""
    wide, high = EAST - WEST, NORTH - SOUTH
    return shapely.box(WEST + x0 * wide, SOUTH + y0 * high, WEST + x1 * wide, SOUTH + y1 * high)


def line(*xy: tuple[float, float]) -> Any:
    """A line by shares of the ground."""
    return shapely.LineString([(WEST + x * (EAST - WEST), SOUTH + y * (NORTH - SOUTH)) for x, y in xy])


def point(x: float, y: float) -> Any:
    """A point by shares of the ground."""
    return shapely.Point(WEST + x * (EAST - WEST), SOUTH + y * (NORTH - SOUTH))


def frame(columns: dict[str, list[Any]], shapes: list[Any], crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
    """Features."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def shapefiles(path: Path, layers: dict[str, gpd.GeoDataFrame], *, below: str = "") -> None:
    """A ZIP archive of shapefiles, as the makers hand them out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in layers.items():
            held.to_file(Path(folder) / f"{name}.shp", engine="pyogrio")
            for part in sorted(Path(folder).glob(f"{name}.*")):
                archive.write(part, below + part.name)


def zipped(path: Path, files: dict[str, str | bytes]) -> None:
    """A ZIP archive of texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    path.write_bytes(whole.getvalue())
