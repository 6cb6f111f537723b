"""A tiny region on disk, with everything a run needs: rasters in two CRSs, faults, occurrences, configs. Seconds to map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
import yaml
from pyproj import Transformer
from rasterio.transform import from_origin

from pipeline.cube import REGION, Cube, LayerMeta

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
BOUNDS = (0.0, 0.0, 60_000.0, 50_000.0)
CELL_M = 500
DEPOSITS = 24


def make(root: Path, *, seed: int = 5, **changes: Any) -> Path:
    """Write the region `tiny` below `root` and return it. `changes` replace sections of its YAML."""
    rng = np.random.default_rng(seed)
    (root / "configs" / "regions").mkdir(parents=True)
    (root / "configs" / "validation").mkdir(parents=True)
    _dem(root / "dem.tif", rng)
    x, y = _deposits(root / "occurrences.csv", rng)
    _alteration(root / "alteration.tif", rng, x, y)
    lines = [shapely.LineString(rng.uniform((0, 0), (60_000, 50_000), (3, 2))) for _ in range(6)]
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2020-01-01T00:00:00.000Z"})  # the file is the same bytes whenever it is made
    gpd.GeoDataFrame({"kind": ["old"] * 6}, geometry=lines, crs=CRS).to_file(root / "faults.gpkg", layer="faults")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    write(root, **changes)
    return root


def write(root: Path, **changes: Any) -> None:
    """Write the YAML again with sections replaced."""
    said: dict[str, Any] = {
        "region": {"name": "tiny", "title": "A tiny region", "crs": CRS, "cell_m": CELL_M, "tile": 32, "bounds": list(BOUNDS)},
        "sources": {
            "dem": {"use": "raster", "path": "dem.tif", "units": "m"},
            "alteration": {"use": "raster", "path": "alteration.tif", "units": "1"},
            "faults": {"use": "vector", "path": "faults.gpkg"},
            "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
        },
        "features": {
            "elevation": {"use": "value", "of": "dem"},
            "slope": {"of": "dem"},
            "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
            "distance_to_faults": {"use": "distance_to", "of": "faults", "reach_m": 10_000},
        },
        "label": {"occurrences": "occurrences", "group_within_m": 1000},
        "background": {"per_positive": 10, "at_least": 300, "exclude_m": 1000},
        "model": {"use": "random_forest", "bags": 3, "trees_per_bag": 5},
        "targets": {"min_area_km2": 1},
        "run": {"workers": 0, "cache": "cache", "outputs": "outputs"},
    }
    said |= changes
    (root / "configs" / "regions" / "tiny.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    protocol = {"title": "spatial blocks", "split": {"kind": "square_blocks", "block_km": 10, "folds": 3}, "seeds": 2}
    (root / "configs" / "validation" / "default.yaml").write_text(yaml.safe_dump(protocol))


def everywhere(cube: Cube) -> None:
    """Say in a cube made by hand that its region is all of its grid."""
    cube.prepare([LayerMeta(REGION, "float32", "1", "Inside the region", "all of it", "CC0", cube.grid.cell_m)])
    for index in cube.grid.tiles():
        cube.write(REGION, index, np.ones(cube.grid.window(index).shape, np.float32))


def to_lonlat(x: Any, y: Any) -> tuple[Any, Any]:
    """Grid metres to longitude and latitude."""
    return Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)


def from_lonlat(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Longitude and latitude to grid metres."""
    return Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(lon, lat)


def _dem(path: Path, rng: np.random.Generator) -> None:
    """A surface in EPSG:4326, so that it must be reprojected."""
    (west, east), (south, north) = to_lonlat([-2000, 62_000], [-2000, 52_000])
    step = 0.006
    shape = (int((north - south) / step) + 4, int((east - west) / step) + 4)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    z = 800 + 300 * np.sin(cols / 9) * np.cos(rows / 7) + rng.normal(0, 5, shape)
    save(path, z.astype("float32"), "EPSG:4326", from_origin(west - step, north + step, step, step), nodata=-9999)


def _deposits(path: Path, rng: np.random.Generator) -> tuple[Any, Any]:
    x, y = rng.uniform(2000, 58_000, DEPOSITS), rng.uniform(2000, 48_000, DEPOSITS)
    lon, lat = to_lonlat(x, y)
    pd.DataFrame({"name": [f"deposit {i}" for i in range(DEPOSITS)], "lon": lon, "lat": lat}).to_csv(path, index=False)
    return x, y


def _alteration(path: Path, rng: np.random.Generator, x: Any, y: Any) -> None:
    """A band on the grid that glows around the deposits."""
    cols = np.arange(CELL_M / 2, BOUNDS[2], CELL_M)
    rows = np.arange(BOUNDS[3] - CELL_M / 2, 0, -CELL_M)
    near = np.min(np.hypot(cols[None, :, None] - x, rows[:, None, None] - y), axis=-1)
    glow = np.exp(-((near / 2500) ** 2)) + rng.normal(0, 0.15, near.shape)
    save(path, glow.astype("float32"), CRS, from_origin(0, BOUNDS[3], CELL_M, CELL_M), nodata=None)


def save(path: Path, values: Any, crs: str, transform: Any, *, nodata: float | None) -> None:
    """One band as a GeoTIFF."""
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": str(values.dtype)}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as file:
        file.write(values, 1)
