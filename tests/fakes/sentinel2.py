"""A small fake of Sentinel-2 Level-2A as Earth Search serves it: granules in two UTM zones, clouds, and a take that was processed twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes import scenery
from tests.fakes.scenery import Frame

COLLECTION = "sentinel-2-c1-l2a"
BUCKET = "e84-earth-search-sentinel-data"  # the first part of the path here, of the host there
KEYS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
FINE = ("blue", "green", "red", "nir")


@dataclass(frozen=True)
class Take:
    """One take of one granule: when, which, how processed."""

    granule: str
    frame: Frame
    day: str
    seed: int
    baseline: str = "05.10"
    cloud: float = 8.0
    applied: bool | None = None
    wrong_by: float = 0.0
    generated: str = "2024-01-01T00:00:00Z"
    platform: str = "sentinel-2a"

    @property
    def name(self) -> str:
        made = self.generated[:10].replace("-", "")
        return f"S2{self.platform[-1].upper()}_T{self.granule}_{self.day.replace('-', '')}T060631_{made}_L2A"


def takes(lon: float, lat: float, side_m: float, days: tuple[str, ...] = ("2023-05-11", "2023-06-20", "2023-07-30", "2023-09-08")) -> list[Take]:
    """Two granules of zone 41 one above the other and one of zone 42 beside them, all overlapping at the point, on each day; and what must not be used."""
    degree = side_m / 111_000
    west = Frame.around(32641, lon - 0.35 * degree, lat - 0.35 * degree, side_m)
    north = Frame.around(32641, lon - 0.35 * degree, lat + 0.45 * degree, side_m)
    east = Frame.around(32642, lon + 0.45 * degree, lat, side_m)
    found = []
    for i, day in enumerate(days):
        found += [Take("41RPL", west, day, 10 * i), Take("41RPM", north, day, 10 * i), Take("42RTS", east, day, 10 * i + 5, applied=i % 2 == 0)]
    old = Take("41RPL", west, days[0], 0, baseline="02.14", generated="2023-05-12T00:00:00Z", wrong_by=0.2)
    early = Take("42RTS", east, "2023-05-16", 71, baseline="03.01", platform="sentinel-2b")  # before 04.00: nothing was added
    winter = Take("41RPL", west, "2023-01-11", 3, wrong_by=0.3)
    cloudy = Take("42RTS", east, "2023-08-09", 4, cloud=91.0, wrong_by=0.3)
    return [*found, old, early, winter, cloudy]


def write(folder: Path, url: str, all_takes: list[Take], *, pixel_m: float = 200.0, keys: tuple[str, ...] = KEYS, block: int = 256) -> list[dict[str, Any]]:
    """The files of the takes below `folder` and their items; 10 m bands have `pixel_m`, 20 m bands twice that."""
    return [_one(folder, url, take, pixel_m, keys, block) for take in all_takes]


def _one(folder: Path, url: str, take: Take, pixel_m: float, keys: tuple[str, ...], block: int) -> dict[str, Any]:
    below = f"{BUCKET}/{COLLECTION}/{take.granule[:2]}/{take.granule[2]}/{take.granule[3:]}/{take.day[:4]}/{int(take.day[5:7])}/{take.name}"
    added = 1000 if float(take.baseline) >= 4 and not take.applied else 0
    assets = {}
    for number, key in enumerate(keys):
        step = pixel_m if key in FINE else 2 * pixel_m
        lon, lat = take.frame.lonlat(step)
        rng = np.random.default_rng((take.seed, number))
        cloud, shade = scenery.clouds(lon, lat, take.seed)
        seen = scenery.ground(lon, lat, number) + rng.normal(0, 0.01, lon.shape) + take.wrong_by
        seen = np.where(cloud, 0.8, np.where(shade, 0.02, seen))
        counts = np.where(_bare(lon), 0, np.clip(np.round(seen * 10_000) + added, 1, 65535)).astype(np.uint16)
        size = scenery.save(folder / below / f"B{number:02d}_{key}.tif", counts, take.frame.epsg, take.frame.transform(step), nodata=0, block=block)
        # the catalogue states the offset whether it was applied or not, as Earth Search does
        raster = [{"nodata": 0, "data_type": "uint16", "spatial_resolution": 10 if key in FINE else 20, "scale": 0.0001, "offset": -0.1}]
        assets[key] = scenery.asset(f"{url}/{below}/B{number:02d}_{key}.tif", take.frame, step, size, **{"raster:bands": raster})
    step = 2 * pixel_m
    lon, lat = take.frame.lonlat(step)
    cloud, shade = scenery.clouds(lon, lat, take.seed)
    scl = np.where(_bare(lon), 0, np.where(cloud, 9, np.where(shade, 3, 5))).astype(np.uint8)
    size = scenery.save(folder / below / "SCL.tif", scl, take.frame.epsg, take.frame.transform(step), nodata=0, block=block)
    assets["scl"] = scenery.asset(f"{url}/{below}/SCL.tif", take.frame, step, size)
    properties = {
        "datetime": f"{take.day}T06:06:31.024Z", "platform": take.platform, "constellation": "sentinel-2", "eo:cloud_cover": take.cloud,
        "grid:code": f"MGRS-{take.granule}", "s2:processing_baseline": take.baseline, "s2:generation_time": take.generated, "created": take.generated,
        "updated": take.generated,
    }  # fmt: skip
    if take.applied is not None:
        properties["earthsearch:boa_offset_applied"] = take.applied
    return scenery.item(take.name, COLLECTION, take.frame, properties, assets)


def _bare(lon: Any) -> Any:
    """The edge of the swath: the westernmost twentieth of a granule holds no data."""
    return lon < lon.min() + 0.05 * (lon.max() - lon.min())
