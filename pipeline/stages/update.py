"""Update: what has changed on the map since its model was fitted, beyond what it changes by from season to season; and which targets that moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from pipeline.cube import REGION, LayerMeta
from pipeline.grid import Grid, Index, Window
from pipeline.node import Call, Elsewhere, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Fit, Layer, Layers, Vector

EPOCH = 3
STAGE = "update"
BEYOND = 3.0  # times its noise that a change must be
FIXED = 2**30  # variances of 0 to 1/4 as integers, so that their sum is the same for any tiles
FIT_BYTES = 400_000_000


def as_fitted(grid: Grid, prefix: str, *, synthetic: bool) -> LayerNode:
    """`<prefix>/as_fitted`: the map as it was when its model was fitted, which updates leave alone."""
    meta = _meta(grid, f"{prefix}/as_fitted", "Prospectivity when the model was fitted, relative, 0 to 1", synthetic=synthetic)
    return LayerNode(meta.name, STAGE, Call(kept, {}, {"prospectivity": (f"{prefix}/prospectivity",)}), (meta,))


def nodes(
    grid: Grid, *, prefix: str, without: tuple[str, ...], reached: frozenset[Index], mapped: frozenset[Index], shown: frozenset[Index], fresh: frozenset[Index],
    fitted: Elsewhere, least_cells: int, excluded: Mapping[str, tuple[Table, Table, float]], synthetic: bool,
) -> list[Node]:  # fmt: skip
    """`<prefix>/noise` where maps `without` each season were made, `<prefix>/change`, `<prefix>/patches` of it, and `<prefix>/standing`, the ground of targets.

    `reached`: the tiles whose map has another key than when it was fitted, or where there was none or is none any more, as an outline moved; `mapped`: those
    of them where there is one; `shown`: those of `change` that may hold anything; `fresh`: those where there was none. `fitted`: the pieces as fitted.
    `excluded`: tables of excluded ground that changed, as they were and are, and how far around.
    """
    here, before = f"{prefix}/prospectivity", f"{prefix}/as_fitted"
    made: list[Node] = []
    if without:
        gather = Call(seasons_apart, {}, {"without": without})
        made.append(FitNode(f"{prefix}/noise", STAGE, Call(noise, {"seasons": len(without)}), gather, 1_000_000, of_map=True, tiles=mapped))
    fits = {"noise": made[0].name} if made else {}
    layers = {"prospectivity": (here,), "before": (before,), "region": (REGION,)}
    since = {"fresh": sorted(fresh & shown)}
    meta = _meta(grid, f"{prefix}/change", "Change of prospectivity since the model was fitted, where beyond noise", synthetic=synthetic)
    made.append(LayerNode(meta.name, STAGE, Call(change, since, layers | {"without": without}, fits=fits), (meta,), tiles=shown))
    gather = Call(changed_ground, since | {"least_cells": least_cells}, layers | {"change": (meta.name,)})
    made.append(FitNode(f"{prefix}/patches", STAGE, Call(patches, {"least_cells": least_cells}), gather, FIT_BYTES, of_map=True, tiles=reached))
    vectors = {f"{word}_{name}": table for name, (was, now, _) in excluded.items() for word, table in (("was", was), ("now", now))}
    around = {name: within_m for name, (_, _, within_m) in excluded.items()}
    call = Call(
        standing, {"around": around}, vectors=vectors, fits={"pieces": f"{prefix}/pieces", "patches": made[-1].name}, elsewhere={"fitted": fitted}
    )
    made.append(FitNode(f"{prefix}/standing", STAGE, call, None, FIT_BYTES, of_map=True))
    return made


def _meta(grid: Grid, name: str, long_name: str, *, synthetic: bool) -> LayerMeta:
    return LayerMeta(name, "float32", "1", long_name, "prospect", "see provenance.json", grid.cell_m, synthetic)


def kept(*, prospectivity: Layer) -> Array:
    """The map as it is: a copy that stays when the map goes on."""
    return np.array(prospectivity.values)


def variance(without: Array) -> Array:
    """The map's own variance from season to season, (y, x) float64, from maps (n, y, x) each made without one season's looks, by the same model; NaN where
    fewer than two know a cell. The jackknife: (n - 1) / n times the sum of squares about their mean (Efron and Stein 1981)."""
    values = without.astype(np.float64)
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    return np.where(count >= 2, squares * (count - 1) / np.maximum(count, 1), np.nan)


def seasons_apart(*, without: Layers) -> dict[str, Array]:
    """This tile's sum of variances between seasons, as an integer, and its cells that have one."""
    found = variance(np.stack([layer.values for layer in without]))
    known = ~np.isnan(found)
    return {"sum": np.array(np.rint(found[known] * FIXED).astype(np.int64).sum(), np.int64), "cells": np.array(np.count_nonzero(known))}


def noise(*, parts: list[dict[str, Array]], seasons: int) -> dict[str, Any]:
    """The standard deviation of the map from season to season over all the ground looked at again, `sd` (None: no cell told), and from how many."""
    cells = sum(int(part["cells"]) for part in parts)
    total = sum(int(part["sum"]) for part in parts)
    return {"sd": float(np.sqrt(total / FIXED / cells)) if cells else None, "cells": cells, "seasons": seasons}


def change(
    *, prospectivity: Layer, before: Layer, region: Layer, without: Layers, at: Window, fresh: list[tuple[int, int]], noise: Fit | None = None
) -> Array:
    """What was added to the map since its model was fitted, (y, x) float32; NaN where that is within three times its noise, or either map has no value.

    The noise is the cell's own standard deviation between seasons, but no less than that of all ground looked at again: of two or three seasons
    one cell tells little. Without seasons there is no noise to tell, and every difference is given.
    """
    here, then = _maps(prospectivity, before, region, at, fresh)
    difference = here.astype(np.float64) - then
    limit = np.zeros(difference.shape)
    if noise is not None:
        own = np.sqrt(np.nan_to_num(variance(np.stack([layer.values for layer in without]))))
        limit = BEYOND * np.maximum(own, noise.value["sd"] or 0.0)
    told = np.abs(np.nan_to_num(difference)) > limit
    return np.where(told, difference, np.nan).astype(np.float32)


def _maps(prospectivity: Layer, before: Layer, region: Layer, at: Window, fresh: list[tuple[int, int]]) -> tuple[Array, Array]:
    """The map now, missing off the region, and as it was fitted, missing on `fresh` tiles: what the store holds there is of other maps."""
    here = np.where(np.isnan(region.values), np.float32(np.nan), prospectivity.values)
    then = np.full_like(here, np.nan) if at.tile in map(tuple, fresh) else before.values
    return here, then


def changed_ground(
    *, prospectivity: Layer, before: Layer, region: Layer, change: Layer, at: Window, fresh: list[tuple[int, int]], least_cells: int
) -> dict[str, Array]:
    """The connected pieces of this tile that changed, or gained or lost a value: see `pieces.describe`."""
    from pipeline.spatial import pieces

    here, then = _maps(prospectivity, before, region, at, fresh)
    moved = ~np.isnan(change.values) | (np.isnan(here) != np.isnan(then))
    size = np.nan_to_num(np.abs(change.values))
    return pieces.describe(moved, size, np.zeros_like(size), tile=at.tile, transform=at.grid.affine(at.r0, at.c0), least_cells=least_cells)


def patches(*, parts: list[dict[str, Array]], least_cells: int) -> list[dict[str, Any]]:
    """Changed ground at least as large as a target must be: outline, cells and mean size of the change."""
    from pipeline.spatial import pieces

    found = pieces.joined(parts, least_cells=least_cells)
    return [{"cells": one.cells, "mean": round(one.mean, 6), "wkb": shapely.to_wkb(one.polygon, byte_order=1)} for one in found]


def standing(
    *, pieces: Fit, fitted: Fit, patches: Fit, around: Mapping[str, float], **vectors: Vector
) -> list[dict[str, Any]]:  # fmt: skip
    """The ground of targets: as it was when the model was fitted where nothing moved, as it is now where something did; best cell first.

    Pieces of then and now that overlap are one matter. It has moved when any of them meets a patch of changed ground, or excluded ground that came or
    went. What only trembles within the noise of the seasons keeps its outline and its numbers, and what they would make appear or go does not.
    """
    old, new = fitted.value, pieces.value
    shapes = np.array([shapely.from_wkb(one["wkb"]) for one in (*old, *new)], object)
    moved = np.array([shapely.from_wkb(one["wkb"]) for one in patches.value], object)
    moved = np.concatenate([moved, *(_came_or_went(vectors[f"was_{name}"], vectors[f"now_{name}"], within_m) for name, within_m in around.items())])
    if not len(shapes):
        return []
    group = _matters(shapes, len(old))
    touched = set(group[_overlapping(shapes, moved)[0]].tolist()) if len(moved) else set()
    taken = [one for i, one in enumerate((*old, *new)) if (group[i] in touched) == (i >= len(old))]
    return sorted(taken, key=lambda t: (-t["max_prospectivity"], -t["mean_prospectivity"], t["wkb"]))


def _matters(shapes: Array, old: int) -> Array:
    """Which matter each piece is of."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = _overlapping(shapes[:old], shapes[old:])
    links = coo_array((np.ones(one.size, bool), (one, other + old)), shape=(len(shapes), len(shapes)))
    return np.asarray(connected_components(links, directed=False)[1])


def _overlapping(shapes: Array, others: Array) -> tuple[Array, Array]:
    """Pairs that share ground, not only an edge."""
    if not len(shapes) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    one, other = shapely.STRtree(others).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[one], others[other])) > 0
    return one[shared], other[shared]


def _came_or_went(was: Vector, now: Vector, within_m: float) -> Array:
    held = [{shapely.to_wkb(shape) for shape in table.geometry} for table in (was, now)]
    rows = [shapely.from_wkb(shape) for shape in sorted(held[0] ^ held[1])]
    return np.array([shapely.buffer(row, within_m, quad_segs=16) if within_m else row for row in rows], object)


def told_of_noise(found: Mapping[str, Any], *, refit: bool) -> str:
    """What noise changes were held against, in a sentence."""
    if refit:
        return "Everything was fitted again, so every value may differ: there is no change.tif, and the map before is beside this one to compare with."
    if found["sd"] is None:
        return (
            "The noise of the map was not measured: nothing it rests on was looked at in two seasons or more where it changed, so every difference is given as a "
            "change. The spread between refits is not that noise."
        )
    return (
        f"The noise of the map is {found['sd']:.4f} (standard deviation from season to season, by the same model on {found['seasons']} maps that each leave a "
        f"season out, over {found['cells']:,} cells looked at again); a change is more than {BEYOND:g} times that of its cell, and of this."
    )


def too_old(
    *, since: str, then: float | None, now: float | None, unlearnt: int, learnt: int, drift_limit: float, unlearnt_limit: float, region: str
) -> list[str]:  # fmt: skip
    """What a model fitted at `since` does not know, and whether it should be fitted again: for the share of ground on which it may be believed, and the
    deposits it has not learnt from."""
    told, why = [], list[str]()
    if unlearnt:
        told.append(f"{unlearnt} of {learnt + unlearnt} known deposits came or moved since the model was fitted, {since}: it has not learnt from them")
    if then is not None and now is not None and abs(now - then) > drift_limit:
        why.append(f"the share of ground like what taught it went from {then:.1%} to {now:.1%} (update.drift_limit {drift_limit:g})")
    if unlearnt and unlearnt > unlearnt_limit * (learnt + unlearnt):
        why.append(f"it has not learnt from {unlearnt} of {learnt + unlearnt} known deposits (update.unlearnt_limit {unlearnt_limit:g})")
    return [*told, *([f"the model is too old, fitted {since}: {'; and '.join(why)}; fit again with `prospect update {region} --refit`"] if why else [])]
