"""Showing: which layers of evidence go into the bundle, so that a reader sees on the map what the map rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.node import LayerNode, Node
from pipeline.stages import explain

if TYPE_CHECKING:
    from pipeline.graph import Graph

CELL_BYTES = 4


def check(loaded: Loaded, layers: Mapping[str, LayerMeta]) -> None:
    """ConfigError when `publish` names what is no layer of amounts."""
    asked = loaded.config.publish
    for word, names in (("evidence", asked.evidence or ()), ("relief", (asked.relief,) if asked.relief else ())):
        for name in names:
            at = loaded.where("publish", word)
            if name not in layers:
                raise ConfigError(f"{at}: {registry.unknown('layer', name, layers)}")
            if layers[name].dtype != "float32":
                raise ConfigError(f"{at}: {name!r} is a category code, whose numbers no ramp of colours can show; name layers of amounts")


def choose(graph: Graph, fit: Any) -> tuple[dict[str, str], str | None, dict[str, str]]:
    """The layers copied, by the name they are published under, the most telling first; the relief, if it is one; and why others are not.

    `fit` gives an artefact by name. Without `publish.evidence` they are the features whose shuffling costs most, each by the layer of it that
    alone ranks the training samples best; in the order of config where nothing could be measured.
    """
    asked, grid = graph.loaded.config.publish, graph.found.place.grid
    names = list(asked.evidence) if asked.evidence is not None else _telling(graph, fit)[: asked.at_most]
    if asked.relief:
        names = [asked.relief, *(name for name in names if name != asked.relief)]
    made, left, withheld = _makers(graph), asked.evidence_mb * 1e6, {}
    chosen: dict[str, str] = {}
    for name in names:
        reason = _closed(graph, made, name)
        if reason is None and (left := left - grid.rows * grid.cols * CELL_BYTES) < 0:
            reason = f"the copies would hold more than publish.evidence_mb {asked.evidence_mb:g}"
        if reason is None:
            chosen[name] = name
        else:
            withheld[name] = reason
    return chosen, asked.relief if asked.relief in chosen else None, withheld


def made_of(graph: Graph, names: tuple[str, ...]) -> set[str]:
    """The sources that layers are made of, at whatever remove; tables and rasters alike."""
    made, waiting, seen = _makers(graph), list(names), set[str]()
    own = {f"{key}_{info.suffix}" if info.suffix else key: key for key, acquired in graph.found.acquired.items() for info in acquired.layers}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in own:
            found.add(own[name])
        for call in made[name].calls if name in made else ():
            waiting += [*call.read_layers(), *call.read_fits()]
            found |= {table.name for table in call.vectors.values()}
    return found


def _makers(graph: Graph) -> dict[str, Node]:
    return {name: node for node in graph.nodes for name in ([m.name for m in node.outputs] if isinstance(node, LayerNode) else [node.name])}


def _closed(graph: Graph, made: Mapping[str, Node], name: str) -> str | None:
    """Why a layer may not be copied, if so."""
    if name not in made:
        return "there is no such layer"
    parts = graph.found.parts
    for source in sorted(part for found in made_of(graph, (name,)) for part in parts.get(found, (found,))):
        use = graph.loaded.config.sources.get(source)
        said = use.with_.model_dump() if use else {}
        if use and not said.get("redistribute", True):
            return f"the licence of {source} forbids copies"
        if use and not said.get("licence"):
            return f"no licence is stated for {source}"
    return None


def _telling(graph: Graph, fit: Any) -> list[str]:
    from pipeline.learning.nulls import ranked
    from pipeline.learning.table import SampleTable

    found = fit(f"{graph.prefix}/importance")
    nodes = {node.name: node for node in graph.nodes if isinstance(node, LayerNode)}
    weights = explain.weights(found)
    if weights is None:
        return list(graph.evidence)
    names = [feature["name"] for feature in found["features"]]
    ordered = [names[i] for i in np.lexsort((np.arange(len(names)), -np.round(weights, 9)))]
    table = SampleTable.from_bytes(fit(f"{graph.prefix}/table"))
    column = {name: i for i, name in enumerate(graph.evidence)}

    def alone(name: str) -> float:
        return abs(ranked(table.values[:, column[name]].astype(np.float64), table.label) - 0.5)

    return [max((meta.name for meta in nodes[name].outputs), key=lambda n: (round(alone(n), 9), -column[n])) for name in ordered]
