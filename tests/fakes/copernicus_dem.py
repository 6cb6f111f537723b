"""A small fake of Copernicus DEM GLO-30: degree squares in longitude and latitude that meet inside the region."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from tests.fakes import scenery

COLLECTION = "cop-dem-glo-30"
BUCKET = "copernicus-dem-30m"


def height(lon: Any, lat: Any) -> Any:
    """The invented relief, metres."""
    return 900 + 400 * np.sin(lon * 17) * np.cos(lat * 13) + 60 * np.sin(lon * 90 + lat * 70)


def write(folder: Path, url: str, bbox: tuple[float, float, float, float], *, pixels: int = 360) -> list[dict[str, Any]]:
    """The squares that touch `bbox` (west, south, east, north), each of `pixels` a side, below `folder`, and their items."""
    west, south, east, north = (math.floor(bbox[0]), math.floor(bbox[1]), math.ceil(bbox[2]), math.ceil(bbox[3]))
    return [_one(folder, url, lon, lat, pixels) for lat in range(south, north) for lon in range(west, east)]


def _one(folder: Path, url: str, west: int, south: int, pixels: int) -> dict[str, Any]:
    name = f"Copernicus_DSM_COG_10_N{south:02d}_00_E{west:03d}_00_DEM"
    step = 1 / pixels
    # as in the product, the first pixel's centre lies on the square's own corner
    transform = Affine(step, 0, west - step / 2, 0, -step, south + 1 + step / 2)
    lon, lat = np.meshgrid(west + np.arange(pixels) * step, south + 1 - np.arange(pixels) * step)
    size = scenery.save(folder / BUCKET / name / f"{name}.tif", height(lon, lat).astype(np.float32), 4326, transform, nodata=None)
    box = [west, south, west + 1, south + 1]
    ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "collection": COLLECTION, "bbox": box, "links": [],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": "2021-04-22T00:00:00Z", "proj:epsg": 4326, "platform": "tandem-x", "synthetic": True, "created": "2021-05-01T00:00:00Z"},
        "assets": {
            "data": {
                "href": f"{url}/{BUCKET}/{name}/{name}.tif", "type": "image/tiff; application=geotiff; profile=cloud-optimized", "file:size": size,
                "proj:shape": [pixels, pixels], "proj:transform": [*transform[:6]], "roles": ["data"],
            }
        },
    }  # fmt: skip
