"""Foretell: of so many further deposits, how many the map's best ground and its first targets should hold, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.config.frame import Prior, Protocol
from pipeline.cube import REGION
from pipeline.grid import Grid
from pipeline.learning import draws
from pipeline.learning.draws import Floats
from pipeline.node import Call, FitNode
from pipeline.recipe import Array, Fit
from pipeline.stages import fitting, label, making, validate

EPOCH = 7
STAGE = "validate"
AREAS = (0.01, 0.05, 0.10)
TOP = 20  # targets
CELLS = 200_000  # of the region, seeded; of those on the map's ground at most GROUND are ranked
GROUND = 20_000
BAGS = 5  # at most, as where models are tuned: what is asked is an order, not its spread
FEWEST = 10  # deposit groups, as the verdict asks


def nodes(
    grid: Grid, *, prefix: str, evidence: tuple[str, ...], protocol: Protocol, told: Mapping[str, Any], seed: int, prior: Prior | None,
    measured: str | None,
) -> list[FitNode]:  # fmt: skip
    """`<prefix>/foretold`, of the final map's targets and of maps made without a fold of deposits. `protocol` says the split. Where a layer says what
    ground was looked at closely (`measured`) and the table of samples does not, `<prefix>/measured_at` before it, which samples lie there."""
    from pipeline.learning.undiscovered import number_distribution

    said = {
        "split": protocol.split.model_dump(), "bounds": list(grid.bounds), "cell_m": grid.cell_m, "seed": validate.repeats(seed, protocol)[0], "told": told,
        "numbers": number_distribution(prior.n90, prior.n50, prior.n10).tolist() if prior else None,
    }  # fmt: skip
    share = min(1.0, CELLS / (grid.rows * grid.cols))
    gather = Call(fitting.sample_cells, {"share": share, "seed": 0}, {"layers": (f"{prefix}/prospectivity", *evidence), "region": (REGION,)})
    fits = {"table": f"{prefix}/table", "samples": f"{prefix}/samples", "targets": f"{prefix}/targets"}
    before = []
    if measured:
        of = {"samples": f"{prefix}/samples"}
        fits["looked"] = f"{prefix}/measured_at"
        before.append(FitNode(
            fits["looked"], STAGE, Call(label.assemble, {"names": (measured,)}, fits=of),
            Call(label.values_at, {}, {"evidence": (measured,), "measured": (measured,)}, fits=of), CELLS * 16,
        ))  # fmt: skip
    return [*before, FitNode(f"{prefix}/foretold", STAGE, Call(foretell, said, fits=fits), gather, CELLS * (len(evidence) + 3) * 8)]


def foretell(
    *, parts: list[dict[str, Array]], table: Fit, samples: Fit, targets: Fit, split: Mapping[str, Any], bounds: list[float], cell_m: float,
    seed: int, told: Mapping[str, Any], numbers: list[float] | None, looked: Fit | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The counts, JSON-ready: `further` deposits are as many as were held out, or what the prior holds possible. `reason` where nothing can be said.

    Each held-out deposit is ranked among all ground that is new to the map made without it; the share of deposits in the best 1, 5 and 10 %
    of new ground follows, and by the curve through them (`predictive.curve`) the share on the first targets, each cell of theirs by its own rank: the
    mean of a target's cells ranks far below its best ones, and density falls steeply. `deposits` are the ends of 90 % of what may
    come: the share is known as from so many deposits in so many groups, and the further ones come in such groups too, each in a cell of its own
    (`predictive.number_chances`). Known deposits lie where people have mapped and further ones need not: where the table, or `looked`, one of the same
    rows, tells which were measured, each held-out deposit counts by the odds the other way (`SampleTable.odds`).
    """
    from pipeline.learning import predictive
    from pipeline.learning.table import SampleTable

    def drawn_first(whole: SampleTable) -> SampleTable:
        return whole.subset(samples.value["drawn"][:, 0]) if len(whole) else whole

    whole_table = SampleTable.from_bytes(table.value)
    held = drawn_first(whole_table)
    odds = held.odds()
    if looked is not None and len(held):  # apart from what the table says itself: by that a model evens its background, and config asks for none of it
        odds = drawn_first(replace(whole_table, measured=SampleTable.from_bytes(looked.value).measured)).odds()
    groups = len(np.unique(held.group[held.positive & held.scored]))
    if not making.labelled(told) or groups < FEWEST:
        why = "the model learns from no deposits" if not making.labelled(told) else f"{groups} deposit groups can be held out, where {FEWEST} are needed"
        return {"reason": f"nothing is foretold: {why}", "capture": None, "targets": None}
    mapped, numbered, cell, ground = _ground(parts, seed)
    cut = validate.division(split, bounds)
    model_of = making.maker(told, background_km2=making.background_km2(samples.value))

    def make(seed: int) -> Any:
        model = model_of(seed)
        bags = model.get_params(deep=False).get("bags")
        return model.set_params(bags=min(bags, BAGS)) if bags else model

    above = predictive.ground_above(held, ground, cell, make_model=make, split=cut, seed=seed)
    known = np.isfinite(above)
    above = above[known]
    alone = 1 / odds[known]  # further deposits lie on measured ground and off it as the ground does, known ones do not
    grouped, apart = (predictive.redrawn(of, alone, seed=seed) for of in (held.group[known], np.arange(len(above))))
    chances = np.asarray(numbers, np.float64) if numbers is not None else np.eye(len(above) + 1)[-1]

    whole = int(samples.value["cells"])
    new = whole - len(np.unique(held.cell[held.positive]))

    def counted(told: Callable[[Floats], float], cells: float) -> dict[str, Any]:
        share = predictive.learnt(told, alone, grouped, apart)
        found = predictive.mixed(share, chances, predictive.Room(round(cells), new))
        return {"share": round(share.value, 6), "deposits": list(predictive.central(found)), "design_effect": round(share.design, 6)}

    def within(area: float) -> Callable[[Floats], float]:
        return lambda weight: float(np.average(above <= area, weights=weight))

    best = [{"area": area, **counted(within(area), area * new)} for area in AREAS]
    first = [target for target in targets.value if target["rank"] is not None and target["rank"] <= TOP]
    fresh = np.sort(mapped[~np.isin(numbered, held.cell[held.positive])])
    values, km2 = _pieces(first, mapped, numbered, bounds, cell_m)
    areas = km2 / float(whole * samples.value["cell_km2"])
    ranks = 1.0 - np.searchsorted(fresh, values) / max(len(fresh), 1)

    def on_targets(weight: Floats) -> float:
        return predictive.on_pieces(predictive.curve(above, weight), ranks, areas)

    further = len(above) if numbers is None else round(float(np.arange(len(chances)) @ chances), 6)
    return {
        "words": _words(further, numbers is not None, measured=bool(np.ptp(alone) > 0)),
        "held_out": {"folds": predictive.FOLDS, "seed": seed, "deposits": len(above), "groups": groups, "ground_cells": len(cell)},
        "further": further, "capture": best,
        "targets": {"first": len(first), "area": round(float(areas.sum()), 6), **counted(on_targets, areas.sum() * whole)},
    }  # fmt: skip


def _pieces(first: list[Mapping[str, Any]], mapped: Array, numbered: Array, bounds: list[float], cell_m: float) -> tuple[Array, Array]:
    """The prospectivity of the sampled cells in each target and the area each stands for, km2; its mean where none of its cells was sampled."""
    import shapely

    rows, cols = np.divmod(numbered, round((bounds[2] - bounds[0]) / cell_m))
    x, y = bounds[0] + (cols + 0.5) * cell_m, bounds[3] - (rows + 0.5) * cell_m
    values, km2 = [np.empty(0)], [np.empty(0)]
    for target in first:
        inside = mapped[shapely.contains_xy(shapely.from_wkb(target["wkb"]), x, y)]
        inside = inside if len(inside) else np.array([target["mean_prospectivity"]])
        values.append(inside)
        km2.append(np.full(len(inside), target["area_km2"] / len(inside)))
    return np.concatenate(values), np.concatenate(km2)


def _ground(parts: list[dict[str, Array]], seed: int) -> tuple[Array, Array, Array, Array]:
    """The prospectivity and numbers of the scored cells, and the numbers and evidence of a seeded choice of them."""
    held = [np.concatenate([part[name] for part in parts]) for name in (*(str(i) for i in range(len(parts[0]) - 1)), "cell")]
    scored = np.flatnonzero(~np.isnan(held[0]))
    scored = scored[np.argsort(held[-1][scored], kind="stable")]
    lowest = np.lexsort((held[-1][scored], draws.uniform(held[-1][scored], seed=seed, stream="foretold")))
    kept = scored[np.sort(lowest[:GROUND])]
    return held[0][scored], held[-1][scored], held[-1][kept], np.stack([layer[kept] for layer in held[1:-1]], axis=1).astype(np.float32)


def _words(further: float, prior: bool, *, measured: bool) -> str:
    but = ", but on mapped ground and off it in proportion to the ground" if measured else ""
    from pipeline.learning import predictive

    of = f"the number the prior holds possible ({further:.3g} in the mean)" if prior else f"{further:g} further deposits, as many as were held out"
    return (
        f"Of {of}: how many should lie in the best shares of the ground that is new to the map, and on its first targets; 90 % of what may come, from "
        f"deposits held out in {predictive.FOLDS} random folds and the chance of few. It supposes that further deposits lie as the known ones do, in the same "
        f"districts{but}; the protocols say how the map does on ground further from what is known."
    )
