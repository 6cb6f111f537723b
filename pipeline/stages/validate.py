"""Validate: re-fit inside held-out ground and write what that scored. It never sees the model of the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.config.frame import Background, Protocol, Use
from pipeline.learning import crossval, draws
from pipeline.learning.reliability import reliability
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from pipeline.learning.verdict import verdict
from pipeline.node import Call, FitNode
from pipeline.recipe import Columns, Fit
from pipeline.stages import making

EPOCH = 3
STAGE = "validate"
SCORING_BYTES = 500_000_000  # a table, its fold and one model at a time


def node(
    *, prefix: str, samples: str, protocol: Protocol, model: Use, columns: Columns, bounds: tuple[float, ...], seeds: tuple[int, ...],
    background: Background, suspect: tuple[str, ...] = (),
) -> FitNode:  # fmt: skip
    """The scorecard of one protocol, `<prefix>/scorecard`, on the table of `<samples>/table`; one repeat per seed.

    With `suspect` layers, which `columns` then lacks: `<prefix>/without_suspect`, what is left of the score without them.
    """
    said = {
        "title": protocol.title, "split": protocol.split.model_dump(), "groups": protocol.groups, "seeds": seeds,
        "told": making.said(protocol.model or model, columns, protocol.background or background), "bounds": list(bounds),
    }  # fmt: skip
    fits = {"table": f"{samples}/table", "samples": f"{samples}/samples"}
    if suspect:
        return FitNode(f"{prefix}/without_suspect", STAGE, Call(score_without, said | {"suspect": list(suspect)}, fits=fits), None, SCORING_BYTES)
    return FitNode(f"{prefix}/scorecard", STAGE, Call(score, said, fits=fits), None, SCORING_BYTES)


def repeats(seed: int, protocol: Protocol) -> tuple[int, ...]:
    """The seeds of a protocol's repeats."""
    return tuple(draws.derive(seed, "repeat", i) for i in range(protocol.seeds))


def score(
    *, table: Fit, samples: Fit, title: str, split: Mapping[str, Any], groups: str, seeds: tuple[int, ...], told: Mapping[str, Any],
    bounds: list[float],
) -> dict[str, Any]:  # fmt: skip
    """The scorecard of a protocol: what was held out and how, the model and its nulls on the same folds, and a sentence in words."""
    held = SampleTable.from_bytes(table.value)
    of = {"permissive_cells": int(samples.value["cells"]), "deposits_off_permissive_ground": samples.value["outside"].tolist()}
    said_of = {"title": title, "model": {"use": told["use"], **told["said"]}, "groups": groups, "evidence": list(held.names), **of}
    untested = _untested(held, making.labelled(told))
    if untested:
        return {**said_of, "verdict": untested, "protocol": None, "scores": None, "reliability": None}
    drawn = np.broadcast_to(samples.value["drawn"].T, (len(seeds), len(held)))  # one draw may serve every repeat
    if groups == "cells" or split["kind"] == "random":
        # cells of one deposit would come to lie on both sides, so each stays where it was reported
        still = held.scored | ~held.positive
        held, drawn = replace(held, weight=samples.value["whole_weight"]).subset(still), drawn[:, still]
    if groups == "cells":
        held = replace(held, group=np.arange(len(held)))
    west, south, east, north = bounds
    cut = Split(
        kind=split["kind"], folds=split["folds"], block_m=split["block_km"] * 1000, nx=split["nx"], ny=split["ny"], bounds=(west, south, east, north)
    )
    found = crossval.cross_validate(
        held, make_model=making.maker(told), split=cut, seeds=seeds, members=drawn
    )
    said_of |= {"verdict": verdict(found.result), "background_draws": samples.value["drawn"].shape[1]}
    return {**said_of, "reliability": reliability(held.label, found.scores[crossval.MODEL]), **found.result}


def score_without(*, table: Fit, samples: Fit, suspect: list[str], **said: Any) -> dict[str, Any]:
    """What a protocol scores without the layers that may have been mapped because of deposits: mean AUC of folds, of nulls too, and a sentence."""
    held = SampleTable.from_bytes(table.value)
    keep = [i for i, name in enumerate(held.names) if name not in suspect]
    left = replace(held, values=held.values[:, keep], names=tuple(held.names[i] for i in keep))
    card = score(table=Fit(left.to_bytes()), samples=samples, **said)
    means = {name: found["fold_mean"] for name, found in (card["scores"] or {}).items()}
    model = means.pop(crossval.MODEL, None)
    return {"layers": suspect, "fold_mean": model, "nulls": means, "verdict": card["verdict"]}


def _untested(held: SampleTable, labelled: bool) -> str | None:
    """Why a map stands without a score: there is nothing to map, or nothing known to test it with. None when it can be scored.

    What learns from deposits is never without some, but for want of ground; so only what does not need them can end untested.
    """
    if not len(held):
        return "No permissive ground: the rock this system needs is not mapped in the region, so there is nothing to rank and no target."
    known = len(np.unique(held.group[held.positive]))
    if not labelled and known < 2:
        of = "no known deposit of this kind" if known == 0 else "one known deposit of this kind, too few to hold one out"
        return f"Not tested: {of} in the region; the map is the knowledge that went into it, and no more."
    return None
