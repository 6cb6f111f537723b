"""Expect: deposits still to be found, cell by cell: an expert's number for a tract, spread by the map's relative intensity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from pipeline import registry
from pipeline.config.frame import Background, Prior
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.learning.reliability import NO_SCALE, Scale, intensity
from pipeline.learning.undiscovered import number_distribution
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Cells, Fit, Layer, Layers, Vector
from pipeline.spatial import outline
from pipeline.stages import making

EPOCH = 1
STAGE = "predict"
PERMISSIVE = "permissive"  # the tract of this name is all the ground the map is made on
FIXED = 2**20  # intensities as integers: sums are then the same for any tiles, and 8e9 cells of the highest fit an int64


def nodes(
    grid: Grid, *, prefix: str, prior: Prior, background: Background, labelled: bool, told: Mapping[str, Any], tables: Mapping[str, Table],
    deposits: Mapping[str, list[Any]], known_within_m: float, synthetic: bool, where: str,
) -> list[Node]:  # fmt: skip
    """`<prefix>/tract` if it is a table, the fit of the tract's summed intensity, then `<prefix>/expected_deposits`.

    ConfigError for a tract that is no source, and for a model whose scores are no intensity.
    """
    if not labelled:
        raise ConfigError(f"{where}: a prior is spread by the density of deposits, and a model that learns from none gives no density; drop the prior")
    scale = making.scale(told)
    if scale is None:
        raise ConfigError(f"{where}: a prior is spread by the density of deposits, and {told['use']} gives none: {NO_SCALE}; drop the prior or use another model")
    if background.kind != "uniform":
        raise ConfigError(
            f"{where}: a prior is spread by the density of deposits over the ground, which only background.kind uniform can give; it is {background.kind}"
        )
    if prior.tract != PERMISSIVE and prior.tract not in tables:
        raise ConfigError(f"{where}: {registry.unknown('vector', prior.tract, [*tables, PERMISSIVE])}")
    made: list[Node] = []
    if prior.tract != PERMISSIVE:
        meta = LayerMeta(f"{prefix}/tract", "float32", "1", f"1 inside {prior.tract}", prior.tract, "see sources", grid.cell_m, synthetic)
        made.append(LayerNode(meta.name, STAGE, Call(inside, vectors={"areas": tables[prior.tract]}), (meta,)))
    layers = {"prospectivity": (f"{prefix}/prospectivity",), "tract": tuple(node.name for node in made)}
    said = {"x_m": list(deposits["x"]), "y_m": list(deposits["y"]), "known_within_m": known_within_m, "scale": scale}
    total = FitNode(f"{prefix}/intensity", STAGE, Call(summed, {"whole_tract": prior.tract}), Call(open_intensity, said, layers), 1_000_000)
    invented = "; the prior is invented" if prior.invented else ""
    mean = float(number_distribution(prior.n90, prior.n50, prior.n10) @ np.arange(prior.n10 + 1))
    meta = LayerMeta(
        f"{prefix}/expected_deposits", "float32", "1", f"Undiscovered deposits expected in the cell ({prior.model}){invented}", "prospect",
        "see provenance.json", grid.cell_m, synthetic or prior.invented,
    )  # fmt: skip
    spread = Call(expected, said | {"mean": mean}, layers, fits={"total": total.name})
    return [*made, total, LayerNode(meta.name, STAGE, spread, (meta,))]


def inside(*, at: Cells, areas: Vector) -> Array:
    """1 where the cell's centre lies in the tract, 0 elsewhere; (y, x) float32."""
    return outline.inside(areas.geometry, at.x, at.y).astype(np.float32)


def open_intensity(
    *, prospectivity: Layer, tract: Layers, at: Cells, x_m: list[float], y_m: list[float], known_within_m: float, scale: Scale
) -> dict[str, Array]:  # fmt: skip
    """This tile's sum of intensity over the cells of the tract away from known deposits, as an integer, and how many cells were scored."""
    fixed, here = _fixed(prospectivity, tract, at, x_m, y_m, known_within_m, scale)
    return {"sum": np.array(fixed.sum()), "cells": np.array(np.count_nonzero(here)), "scored": np.array(np.count_nonzero(~np.isnan(prospectivity.values)))}


def summed(*, parts: list[dict[str, Array]], whole_tract: str) -> dict[str, Array]:
    """The tract's summed intensity and its cells; DataError where the map covers ground and the tract none of it."""
    total = {name: sum(int(part[name]) for part in parts) for name in ("sum", "cells", "scored")}
    if total["scored"] and not total["sum"]:
        raise DataError(
            f"prior: the tract {whole_tract!r} holds no scored cell above zero away from known deposits, so nothing can be spread over it; check the "
            "polygon and its CRS, or drop the prior"
        )
    return {name: np.array(value, np.int64) for name, value in total.items()}


def expected(
    *, prospectivity: Layer, tract: Layers, total: Fit, at: Cells, x_m: list[float], y_m: list[float], known_within_m: float, scale: Scale,
    mean: float,
) -> Array:  # fmt: skip
    """Undiscovered deposits expected in each cell; (y, x) float32; 0 at known deposits, NaN outside the tract and where nothing was scored.

    The mean number, shared out in proportion to the intensity of the map (see `reliability.intensity`): the sum over the tract is the mean.
    """
    fixed, here = _fixed(prospectivity, tract, at, x_m, y_m, known_within_m, scale)
    whole = max(int(total.value["sum"]), 1)
    return np.where(here, mean * (fixed / whole), np.nan).astype(np.float32)


def _fixed(
    prospectivity: Layer, tract: Layers, at: Cells, x_m: list[float], y_m: list[float], known_within_m: float, scale: Scale
) -> tuple[Array, Array]:  # fmt: skip
    """Intensity as integers, 0 near known deposits and outside the tract; and the scored cells of the tract."""
    here = ~np.isnan(prospectivity.values)
    for layer in tract:
        here &= layer.values > 0
    fixed = np.where(here, np.rint(intensity(np.nan_to_num(prospectivity.values), scale) * FIXED), 0).astype(np.int64)
    if x_m and here.any():
        row, col = np.nonzero(here)
        # the search bound is exclusive, and a deposit's own cell is known ground even where that is 0 m wide
        reach = np.nextafter(max(known_within_m, at.cell_m / np.sqrt(2)), np.inf)
        near, _ = cKDTree(np.column_stack([x_m, y_m])).query(np.column_stack([at.x[col], at.y[row]]), distance_upper_bound=reach)
        fixed[row[np.isfinite(near)], col[np.isfinite(near)]] = 0
    return fixed, here
