"""Expect: deposits still to be found, cell by cell: an expert's number for a tract, spread by the map's relative intensity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import registry
from pipeline.config.frame import Background, Prior
from pipeline.cube import REGION, LayerMeta
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Cells, Fit, Layer, Layers, Vector
from pipeline.stages import fitting, making

if TYPE_CHECKING:
    from pipeline.learning.reliability import Scale
    from pipeline.learning.table import SampleTable

EPOCH = 4
STAGE = "predict"
LEARNT_BYTES = 500_000_000  # a table of some ten thousand rows, those of other regions that teach, and a sample of the map
PERMISSIVE = "permissive"  # the tract of this name is all the ground the map is made on
FIXED = 2**30  # intensities, shares of the highest there can be, as integers: sums are then the same for any tiles, and 8e9 cells fit an int64
UNIFORM = "uniform"


def nodes(
    grid: Grid, *, prefix: str, prior: Prior | None, background: Background, told: Mapping[str, Any], tables: Mapping[str, Table],
    deposits: Mapping[str, list[Any]], known_within_m: float, synthetic: bool, where: str, card: str,
    taught: Mapping[str, str] | None = None,
) -> list[Node]:  # fmt: skip
    """Where scores tell the density of deposits: how far to believe it, `<prefix>/exponent`, and its sum, `<prefix>/intensity`, over the map or the
    tract of the prior, which is `<prefix>/tract` if it is a table; then with a prior `<prefix>/expected_deposits`. `card` is the deciding scorecard,
    `taught` the fit of what other regions teach.

    ConfigError for a tract that is no source, and for a prior over a model whose scores are no intensity.
    """
    from pipeline.learning.undiscovered import number_distribution

    if prior:
        _refuse(prior, background, told, tables, where)
    if not tells_density(background, told):
        return []
    said, score = away(deposits, known_within_m), (f"{prefix}/prospectivity",)
    share = min(1.0, fitting.SAMPLE_CELLS / (grid.rows * grid.cols))
    some = Call(new_ground, said | {"share": share, "seed": 0}, {"prospectivity": score, "region": (REGION,)})
    learning = {"card": card, "table": f"{prefix}/table", **(taught or {})}
    made: list[Node] = [FitNode(f"{prefix}/exponent", STAGE, Call(learnt, {"scale": making.scale(told)}, fits=learning), some, LEARNT_BYTES)]
    if prior and prior.tract != PERMISSIVE:
        meta = LayerMeta(f"{prefix}/tract", "float32", "1", f"1 inside {prior.tract}", prior.tract, "see sources", grid.cell_m, synthetic)
        made.append(LayerNode(meta.name, STAGE, Call(inside, vectors={"areas": tables[prior.tract]}), (meta,)))
    layers = {"prospectivity": score, "tract": tract(prefix, prior)}
    fits = {"exponent": f"{prefix}/exponent"}
    gather = Call(open_intensity, said, layers, fits=fits)
    total = FitNode(f"{prefix}/intensity", STAGE, Call(summed, {"whole_tract": prior.tract if prior else None}), gather, 1_000_000)
    if not prior:
        return [*made, total]
    invented = "; the prior is invented" if prior.invented else ""
    mean = float(number_distribution(prior.n90, prior.n50, prior.n10) @ np.arange(prior.n10 + 1))
    meta = LayerMeta(
        f"{prefix}/expected_deposits", "float32", "1", f"Undiscovered deposits expected in the cell ({prior.model}){invented}", "prospect",
        "see provenance.json", grid.cell_m, synthetic or prior.invented,
    )  # fmt: skip
    spread = Call(expected, said | {"mean": mean}, layers, fits=fits | {"total": total.name})
    return [*made, total, LayerNode(meta.name, STAGE, spread, (meta,))]


def tells_density(background: Background, told: Mapping[str, Any]) -> bool:
    """Whether a score gives the density of deposits up to a constant: for models that learn from deposits and ground drawn evenly, on a scale of
    their own (see `reliability.intensity`)."""
    return making.labelled(told) and making.scale(told) is not None and background.kind == UNIFORM


def tract(prefix: str, prior: Prior | None) -> tuple[str, ...]:
    """The layer of the prior's tract, if it is not all the ground."""
    return (f"{prefix}/tract",) if prior and prior.tract != PERMISSIVE else ()


def away(deposits: Mapping[str, list[Any]], known_within_m: float) -> dict[str, Any]:
    """Known ground as plain parameters of `undiscovered`."""
    return {"x_m": list(deposits["x"]), "y_m": list(deposits["y"]), "known_within_m": known_within_m}


def _refuse(prior: Prior, background: Background, told: Mapping[str, Any], tables: Mapping[str, Table], where: str) -> None:
    from pipeline.learning.reliability import NO_SCALE

    if not making.labelled(told):
        raise ConfigError(f"{where}: a prior is spread by the density of deposits, and a model that learns from none gives no density; drop the prior")
    if making.scale(told) is None:
        raise ConfigError(f"{where}: a prior is spread by the density of deposits, and {told['use']} gives none: {NO_SCALE}; drop the prior or use another model")
    if background.kind != UNIFORM:
        raise ConfigError(
            f"{where}: a prior is spread by the density of deposits over the ground, which only background.kind uniform can give; it is {background.kind}"
        )
    if prior.tract != PERMISSIVE and prior.tract not in tables:
        raise ConfigError(f"{where}: {registry.unknown('vector', prior.tract, [*tables, PERMISSIVE])}")


def new_ground(
    *, prospectivity: Layer, region: Layer, at: Cells, share: float, seed: int, x_m: list[float], y_m: list[float], known_within_m: float
) -> dict[str, Array]:  # fmt: skip
    """This tile's share of a seeded choice of the map's cells away from known deposits, where the map has seen what it says."""
    new = np.where(_known(at.x, at.y, at.cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m), np.float32(np.nan), prospectivity.values)
    values = fitting.sample_cells(layers=Layers((Layer.of(new),)), region=region, at=at, share=share, seed=seed)["0"]
    return {"score": values[~np.isnan(values)]}


def learnt(*, parts: list[dict[str, Array]], card: Fit, table: Fit, scale: Scale, taught: Fit | None = None) -> dict[str, Array]:
    """What calibrates the map's intensity before it is shared out (see `calibration.calibrated`): the `exponent` to use by the deciding scorecard, 1
    where none could be learnt, the `mean` over new ground, and the number of `finds` its least is reckoned by: groups of deposits that taught it, of other
    regions where none here did, or fewer by that scorecard (see `calibration.finds_told`).
    """
    from pipeline.learning.reliability import intensity
    from pipeline.learning.table import SampleTable

    found, held = card.value.get("calibration"), SampleTable.from_bytes(table.value)
    lessons = making.lessons_of(taught, held.names)
    finds = _finds(held) or sum(map(_finds, lessons.tables.values() if lessons else ()))
    score = np.sort(np.concatenate([part["score"] for part in parts]))
    mean = math.fsum(intensity(score, scale)) / max(score.size, 1)  # sorted and exact: the same for any tiles
    power, told = (1.0, math.inf) if found is None else (found["use"], found["finds"])
    return {"exponent": np.array(power), "scale": np.array(scale), "mean": np.array(mean), "finds": np.array(float(max(min(finds, told), 1)))}


def _finds(table: SampleTable) -> int:
    return len(np.unique(table.group[table.positive & table.trains]))


def inside(*, at: Cells, areas: Vector) -> Array:
    """1 where the cell's centre lies in the tract, 0 elsewhere; (y, x) float32."""
    from pipeline.spatial import outline

    return outline.inside(areas.geometry, at.x, at.y).astype(np.float32)


def open_intensity(
    *, prospectivity: Layer, tract: Layers, exponent: Fit, at: Cells, x_m: list[float], y_m: list[float], known_within_m: float
) -> dict[str, Array]:  # fmt: skip
    """This tile's sum of intensity over the cells of the tract away from known deposits, as an integer, and how many cells were scored."""
    fixed, here = undiscovered(prospectivity.values, [t.values for t in tract], exponent, at.x, at.y, at.cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m)
    return {"sum": np.array(fixed.sum()), "cells": np.array(np.count_nonzero(here)), "scored": np.array(np.count_nonzero(~np.isnan(prospectivity.values)))}


def summed(*, parts: list[dict[str, Array]], whole_tract: str | None) -> dict[str, Array]:
    """The summed intensity of the map or of a prior's tract, and its cells; DataError where the map covers ground and the tract none of it."""
    total = {name: sum(int(part[name]) for part in parts) for name in ("sum", "cells", "scored")}
    if whole_tract is not None and total["scored"] and not total["sum"]:
        raise DataError(
            f"prior: the tract {whole_tract!r} holds no scored cell away from known deposits, so nothing can be spread over it; check the "
            "polygon and its CRS, or drop the prior"
        )
    return {name: np.array(value, np.int64) for name, value in total.items()}


def expected(
    *, prospectivity: Layer, tract: Layers, exponent: Fit, total: Fit, at: Cells, x_m: list[float], y_m: list[float], known_within_m: float,
    mean: float,
) -> Array:  # fmt: skip
    """Undiscovered deposits expected in each cell; (y, x) float32; 0 at known deposits, NaN outside the tract and where nothing was scored.

    The mean number, shared out in proportion to the calibrated intensity of the map (see `calibration`): the sum over the tract is the mean.
    """
    fixed, here = undiscovered(prospectivity.values, [t.values for t in tract], exponent, at.x, at.y, at.cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m)
    whole = max(int(total.value["sum"]), 1)
    return np.where(here, mean * (fixed / whole), np.nan).astype(np.float32)


def undiscovered(
    prospectivity: Array, tract: list[Array], exponent: Fit, x: Array, y: Array, cell_m: float, *, x_m: list[float], y_m: list[float], known_within_m: float
) -> tuple[Array, Array]:
    """Calibrated intensity as integers of 1/FIXED, 0 near known deposits and outside the tract; and the scored cells of the tract; both (y, x).

    `x` (columns,), `y` (rows,) are the centres of the cells.
    """
    from pipeline.learning.calibration import calibrated

    here = ~np.isnan(prospectivity)
    for layer in tract:
        here &= layer > 0
    power, scale, mean, finds = (exponent.value[name].item() for name in ("exponent", "scale", "mean", "finds"))
    told = calibrated(np.nan_to_num(prospectivity), power, scale, mean=mean, finds=finds)
    new = here & ~_known(x, y, cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m)
    return np.where(new, np.rint(told * FIXED), 0).astype(np.int64), here


def _known(x: Array, y: Array, cell_m: float, *, x_m: list[float], y_m: list[float], known_within_m: float) -> Array:
    """Which cells are known ground, near a deposit; (y, x) bool."""
    known = np.zeros((len(y), len(x)), bool)
    # a deposit's own cell is known ground even where that is 0 m wide
    reach = max(known_within_m, cell_m / np.sqrt(2))
    for east, north in zip(x_m, y_m, strict=True):  # the cells around each, not all cells to their nearest
        rows, cols = (np.flatnonzero(np.abs(axis - at) <= reach) for axis, at in ((y, north), (x, east)))
        if len(rows) and len(cols):
            part = known[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            part |= (x[cols] - east) ** 2 + ((y[rows] - north) ** 2)[:, None] <= reach**2
    return known
