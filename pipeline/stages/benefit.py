"""Benefit: which districts and licence blocks hold how much high ground, how many targets, and what share of what may be found."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.config.targets import Targets
from pipeline.grid import Grid, Window
from pipeline.node import Call, FitNode, Table
from pipeline.recipe import Array, Fit, Layer, Layers, Vector
from pipeline.stages import expect

EPOCH = 1
STAGE = "delineate"
HIGH = 4  # the classes high and very high
TALLY_BYTES = 100_000_000
SUMS = ("scored", "high", "amount")


def nodes(
    targets: Targets, grid: Grid, *, prefix: str, tables: Mapping[str, Table], tract: tuple[str, ...], known: Mapping[str, Any], dense: bool
) -> list[FitNode]:
    """`<prefix>/by_district` where config names districts, and one for each flag of polygons: rows of what each area holds."""
    fits = {"exponent": f"{prefix}/exponent"} if dense else {}
    ends = {"targets": f"{prefix}/targets"} | ({"total": f"{prefix}/intensity"} if dense else {})
    made = []
    for name, (of, by, until) in asked(targets).items():
        layers = {"prospectivity": (f"{prefix}/prospectivity",), "classes": (f"{prefix}/classes",), "tract": tract}
        gather = Call(tallied, dict(known), layers, vectors={"areas": tables[of]}, fits=fits)
        said = {"cell_m": grid.cell_m, "by": by, "until": until}
        made.append(FitNode(f"{prefix}/{name}", STAGE, Call(summed, said, vectors={"areas": tables[of]}, fits=ends), gather, TALLY_BYTES, of_map=True))
    return made


def asked(targets: Targets) -> dict[str, tuple[str, str | None, str | None]]:
    """The tables a config asks for: name to the vector, and the columns that say who holds an area and until when."""
    told: dict[str, tuple[str, str | None, str | None]] = {"by_district": (targets.districts, None, None)} if targets.districts else {}
    return told | {f"by_{name}": (flag.of, flag.by, flag.until) for name, flag in targets.flag.items() if not flag.within_m}


def tallied(
    *, prospectivity: Layer, classes: Layer, tract: Layers, areas: Vector, at: Window, x_m: list[float], y_m: list[float], known_within_m: float,
    exponent: Fit | None = None,
) -> dict[str, Array]:  # fmt: skip
    """For each area that touches this tile, by a digest of its outline: cells scored, cells of high class, and summed intensity, as integers."""
    from pipeline.spatial import outline

    scored, x, y = ~np.isnan(prospectivity.values), at.x(), at.y()
    amount = np.zeros(scored.shape, np.int64)
    if exponent is not None:
        amount, _ = expect.undiscovered(
            prospectivity.values, [t.values for t in tract], exponent, x, y, at.grid.cell_m, x_m=x_m, y_m=y_m, known_within_m=known_within_m
        )
    keys: dict[str, list[int]] = {}
    for shape in areas.geometry:
        west, south, east, north = shape.bounds
        cols, rows = np.flatnonzero((x >= west) & (x <= east)), np.flatnonzero((y >= south) & (y <= north))
        if not cols.size or not rows.size or digest(shape) in keys:
            continue
        cut = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        inside = outline.inside(np.array([shape], object), x[cut[1]], y[cut[0]]) & scored[cut]
        keys[digest(shape)] = [int(inside.sum()), int((inside & (classes.values[cut] >= HIGH)).sum()), int(amount[cut][inside].sum())]
    return {"key": np.array(list(keys), "U32"), **{name: np.array([held[i] for held in keys.values()], np.int64) for i, name in enumerate(SUMS)}}


def digest(shape: Any) -> str:
    """What an area goes by, whatever else is in its table."""
    import shapely

    return hashlib.blake2b(shapely.to_wkb(shape, byte_order=1), digest_size=16).hexdigest()


def summed(
    *, parts: list[dict[str, Array]], areas: Vector, targets: Fit, cell_m: float, by: str | None, until: str | None, total: Fit | None = None
) -> list[dict[str, Any]]:
    """One row for each name (and holder, and end): area, scored ground, its share of high class, new targets and their ground inside, the best rank,
    and the share of all deposits still to be found; by name."""
    import shapely

    from pipeline.spatial import areas as named

    held: dict[str, dict[str, int]] = {}
    for part in parts:
        for i, key in enumerate(part["key"].tolist()):
            sums = held.setdefault(key, dict.fromkeys(SUMS, 0))
            for name in SUMS:
                sums[name] += int(part[name][i])
    names = named.names(areas.columns, len(areas.geometry))
    whose = [None] * len(names) if by is None else [named.word(v) for v in areas.columns[by]]
    ends = [None] * len(names) if until is None else [named.word(v) for v in areas.columns[until]]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    new = [(t["rank"], shapely.from_wkb(t["wkb"])) for t in targets.value if t["status"] == "new"]
    tree = shapely.STRtree([shape for _, shape in new])
    for shape, *said in zip(areas.geometry, names, whose, ends, strict=True):
        row = rows.setdefault(tuple(said), dict.fromkeys(SUMS, 0) | {"area_m2": [], "target_m2": [], "ranks": set()})
        for name, count in held.get(digest(shape), {}).items():
            row[name] += count
        row["area_m2"].append(float(shapely.area(shape)))
        for i in np.sort(tree.query(shape, predicate="intersects")):
            ground = float(shapely.area(shapely.intersection(shape, new[i][1])))
            if ground > 0:
                row["target_m2"].append(ground)
                row["ranks"].add(new[i][0])
    whole, km2 = (int(total.value["sum"]) if total else 0), cell_m**2 / 1e6
    told = []
    for (name, holder, end), row in sorted(rows.items(), key=lambda item: tuple(map(str, item[0]))):
        told.append(
            {
                "name": name, **({"by": holder} if by else {}), **({"until": end} if until else {}),
                "area_km2": round(math.fsum(row["area_m2"]) / 1e6, 3), "scored_km2": round(row["scored"] * km2, 3),
                "high_share": round(row["high"] / row["scored"], 6) if row["scored"] else None, "targets": len(row["ranks"]),
                "best_rank": min(row["ranks"], default=None), "target_km2": round(math.fsum(row["target_m2"]) / 1e6, 3),
                "expected_share": round(row["amount"] / whole, 9) if whole else None,
            }
        )  # fmt: skip
    return told
