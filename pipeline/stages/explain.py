"""Explain: what evidence the skill on held-out ground rests on, and how the answer bends with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.frame import Protocol
from pipeline.errors import DataError
from pipeline.learning import draws
from pipeline.learning.draws import Floats, Ints
from pipeline.node import Call, FitNode
from pipeline.recipe import Array, Columns, Fit
from pipeline.stages import making, validate

if TYPE_CHECKING:
    from pipeline.learning.table import SampleTable

EPOCH = 2
STAGE = "validate"
EXPLAINING_BYTES = 500_000_000  # a table, and for each fold a model of a few MB
MEAN_OVER = 200  # background rows a partial dependence is the mean over
NOTHING: dict[str, Any] = {"features": [], "sets": [], "dependence": None}
SHUFFLES = 3  # per fold: what is reported is the spread between folds, which more shuffles cannot make smaller


def node(
    *, prefix: str, protocol: Protocol, told: Mapping[str, Any], columns: Columns, features: tuple[str, ...], bounds: tuple[float, ...], seed: int,
    taught: Mapping[str, str],
) -> FitNode:  # fmt: skip
    """What the map's model (`told`, see `making`) rests on, `<prefix>/importance`: on the table of the map, in the folds of the deciding
    protocol's first repeat. `taught` names the fit of what other regions teach, where some do."""
    said = {
        "title": protocol.title, "split": protocol.split.model_dump(), "bounds": list(bounds), "seed": validate.repeats(seed, protocol)[0],
        "told": told, "features": list(features), "counts": list(columns.counts),
    }  # fmt: skip
    return FitNode(f"{prefix}/importance", STAGE, Call(importance, said, fits={"table": f"{prefix}/table", **taught}), None, EXPLAINING_BYTES)


def importance(
    *, table: Fit, title: str, split: Mapping[str, Any], bounds: list[float], seed: int, told: Mapping[str, Any], features: list[str],
    counts: list[int], taught: Fit | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The mean drop of AUC on held-out folds when a feature, or a set of features that rank alike, is shuffled; and its spread over folds.

    And the partial dependence on each continuous feature, over the same refits (see `dependence.curve`). `untested` says why nothing
    could be measured, else it is None; the lists are empty then. Where too few deposits are known to hold one out, the folds are the
    regions that teach.
    """
    from pipeline.learning import dependence, regions
    from pipeline.learning import importance as permuted
    from pipeline.learning.table import SampleTable

    held, cut = SampleTable.from_bytes(table.value), validate.division(split, bounds)
    lessons = making.lessons_of(taught, held.names)
    protocol = {"title": title, "split": cut.describe(), "seed": seed, "shuffles": SHUFFLES}
    said = {"protocol": protocol, "measure": "mean drop of AUC on held-out folds"}
    if cut.kind == "random":  # the cells a deposit may lie in would come to lie on both sides
        held = held.subset(held.scored | ~held.positive)
    reason = validate.untestable(held, making.labelled(told), [] if lessons is None else [*lessons.tables])
    fold: Ints | None = None
    usual, ground = _usual(held, seed), held.values[held.scored & ~held.positive]
    if reason and lessons is not None and len(held) and len(lessons.tables) > 1:
        held, fold, reason = regions.taught(lessons.tables), regions.region_of(lessons.tables), None
        protocol["split"] = "one of the regions that teach held out at a time: too few deposits are known here"
        lessons = None
    else:
        try:
            fold = None if reason else cut.assign(held.checked(), seed=seed)
        except DataError as error:
            reason, fold = str(error), None
    if fold is None:
        return {**said, "untested": reason, **NOTHING}
    models = permuted.refitted(held, make_model=making.maker(told, lessons=lessons), fold=fold, seed=seed)
    if all(model is None for model in models):
        return {**said, "untested": "no fold holds both positives and background", **NOTHING}
    columns, sets = permuted.features(counts), permuted.alike(held.values, counts)
    joined = [members for members in sets if len(members) > 1]
    asked = [*columns, *([c for i in members for c in columns[i]] for members in joined)]
    lost = permuted.drops(held, models=models, fold=fold, columns=asked, seed=seed, repeats=SHUFFLES)
    alone = [{"name": name, **_over_folds(lost[:, i])} for i, name in enumerate(features)]
    together = [{"features": [features[i] for i in members], **_over_folds(lost[:, len(columns) + j])} for j, members in enumerate(joined)]
    refits = [model for model in models if model is not None]
    curves = []
    for name, chosen in zip(features, columns, strict=True):
        at = dependence.grid(ground[:, chosen[0]]) if len(chosen) == 1 else np.empty(0)
        if len(at) > 1:
            curves.append({"feature": name, **_plain(dependence.curve(refits, usual, chosen[0], at))})
    bent = {"rows": len(usual), "interval": "5 to 95 % over refits, each without one fold of ground", "curves": curves}
    return {**said, "untested": None, "features": alone, "sets": together, "dependence": bent}


def _usual(held: SampleTable, seed: int) -> Array:
    """The evidence of the ground, scored background: the rows with the lowest draws."""
    other = np.flatnonzero(held.scored & ~held.positive)
    lowest = np.argsort(draws.uniform(held.cell[other], seed=seed, stream="dependence"), kind="stable")[:MEAN_OVER]
    return held.values[other[np.sort(lowest)]]


def _plain(curve: Mapping[str, Floats]) -> dict[str, list[float]]:
    """As JSON; places on the curve by six significant figures, answers by six places."""
    return {name: [float(f"{v:.6g}") if name == "at" else round(float(v), 6) for v in values] for name, values in curve.items()}


def weights(found: Mapping[str, Any]) -> Floats | None:
    """How much each feature weighs by what `importance` found; (features,), None where nothing could be measured."""
    from pipeline.learning import importance as permuted

    if found["untested"] is not None:
        return None
    names = [feature["name"] for feature in found["features"]]
    sets = [[names.index(name) for name in one["features"]] for one in found["sets"]]
    return permuted.shares([one["drop"] for one in found["features"]], [one["drop"] for one in found["sets"]], sets)


def signs(found: Mapping[str, Any], declared: Mapping[str, int], *, model: str, enforced: bool) -> dict[str, Any]:
    """Whether a map keeps to the signs of its system: `enforced` by the model, and the layers along which the answer goes `against` them.

    By the partial dependence of `importance`, from the 5 % to the 95 % quantile of the ground; a layer without a curve is not judged.
    """
    curves = {curve["feature"]: curve["mean"] for curve in (found["dependence"] or {"curves": []})["curves"]}
    change = {name: curves[name][-1] - curves[name][0] for name in declared if name in curves}
    against = {name: round(by, 6) for name, by in change.items() if by * declared[name] < 0}
    says = f"{model} keeps to the signs of the system" if enforced else f"{model} does not enforce the signs of the system; it learns which way evidence counts"
    if against:
        says += f"; on held-out refits the answer goes against them along {', '.join(f'{name} ({by:+.3f})' for name, by in against.items())}"
    return {"declared": dict(declared), "enforced": enforced, "judged": sorted(change), "against": against, "says": says}


def _over_folds(lost: Floats) -> dict[str, Any]:
    scored = lost[np.isfinite(lost)]
    spread = round(float(scored.std(ddof=1)), 6) if len(scored) > 1 else None
    return {"drop": round(float(scored.mean()), 6), "spread": spread, "folds": len(scored)}
