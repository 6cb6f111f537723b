"""Delineate: ranked target polygons from the map, tile by tile, pieces joined across seams."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.config.frame import Prior, Targets
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Grid, Window
from pipeline.learning.undiscovered import at_least_one, number_distribution
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Cells, Fit, Layer, Layers, Vector
from pipeline.spatial import outline, pieces
from pipeline.stages.believe import INFERRED

EPOCH = 3
STAGE = "delineate"


def nodes(
    grid: Grid, *, prefix: str, targets: Targets, tables: Mapping[str, Table], deposits: Mapping[str, list[Any]], where: str, kind: tuple[str, ...],
    prior: Prior | None,
) -> list[Node]:  # fmt: skip
    """One mask per excluded table, then `<prefix>/targets`; with a prior, what each is expected to hold. `kind` is the layer that tells
    measured from inferred evidence, if there is one."""
    made: list[Node] = []
    for key in (*targets.exclude, *((targets.districts,) if targets.districts else ())):
        if key not in tables:
            raise ConfigError(f"{where}: targets name the vector {key!r}, which is not among the sources ({', '.join(sorted(tables)) or 'none'})")
    for key in targets.exclude:
        meta = LayerMeta(f"excluded_{key}", "float32", "1", f"1 inside {key}", key, "see sources", grid.cell_m)
        made.append(LayerNode(meta.name, STAGE, Call(inside, vectors={"areas": tables[key]}), (meta,)))
    layers = {"prospectivity": (f"{prefix}/prospectivity",), "uncertainty": (f"{prefix}/uncertainty",), "excluded": tuple(n.name for n in made)}
    layers |= {"applicability": (f"{prefix}/applicability",), "kind": kind, "expected": (f"{prefix}/expected_deposits",) if prior else ()}
    least_cells = math.ceil(targets.min_area_km2 * 1e6 / grid.cell_m**2)
    said = {
        "tiles_shape": grid.tiles_shape, "cell_m": grid.cell_m, "least_cells": least_cells,
        "known_within_m": targets.known_within_m, "deposits": dict(deposits),
        "numbers": number_distribution(prior.n90, prior.n50, prior.n10).tolist() if prior else None,
    }  # fmt: skip
    gather = Call(high_ground, {"least_cells": least_cells}, layers, fits={"edges": f"{prefix}/edges"})
    return [*made, FitNode(f"{prefix}/targets", STAGE, Call(rank, said), gather, 400_000_000)]


def inside(*, at: Cells, areas: Vector) -> Array:
    """1 where the cell's centre lies in one of the areas, 0 elsewhere."""
    return outline.inside(areas.geometry, at.x, at.y).astype(np.float32)


def high_ground(
    *, prospectivity: Layer, uncertainty: Layer, applicability: Layer, kind: Layers, excluded: Layers, expected: Layers, edges: Fit, at: Window,
    least_cells: int,
) -> dict[str, Array]:  # fmt: skip
    """The connected pieces of this tile above the target edge, outside excluded ground."""
    high = prospectivity.values > edges.value["edges"][4]
    for layer in excluded:
        high &= ~(layer.values > 0)
    where = at.grid.affine(at.r0, at.c0)
    more = {"mean_applicability": applicability.values}
    if kind:
        more["inferred_share"] = (kind[0].values == INFERRED).astype(np.float32)
    amounts = expected[0].values if expected else None
    return pieces.describe(high, prospectivity.values, uncertainty.values, amounts, transform=where, least_cells=least_cells, more=more)


def rank(
    *, parts: list[dict[str, Array]], tiles_shape: tuple[int, int], cell_m: float, least_cells: int, known_within_m: float,
    deposits: Mapping[str, list[Any]], numbers: list[float] | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Targets by their best cell, new ground ranked, ground of known deposits kept apart without a rank.

    `numbers`, the chance of 0, 1, 2 ... undiscovered deposits in the tract, gives each the number it is expected to hold and the chance of
    one or more.

    The best cell and not the mean: a mean would put every small piece of middling ground before a large one with a rich core. A target
    carries its mean applicability and does not lose its rank for a low one: where to look and what to believe are two questions.
    """
    import shapely

    known = [shapely.Point(x, y) for x, y in zip(deposits["x"], deposits["y"], strict=True)]
    tree = shapely.STRtree(known)
    found = []
    for piece in pieces.joined(parts, tiles_shape, least_cells=least_cells):
        nearest = int(tree.nearest(piece.polygon)) if known else None
        distance = math.inf if nearest is None else float(shapely.distance(piece.polygon, known[nearest]))
        found.append(
            {
                "status": "known ground" if distance <= known_within_m else "new", "area_km2": round(piece.cells * cell_m**2 / 1e6, 6),
                "mean_prospectivity": round(piece.mean, 6), "max_prospectivity": round(piece.highest, 6),
                "mean_uncertainty": round(piece.spread, 6),
                **{name: _rounded(piece.means.get(name)) for name in ("mean_applicability", "inferred_share")},
                "best": list(piece.best), "nearest_known": None if nearest is None else deposits["name"][nearest],
                "nearest_known_km": None if nearest is None else round(distance / 1000, 3), "wkb": shapely.to_wkb(piece.polygon, hex=True),
            }
            | _held(piece.amount, numbers)
        )
    found.sort(key=lambda t: (t["status"] != "new", -t["max_prospectivity"], -t["mean_prospectivity"], t["wkb"]))
    for place, target in enumerate(found, 1):
        target["rank"] = place if target["status"] == "new" else None
    return found


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _held(amount: float, numbers: list[float] | None) -> dict[str, float]:
    if numbers is None:
        return {}
    mean = sum(n * chance for n, chance in enumerate(numbers))
    share = min(1.0, amount / mean)
    return {"expected_deposits": round(amount, 6), "p_at_least_one": round(at_least_one(np.array(numbers), share), 6)}
