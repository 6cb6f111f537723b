"""Composites made the plain way: whole files, the whole grid, loops and sorting, to hold the pipeline's against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.grid import Grid, Window
from pipeline.warp import read_onto

Array = np.ndarray[Any, Any]
Item = dict[str, Any]


def onto(folder: Path, item: Item, key: str, grid: Grid, how: Any, band: int = 1) -> Array:
    """Stored values of one file on the whole grid, from disk."""
    path = folder / item["assets"][key]["href"].split("/", 3)[3]
    return read_onto(path, band=band, window=Window(grid, 0, 0, *grid.shape), resampling=how, nodata=0)[0]


def median(
    folder: Path, items: list[Item], roles: tuple[str, ...], grid: Grid, mask: str, is_clear: Callable[[int], bool], light: Callable[[Item, str, Array], Array]
) -> tuple[list[Array], Array]:
    """Medians of each role and the count of clear looks; neighbours of one pass are one look, the first clear one (by id) counts."""
    looks: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda i: i["id"]):
        looks.setdefault(item["properties"]["datetime"][:10] + item["properties"]["platform"], []).append(item)
    cells = grid.shape[0] * grid.shape[1]
    seen: list[list[list[float]]] = [[[] for _ in range(cells)] for _ in roles]
    count = np.zeros(cells)
    for members in looks.values():
        taken = np.zeros(cells, bool)
        for item in members:
            codes, under = (onto(folder, item, mask, grid, how).ravel() for how in ("mode", "nearest"))
            mine = ~taken & np.isfinite(under) & np.array([bool(np.isfinite(code) and is_clear(int(code))) for code in codes])
            taken |= mine
            for role, lists in zip(roles, seen, strict=True):
                values = light(item, role, onto(folder, item, role, grid, "bilinear")).astype(np.float32).ravel()
                for cell in np.flatnonzero(mine & np.isfinite(values)):
                    lists[cell].append(values[cell])
        count += taken
    return [np.array([_middle(values) for values in lists], np.float32).reshape(grid.shape) for lists in seen], count.reshape(grid.shape)


def sentinel2_light(item: Item, _: str, counts: Array) -> Array:
    """Reflectance of Sentinel-2 counts."""
    said = item["properties"]
    added = float(said["s2:processing_baseline"]) >= 4 and not said.get("earthsearch:boa_offset_applied")
    return counts * 0.0001 + (-0.1 if added else 0.0)


def landsat_light(_: Item, role: str, counts: Array) -> Array:
    """Reflectance of Landsat counts, kelvin of its thermal band."""
    return counts * 0.00341802 + 149.0 if role == "lwir11" else counts * 0.0000275 - 0.2


def _middle(values: list[float]) -> Any:
    if not values:
        return np.nan
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else np.mean(np.array(ordered[half - 1 : half + 1], np.float32))
