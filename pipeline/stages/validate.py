"""Validate: re-fit inside held-out ground and write what that scored. It never sees the model of the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.frame import Protocol
from pipeline.learning import draws
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit
from pipeline.stages import hiding, making
from pipeline.stages.hiding import Hidden

if TYPE_CHECKING:
    from pipeline.learning.heldout import Mask
    from pipeline.learning.split import Split
    from pipeline.learning.table import SampleTable

EPOCH = 8
STAGE = "validate"
SCORING_BYTES = 500_000_000  # a table, its fold and one model at a time


def node(
    *, prefix: str, samples: str, protocol: Protocol, told: Mapping[str, Any], bounds: tuple[float, ...], seeds: tuple[int, ...],
    hidden: Hidden | None = None, suspect: tuple[str, ...] = (), taught: Mapping[str, str] | None = None, compared: bool = False,
) -> FitNode:  # fmt: skip
    """The scorecard of one protocol, `<prefix>/scorecard`, on the table of `<samples>/table`; one repeat per seed. `told`: the model (see `making`).

    `taught` names the fit of what other regions teach, where some do; `compared`: then it is scored without them too.
    With `suspect` layers, which the columns of `told` and `hidden` then lack: `<prefix>/without_suspect`, what is left of the score without them.
    """
    said: dict[str, Any] = {
        "title": protocol.title, "split": protocol.split.model_dump(), "groups": protocol.groups, "seeds": seeds, "told": told, "bounds": list(bounds),
    }  # fmt: skip
    fits = {"table": f"{samples}/table", "samples": f"{samples}/samples", **(taught or {})}
    if taught and compared:
        said["compared"] = True
    if hidden:
        said |= {"hide": list(protocol.hide), "hidden": hidden.said()}
        fits |= hidden.fits
    if suspect:
        return FitNode(f"{prefix}/without_suspect", STAGE, Call(score_without, said | {"suspect": list(suspect)}, fits=fits), None, SCORING_BYTES)
    return FitNode(f"{prefix}/scorecard", STAGE, Call(score, said, fits=fits), None, SCORING_BYTES)


def repeats(seed: int, protocol: Protocol) -> tuple[int, ...]:
    """The seeds of a protocol's repeats."""
    return tuple(draws.derive(seed, "repeat", i) for i in range(protocol.seeds))


def division(said: Mapping[str, Any], bounds: Sequence[float]) -> Split:
    """The split a protocol says, over the region's `bounds` (west, south, east, north); folds matched to the map where pairs are left out."""
    from pipeline.learning.split import Split

    west, south, east, north = bounds
    return Split(
        kind="nearest" if said["kind"] == "leave_pair_out" else said["kind"], folds=said["folds"], block_m=said["block_km"] * 1000, nx=said["nx"],
        ny=said["ny"], cluster_m=said["cluster_km"] * 1000, buffer_m=said["buffer_km"] * 1000, bounds=(west, south, east, north),
    )  # fmt: skip


def score(
    *, table: Fit, samples: Fit, title: str, split: Mapping[str, Any], groups: str, seeds: tuple[int, ...], told: Mapping[str, Any],
    bounds: list[float], hide: list[str] | None = None, hidden: Mapping[str, Any] | None = None, taught: Fit | None = None, compared: bool = False,
    **fits: Fit,
) -> dict[str, Any]:  # fmt: skip
    """The scorecard of a protocol: what was held out and how, the model and its nulls on the same folds, and a sentence in words."""
    from pipeline.learning import crossval, pairs
    from pipeline.learning.heldout import held_out
    from pipeline.learning.table import SampleTable
    from pipeline.learning.verdict import verdict

    held = SampleTable.from_bytes(table.value)
    of = {"permissive_cells": int(samples.value["cells"]), "deposits_off_permissive_ground": samples.value["outside"].tolist()}
    said_of = {"title": title, "model": {"use": told["use"], **told["said"]}, "groups": groups, "evidence": list(held.names), **of}
    if hidden is not None:
        said_of |= {"hidden": hide, "hidden_evidence": [held.names[i] for i in hidden["columns"]], "told_again": [one["name"] for one in hidden["infills"]]}
    lessons = making.lessons_of(taught, held.names)
    if lessons is not None:
        said_of["taught_by"] = [*lessons.tables]
    untested = untestable(held, making.labelled(told), [*lessons.tables] if lessons else [])
    if untested:
        return {**said_of, "verdict": untested, "protocol": None, "scores": None, "reliability": None}
    drawn = np.broadcast_to(samples.value["drawn"].T, (len(seeds), len(held)))  # one draw may serve every repeat
    whole, still, rows = samples.value["whole_weight"], held.scored | ~held.positive, np.ones(len(held), bool)
    if groups == "cells" or split["kind"] == "random":
        rows = still
        held, drawn = _whole(held, whole, still), drawn[:, still]
    if groups == "cells":
        held = replace(held, group=np.arange(len(held)))
    make = making.maker(told, background_km2=making.background_km2(samples.value, lessons), lessons=lessons)
    if split["kind"] == "leave_pair_out":
        result = pairs.leave_pair_out(
            held, make_model=make, pairs=split["pairs"], buffer_m=split["buffer_km"] * 1000, seeds=seeds, members=drawn
        )
    else:
        cut = division(split, bounds)
        seen = None if hidden is None else hiding.hiding(held, hidden, fits, rows=rows)
        found = crossval.cross_validate(held, make_model=make, split=cut, seeds=seeds, members=drawn, seen=seen, scale=making.scale(told))
        result = found.result
        if compared:
            alone = making.maker(told, background_km2=making.background_km2(samples.value))
            without = held_out(held, make_model=alone, split=cut, seeds=seeds, members=drawn, seen=seen)
            result["without_teachers"] = crossval.paired(held, found, without, cut.units(held), seed=seeds[0])
        if cut.kind != "random" and hidden is None:
            reported, taking = _whole(held, whole[rows], still[rows]), drawn[:, still[rows]]
            result |= {"optimism": crossval.optimism(reported, make_model=make, split=cut, seed=seeds[0], members=taking, honest=result["scores"])}
    return {**said_of, "verdict": verdict(result), "background_draws": samples.value["drawn"].shape[1], **result}


def score_without(*, table: Fit, samples: Fit, suspect: list[str], **said: Any) -> dict[str, Any]:
    """What a protocol scores without the layers that may have been mapped because of deposits: mean AUC of folds, of nulls too, and a sentence."""
    from pipeline.learning import crossval
    from pipeline.learning.table import SampleTable

    held = SampleTable.from_bytes(table.value)
    keep = [i for i, name in enumerate(held.names) if name not in suspect]
    left = replace(held, values=held.values[:, keep], names=tuple(held.names[i] for i in keep))
    card = score(table=Fit(left.to_bytes()), samples=samples, **said)
    means = {name: found["fold_mean"] for name, found in (card["scores"] or {}).items()}
    model = means.pop(crossval.MODEL, None)
    return {"layers": suspect, "fold_mean": model, "nulls": means, "verdict": card["verdict"]}


def _whole(held: SampleTable, weight: Any, still: Mask) -> SampleTable:
    """The table with each deposit where it was reported alone, with its whole weight: at random its cells would come to lie on both sides."""
    return replace(held, weight=weight).subset(still)


def untestable(held: SampleTable, labelled: bool, taught_by: Sequence[str] = ()) -> str | None:
    """Why a map stands without a score: there is nothing to map, or nothing known to test it with. None when it can be scored.

    What learns from deposits is never without some, but for want of ground or taught by other regions; so only what does not need them
    can end untested.
    """
    if not len(held):
        return "No permissive ground: the rock this system needs is not mapped in the region, so there is nothing to rank and no target."
    known = len(np.unique(held.group[held.positive]))
    if taught_by and known < 2:
        of = "no known deposit of this kind" if known == 0 else "one known deposit of this kind, too few to hold one out"
        return f"Not tested here: {of} in the region; the map is what {' and '.join(taught_by)} taught, and leave_one_region_out says what that is worth."
    if not labelled and known < 2:
        of = "no known deposit of this kind" if known == 0 else "one known deposit of this kind, too few to hold one out"
        return f"Not tested: {of} in the region; the map is the knowledge that went into it, and no more."
    return None
