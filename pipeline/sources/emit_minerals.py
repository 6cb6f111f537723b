"""EMIT Level 2B: minerals told from an imaging spectrometer on the Space Station, where it looked."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import rasterio
from affine import Affine
from pydantic import Field

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import ConfigError, DataError
from pipeline.footprint import crs_of, footprint, opened
from pipeline.grid import Grid, Window
from pipeline.recipe import Array
from pipeline.sources import _files
from pipeline.warp import read_onto

EPOCH = 1

Suffix = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
GROUPS = ("group_1", "group_2")  # features near 1 um (iron), then 2 to 2.5 um (clay, mica, carbonate)
NATIVE_M = 60.0
DEEPEST = 1.0  # a band depth is a share of the continuum
MINERALS: dict[str, tuple[str, ...]] = {
    "goethite": ("goethite",), "hematite": ("hematite",), "jarosite": ("jarosite",), "kaolinite": ("kaolinite",), "muscovite": ("muscovite",),
    "alunite": ("alunite",), "chlorite": ("chlorite",), "calcite": ("calcite",), "dolomite": ("dolomite",), "gypsum": ("gypsum",),
}  # fmt: skip


def emit_minerals(
    *,
    path: str,
    minerals: dict[Suffix, tuple[str, ...]] = MINERALS,
    licence: str = "public domain (NASA, no restriction on reuse)",
    citation: str = "EMIT L2B Estimated Mineral Identification and Band Depth and Uncertainty 60 m V001, NASA LP DAAC, doi:10.5067/EMIT/EMITL2BMIN.001",
) -> Minerals:
    """EMIT L2B granules (EMIT_L2B_MIN_001_*.nc) below the folder `path`, fetched with the user's own Earthdata login, by `earthaccess` for example.

    Each of `minerals` names words of the product's own list of materials; its layer is the depth of the absorption band (1, 0 to 1) where a material
    whose name has one of the words was identified in either group, 0 where it was not, NaN where no granule looked, averaged over granules; `looks` counts
    them. Pixels are laid out by the granule's own geometry lookup table, onto its own degrees, before they meet the grid.

    NASA asks for a login, so nothing is fetched here. The product has no cloud mask of its own: leave cloudy granules out of the folder.
    """
    del licence, citation  # said here, written to every layer made from it
    if not minerals:
        raise ConfigError("`minerals:` of emit_minerals is empty; name at least one, such as kaolinite: [kaolinite]")
    return Minerals(path, tuple(sorted(minerals.items())))


@dataclass(frozen=True)
class Minerals:
    """The source `emit_minerals` with its parameters."""

    path: str
    minerals: tuple[tuple[str, tuple[str, ...]], ...]

    def acquire(self, place: Place) -> Acquired:
        """The granules that touch the region, laid out once into the cache; DataError when there is none."""
        folder = place.resolve(self.path)
        assets, synthetic = [], False
        for granule in sorted(folder.glob("EMIT_L2B_MIN_*.nc")):
            if "MINUNCERT" in granule.name:
                continue
            version = _files.digest(granule, place.cache)
            laid = place.cache / "emit" / f"{hashlib.sha256(repr((version, self.minerals)).encode()).hexdigest()[:24]}.tif"
            if not laid.is_file():
                _lay_out(granule, laid, self.minerals)
            with opened(laid) as source:
                lies = footprint(source, crs_of(source, None), place.grid)
                synthetic |= source.tags().get("SYNTHETIC") == "YES"
            if lies.touches(Window(place.grid, 0, 0, *place.grid.shape)):
                assets.append(Asset(granule.name, str(laid), version, granule.stat().st_size, lies.bounds()))
        if not assets:
            raise DataError(f"{_files.name_of(self.path)}: holds no EMIT_L2B_MIN_*.nc that touches the region; fetch some with earthaccess, or leave the source out")
        depth = tuple(LayerInfo(name, "1", f"EMIT band depth of {', '.join(words)}", NATIVE_M, "float32") for name, words in self.minerals)
        looks = LayerInfo("looks", "1", "Number of EMIT looks", NATIVE_M, "float32")
        return Acquired(tuple(assets), (*depth, looks), (), synthetic, together=True, choosing=("path",))

    def read_all(self, assets: tuple[Asset, ...], window: Window) -> tuple[Array, ...]:
        """Mean band depth of each mineral, (y, x) float32, NaN where nobody looked, then the count of looks, float32."""
        sums = np.zeros((len(self.minerals), *window.shape))
        looks = np.zeros(window.shape)
        for asset in assets:
            bands = [read_onto(asset.path, band=i, window=window, resampling="bilinear")[0] for i in range(1, len(self.minerals) + 1)]
            seen = np.isfinite(bands[0])
            looks += seen
            sums += np.where(seen, bands, 0.0)
        with np.errstate(invalid="ignore"):
            return (*(sums / np.where(looks > 0, looks, np.nan)).astype(np.float32), looks.astype(np.float32))

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Nothing before the tiles: a granule is judged when it is laid out."""


def _lay_out(granule: Path, laid: Path, minerals: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    import h5py

    try:
        with h5py.File(granule, "r") as file:
            names = [_text(name).lower() for name in file["mineral_metadata/name"][()]]
            codes = [int(code) for code in file["mineral_metadata/index"][()]]
            x, y = file["location/glt_x"][()], file["location/glt_y"][()]
            found = [(file[f"{group}_mineral_id"][()], file[f"{group}_band_depth"][()]) for group in GROUPS]
            t = [float(v) for v in file.attrs["geotransform"]]
            synthetic = "SYNTHETIC" in file.attrs
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{granule.name}: is no EMIT mineral granule or is cut short ({error}); fetch it again") from error
    good = (x > 0) & (y > 0)
    bands = np.full((len(minerals), *x.shape), np.nan, np.float32)
    for band, (name, words) in zip(bands, minerals, strict=True):
        wanted = [code for code, said in zip(codes, names, strict=True) if any(word.lower() in said for word in words)]
        if not wanted:
            raise DataError(f"{granule.name}: none of its {len(names)} materials is named {' or '.join(words)}; correct `minerals:` {name}")
        band[good] = np.max([_depth(ids, depth, wanted, granule.name)[y[good] - 1, x[good] - 1] for ids, depth in found], axis=0)
    laid.parent.mkdir(parents=True, exist_ok=True)
    partial = laid.with_name(f"{laid.stem}.{secrets.token_hex(4)}.tif")
    profile = {"driver": "GTiff", "count": len(bands), "height": x.shape[0], "width": x.shape[1], "dtype": "float32", "tiled": True, "compress": "deflate"}
    with rasterio.open(partial, "w", crs="EPSG:4326", transform=Affine(t[1], t[2], t[0], t[4], t[5], t[3]), nodata=np.nan, **profile) as out:
        out.write(bands)
        if synthetic:
            out.update_tags(SYNTHETIC="YES")
    os.replace(partial, laid)


def _depth(ids: Array, depth: Array, wanted: list[int], name: str) -> Array:
    """Band depth where a pixel is one of the wanted materials, 0 elsewhere."""
    found = np.where(np.isin(ids, wanted), depth, 0.0)
    if (found > DEEPEST).any():
        raise DataError(f"{name}: holds a band depth of {found.max():g}, no absorption is deeper than 1; the file is damaged")
    return np.maximum(found, 0.0)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


