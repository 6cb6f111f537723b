"""A small fake of ASTER L1T as the Planetary Computer serves it: files of several bands, gains in a metadata file, and a scene of after April 2008."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes import scenery
from tests.fakes.scenery import Frame

COLLECTION = "aster-l1t"
ACCOUNT = "astersa"
FILES = {"VNIR": (3, np.uint8, 1), "SWIR": (6, np.uint8, 2), "TIR": (5, np.uint16, 6)}
GAINS = "01 HGH, 02 HGH, 3N NOR, 3B NOR, 04 NOR, 05 NOR, 06 HGH, 07 NOR, 08 NOR, 09 NOR"


@dataclass(frozen=True)
class Scene:
    """One scene: where, when, how cloudy."""

    frame: Frame
    when: str
    seed: int
    cloud: float = 1.0
    produced: str = "20150409135350"

    @property
    def name(self) -> str:
        year, month, day = self.when[:10].split("-")
        return f"AST_L1T_003{month}{day}{year}{self.when[11:].replace(':', '')}_{self.produced}"


def scenes(lon: float, lat: float, side_m: float) -> list[Scene]:
    """Two scenes that overlap at the point, the second clearer; one of them processed before; one after the detectors failed."""
    degree = side_m / 111_000
    west, east = Frame.around(32641, lon - 0.3 * degree, lat, side_m), Frame.around(32642, lon + 0.3 * degree, lat, side_m)
    return [
        Scene(west, "2004-06-12T06:20:11", 1, cloud=3), Scene(east, "2005-07-01T06:21:40", 2), Scene(west, "2009-06-12T06:20:11", 3, cloud=0),
        Scene(east, "2005-07-01T06:21:40", 9, produced="20120101000000"),
    ]  # fmt: skip


def write(folder: Path, url: str, all_scenes: list[Scene], *, pixel_m: float = 250.0) -> list[dict[str, Any]]:
    """The files of the scenes below `folder` and their items."""
    return [_one(folder, url, scene, pixel_m) for scene in all_scenes]


def _one(folder: Path, url: str, scene: Scene, pixel_m: float) -> dict[str, Any]:
    below = f"{ACCOUNT}/aster/images/L1T/{scene.when[:4]}/{scene.when[5:7]}/{scene.when[8:10]}/{scene.name}"
    assets = {}
    for stem, (count, kind, coarser) in FILES.items():
        step = pixel_m * coarser
        lon, lat = scene.frame.lonlat(step)
        rng = np.random.default_rng((scene.seed, count))
        bare = lon < lon.min() + 0.06 * (lon.max() - lon.min())
        bands = [np.clip(np.round(400 * scenery.ground(lon, lat, b) + rng.normal(0, 2, lon.shape)), 2, 250) for b in range(count)]
        stored = [np.where(bare, 0, band).astype(kind) for band in bands]
        name = f"{scene.name}-{stem}.tif"
        size = scenery.save(folder / below / name, stored, scene.frame.epsg, scene.frame.transform(step), nodata=0)
        assets[stem] = scenery.asset(f"{url}/{below}/{name}", scene.frame, step, size)
    text = f"<GranuleMetaDataFile><PSA><PSAName>ASTERGains</PSAName><PSAValue>{GAINS}</PSAValue></PSA></GranuleMetaDataFile>"
    (folder / below / f"{scene.name}.hdf.xml").write_text(text)
    assets["xml"] = {"href": f"{url}/{below}/{scene.name}.hdf.xml", "type": "application/xml", "roles": ["metadata"]}
    created = f"{scene.produced[:4]}-{scene.produced[4:6]}-{scene.produced[6:8]}T00:00:00Z"
    properties = {"datetime": f"{scene.when}.5Z", "platform": "terra", "eo:cloud_cover": scene.cloud, "view:sun_elevation": 70.0, "created": created}
    return scenery.item(scene.name, COLLECTION, scene.frame, properties, assets)
