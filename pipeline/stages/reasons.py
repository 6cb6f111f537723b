"""Reasons: for each target, the features that speak most for its best cell, and the one that speaks most against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.learning import contributions, draws, importance, model_files
from pipeline.learning.draws import Floats
from pipeline.learning.extra_trees import BaggedExtraTrees
from pipeline.learning.forests import BaggedForest
from pipeline.learning.table import SampleTable
from pipeline.learning.unlabelled import PositiveUnlabelledForest
from pipeline.node import Call, FitNode
from pipeline.recipe import Array, Cells, Fit, Layers

EPOCH = 1
STAGE = "delineate"
FOR = 3  # features named for a target; one is named against it
BACKGROUND = 64  # rows that stand for ground at large where contributions are sampled
REASONS = (*(f"for_{place}" for place in range(1, FOR + 1)), "against_1")
SHARES = (BaggedForest, BaggedExtraTrees, PositiveUnlabelledForest)  # their answer is the mean of what their trees hold
REASONING_BYTES = 300_000_000


def node(*, prefix: str, evidence: tuple[str, ...], features: tuple[str, ...], counts: tuple[int, ...], seed: int) -> FitNode:
    """The reasons of each target, `<prefix>/reasons`, in the order of `<prefix>/targets`."""
    fits = {"targets": f"{prefix}/targets", "model": f"{prefix}/model", "table": f"{prefix}/table"}
    said = {"features": list(features), "counts": list(counts), "seed": seed}
    gather = Call(at_best, {}, {"evidence": evidence}, fits={"targets": fits["targets"]})
    return FitNode(f"{prefix}/reasons", STAGE, Call(reasons, said, fits=fits), gather, REASONING_BYTES)


def at_best(*, evidence: Layers, targets: Fit, at: Cells) -> dict[str, Array]:
    """The evidence at the best cells of this tile: `row` into the targets, `values` (n, layers) float32. Reads no layer for none."""
    best = np.array([target["best"] for target in targets.value], np.float64).reshape(-1, 2)
    row = np.rint((at.y[0] - best[:, 1]) / at.cell_m).astype(np.int64)
    col = np.rint((best[:, 0] - at.x[0]) / at.cell_m).astype(np.int64)
    here = np.flatnonzero((row >= 0) & (row < at.y.size) & (col >= 0) & (col < at.x.size))
    if here.size == 0:
        return {"row": here, "values": np.empty((0, len(evidence)), np.float32)}
    return {"row": here, "values": np.stack([layer.values[row[here], col[here]] for layer in evidence], axis=1).astype(np.float32)}


def reasons(
    *, parts: list[dict[str, Array]], targets: Fit, model: Fit, table: Fit, features: list[str], counts: list[int], seed: int
) -> list[dict[str, Any]]:  # fmt: skip
    """For each target its `contributions` by feature, the `base` they start from, and the words of `REASONS`, None where no feature speaks so.

    SHAP values for models of trees, from the answer over their samples; for others sampled contributions, from the mean over
    scored background. Contributions and base add up to the prospectivity of the best cell. A feature's are those of its layers together.
    """
    if not targets.value:
        return []
    values = np.full((len(targets.value), sum(counts)), np.nan, np.float32)
    for part in parts:
        values[part["row"]] = part["values"]
    found, base = _contributions(model_files.load(model.value), values, SampleTable.from_bytes(table.value), counts, seed)
    return [{"base": round(base, 6), "contributions": _said(row, features), **_words(row, features)} for row in found]


def _contributions(model: Any, values: Any, held: SampleTable, counts: list[int], seed: int) -> tuple[Floats, float]:
    if type(model) in SHARES:
        layers, base = contributions.of_trees(model.trees_, values)
        return contributions.by_feature(layers, counts), base
    other = np.flatnonzero(held.scored & ~held.positive)
    lowest = np.argsort(draws.uniform(held.cell[other], seed=seed, stream="reasons"), kind="stable")[:BACKGROUND]
    return contributions.sampled(
        lambda rows: model.predict_both(rows)[0], values, background=held.values[other[np.sort(lowest)]], columns=importance.features(counts), seed=seed
    )


def _said(row: Floats, features: list[str]) -> dict[str, float]:
    return {name: round(float(share), 6) for name, share in zip(features, row, strict=True)}


def _words(row: Floats, features: list[str]) -> Mapping[str, str | None]:
    """The words of `REASONS`; of equal contributions the feature named first in config stands first."""
    order = np.argsort(-row, kind="stable")
    helps = [f"{features[i]} ({row[i]:+.3f})" for i in order if row[i] > 0][:FOR]
    worst = int(np.argmin(row))
    words: list[str | None] = [*helps, *[None] * (FOR - len(helps)), f"{features[worst]} ({row[worst]:+.3f})" if row[worst] < 0 else None]
    return dict(zip(REASONS, words, strict=True))
