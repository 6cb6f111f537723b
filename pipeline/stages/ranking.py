"""Ranking: targets by merit, with all that is told of each but the reasons of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.bundle import Column
from pipeline.config import Loaded
from pipeline.config.frame import Prior
from pipeline.config.targets import GradeTonnage, Merit, Targets
from pipeline.errors import ConfigError
from pipeline.learning.draws import Floats
from pipeline.node import Call, FitNode, Table
from pipeline.recipe import Fit, Vector
from pipeline.stages import observing
from pipeline.stages.expect import FIXED

EPOCH = 2
STAGE = "delineate"
RANKING_BYTES = 200_000_000
MEASURED, INFERRED = "measured", "inferred"
LEAST = 1e-6  # expected deposits of which fewer say nothing
OCCURRENCES = "occurrences"  # the parameter that holds the recorded occurrences of every kind


def node(
    loaded: Loaded, *, prefix: str, tables: Mapping[str, Table], columns: Mapping[str, tuple[str, ...]], deposits: Mapping[str, list[Any]],
    prior: Prior | None, dense: bool, has_access: bool,
) -> FitNode:  # fmt: skip
    """`<prefix>/targets`: the pieces, ranked. `columns` are those of each table. ConfigError for a flag over a vector or column that is not there."""
    from pipeline.learning import undiscovered

    config = loaded.config
    targets = config.targets
    for name, flag in targets.flag.items():
        if flag.of not in tables:
            raise ConfigError(f"{loaded.where('targets', 'flag', name, 'of')}: {registry.unknown('vector', flag.of, tables)}")
        for word in ("by", "until"):
            column = getattr(flag, word)
            if column is not None and column not in columns[flag.of]:
                raise ConfigError(f"{loaded.where('targets', 'flag', name, word)}: {registry.unknown('column', column, columns[flag.of])}")
    metal = config.grade_tonnage.get(config.system.name)
    told = further(targets, prior=prior, metal=metal, dense=dense)
    for name in told:
        if name in OWN:
            raise ConfigError(f"{loaded.where('targets')}: targets have a column {name!r} of their own; give the flag or goal another name")
    said = {
        "known_within_m": targets.known_within_m, "deposits": {word: list(deposits[word]) for word in ("name", "x", "y")},
        "flags": {name: flag.model_dump(mode="json") for name, flag in targets.flag.items()},
        "goals": {name: [goal.half_h, goal.weight] for name, goal in targets.access.to.items()} if targets.access else {},
        "weights": targets.merit.model_dump(mode="json"), "seed": config.seed,
        "numbers": undiscovered.number_distribution(prior.n90, prior.n50, prior.n10).tolist() if prior else None,
        "metal": metal.model_dump(mode="json", include={"tonnage_mt", "grade_percent", "correlation"}) if metal and prior else None,
    }  # fmt: skip
    vectors = {flag.of: tables[flag.of] for flag in targets.flag.values()}
    fits = {"pieces": f"{prefix}/pieces"} | ({"access": f"{prefix}/access"} if has_access else {}) | ({"total": f"{prefix}/intensity"} if dense else {})
    call = Call(ranked, said, vectors=vectors | {OCCURRENCES: tables[config.label.occurrences]}, fits=fits)
    return FitNode(f"{prefix}/targets", STAGE, call, None, RANKING_BYTES, of_map=True)


OWN = (
    "rank", "status", "merit", "in_top_ten", "rank_by_prospectivity", "area_km2", "mean_prospectivity", "max_prospectivity", "mean_uncertainty",
    "mean_applicability", "inferred_share", "evidence", "merit_prospectivity", "merit_confidence", "merit_footprint", "best", "wkb", "nearest_known",
    "nearest_known_km", "nearest_occurrence", "nearest_occurrence_km", "districts", "for_1", "for_2", "for_3", "against_1", "expected_deposits",
    "p_at_least_one",
)  # fmt: skip


def further(targets: Targets, *, prior: Prior | None, metal: GradeTonnage | None, dense: bool) -> dict[str, Column]:
    """The columns of targets that this config asks for, beside those of every map."""
    told: dict[str, Column] = {}
    if dense:
        told["expected_share"] = Column(
            "float64", "Share of discoveries", "1", "Share of all deposits still to be found on the map's ground that it is expected to hold."
        )
    if prior:
        told["deposits_low"] = Column("Int64", "Deposits, low", "1", "Deposits it holds at the least, with a chance of 95 %, if the map is right.")
        told["deposits_high"] = Column("Int64", "Deposits, high", "1", "Deposits it holds at the most, with a chance of 95 %, if the map is right.")
        told["km2_per_discovery"] = Column("float64", "Ground per discovery", "km2", "Ground to search for each deposit it is expected to hold.")
    if prior and metal:
        of = f"{metal.metal}{' (invented model)' if metal.invented else ''}"
        told["metal_t"] = Column("float64", f"{of} expected", "t", f"Contained {of} in undiscovered deposits it is expected to hold; no resource.")
        told["metal_low_t"] = Column("float64", f"{of}, low", "t", f"Contained {of} exceeded with a chance of 95 %.")
        told["metal_high_t"] = Column("float64", f"{of}, high", "t", f"Contained {of} exceeded with a chance of 5 %.")
    told |= observing.COLUMNS if targets.observations else {}
    told |= _of_ground(targets)
    for name, flag in targets.flag.items():
        words = name.replace("_", " ")
        told[name] = Column("str", words.capitalize(), "", f"What of {flag.of} it lies in or near{', by whom' if flag.by else ''}; empty where none.")
        if flag.until:
            told[f"{name}_until"] = Column("str", f"{words.capitalize()} until", "", f"The latest {flag.until} of those.")
        told[f"{name}_share"] = Column("float64", f"Share in {words}", "1", f"Share of its area inside {flag.of}.")
        told[f"{name}_km"] = Column("float64", f"To {words}", "km", f"Distance to the nearest of {flag.of}, 0 where they meet.")
    if targets.access:
        told["merit_access"] = Column("float64", "Access", "1", "How near its goals it is, 0 to 1: the part of merit that stands for access.")
        for name, goal in targets.access.to.items():
            told[f"{name}_h"] = Column("float64", f"To {name.replace('_', ' ')}", "h", f"Hours of travel from its best cell to the nearest of {goal.of}.")
    return told


def _of_ground(targets: Targets) -> dict[str, Column]:
    told = {}
    if targets.elevation:
        for word, unit, what in (("elevation", "m", "Elevation"), ("slope", "degree", "Slope")):
            for end, which in (("low", "lowest"), ("high", "highest")):
                told[f"{word}_{end}_{unit}"] = Column("float64", f"{what}, {which}", unit, f"{what} of its {which} cell.")
    if targets.clear_looks:
        told["clear_looks"] = Column("float64", "Clear looks", "1", "Mean number of times a satellite saw its ground without cloud.")
    return told


def stated(weights: Merit, targets: list[dict[str, Any]]) -> dict[str, Any]:
    """What the scorecard says of merit: its weights, and the new targets that are ever among the best ten when they vary, with how often."""
    from pipeline.learning import merit

    ever = [{"rank": t["rank"], "share": t["in_top_ten"]} for t in targets if t["rank"] is not None and t["in_top_ten"] > 0]
    return {"weights": weights.model_dump(mode="json"), "varied_by": merit.SPREAD, "draws": merit.DRAWS, "top_ten": ever}


def ranked(
    *, pieces: Fit, known_within_m: float, deposits: Mapping[str, list[Any]], flags: Mapping[str, Mapping[str, Any]],
    goals: Mapping[str, list[float]], weights: Mapping[str, float], seed: int, numbers: list[float] | None, metal: Mapping[str, Any] | None,
    access: Fit | None = None, total: Fit | None = None, **vectors: Vector,
) -> list[dict[str, Any]]:  # fmt: skip
    """New ground by merit, then ground of known deposits without a rank; each with its place by prospectivity alone, what merit is made of, what it
    is told to lie in, how far its goals are, and what it is expected to hold.

    A target carries its applicability within its confidence; where to look and what to believe stay two columns.
    """
    from pipeline.learning import merit

    held = pieces.value
    hours = access.value if access else [{} for _ in held]
    whole = int(total.value["sum"]) if total else 0
    told = [_described(piece) for piece in held]
    _near(told, held, deposits, known_within_m, vectors[OCCURRENCES])
    for name, flag in flags.items():
        _flagged(told, held, name, flag, vectors[flag["of"]])
    shares = np.array([piece["amount"] * FIXED / whole if whole else 0.0 for piece in held])
    for row, share, there in zip(told, shares, hours, strict=True):
        row.update({f"{name}_h": hour for name, hour in there.items()})
        row.update({"expected_share": round(float(share), 9)} if total else {})
    if numbers is not None:
        _expected(told, shares, np.array(numbers), metal, seed)
    parts = _parts(told, held, hours, goals, dense=total is not None)
    best = np.array([row["max_prospectivity"] for row in told])
    worth = merit.merit(parts, weights)
    new = np.array([row["status"] == "new" for row in told], bool)
    place, by_best = np.zeros(len(told), np.int64), np.zeros(len(told), np.int64)
    order = -np.arange(len(told), dtype=np.float64)  # pieces come best cell first
    place[new], by_best[new] = merit.places(worth[new], order[new]), merit.places(best[new], order[new])
    stays = np.zeros(len(told))
    stays[new] = merit.staying(parts[new], weights, order=order[new], seed=seed)
    for i, row in enumerate(told):
        row["rank"], row["rank_by_prospectivity"] = (int(place[i]), int(by_best[i])) if new[i] else (None, None)
        row["merit"], row["in_top_ten"] = round(float(worth[i]), 6), round(float(stays[i]), 6) if new[i] else None
        row |= {f"merit_{name}": None if np.isnan(part) else round(float(part), 6) for name, part in zip(merit.PARTS, parts[i], strict=True)}
    return sorted(told, key=lambda row: (row["status"] != "new", row["rank"] or 0, -row["merit"], row["wkb"]))


def _described(piece: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in piece.items() if name not in ("amount", "cells", "elevation_m", "slope_degree")}
    for name in ("elevation_m", "slope_degree"):
        if name in piece:
            word, unit = name.split("_")
            low, high = piece[name] or (None, None)
            row |= {f"{word}_low_{unit}": low, f"{word}_high_{unit}": high}
    inferred = row.setdefault("inferred_share", None)
    row["evidence"] = None if inferred is None else INFERRED if inferred >= 0.5 else MEASURED
    row.setdefault("covered_share", None)
    return row


def _near(
    told: list[dict[str, Any]], held: list[dict[str, Any]], deposits: Mapping[str, list[Any]], known_within_m: float, occurrences: Vector
) -> None:
    """The nearest deposit learnt from, the nearest occurrence of whatever kind, and whether it is known ground."""
    import shapely

    from pipeline.spatial import areas

    known = np.array([shapely.Point(x, y) for x, y in zip(deposits["x"], deposits["y"], strict=True)], object)
    kinds = areas.names({"name": occurrences.columns["name"]}, len(occurrences.geometry))
    types = [areas.word(kind) for kind in occurrences.columns["deposit_type"]]
    trees = shapely.STRtree(known), shapely.STRtree(occurrences.geometry)
    for row, piece in zip(told, held, strict=True):
        shape = shapely.from_wkb(piece["wkb"])
        distance = areas.nearest_m(shape, known, trees[0])
        row["nearest_known"] = None if distance is None else deposits["name"][int(trees[0].nearest(shape))]
        row["nearest_known_km"] = None if distance is None else round(distance / 1000, 3)
        row["status"] = "known ground" if distance is not None and distance <= known_within_m else "new"
        recorded = areas.nearest_m(shape, occurrences.geometry, trees[1])
        i = None if recorded is None else int(trees[1].nearest(shape))
        row["nearest_occurrence"] = None if i is None else kinds[i] + (f" ({types[i]})" if types[i] != areas.UNNAMED else "")
        row["nearest_occurrence_km"] = None if recorded is None else round(recorded / 1000, 3)


def _flagged(told: list[dict[str, Any]], held: list[dict[str, Any]], name: str, flag: Mapping[str, Any], vector: Vector) -> None:
    import shapely

    from pipeline.spatial import areas

    tree = shapely.STRtree(vector.geometry)
    whose = vector.columns[flag["by"]] if flag["by"] else None
    words = areas.names(vector.columns, len(vector.geometry)) if whose is None else [areas.word(value) for value in whose]
    for row, piece in zip(told, held, strict=True):
        shape = shapely.from_wkb(piece["wkb"])
        distance, shared = areas.nearest_m(shape, vector.geometry, tree), areas.shared(shape, vector.geometry, tree)
        if flag["within_m"]:
            near = tree.query(shape, predicate="dwithin", distance=flag["within_m"])
            shared = {int(i): 0.0 for i in np.sort(near)} | shared
        row[name] = ", ".join(areas.in_order(words, shared)) or None
        if flag["until"]:
            ends = [areas.word(vector.columns[flag["until"]][i]) for i in shared]
            row[f"{name}_until"] = max((end for end in ends if end != areas.UNNAMED), default=None)
        inside = shapely.area(shapely.intersection(shape, shapely.union_all(vector.geometry[list(shared)]))) if shared else 0.0
        row[f"{name}_share"] = round(float(inside / shapely.area(shape)), 6)
        row[f"{name}_km"] = None if distance is None else round(distance / 1000, 3)


def _expected(told: list[dict[str, Any]], shares: Floats, numbers: Floats, metal: Mapping[str, Any] | None, seed: int) -> None:
    from pipeline.learning import tonnage, undiscovered

    mean = float(np.arange(len(numbers)) @ numbers)
    counts = [undiscovered.count_distribution(numbers, min(1.0, float(share))) for share in shares]
    size = tonnage.metal_t(**metal) if metal else None
    sums = tonnage.sums(*size, most=max((tonnage.likely(chance) for chance in counts), default=0), seed=seed) if size else None
    for row, share, chance in zip(told, shares, counts, strict=True):
        low, high = undiscovered.count_interval(chance)
        row |= {
            "expected_deposits": round(mean * float(share), 6), "deposits_low": low, "deposits_high": high,
            "p_at_least_one": round(undiscovered.at_least_one(numbers, min(1.0, float(share))), 6),
            "km2_per_discovery": round(row["area_km2"] / (mean * float(share)), 3) if mean * share >= LEAST else None,
        }  # fmt: skip
        if size and sums is not None:
            row |= dict(zip(("metal_t", "metal_low_t", "metal_high_t"), (float(f"{t:.6g}") for t in tonnage.contained(chance, sums, *size)), strict=True))


def _parts(
    told: list[dict[str, Any]], held: list[dict[str, Any]], hours: list[dict[str, float | None]], goals: Mapping[str, list[float]], *, dense: bool
) -> Floats:
    """What merit is made of, (n, merit.PARTS): see `merit`; footprint is the least ground per discovery of any target over that of this one."""
    from pipeline.learning import merit

    if not told:
        return np.empty((0, len(merit.PARTS)))
    trust = [
        merit.confidence(
            applicability=row["mean_applicability"], mean=row["mean_prospectivity"], spread=row["mean_uncertainty"], inferred=row["inferred_share"]
        )
        for row in told
    ]  # fmt: skip
    near = [merit.access(there, {name: (half, weight) for name, (half, weight) in goals.items()}) if goals else math.nan for there in hours]
    density = np.array([piece["amount"] / piece["cells"] for piece in held])
    small = merit.relative(density) if dense else np.full(len(told), np.nan)
    return np.column_stack([merit.relative(np.array([row["max_prospectivity"] for row in told])), trust, near, small])
