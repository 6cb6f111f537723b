"""Regions: leave-one-region-out, whether what one region teaches holds in another, and whether aligning evidence helps it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.frame import Protocol
from pipeline.learning.draws import Floats
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit
from pipeline.stages import making, teach, validate
from pipeline.stages.teach import Teacher

if TYPE_CHECKING:
    from pipeline.learning import regions
    from pipeline.learning.heldout import HeldOut
    from pipeline.learning.table import SampleTable

EPOCH = 2
STAGE = "validate"
PROTOCOL = "leave_one_region_out"
SCORING_BYTES = 500_000_000  # the tables of all regions and one model at a time
NOT_ACROSS = "a region that was never seen has no place in common with those that teach"


def alignment_node(*, prefix: str, teachers: tuple[Teacher, ...], told: Mapping[str, Any], units: Mapping[str, str], seeds: tuple[int, ...]) -> FitNode:
    """`<prefix>/alignment`: which layers are aligned. It reads what teachers gave and nothing of this region."""
    said = {"others": [t.region for t in teachers], "told": told, "units": dict(units), "seeds": seeds}
    return FitNode(f"{prefix}/alignment", STAGE, Call(aligning, said, fits=teach.lessons_read(prefix, teachers)), None, SCORING_BYTES)


def node(
    *, prefix: str, own: str, teachers: tuple[Teacher, ...], told: Mapping[str, Any], protocol: Protocol, seed: int, aligned: bool
) -> FitNode:  # fmt: skip
    """The scorecard of leave-one-region-out, `<prefix>/protocols/leave_one_region_out/scorecard`; repeats as the deciding `protocol` has them."""
    said = {"own": own, "others": [t.region for t in teachers], "told": told, "seeds": validate.repeats(seed, protocol)}
    fits = teach.lessons_read(prefix, teachers) | {"table": f"{prefix}/table", "samples": f"{prefix}/samples", "ground": f"{prefix}/ground"}
    if aligned:
        fits["alignment"] = f"{prefix}/alignment"
    return FitNode(f"{prefix}/protocols/{PROTOCOL}/scorecard", STAGE, Call(score_regions, said, fits=fits), None, SCORING_BYTES)


def aligning(*, others: list[str], told: Mapping[str, Any], units: Mapping[str, str], seeds: tuple[int, ...], **lessons: Fit) -> dict[str, Any]:
    """The `layers` to align: those without a unit, and those with one only if leaving out each teaching region gains by it.

    The gain is the mean AUC over regions with all layers aligned to the ground of the region left out, less that with the unitless ones
    alone; the 90 % interval by redrawing blocks of ground must lie above 0. Deposits of the region that is mapped are not looked at.
    """
    from pipeline.learning import alignment, intervals, regions
    from pipeline.learning.heldout import MODEL

    held = teach.read(others, lessons)
    free = alignment.unitless(units)
    physical = [name for name in units if name not in free]
    said: dict[str, Any] = {"layers": list(free), "with_units": physical, "gain": None}
    if not physical:
        return said | {"says": "No layer of evidence has a unit, so all are aligned."}
    many = len(physical) > 1
    refused = f"{', '.join(physical)} {'have' if many else 'has'} a unit, which means the same in every region, and {'are' if many else 'is'} not aligned"
    tables = {region: teach.table_of(one) for region, one in held.items()}
    if sum(bool(table.positive.any()) for table in tables.values()) < 2:
        return said | {"says": f"{refused}: with one region that teaches none can be left out to test whether that gains."}
    draws, means = [], list[float | None]()
    for layers in (list(free), [*free, *physical]):
        found = _left_out(held, tables, told, seeds, layers)
        whole, ground = regions.joined(tables), regions.units(tables)
        draws.append(intervals.fold_mean_draws(whole.label, found.scores[MODEL], found.folds, ground, intervals.weights(ground, seed=seeds[0])))
        means.append(_mean(whole, found))
    if means[0] is None or means[1] is None:
        return said | {"says": f"{refused}: no teaching region could be scored by the others."}
    apart = intervals.interval(draws[1] - draws[0])
    said["gain"] = {"without": means[0], "with": means[1], "mean": round(means[1] - means[0], 6), "interval": apart}
    test = f"leaving out each region that teaches gives AUC {means[1]:.2f} with that aligned and {means[0]:.2f} without (gain {_span(apart)})"
    if apart is not None and apart[0] > 0:
        return said | {"layers": [*free, *physical], "says": f"{', '.join(physical)} {'are' if many else 'is'} aligned in spite of a unit: {test}."}
    return said | {"says": f"{refused}: {test}."}


def score_regions(
    *, table: Fit, samples: Fit, ground: Fit, own: str, others: list[str], told: Mapping[str, Any], seeds: tuple[int, ...],
    alignment: Fit | None = None, **lessons: Fit,
) -> dict[str, Any]:  # fmt: skip
    """The scorecard: each region ranked by what the others teach, the own one first, beside the nulls that mean something there."""
    from pipeline.learning import regions
    from pipeline.learning.crossval import figures

    held = {own: _own(table, samples, ground)} | teach.read(others, lessons)
    tables = {region: teach.table_of(one) for region, one in held.items()}
    layers = alignment.value["layers"] if alignment else None
    found = _left_out(held, tables, told, seeds, layers)
    whole, units = regions.joined(tables), regions.units(tables)
    result = figures(whole, seeds, found, units, None)  # intensities of different regions are not of one scale
    scored = [region for place, region in enumerate(tables) if (0, place) not in found.skipped]
    each = [_region(place, [*tables], whole, found, units, result["ranks"], seeds) for place in range(len(tables))]
    for name in result["scores"]:
        for one in result["scores"][name]["per_seed"]:
            one["folds"] = [fold | {"region": region} for fold, region in zip(one["folds"], tables, strict=True)]
    counted = whole.subset(whole.scored)
    protocol = {
        "split": "one region held out at a time", "kind": PROTOCOL, "folds": len(tables), "seeds": list(seeds), "blocks": len(np.unique(units)),
        "blocks_with_positives": len(np.unique(units[whole.positive])), "positives": int(counted.positive.sum()),
        "groups": len(np.unique(counted.group[counted.positive])), "background": int((~counted.positive).sum()),
        "floors": {"evidence_range_km": None, "neighbour_km": None}, "apart_km": None, "floors_met": None,
    }  # fmt: skip
    differ = {region: _different(held[own], one) for region, one in held.items() if region != own}
    return {
        "title": "taught by other regions alone, the map's own model", "model": {"use": told["use"], **told["said"]}, "groups": "deposits",
        "evidence": list(whole.names), "own": own, "taught_by": others, "verdict": " ".join(_verdict(each, own)), "regions": each,
        "not_asked": dict.fromkeys(("coordinates", "distance_to_known"), NOT_ACROSS), "most_different": differ,
        "alignment": alignment.value if alignment else None, "protocol": protocol if scored else None,
        **({**result, "reliability": None} if scored else {"scores": None, "difference": None, "ranks": [], "reliability": None}),
    }  # fmt: skip


def _left_out(held: Mapping[str, Any], tables: regions.Tables, told: Mapping[str, Any], seeds: tuple[int, ...], layers: list[str] | None) -> HeldOut:
    """As `regions.left_out`, the others aligned to the ground of the region left out where there are `layers` to align."""

    from pipeline.learning import regions
    from pipeline.learning.lessons import Lessons

    def as_there(region: str) -> regions.Tables:
        here = teach.ground_of(held[region])
        return {other: teach.as_here(one, here, layers or []) for other, one in held.items() if other != region}

    def make(seed: int) -> Any:
        return making.maker(told, background_km2=km2)(seed)

    rows, ground = Lessons(tables, {}, {region: float(one["ground_km2"]) for region, one in held.items()}).ground()
    km2 = ground / max(rows, 1)
    return regions.left_out(tables, make_model=make, seeds=seeds, shown=as_there if layers else None)


def _own(table: Fit, samples: Fit, ground: Fit) -> dict[str, Any]:
    """The own region as its lesson to others would be."""
    from pipeline.learning.table import SampleTable

    held = SampleTable.from_bytes(table.value)
    rows = {name: getattr(held, name) for name in ("label", "group", "cell", "x", "y", "weight", "trains", "scored")}
    km2 = np.array(float(samples.value["cells"] * samples.value["cell_km2"]))
    return {"values": held.values, "names": np.array(held.names, dtype=str), **rows, "ground": ground.value["values"], "ground_km2": km2}


def _region(
    place: int, names: list[str], whole: SampleTable, found: HeldOut, units: Any, ranks: list[dict[str, Any]], seeds: tuple[int, ...]
) -> dict[str, Any]:  # fmt: skip
    """How one region is ranked by what the others teach."""
    from pipeline.learning import intervals
    from pipeline.learning.heldout import MODEL

    rows = (found.folds[0] == place) & whole.scored
    own = whole.subset(rows)
    known = [name for at, name in enumerate(names) if (whole.positive & (found.folds[0] == at)).any()]  # the others teach nothing
    region, groups = names[place], np.unique(own.group[own.positive]).tolist()
    said: dict[str, Any] = {
        "region": region, "taught_by": [name for name in names if name != region and name in known], "positives": int(own.positive.sum()),
        "groups": len(groups), "background": int((~own.positive).sum()), "skipped": found.skipped.get((0, place)),
    }  # fmt: skip
    if said["skipped"]:
        return said | {"auc": None, "interval": None, "nulls": None, "difference": None, "percentiles": [], "verdict": f"{region} is not tested: {said['skipped']}."}
    weight = intervals.weights(units[rows], seed=seeds[0])
    folds, label = found.folds[:, rows], own.label
    draw = {name: intervals.fold_mean_draws(label, score[:, rows], folds, units[rows], weight) for name, score in found.scores.items()}
    mean = {name: _auc(label, score[:, rows]) for name, score in found.scores.items()}
    less = {
        name: {"mean": round(mean[MODEL] - mean[name], 6), "interval": intervals.interval(draw[MODEL] - draw[name])} for name in draw if name != MODEL
    }
    said |= {"auc": mean.pop(MODEL), "interval": intervals.interval(draw[MODEL]), "nulls": mean, "difference": less}
    said["percentiles"] = [one["percentile"] for one in ranks if one["group"] in groups and one["percentile"] is not None]
    return said | {"verdict": _holds(said)}


def _holds(said: Mapping[str, Any]) -> str:
    """One sentence: does what the others teach hold in a region?"""
    from pipeline.learning.verdict import ENOUGH_GROUPS, NEAR_CHANCE, ranked

    others, region = what(said["taught_by"]), said["region"]
    capital = others[0].upper() + others[1:]
    if said["groups"] < ENOUGH_GROUPS:
        some = ranked(said["percentiles"])
        return f"Too few to tell whether {others} holds in {region}: {said['groups']} deposit groups, where {ENOUGH_GROUPS} or more are needed{some}."
    if said["auc"] <= NEAR_CHANCE:
        return (
            f"{capital} does not hold in {region}: AUC {said['auc']:.2f} ({_span(said['interval'])}), where 0.50 is blind and more than "
            f"{NEAR_CHANCE:.2f} is asked; do not believe it there."
        )
    best = max(said["nulls"], key=lambda name: said["nulls"][name])
    less = said["difference"][best]
    null = {"random": "a random ranking", "best_layer": "the single best layer there"}[best]
    apart = f"{less['mean']:+.2f} ({_span(less['interval'])})"
    against = f"AUC {said['auc']:.2f} ({_span(said['interval'])}) against {said['nulls'][best]:.2f} for {null}, a difference of {apart}"
    if less["interval"] is not None and less["interval"][0] > 0:
        return f"{capital} holds in {region}: {against}."
    return f"{capital} holds in {region}, but not clearly beyond its nulls: {against}."


def what(others: Sequence[str]) -> str:
    """What some regions teach, as a subject."""
    return f"what {' and '.join(others)} {'teach' if len(others) > 1 else 'teaches'}"


def _verdict(each: list[dict[str, Any]], own: str) -> list[str]:
    """The own region's sentence; where it cannot be tested, why, and those of the regions that teach."""
    mine = next(one for one in each if one["region"] == own)
    return [mine["verdict"]] if not mine["skipped"] else [one["verdict"] for one in (mine, *(one for one in each if one is not mine))]


def notices(card: Mapping[str, Any]) -> list[str]:
    """What a reader must know of what other regions teach."""
    from pipeline.learning.verdict import ENOUGH_GROUPS, NEAR_CHANCE

    mine = next(one for one in card["regions"] if one["region"] == card["own"])
    told = [mine["verdict"]] if not mine["skipped"] and (mine["auc"] <= NEAR_CHANCE or mine["groups"] < ENOUGH_GROUPS) else []
    if mine["skipped"]:
        told.append(f"no deposit of {card['own']} tests {what(card['taught_by'])}: {mine['skipped']}")
    for region, layers in card["most_different"].items():
        if layers:
            named = ", ".join(f"{name} {by:.2f}" for name, by in layers.items())
            told.append(f"the ground of {region} differs from that mapped most in {named} (Kolmogorov-Smirnov, 0 alike to 1 apart)")
    return told + ([card["alignment"]["says"]] if card["alignment"] else [])


def _different(own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    from pipeline.learning import alignment

    return {name: round(by, 6) for name, by in alignment.most_different(teach.ground_of(own), teach.ground_of(other)).items()}


def _mean(whole: SampleTable, found: HeldOut) -> float | None:
    """Mean AUC over the regions that were scored."""
    from pipeline.learning.heldout import MODEL

    scored = [place for place in range(int(found.folds.max()) + 1) if (0, place) not in found.skipped]
    of = [(found.folds[0] == place) & whole.scored for place in scored]
    return round(float(np.mean([_auc(whole.label[rows], found.scores[MODEL][:, rows]) for rows in of])), 6) if of else None


def _auc(label: Any, scores: Floats) -> float:
    """Mean over seeds."""
    from pipeline.learning.scores import roc_auc

    return round(float(np.mean([roc_auc(label, score) for score in scores])), 6)


def _span(interval: list[float] | None) -> str:
    return "90 % interval not known" if interval is None else f"90 % from {interval[0]:.2f} to {interval[1]:.2f}"
