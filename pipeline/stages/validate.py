"""Validate: re-fit inside held-out ground and write what that scored. It never sees the model of the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import registry
from pipeline.config.frame import Protocol, Use
from pipeline.learning import crossval, draws
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from pipeline.learning.verdict import verdict
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit

EPOCH = 1
STAGE = "validate"
SCORING_BYTES = 500_000_000  # a table, its fold and one model at a time


def node(*, prefix: str, samples: str, protocol: Protocol, model: Use, bounds: tuple[float, ...], seed: int) -> FitNode:
    """The scorecard of one protocol, `<prefix>/scorecard`, on the table of `<samples>/table`."""
    used = protocol.model or model
    said = {
        "title": protocol.title, "split": protocol.split.model_dump(), "repeats": protocol.seeds, "use": used.use,
        "said": used.with_.model_dump(mode="json"), "bounds": list(bounds), "seed": seed,
        "epoch": registry.epoch(registry.find("models", used.use)),
    }  # fmt: skip
    return FitNode(f"{prefix}/scorecard", STAGE, Call(score, said, fits={"table": f"{samples}/table"}), None, SCORING_BYTES)


def score(
    *, table: Fit, title: str, split: Mapping[str, Any], repeats: int, use: str, said: dict[str, Any], bounds: list[float], seed: int, epoch: int
) -> dict[str, Any]:
    """The scorecard of a protocol: what was held out and how, the model and its nulls on the same folds, and a sentence in words."""
    del epoch  # only part of the key
    held = SampleTable.from_bytes(table.value)
    west, south, east, north = bounds
    cut = Split(
        kind=split["kind"], folds=split["folds"], block_m=split["block_km"] * 1000, nx=split["nx"], ny=split["ny"], bounds=(west, south, east, north)
    )
    seeds = tuple(draws.derive(seed, "repeat", i) for i in range(repeats))
    found = crossval.cross_validate(held, make_model=lambda s: registry.find("models", use)(**said, seed=s), split=cut, seeds=seeds)
    return {"title": title, "model": {"use": use, **said}, "verdict": verdict(found.result), "evidence": list(held.names), **found.result}
