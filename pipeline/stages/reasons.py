"""Reasons: for each target, in plain words, the features that speak most for its best cell, the one most against it, and what to look at next."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.errors import ConfigError
from pipeline.learning import draws
from pipeline.learning.draws import Floats
from pipeline.node import Call, FitNode, Where
from pipeline.recipe import Array, Cells, Fit, Layers
from pipeline.stages import observing

if TYPE_CHECKING:
    from pipeline.learning.statement import Scale
    from pipeline.learning.table import SampleTable

EPOCH = 3
STAGE = "delineate"
FOR = 3  # features named for a target; one is named against it
BACKGROUND = 64  # rows that stand for ground at large where contributions are sampled
REASONS = (*(f"for_{place}" for place in range(1, FOR + 1)), "against_1")
REASONING_BYTES = 300_000_000


def nodes(
    loaded: Loaded, *, prefix: str, evidence: tuple[str, ...], features: tuple[str, ...], counts: tuple[int, ...], scales: tuple[str, ...]
) -> list[FitNode]:
    """`<prefix>/best`, where the best cell of each of `<prefix>/targets` is, and their reasons, `<prefix>/reasons`, in the same order. `scales`: of each
    layer of evidence, see `statement`. The places are a fit of their own: targets carry outlines, which every tile would have to read for them.

    ConfigError for words or observations about what is no feature of the evidence.
    """
    config = loaded.config
    for name in config.system.words:
        if name not in features:
            raise ConfigError(f"{loaded.where('system', 'words', name)}: {registry.unknown('evidence', name, features)}")
    fits = {"targets": f"{prefix}/targets", "model": f"{prefix}/model", "table": f"{prefix}/table"}
    said = {
        "features": list(features), "counts": list(counts), "layers": list(evidence), "scales": list(scales), "words": dict(config.system.words),
        "observations": observing.asked(loaded, features, counts), "weights": config.targets.merit.model_dump(mode="json"), "seed": config.seed,
    }  # fmt: skip
    best = FitNode(f"{prefix}/best", STAGE, Call(best_cells, fits={"targets": fits["targets"]}), None, REASONING_BYTES, of_map=True)
    gather = Call(at_best, {}, {"evidence": evidence}, fits={"places": best.name})
    asked = Where(best.name, itemgetter("middle"))
    return [best, FitNode(f"{prefix}/reasons", STAGE, Call(reasons, said, fits=fits), gather, REASONING_BYTES, of_map=True, tiles=asked)]


def best_cells(*, targets: Fit) -> dict[str, Array]:
    """The `middle` of the best cell of each target, (n, 2) float64: x and y in metres."""
    return {"middle": np.array([target["best"] for target in targets.value], np.float64).reshape(-1, 2)}


def at_best(*, evidence: Layers, places: Fit, at: Cells) -> dict[str, Array]:
    """The evidence at the best cells of this tile: `row` into the targets, `values` (n, layers) float32. Reads no layer for none."""
    best = places.value["middle"]
    row = np.rint((at.y[0] - best[:, 1]) / at.cell_m).astype(np.int64)
    col = np.rint((best[:, 0] - at.x[0]) / at.cell_m).astype(np.int64)
    here = np.flatnonzero((row >= 0) & (row < at.y.size) & (col >= 0) & (col < at.x.size))
    if here.size == 0:
        return {"row": here, "values": np.empty((0, len(evidence)), np.float32)}
    return {"row": here, "values": np.stack([layer.values[row[here], col[here]] for layer in evidence], axis=1).astype(np.float32)}


def reasons(
    *, parts: list[dict[str, Array]], targets: Fit, model: Fit, table: Fit, features: list[str], counts: list[int], layers: list[str],
    scales: list[Scale], words: Mapping[str, str], observations: list[dict[str, Any]], weights: Mapping[str, float], seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """For each target its `contributions` by feature, the `base` they start from, the words of `REASONS`, None where no feature speaks so, and where
    config names some the `observing.COLUMNS`.

    SHAP values for models of trees, from the answer over their samples; for others sampled contributions, from the mean over
    scored background. Contributions and base add up to the prospectivity of the best cell. A feature's are those of its layers together; of several
    layers the words name the one that is most unlike the background.
    """
    from pipeline.learning import model_files
    from pipeline.learning.table import SampleTable

    if not targets.value:
        return []
    values = np.full((len(targets.value), sum(counts)), np.nan, np.float32)
    for part in parts:
        values[part["row"]] = part["values"]
    held, fitted = SampleTable.from_bytes(table.value), model_files.load(model.value)
    found, base = _contributions(fitted, values, held, counts, seed)
    ground = held.values[held.scored & ~held.positive].astype(np.float64)
    told = [
        {"base": round(base, 6), "contributions": _said(row, features), **_words(row, _stated(at, ground, features, counts, layers, scales, words))}
        for row, at in zip(found, values.astype(np.float64), strict=True)
    ]
    if observations:
        looks = observing.best(targets.value, values, ground=ground, model=fitted, observations=observations, weights=weights)
        told = [one | look for one, look in zip(told, looks, strict=True)]
    return told


def _contributions(model: Any, values: Any, held: SampleTable, counts: list[int], seed: int) -> tuple[Floats, float]:
    from pipeline.learning import contributions, importance
    from pipeline.learning.extra_trees import BaggedExtraTrees
    from pipeline.learning.forests import BaggedForest
    from pipeline.learning.unlabelled import PositiveUnlabelledForest

    if type(model) in (BaggedForest, BaggedExtraTrees, PositiveUnlabelledForest):  # their answer is the mean of what their trees hold
        layers, base = contributions.of_trees(model.trees_, values)
        return contributions.by_feature(layers, counts), base
    other = np.flatnonzero(held.scored & ~held.positive)
    lowest = np.argsort(draws.uniform(held.cell[other], seed=seed, stream="reasons"), kind="stable")[:BACKGROUND]
    return contributions.sampled(
        lambda rows: model.predict_both(rows)[0], values, background=held.values[other[np.sort(lowest)]], columns=importance.features(counts), seed=seed
    )


def _said(row: Floats, features: list[str]) -> dict[str, float]:
    return {name: round(float(share), 6) for name, share in zip(features, row, strict=True)}


def _stated(
    at: Floats, ground: Floats, features: list[str], counts: list[int], layers: list[str], scales: list[Scale], words: Mapping[str, str]
) -> list[str]:
    """Each feature at one cell in plain words, against the background."""
    from pipeline.learning import statement

    told, first = [], 0
    for feature, count in zip(features, counts, strict=True):
        chosen = first + (statement.telling(at[first : first + count], ground[:, first : first + count]) if count > 1 else 0)
        name = words.get(feature) or statement.plain(feature)
        if count > 1:
            name += " " + statement.plain(layers[chosen].removeprefix(feature).strip("_"))
        told.append(statement.said(name, float(at[chosen]), ground[:, chosen], scales[chosen]))
        first += count
    return told


def _words(row: Floats, stated: list[str]) -> Mapping[str, str | None]:
    """The words of `REASONS`; of equal contributions the feature named first in config stands first."""
    order = np.argsort(-row, kind="stable")
    helps = [f"{stated[i]} ({row[i]:+.3f})" for i in order if row[i] > 0][:FOR]
    worst = int(np.argmin(row))
    words: list[str | None] = [*helps, *[None] * (FOR - len(helps)), f"{stated[worst]} ({row[worst]:+.3f})" if row[worst] < 0 else None]
    return dict(zip(REASONS, words, strict=True))
