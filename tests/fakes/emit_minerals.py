"""A small fake of EMIT L2B mineral granules: raw pixels in the sensor's order, a lookup table that turns and shifts them, two groups of materials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

MATERIALS = ((1, "Goethite thin film"), (2, "Hematite fine"), (41, "Kaolinite wxl"), (42, "Muscovite low Al"), (43, "Kaolinite+muscovite mix"))
STEP = 0.000542232520256367


def depth(lon: Any, lat: Any) -> Any:
    """The invented band depth, 0.02 to 0.3."""
    return 0.16 + 0.14 * np.sin(lon * 60) * np.cos(lat * 50)


def write(path: Path, lon: float, lat: float, *, pixels: int = 120, coarser: int = 10, material: int = 41, deepest: float | None = None) -> Path:
    """One granule about a point, its pixels `coarser` times the product's; the right half is goethite, the left `material`."""
    step = STEP * coarser
    west, north = lon - pixels * step / 2, lat + pixels * step / 2
    rows, cols = np.mgrid[:pixels, :pixels]
    # a swath that leans: the lookup table leaves two corners bare
    x, y = cols - rows // 4, rows
    seen = (x >= 0) & (x < pixels * 3 // 4)
    raw_shape = (pixels, pixels * 3 // 4)
    where = west + (cols + 0.5) * step, north - (rows + 0.5) * step
    raw_depth, raw_id = np.full(raw_shape, -9999.0, np.float32), np.full(raw_shape, -9999, np.int16)
    raw_depth[y[seen], x[seen]] = depth(*where)[seen]
    raw_id[y[seen], x[seen]] = np.where(where[0] > lon, 1, material)[seen]
    if deepest is not None:
        raw_depth[10, 10] = deepest
    file = path / f"EMIT_L2B_MIN_001_20230612T061011_23163{pixels:02d}_005.nc"
    with h5py.File(file, "w") as out:
        out.attrs["geotransform"] = [west, step, 0.0, north, 0.0, -step]
        out.attrs["SYNTHETIC"] = "YES"
        iron = raw_id == 1
        for group, mine in (("group_1", iron), ("group_2", ~iron & (raw_id != -9999))):
            out[f"{group}_mineral_id"] = np.where(mine, raw_id, 0).astype(np.int16)
            out[f"{group}_band_depth"] = np.where(mine, raw_depth, 0).astype(np.float32)
        out["location/glt_x"] = np.where(seen, x + 1, 0).astype(np.int32)
        out["location/glt_y"] = np.where(seen, y + 1, 0).astype(np.int32)
        out["mineral_metadata/index"] = np.array([code for code, _ in MATERIALS], np.int32)
        out.create_dataset("mineral_metadata/name", data=[name for _, name in MATERIALS], dtype=h5py.string_dtype())
    return file
