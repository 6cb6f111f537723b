"""One world to a folder of small files, each of them stamped synthetic, with the same bytes on every run."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from sample_data.world.bodies import RING
from sample_data.world.facts import shapes
from sample_data.world.frame import CRS, Floats
from sample_data.world.spectra import BANDS
from sample_data.world.state import World

STAMP = "SYNTHETIC: drawn from a seed for tests and demonstrations; not a measurement, not a map of Balochistan"
WHEN = "2024-01-01T00:00:00.000Z"


def write(world: World, folder: Path) -> None:
    """Write every file of the sample under `folder`, which is made when missing; files of the same name are
    replaced.
    """
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    _rasters(world, folder)
    _truth(world, truth)
    _vectors(world, folder)
    world.legend.to_csv(folder / "geology_legend.csv", index=False, lineterminator="\n")
    _occurrences(world.occurrences, folder / "occurrences.csv")
    _occurrences(world.undiscovered, truth / "undiscovered.csv")


def _raster(
    path: Path,
    values: NDArray[np.generic],
    transform: Affine,
    crs: object,
    *,
    nodata: float,
    what: str,
    bands: tuple[str, ...] = ("",),
) -> None:
    """A tiled, deflated GeoTIFF of (y, x) or (band, y, x) values, with nodata, band names and the synthetic
    stamp.
    """
    layers = values if values.ndim == 3 else values[None]
    options = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "DEFLATE", "zlevel": 9}
    options["predictor"] = 3 if np.issubdtype(values.dtype, np.floating) else 2
    shape = {"count": layers.shape[0], "height": layers.shape[1], "width": layers.shape[2]}
    place = {"crs": crs, "transform": transform, "nodata": nodata, "dtype": values.dtype}
    with rasterio.open(path, "w", driver="GTiff", interleave="band", **shape, **place, **options) as file:
        file.update_tags(SYNTHETIC=f"YES. {STAMP}", TIFFTAG_IMAGEDESCRIPTION=f"{what}. {STAMP}")
        for number, name in enumerate(bands, start=1):
            if name:
                file.set_band_description(number, name)
        file.write(layers)


def quantised(values: Floats, step: float) -> NDArray[np.float32]:
    """float32 multiples of `step`, a power of two so that the steps are exact; NaN stays."""
    return np.asarray(np.rint(values / step) * step, dtype=np.float32)


def seven_bits(values: Floats) -> NDArray[np.float32]:
    """float32 rounded to seven bits of mantissa, under 0.4 % off: rates span decades, so the step must be
    relative.
    """
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(0x8000)) & np.uint32(0xFFFF0000)).view(np.float32)


def _rasters(world: World, folder: Path) -> None:
    at = world.frame.transform
    _raster(folder / "dem.tif", world.dem, at, CRS, nodata=-32768, what="Elevation, metres")
    _raster(
        folder / "sentinel2.tif", world.sentinel2, at, CRS, nodata=0, bands=BANDS,
        what="Sentinel-2-like surface reflectance x 10000",
    )  # fmt: skip
    _raster(folder / "clear_looks.tif", world.clear_looks, at, CRS, nodata=255, what="Number of clear looks")
    survey = quantised(world.magnetics_survey, 0.5)
    _raster(
        folder / "magnetics_survey.tif",
        survey,
        at,
        CRS,
        nodata=np.nan,
        what="Total-field magnetic anomaly, nT",
    )
    aloft, pull = world.magnetics_global, world.gravity
    _raster(
        folder / "magnetics_global.tif", quantised(aloft.values, 0.125), aloft.transform, "EPSG:4326",
        nodata=np.nan, what="Total-field magnetic anomaly at 4 km, nT",
    )  # fmt: skip
    _raster(
        folder / "gravity.tif", quantised(pull.values, 0.0625), pull.transform, "EPSG:4326", nodata=np.nan,
        what="Bouguer-like gravity anomaly, mGal",
    )  # fmt: skip
    what = "Rock class at the surface, codes in geology_legend.csv"
    _raster(
        folder / "geology_detailed.tif",
        world.geology_detailed,
        at,
        CRS,
        nodata=255,
        what=f"{what} (detailed)",
    )
    _raster(folder / "geology_coarse.tif", world.geology_coarse, at, CRS, nodata=255, what=f"{what} (coarse)")


def _truth(world: World, folder: Path) -> None:
    at = world.frame.transform
    for system, rate in world.intensity.items():
        values = np.where(world.inside, seven_bits(rate), np.float32(np.nan)).astype(np.float32)
        what = f"Expected deposits per cell, {system}, the written rule; 0 off permissive ground"
        _raster(folder / f"intensity_{system}.tif", values, at, CRS, nodata=np.nan, what=what)
    _raster(
        folder / "terrane.tif",
        world.terrane,
        at,
        CRS,
        nodata=0,
        what="Terrane number, order in facts/terranes.geojson",
    )
    full = np.stack([np.where(world.inside, each, 255) for each in (world.surface, world.bedrock)]).astype(np.uint8)
    _raster(
        folder / "geology_full.tif", full, at, CRS, nodata=255, bands=("surface", "bedrock"),
        what="Rock class everywhere, codes in facts/classes.csv",
    )  # fmt: skip
    body = {
        "synthetic": True,
        "note": STAMP,
        "name": "unseen carbonatite ring",
        "lon": RING[0],
        "lat": RING[1],
    }
    body["diameter_m"] = 2.0 * RING[2]
    (folder / "unseen_terrane.json").write_text(json.dumps(body, indent=1) + "\n")


def _occurrences(rows: pd.DataFrame, path: Path) -> None:
    text = rows.assign(synthetic=np.where(rows["synthetic"], "true", "false"))
    text.to_csv(path, index=False, lineterminator="\n", float_format="%.5f")


def _vectors(world: World, folder: Path) -> None:
    _package(folder / "faults.gpkg", {"faults": world.faults})
    _package(folder / "access.gpkg", world.access)
    _package(folder / "land.gpkg", world.land)
    outline = json.loads(shapes("outline").to_json(drop_id=True))
    outline["note"] = f"Real outline, much simplified, part of a synthetic sample. {STAMP}"
    outline.pop("bbox", None)
    (folder / "boundary.geojson").write_text(json.dumps(outline) + "\n")


def _package(path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Layers to one GeoPackage in WGS84 degrees, coordinates rounded to 1e-5 degree."""
    # OGR writes the time of day into every GeoPackage unless told the time.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WHEN})
    path.unlink(missing_ok=True)
    for number, (name, rows) in enumerate(layers.items()):
        degrees = rows.to_crs(4326)
        degrees["geometry"] = degrees.geometry.set_precision(1e-5, mode="pointwise")
        pyogrio.write_dataframe(
            degrees,
            path,
            layer=name,
            driver="GPKG",
            append=number > 0,
            layer_metadata={"SYNTHETIC": f"YES. {STAMP}"},
            layer_options={"DESCRIPTION": f"{name}. {STAMP}"},
        )
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
