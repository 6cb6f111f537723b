"""Faults: the published active ones, which host no ore here, and the planted old ones, which do.

The old faults are bent so that each trusted real deposit of their system lies about a kilometre from one:
evidence is simulated conditional on the real occurrences.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, MultiPoint, Point
from shapely.geometry.base import BaseGeometry

from sample_data.world.facts import in_metres, shapes, trusted
from sample_data.world.frame import CRS, Floats, stream

KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class Faults:
    """Lines in metres: `table` (name, kind, kinematics, confidence, geometry) and the points that matter, (n,
    2).
    """

    table: gpd.GeoDataFrame
    arc: list[BaseGeometry]
    rift: list[BaseGeometry]
    crossings: Floats
    steps: Floats


def _metres(coordinates: Floats) -> BaseGeometry:
    line: BaseGeometry = gpd.GeoSeries([LineString(coordinates)], crs=4326).to_crs(CRS).iloc[0]
    return line


def _pulled(along: Floats, across: Floats, anchors: Floats, *, reach: float, within: float) -> Floats:
    """`across` bent towards anchors (along, across) that lie within a distance; all in degrees, bump width
    `reach`.
    """
    out = across.copy()
    for at, target in anchors:
        here = float(np.interp(at, along, across))
        if abs(target - here) < within:
            out += (target - here) * np.exp(-((along - at) ** 2) / (2.0 * reach**2))
    return out


def _nearest(anchors: Floats, level: float, levels: tuple[float, ...]) -> Floats:
    """Those anchors (along, across) whose nearest level is this one."""
    if not len(anchors):
        return anchors
    best = np.argmin(np.abs(anchors[:, 1:2] - np.asarray(levels)[None, :]), axis=1)
    return np.asarray(anchors[np.asarray(levels)[best] == level], dtype=np.float64)


def _arc_parallel(seed: int, anchors: Floats) -> list[Floats]:
    levels = (29.0, 29.2, 29.4)
    lines = []
    for i, level in enumerate(levels):
        rng = stream(seed, f"arc fault {i}")
        lon = np.arange(61.3, 65.05, 0.05)
        wiggle = 0.02 * np.cumsum(rng.standard_normal(len(lon))) / np.sqrt(len(lon)) * 3.0
        lat = level - 0.02 * (lon - 63.2) + wiggle - wiggle.mean()
        lat = _pulled(lon, lat, _nearest(anchors, level, levels) + np.array([0.0, 0.01]), reach=0.12, within=0.3)
        lines.append(np.column_stack([lon, lat]))
    return lines


def _cross(seed: int, anchors: Floats) -> list[Floats]:
    """North-north-west faults every 40 to 60 km along the arc, some of them through the anchors."""
    rng = stream(seed, "cross faults")
    at, lines = 61.4, []
    degree_km = KM_PER_DEGREE * np.cos(np.radians(29.2))
    while at < 65.3:
        close = anchors[np.abs(anchors[:, 0] - at) < 0.22] if len(anchors) else anchors
        lat = np.linspace(28.4, 29.75, 28)
        middle, height = (float(close[0, 0]) + 0.01, float(close[0, 1])) if len(close) else (at, 29.2)
        lon = middle - 0.22 * (lat - height) + 0.01 * np.sin(4.0 * (lat - height))
        lines.append(np.column_stack([lon, lat]))
        at = max(at, middle) + rng.uniform(40.0, 60.0) / degree_km * (0.8 if len(close) else 1.0)
    return lines


def _rift(seed: int, anchors: Floats) -> tuple[list[Floats], Floats]:
    """Three north-south lines broken every 20 to 30 km; returns the segments and their ends, all (n, 2) lon
    lat.
    """
    levels = (66.5, 66.7, 66.9)
    segments: list[Floats] = []
    for i, level in enumerate(levels):
        rng = stream(seed, f"rift fault {i}")
        south = 25.6
        while south < 28.4:
            north = min(28.4, south + rng.uniform(20.0, 30.0) / KM_PER_DEGREE)
            lat = np.linspace(south, north, 12)
            lon = level + rng.uniform(-0.03, 0.03) + rng.uniform(-0.02, 0.02) * (lat - south) / (north - south)
            mine = _nearest(anchors, level, levels)
            mine = mine[(mine[:, 0] >= south) & (mine[:, 0] < north)]
            lon = _pulled(lat, lon, mine + np.array([0.0, 0.008]), reach=0.1, within=0.15)
            segments.append(np.column_stack([lon, lat]))
            south = north + rng.uniform(1.0, 3.0) / KM_PER_DEGREE
    ends = np.array([end for segment in segments for end in (segment[0], segment[-1])])
    return segments, ends


def plant(seed: int) -> Faults:
    """All faults of one world, bent towards the trusted real porphyry and zinc-lead occurrences."""
    copper = trusted("porphyry Cu")[["lon", "lat"]].to_numpy(dtype=float)
    zinc = trusted("sediment-hosted Zn-Pb")[["lat", "lon"]].to_numpy(dtype=float)
    parallel = [_metres(line) for line in _arc_parallel(seed, copper)]
    cross = [_metres(line) for line in _cross(seed, copper)]
    segments, ends = _rift(seed, zinc)
    rift = [_metres(line) for line in segments]
    meet = [point for a in parallel for b in cross for point in _points(a.intersection(b))]
    steps = np.array([line.coords[0] for line in (_metres(np.vstack([end, end + 0.001])) for end in ends)])
    planted = gpd.GeoDataFrame(
        {
            "name": [f"planted arc-parallel fault {i + 1}" for i in range(len(parallel))]
            + [f"planted cross fault {i + 1}" for i in range(len(cross))]
            + [f"planted inverted rift fault {i + 1}" for i in range(len(rift))],
            "kind": "old",
            "kinematics": ["pre-Neogene, not active"] * (len(parallel) + len(cross)) + ["normal, inverted"] * len(rift),
            "confidence": "synthetic",
            "synthetic": True,
        },
        geometry=parallel + cross + rift,
        crs=CRS,
    )
    active = in_metres(shapes("active_faults"))[["name", "kind", "kinematics", "confidence", "geometry"]]
    active = active.assign(synthetic=False)
    table = gpd.GeoDataFrame(pd.concat([active, planted], ignore_index=True), crs=CRS)
    return Faults(table, parallel + cross, rift, np.array(meet), steps)


def _points(geometry: BaseGeometry) -> list[tuple[float, float]]:
    parts = geometry.geoms if isinstance(geometry, MultiPoint) else [geometry]
    return [(part.x, part.y) for part in parts if isinstance(part, Point)]
