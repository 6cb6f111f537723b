"""Aligned vector tables: one FlatGeobuf per source, in the grid's CRS, asked for by bounds; nothing depends on its row order."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from pipeline.errors import StoreError
from pipeline.grid import Grid, Index
from pipeline.recipe import Array, Vector

if TYPE_CHECKING:
    import geopandas as gpd

Bounds = tuple[float, float, float, float]

SURE_M = 1.0  # the file is asked for a little more than wanted; what touches is then judged by one exact rule
DIGEST = 16  # bytes


def store(frame: gpd.GeoDataFrame, path: Path, *, layer: str | None = None) -> None:
    """Write a table as FlatGeobuf, rows in the order of `ordered`; atomic. StoreError when it cannot be written."""
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.fgb")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = ordered(frame)
        index = "NO" if kept.empty else "YES"  # an index over no features is refused by the driver
        how = {"SPATIAL_INDEX": index, "geometry_type": "Unknown", "promote_to_multi": False}  # shapes come back as they were
        kept.to_file(partial, layer=layer or path.stem, driver="FlatGeobuf", engine="pyogrio", **how)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # pyogrio's errors are RuntimeErrors
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StoreError(
            f"{path.name}: the aligned table cannot be written ({error}); free some space or give another folder with --set run.cache=..."
        ) from error


def ordered(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows in an order that follows from their content alone: by bounds, then by digest; index 0, 1, 2 ..."""
    geometry = np.asarray(frame.geometry.array)
    columns = {str(name): frame[name].to_numpy() for name in frame.columns if name != frame.geometry.name}
    return frame.iloc[_order(geometry, columns)].reset_index(drop=True)


def touching(path: Path, bounds: Bounds) -> Vector:
    """The features that share a point with the bounds (xmin, ymin, xmax, ymax; metres, edges included), in the order of `ordered`."""
    xmin, ymin, xmax, ymax = bounds
    geometry, columns = _read(path, (xmin - SURE_M, ymin - SURE_M, xmax + SURE_M, ymax + SURE_M))
    kept = np.flatnonzero(shapely.intersects(geometry, shapely.box(*bounds)))
    geometry, columns = geometry[kept], {name: values[kept] for name, values in columns.items()}
    order = _order(geometry, columns)
    return Vector(geometry[order], {name: values[order] for name, values in columns.items()})


def window_digests(path: Path, grid: Grid, reach_m: float) -> dict[Index, str]:
    """For each tile, a digest of the features `touching` gives for its bounds grown by `reach_m`: geometry and columns.

    It changes when one of them changes, comes or goes, and with nothing else: neither the order of the file nor features
    out of reach. A tile nothing touches has the digest of nothing.
    """
    geometry, columns = _read(path, None)
    features = _digests(geometry, columns)
    rank = np.lexsort(features.T[::-1])
    tiles = list(grid.tiles())
    boxes = shapely.box(*np.array([_grown(grid.window(tile).bounds, reach_m) for tile in tiles]).T)
    tree = shapely.STRtree(geometry[rank])
    box, feature = tree.query(boxes, predicate="intersects")
    order = np.lexsort((feature, box))
    said, ends = features[rank][feature[order]], np.searchsorted(box[order], np.arange(len(tiles) + 1))
    return {
        tile: hashlib.sha256(said[first:last].tobytes()).hexdigest() for tile, first, last in zip(tiles, ends[:-1], ends[1:], strict=True)
    }  # fmt: skip


def tiles_touched(path: Path, grid: Grid) -> frozenset[Index]:
    """The tiles that share a point with a feature of the table, edges included."""
    tiles = list(grid.tiles())
    boxes = shapely.box(*np.array([grid.window(tile).bounds for tile in tiles]).T)
    found = shapely.STRtree(_read(path, grid.bounds)[0]).query(boxes, predicate="intersects")[0]
    return frozenset(tiles[i] for i in found.tolist())


def _read(path: Path, bounds: Bounds | None) -> tuple[Array, dict[str, Array]]:
    from pyogrio.raw import read

    try:
        meta, _, wkb, fields = read(path, bbox=bounds)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"{path.name}: the aligned table cannot be read ({error}); delete it from the cache and run again") from error
    return shapely.from_wkb(wkb), dict(zip(map(str, meta["fields"]), fields, strict=True))


def _order(geometry: Array, columns: dict[str, Array]) -> Array:
    keys = np.hstack([shapely.bounds(geometry).reshape(-1, 4), _digests(geometry, columns).view(">u8").astype(np.float64)])
    return np.lexsort(keys.T[::-1])


def _digests(geometry: Array, columns: dict[str, Array]) -> Array:
    """(n, DIGEST) uint8: BLAKE2b of each feature's WKB and of what its columns say."""
    texts = [[f"{name}={_text(v)}" for v in columns[name].tolist()] for name in sorted(columns)]
    rows = zip(*texts, strict=True) if texts else [()] * len(geometry)
    wkb = shapely.to_wkb(geometry, byte_order=1)
    said = [hashlib.blake2b(shape + "\x1f".join(row).encode(), digest_size=DIGEST).digest() for shape, row in zip(wkb, rows, strict=True)]
    return np.frombuffer(b"".join(said), np.uint8).reshape(-1, DIGEST)


def _text(value: Any) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def _grown(bounds: Bounds, reach_m: float) -> Bounds:
    return bounds[0] - reach_m, bounds[1] - reach_m, bounds[2] + reach_m, bounds[3] + reach_m
