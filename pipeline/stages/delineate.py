"""Delineate: pieces of high ground from the map, tile by tile, joined across seams, less the ground that is excluded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.config.frame import Prior
from pipeline.config.targets import Exclude
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Cells, Fit, Layer, Layers, Vector
from pipeline.stages import believe, expect

EPOCH = 7
STAGE = "delineate"
PIECES_BYTES = 400_000_000
AT_ONCE = 16  # outlines: on noisy ground one may have a hundred thousand points


def nodes(
    loaded: Loaded, grid: Grid, *, prefix: str, tables: Mapping[str, Table], layers: Mapping[str, LayerMeta], deposits: Mapping[str, list[Any]],
    prior: Prior | None, dense: bool,
) -> list[Node]:  # fmt: skip
    """One mask per excluded table, then `<prefix>/pieces`: the ground that becomes targets.

    `dense`: whether the map tells the density of deposits (see `expect`). ConfigError for a vector or layer that is not there.
    """
    config, targets = loaded.config, loaded.config.targets
    for place, one in enumerate(targets.exclude):
        _known(loaded, one.of, tables, "targets", "exclude", str(place))
    if targets.districts:
        _known(loaded, targets.districts, tables, "targets", "districts")
    for word in ("elevation", "clear_looks"):
        name = getattr(targets, word)
        if name is not None and (name not in layers or layers[name].dtype != "float32"):
            continuous = [meta.name for meta in layers.values() if meta.dtype == "float32"]
            raise ConfigError(f"{loaded.where('targets', word)}: {registry.unknown('continuous layer', name, continuous)}")
    if targets.times_mean_density is not None and not dense:
        raise ConfigError(
            f"{loaded.where('targets', 'times_mean_density')}: only a model that learns from deposits, with background.kind uniform, tells how dense "
            "they are; use targets.area_share"
        )
    masks = [_mask(grid, one, tables[one.of]) for one in targets.exclude]
    slopes = [_slope(grid, prefix, layers[targets.elevation])] if targets.elevation else []
    read = {
        "prospectivity": (f"{prefix}/prospectivity",), "uncertainty": (f"{prefix}/uncertainty",), "applicability": (f"{prefix}/applicability",),
        "kind": (f"{prefix}/evidence_kind",) if config.applicability.measured else (), "excluded": tuple(n.name for n in masks),
        "tract": expect.tract(prefix, prior) if dense else (), "cover": tuple(cover.of for cover in config.applicability.cover),
        "elevation": (targets.elevation,) if targets.elevation else (), "slope": tuple(n.name for n in slopes),
        "looks": (targets.clear_looks,) if targets.clear_looks else (),
    }  # fmt: skip
    least_cells = math.ceil(targets.min_area_km2 * 1e6 / grid.cell_m**2)
    said = {
        "least_cells": least_cells, "covers": [cover.model_dump(mode="json") for cover in config.applicability.cover],
        **expect.away(deposits, targets.known_within_m),
    }  # fmt: skip
    fits = {"edges": f"{prefix}/edges"} | ({"exponent": f"{prefix}/exponent"} if dense else {})
    gather = Call(high_ground, said, read, fits=fits)
    joining = {
        "cell_m": grid.cell_m, "least_cells": least_cells, "min_area_km2": targets.min_area_km2,
        "excluded": [one.model_dump(mode="json") for one in targets.exclude],
    }  # fmt: skip
    vectors = {one.of: tables[one.of] for one in targets.exclude}
    return [*masks, *slopes, FitNode(f"{prefix}/pieces", STAGE, Call(joined, joining, vectors=vectors), gather, PIECES_BYTES, of_map=True)]


def _known(loaded: Loaded, name: str, tables: Mapping[str, Table], *spot: str) -> None:
    if name not in tables:
        told = f"{name!r}, which is not among the sources ({', '.join(sorted(tables)) or 'none'})"
        raise ConfigError(f"{loaded.where(*spot)}: targets name the vector {told}")


def _mask(grid: Grid, one: Exclude, table: Table) -> LayerNode:
    near = f", and within {one.within_m:g} m of it" if one.within_m else ""
    meta = LayerMeta(f"excluded_{one.of}", "float32", "1", f"1 inside {one.of}{near}", one.of, "see sources", grid.cell_m)
    return LayerNode(meta.name, STAGE, Call(inside, {"within_m": one.within_m}, vectors={"areas": table}, reach_m=one.within_m), (meta,))


def _slope(grid: Grid, prefix: str, of: LayerMeta) -> LayerNode:
    """A layer of its own: it looks at the cells around, and read beside them the whole map would be wanted there."""
    meta = LayerMeta(f"{prefix}/slope", "float32", "degree", f"Slope of {of.long_name}", of.name, of.licence, of.native_m, of.synthetic)
    return LayerNode(meta.name, STAGE, Call(steepness, {}, {"elevation": (of.name,)}, reach_m=grid.cell_m), (meta,))


def steepness(*, elevation: Layer) -> Array:
    """The slope in degrees, (y, x) float32: see `terrain.slope_degrees`."""
    from pipeline.spatial import terrain

    return np.asarray(terrain.slope_degrees(elevation.values, cell_m=elevation.cell_m), np.float32)


def inside(*, at: Cells, areas: Vector, within_m: float) -> Array:
    """1 where the cell's centre lies in one of the areas or within `within_m` of them, 0 elsewhere; (y, x) float32.

    DataError for points or lines within 0 m of which nothing can lie.
    """
    from pipeline.spatial import outline

    shapes = _grown(areas.geometry, within_m)
    return outline.inside(shapes, at.x, at.y).astype(np.float32)


def _grown(geometry: Array, within_m: float) -> Array:
    import shapely

    if not within_m and (shapely.get_dimensions(geometry) < 2).any():
        raise DataError("targets exclude points or lines, which have no ground of their own; say how far around with `within_m:`")
    return np.asarray(shapely.buffer(geometry, within_m, quad_segs=16)) if within_m else geometry


def high_ground(
    *, prospectivity: Layer, uncertainty: Layer, applicability: Layer, kind: Layers, excluded: Layers, tract: Layers, cover: Layers,
    elevation: Layers, slope: Layers, looks: Layers, edges: Fit, at: Window, least_cells: int, covers: list[dict[str, Any]], x_m: list[float],
    y_m: list[float], known_within_m: float, exponent: Fit | None = None,
) -> dict[str, Array]:  # fmt: skip
    """The connected pieces of this tile above the target edge, outside excluded ground, and what lies on them."""
    from pipeline.spatial import pieces

    values = prospectivity.values
    high = values > edges.value["edges"][4]
    for layer in excluded:
        high &= ~(layer.values > 0)
    more = {"mean_applicability": applicability.values}
    if kind:
        more["inferred_share"] = (kind[0].values == believe.INFERRED).astype(np.float32)
    if cover:
        seen = believe.seen_through(values.size, [layer.values.ravel() for layer in cover], covers)
        more["covered_share"] = (seen < 1).astype(np.float32).reshape(values.shape)
    if looks:
        more["clear_looks"] = looks[0].values
    ranges = {}
    if elevation:
        ranges["elevation_m"] = elevation[0].values
        ranges["slope_degree"] = slope[0].values
    amounts = None
    if exponent is not None:
        open_ground, _ = expect.undiscovered(
            values, [t.values for t in tract], exponent, at.x(), at.y(), at.grid.cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m
        )
        amounts = open_ground / expect.FIXED
    where = at.grid.affine(at.r0, at.c0)
    return pieces.describe(high, values, uncertainty.values, amounts, tile=at.tile, transform=where, least_cells=least_cells, more=more, ranges=ranges)


def joined(
    *, parts: list[dict[str, Array]], cell_m: float, least_cells: int, min_area_km2: float,
    excluded: list[dict[str, Any]], **vectors: Vector,
) -> list[dict[str, Any]]:  # fmt: skip
    """The pieces as plain rows, best cell first, with smooth outlines from which excluded ground is cut exactly, not by cells.

    A piece with less than `min_area_km2` left outside excluded ground is dropped. The best cell first and not the mean: a mean would put every small
    piece of middling ground before a large one with a rich core.
    """
    import shapely

    from pipeline.spatial import areas as named
    from pipeline.spatial import pieces, smoothing

    found, each = [], pieces.joined(parts, least_cells=least_cells)
    while held := list(itertools.islice(each, AT_ONCE)):
        rough, smooth = [p.polygon for p in held], [smoothing.smoothed(p.polygon, cell_m=cell_m) for p in held]
        for one in excluded:
            areas, within_m = vectors[one["of"]].geometry, one["within_m"]
            rough, smooth = (named.without(shapes, areas, within_m) for shapes in (rough, smooth))
        for piece, left, polygon in zip(held, rough, smooth, strict=True):
            if shapely.area(left) < min_area_km2 * 1e6 or shapely.is_empty(polygon):
                continue
            found.append(
                {
                    "area_km2": round(float(shapely.area(polygon)) / 1e6, 6), "mean_prospectivity": round(piece.mean, 6),
                    "max_prospectivity": round(piece.highest, 6), "mean_uncertainty": round(piece.spread, 6), "amount": piece.amount, "cells": piece.cells,
                    **{name: None if mean is None else round(mean, 6) for name, mean in piece.means.items()},
                    **{name: None if ends is None else [round(end, 3) for end in ends] for name, ends in piece.ranges.items()},
                    "best": list(piece.best), "wkb": shapely.to_wkb(polygon, byte_order=1),
                }
            )  # fmt: skip
    found.sort(key=lambda t: (-t["max_prospectivity"], -t["mean_prospectivity"], t["wkb"]))
    return found
