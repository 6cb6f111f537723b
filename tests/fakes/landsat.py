"""A small fake of Landsat Collection 2 Level-2 as the Planetary Computer serves it: scenes of two paths in two UTM zones, QA_PIXEL, and one scene twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes import scenery
from tests.fakes.scenery import Frame

COLLECTION = "landsat-c2-l2"
ACCOUNT = "landsateuwest"
KEYS = ("blue", "green", "red", "nir08", "swir16", "swir22", "lwir11")
CLEAR, CLOUD, SHADE, FILL = 21824, 22280, 23888, 1  # words of QA_PIXEL of Landsat 8: clear land, cloud, cloud shadow, fill


@dataclass(frozen=True)
class Scene:
    """One scene: where, when, by which satellite, in which category."""

    path: str
    row: str
    frame: Frame
    day: str
    seed: int
    platform: str = "landsat-8"
    category: str = "T1"
    cloud: float = 5.0
    created: str = "2024-02-01T00:00:00Z"
    wrong_by: float = 0.0

    @property
    def name(self) -> str:
        return f"L{'E' if self.platform == 'landsat-7' else 'C'}0{self.platform[-1]}_L2SP_{self.path}{self.row}_{self.day.replace('-', '')}_02_{self.category}"


def scenes(lon: float, lat: float, side_m: float) -> list[Scene]:
    """Two paths that overlap at the point, three days each; a real-time scene since replaced, and one of Landsat 7."""
    degree = side_m / 111_000
    west, east = Frame.around(32641, lon - 0.3 * degree, lat, side_m), Frame.around(32642, lon + 0.3 * degree, lat, side_m)
    found = [Scene("155", "040", west, day, i, platform="landsat-8" if i % 2 else "landsat-9") for i, day in enumerate(("2023-05-08", "2023-07-03", "2023-09-05"))]
    found += [Scene("154", "040", east, day, 20 + i) for i, day in enumerate(("2023-05-17", "2023-07-12", "2023-09-14"))]
    return [
        *found, Scene("154", "040", east, "2023-05-17", 20, category="RT", created="2023-05-18T00:00:00Z", wrong_by=0.2),
        Scene("154", "040", east, "2023-06-10", 31, platform="landsat-7", wrong_by=0.3),
    ]  # fmt: skip


def write(folder: Path, url: str, all_scenes: list[Scene], *, pixel_m: float = 300.0, keys: tuple[str, ...] = KEYS, block: int = 256) -> list[dict[str, Any]]:
    """The files of the scenes below `folder` and their items."""
    return [_one(folder, url, scene, pixel_m, keys, block) for scene in all_scenes]


def _one(folder: Path, url: str, scene: Scene, pixel_m: float, keys: tuple[str, ...], block: int) -> dict[str, Any]:
    below = f"{ACCOUNT}/landsat-c2/level-2/standard/oli-tirs/{scene.day[:4]}/{scene.path}/{scene.row}/{scene.name}"
    frame, transform = scene.frame, scene.frame.transform(pixel_m)
    lon, lat = frame.lonlat(pixel_m)
    cloud, shade = scenery.clouds(lon, lat, scene.seed)
    bare = lon > lon.max() - 0.05 * (lon.max() - lon.min())
    assets = {}
    for number, key in enumerate(keys):
        rng = np.random.default_rng((scene.seed, number))
        seen = scenery.ground(lon, lat, number) + rng.normal(0, 0.01, lon.shape) + scene.wrong_by
        seen = np.where(cloud, 0.8, np.where(shade, 0.02, seen))
        counts = (280 + 80 * seen - 149.0) / 0.00341802 if key == "lwir11" else (seen + 0.2) / 0.0000275
        stored = np.where(bare, 0, np.clip(np.round(counts), 1, 65535)).astype(np.uint16)
        name = f"{scene.name}_{'ST_B10' if key == 'lwir11' else f'SR_B{number + 2}'}.TIF"
        size = scenery.save(folder / below / name, stored, frame.epsg, transform, nodata=0, block=block)
        assets[key] = scenery.asset(f"{url}/{below}/{name}", frame, pixel_m, size)
    words = np.where(bare, FILL, np.where(cloud, CLOUD, np.where(shade, SHADE, CLEAR))).astype(np.uint16)
    size = scenery.save(folder / below / f"{scene.name}_QA_PIXEL.TIF", words, frame.epsg, transform, nodata=1, block=block)
    assets["qa_pixel"] = scenery.asset(f"{url}/{below}/{scene.name}_QA_PIXEL.TIF", frame, pixel_m, size)
    properties = {
        "datetime": f"{scene.day}T06:01:12.5Z", "platform": scene.platform, "eo:cloud_cover": scene.cloud, "landsat:wrs_path": scene.path,
        "landsat:wrs_row": scene.row, "landsat:collection_category": scene.category, "created": scene.created,
    }  # fmt: skip
    return scenery.item(scene.name, COLLECTION, frame, properties, assets)
