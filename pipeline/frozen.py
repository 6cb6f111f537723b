"""Frozen: what the last full run of a map fitted, by key, and what the map that is out is made of; beside the cube, one folder per map."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.cube import write_atomically
from pipeline.ledger import key_of
from pipeline.node import FitNode, LayerNode
from pipeline.objects import Location

if TYPE_CHECKING:
    from pipeline.planning import Plan

FITTED, OUT = "fitted.json", "out.json"
FREE = ("run", "sources", "absent", "publish", "update", "priors", "grade_tonnage")  # sections that decide no fit but by the data they name
OF_TARGETS = ("area_share", "times_mean_density", "min_area_km2", "known_within_m")  # and of the targets only these do
DATA = ("deposits", "spread", "places", "x_m", "y_m", "count")  # parameters of fits that are the occurrences themselves


@dataclass(frozen=True)
class Fitted:
    """What a full run leaves to updates. `fits`: every fit to its key; `statics`: what each is made by, inputs apart; `layers`: tile keys of the map and of
    its copy; `tables`: version of each vector table and its file, as seen from the cache; `config`: what decides the fits; `since`: when (UTC);
    `deposits`: those it learnt from."""

    bundle_key: str
    since: str
    fits: dict[str, str]
    statics: dict[str, str]
    layers: dict[str, dict[str, str]]
    tables: dict[str, list[str]]
    config: dict[str, Any]
    deposits: list[list[Any]]


@dataclass(frozen=True)
class Out:
    """What the map that is out is made of: `reach`, by source the tiles it touches, each with a hash of what touches it; `tables`, version and file of
    each vector table; `bundle_key` of the map."""

    bundle_key: str
    reach: dict[str, dict[str, str]]
    tables: dict[str, list[str]]


def folder(plan: Plan) -> Location:
    """Where a map's records lie."""
    return plan.cube.path.with_suffix(".frozen") / plan.graph.bundle_name


def fitted(where: Location) -> Fitted | None:
    """The record of the last full run; None when there is none that can be read."""
    try:
        return Fitted(**_read(where / FITTED))
    except TypeError:
        return None


def out(where: Location) -> Out | None:
    """The record of the map that is out; None when there is none that can be read."""
    try:
        return Out(**_read(where / OUT))
    except TypeError:
        return None


def record(plan: Plan) -> None:
    """Write down what the map just published is made of, and after a run that pinned nothing what it fitted."""
    where = folder(plan)
    files = {name: [table.version, os.path.relpath(table.path, plan.graph.found.place.cache)] for name, table in plan.graph.found.tables.items()}
    if not plan.pins.fits:
        layers = {name: dict(plan.keys[name]) for name in (f"{plan.graph.prefix}/{word}" for word in ("prospectivity", "as_fitted"))}
        since, statics = dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), {n.name: static(n) for n in plan.nodes if isinstance(n, FitNode)}
        _keep(where / FITTED, Fitted(plan.bundle_key, since, dict(plan.fit_keys), statics, layers, files, decides(plan), deposits(plan)))
    _keep(where / OUT, Out(plan.bundle_key, reach(plan), files))


def static(node: FitNode) -> str:
    """What a fit is made by, without its inputs; occurrences are inputs though they come as parameters."""
    said = []
    for call in node.calls:
        word, epoch, parameters, *bound = call.identity()
        said.append([word, epoch, {name: value for name, value in parameters.items() if name not in DATA}, *bound])
    return key_of(said)


def decides(plan: Plan) -> dict[str, Any]:
    """The sections of the config that decide what is fitted."""
    said = {name: value for name, value in plan.graph.said().items() if name not in FREE}
    said["targets"] = {name: said["targets"][name] for name in OF_TARGETS}
    return json.loads(json.dumps(said))  # type: ignore[no-any-return]


def deposits(plan: Plan) -> list[list[Any]]:
    """The deposits of this kind there are: name and place."""
    held = plan.graph.deposits
    return [[name, round(x, 3), round(y, 3)] for name, x, y in zip(held["name"], held["x"], held["y"], strict=True)]


def reach(plan: Plan) -> dict[str, dict[str, str]]:
    """By source, each tile it touches with a hash of what touches it there: assets, and what lies in reach of the features made of it."""
    found: dict[str, dict[str, list[Any]]] = {}
    for node in plan.nodes:
        if not isinstance(node, LayerNode) or node.name.startswith(f"{plan.graph.prefix}/without/"):
            continue
        for key in (key for key, one in plan.graph.found.acquired.items() if node.call.assets and one.assets == node.call.assets):
            for tile in plan.grid.tiles():
                near = [(asset.id, asset.version) for asset in node.call.near(plan.grid.window(tile).bounds).assets]
                if near:
                    found.setdefault(key, {})[f"{tile[0]},{tile[1]}"] = near
        for table in node.call.vectors.values():
            for tile, digest in plan.graph.digests(table, node.call.reach_m).items():
                found.setdefault(table.name, {}).setdefault(f"{tile[0]},{tile[1]}", []).append((node.name, digest))
    return {key: {tile: key_of(said)[:24] for tile, said in tiles.items()} for key, tiles in found.items()}


def _keep(path: Location, said: Fitted | Out) -> None:
    """Write a record, unless it stands there already but for the time."""
    fresh = json.loads(json.dumps(asdict(said)))
    if {**_read(path), "since": ""} != {**fresh, "since": ""}:
        write_atomically(path, json.dumps(fresh, sort_keys=True).encode())


def _read(path: Location) -> dict[str, Any]:
    try:
        said = json.loads(path.read_bytes())
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError):
        return {}
