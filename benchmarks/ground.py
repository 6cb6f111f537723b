"""Ground made for benchmarks: smooth layers as GeoTIFFs, points as a GeoPackage, and a region's YAML over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import yaml
from rasterio.transform import from_origin

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
CELL_M, BLOCK = 30, 256
LENGTH = 10.0  # correlation length in cells
PERIOD = 3072  # cells after which a field repeats


def smooth_layers(folder: Path, side: int, layers: int) -> list[Path]:
    """`layers` normal fields of covariance exp(-(d / 10 cells)^2), in steps of 0.01, repeating after 3,072 cells; deflated tiles of 256."""
    period = min(side, PERIOD)
    wave = np.fft.fftfreq(period)[:, None] ** 2 + np.fft.rfftfreq(period)[None, :] ** 2
    kernel = np.exp(-0.5 * wave * (np.pi * LENGTH) ** 2)  # white noise so filtered has that covariance
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "float32", "tiled": True, "compress": "deflate", "predictor": 3}
    profile |= {"blockxsize": BLOCK, "blockysize": BLOCK, "crs": CRS, "transform": from_origin(0, side * CELL_M, CELL_M, CELL_M), "nodata": -9999.0}
    made = []
    for i in range(layers):
        noise = np.random.default_rng(i).normal(size=(period, period)).astype(np.float32)
        field = np.fft.irfft2(np.fft.rfft2(noise) * kernel, s=noise.shape)
        field = np.round(field / field.std(), 2).astype(np.float32)
        path = folder / f"layer{i:02d}.tif"
        with rasterio.open(path, "w", **profile) as file:
            for row in range(0, side, BLOCK):
                rows = min(BLOCK, side - row)
                strip = np.take(field, np.arange(row, row + rows), axis=0, mode="wrap")
                whole = np.take(strip, np.arange(side), axis=1, mode="wrap")
                file.write(whole, 1, window=rasterio.windows.Window(0, row, side, rows))
        made.append(path)
    return made


def deposits(folder: Path, layers: list[Path], count: int) -> Path:
    """`count` deposits where a sum of the first layers and a wave of one is high, as a GeoPackage."""
    rng = np.random.default_rng(99)
    with rasterio.open(layers[0]) as file:
        side = file.width
    at = rng.uniform(0.02, 0.98, (count * 20, 2)) * side * CELL_M
    score = rng.normal(size=len(at))
    for path in layers[:4]:
        with rasterio.open(path) as file:
            score += np.array([value[0] for value in file.sample(at)])
    best = at[np.argsort(-score)[:count]]
    frame = gpd.GeoDataFrame({"name": [f"deposit {i}" for i in range(count)]}, geometry=gpd.points_from_xy(best[:, 0], best[:, 1]), crs=CRS)
    path = folder / "deposits.gpkg"
    frame.to_file(path, driver="GPKG")
    return path


def region(
    root: Path, name: str, side: int, layers: list[Path], points: Path, more: Mapping[str, Any], features: Mapping[str, Any] | None = None
) -> None:  # fmt: skip
    """A region of configs/regions over the rasters, with these `features` or each raster as it is; `more` is merged by section."""
    as_they_are = {f"evidence{i:02d}": {"use": "value", "of": path.stem} for i, path in enumerate(layers)}
    said: dict[str, Any] = {
        "region": {"name": name, "title": name, "crs": CRS, "cell_m": CELL_M, "bounds": [0, 0, side * CELL_M, side * CELL_M]},
        "sources": {path.stem: {"use": "raster", "path": str(path), "units": "1"} for path in layers}
        | {"deposits": {"use": "points", "path": str(points), "columns": {"name": "name"}}},
        "features": dict(features or as_they_are),
        "label": {"occurrences": "deposits"},
    }
    said |= {section: {**said.get(section, {}), **words} for section, words in more.items()}
    (root / "configs" / "regions").mkdir(parents=True, exist_ok=True)
    (root / "configs" / "regions" / f"{name}.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
