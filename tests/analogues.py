"""Small regions on disk, each with deposits by a rule of its own: `glow` and `sheen` are both bright there, or dark where the rule is turned.

Other spots have one of the two alone, so that no single layer knows what both do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from rasterio.transform import from_origin

from tests import tiny

SIDE_M = 40_000.0
CELL_M = 500.0
CELLS = int(SIDE_M / CELL_M)
DEPOSITS = 16


def make(root: Path, **regions: dict[str, Any]) -> Path:
    """Write regions by name, `root` below; each with the words of `region`: seed, deposits, sign, shift, blind, changes."""
    for folder in ("regions", "validation"):
        (root / "configs" / folder).mkdir(parents=True, exist_ok=True)
    protocol = {"title": "spatial blocks", "split": {"kind": "square_blocks", "block_km": 8, "folds": 3}, "seeds": 1}
    (root / "configs" / "validation" / "default.yaml").write_text(yaml.safe_dump(protocol))
    for name, words in regions.items():
        region(root, name, **words)
    return root


def region(
    root: Path, name: str, *, seed: int, deposits: int = DEPOSITS, sign: float = 1.0, shift: float = 0.0, north: float = 0.0, noise: float = 0.3,
    planted: str = "sought", others: int = 3, **changes: Any,
) -> None:  # fmt: skip
    """`deposits` of the type `planted` in glow and sheen of `sign`, `others` of another type anywhere; all in the south where the `north` is brighter.

    `shift` is added to both layers, noise has a deviation of `noise`. `changes` are sections of its YAML.
    """
    rng = np.random.default_rng(seed)
    (root / name).mkdir(exist_ok=True)
    x, y = rng.uniform(1500, SIDE_M - 1500, (2, deposits + others))
    if north:
        y = y / 2.5
    lon, lat = tiny.to_lonlat(x, y)
    types = [planted] * deposits + ["other"] * others
    pd.DataFrame({"name": [f"{name} {i}" for i in range(len(x))], "lon": lon, "lat": lat, "type": types}).to_csv(root / name / "occurrences.csv", index=False)
    cols, rows = np.arange(CELL_M / 2, SIDE_M, CELL_M), np.arange(SIDE_M - CELL_M / 2, 0, -CELL_M)
    spots = rng.uniform(1500, SIDE_M - 1500, (2, 2, 20))  # ground that has one of the two and no deposit

    def spread(more: Any) -> Any:
        at = np.concatenate([np.stack([x, y])[:, :deposits], more], axis=1)
        near = np.min(np.hypot(cols[None, :, None] - at[0], rows[:, None, None] - at[1]), axis=-1)
        return sign * np.exp(-((near / 2000) ** 2)) + rng.normal(0, noise, near.shape) + shift + north * (rows > SIDE_M / 2)[:, None]

    save(root / name / "glow.tif", spread(spots[0]))
    save(root / name / "sheen.tif", spread(spots[1]))
    save(root / name / "height.tif", 800 + rng.normal(0, 100, (CELLS, CELLS)))
    write(root, name, **changes)


def write(root: Path, name: str, **changes: Any) -> None:
    """The YAML of a region, with sections replaced."""
    (root / "configs" / "regions" / f"{name}.yaml").write_text(yaml.safe_dump(said(name) | changes, sort_keys=False))


def said(name: str) -> dict[str, Any]:
    """The YAML of a region as it is when nothing is replaced."""
    return {
        "region": {"name": name, "title": f"Region {name}", "crs": tiny.CRS, "cell_m": CELL_M, "tile": 32, "bounds": [0, 0, SIDE_M, SIDE_M]},
        "system": {"name": "sought", "title": "Sought", "setting": "made ground", "analogue_of": {n: f"{n} was made alike" for n in ("own", "alike", "third")}},
        "sources": {
            "glow": {"use": "raster", "path": f"{name}/glow.tif", "units": "1"},
            "sheen": {"use": "raster", "path": f"{name}/sheen.tif", "units": "1"},
            "height": {"use": "raster", "path": f"{name}/height.tif", "units": "m"},
            "occurrences": {
                "use": "points", "path": f"{name}/occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat", "deposit_type": "type"},
            },
        },
        "features": {
            "halo": {"use": "focal_mean", "of": "glow", "radius_m": 1500},
            "shine": {"use": "focal_mean", "of": "sheen", "radius_m": 1500},
            "high": {"use": "value", "of": "height"},
        },
        "label": {"occurrences": "occurrences", "deposit_type": ["sought"], "group_within_m": 600},
        "background": {"per_positive": 10, "at_least": 300, "exclude_m": 1000},
        "model": {"use": "random_forest", "bags": 3, "trees_per_bag": 5},
        "targets": {"min_area_km2": 1},
        "run": {"workers": 0, "cache": "cache", "outputs": "outputs"},
    }  # fmt: skip
def save(path: Path, values: Any) -> None:
    """One band on the grid of every region."""
    tiny.save(path, values.astype("float32"), tiny.CRS, from_origin(0, SIDE_M, CELL_M, CELL_M), nodata=None)


def cells(frame: pd.DataFrame) -> list[tuple[int, int]]:
    """The row and column of each occurrence."""
    x, y = tiny.from_lonlat(frame.lon.to_numpy(), frame.lat.to_numpy())
    return [(int((SIDE_M - b) // CELL_M), int(a // CELL_M)) for a, b in zip(x, y, strict=True)]
