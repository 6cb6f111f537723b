"""Teachers: which other regions may teach a map, and whether their evidence is the same; decided before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline import registry, terms
from pipeline.config import Loaded, load
from pipeline.config.frame import Training
from pipeline.config.loading import names
from pipeline.cube import Cube
from pipeline.errors import ConfigError, ProspectError
from pipeline.graph import Graph
from pipeline.node import Elsewhere, LayerNode
from pipeline.stages.teach import Teacher

SHARED = ("features", "background", "system", "seed")  # settings that say how a map is made, not of which ground


def lesson(graph: Graph) -> str:
    """The fit of all that a region's graph teaches."""
    return f"{graph.prefix}/lesson"


def loaded_like(loaded: Loaded, place: int, region: str) -> Loaded:
    """The config of a teaching region for the system of `loaded`, run as it is; it is taught by nobody itself.

    Settings of the command line that say how a map is made hold for it too. ConfigError for a region that is not there, is the own one, has
    another system, or is no declared analogue.
    """
    at, system = loaded.where("training", "regions", place), loaded.config.system
    known = names("regions", loaded.root)
    if region not in known:
        raise ConfigError(f"{at}: {registry.unknown('region', region, known)}")
    if region == loaded.config.region.name:
        raise ConfigError(f"{at}: {region} is the region that is mapped, and its deposits teach anyway; name others")
    if region not in system.analogue_of:
        declared = f"; declared are {', '.join(system.analogue_of)}" if system.analogue_of else "; none is declared"
        setting = f" ({system.setting})" if system.setting else ""
        raise ConfigError(
            f"{at}: {region} is not declared an analogue for {system.name}{setting}{declared}. Give the reason why it is alike, as "
            f"`{region}: reason` under system.analogue_of, or take it out"
        )
    settings = tuple(text for text in loaded.settings if text.partition("=")[0].split(".")[0] in SHARED)
    try:
        other = load(region, system=system.name if system.name in names("systems", loaded.root) else None, settings=settings, root=loaded.root)
    except ProspectError as error:
        raise type(error)(f"{at}: {region} cannot teach: {error}") from error
    if other.config.system.name != system.name:
        raise ConfigError(f"{at}: {region} cannot teach: its system is {other.config.system.name!r}, and {system.name!r} is mapped; give both the same")
    if other.config.background.kind != loaded.config.background.kind:
        raise ConfigError(
            f"{at}: {region} cannot teach: its background.kind is {other.config.background.kind} and here it is {loaded.config.background.kind}, so a model "
            "would tell two kinds of ground apart, not deposits; give both the same"
        )
    alike = other.config.model_copy(update={"run": loaded.config.run, "training": Training(), "priors": {}})
    return replace(other, config=alike)


def teacher(loaded: Loaded, graph: Graph, cube: Cube, fit_keys: Mapping[str, str]) -> Teacher:
    """What the map needs to know of a region that teaches it, from that region's graph."""
    config, fit = graph.loaded.config, lesson(graph)
    inputs = tuple(
        {"region": config.region.name, "source": name, "asset": asset.id, "sha256": asset.version, "bytes": asset.size}
        | {word: (config.sources[name].with_.model_dump().get(word) if name in config.sources else None) or "not stated" for word in ("licence", "citation")}
        for name, acquired in sorted(graph.found.acquired.items())
        for asset in acquired.assets
    )
    return Teacher(
        config.region.name, config.region.title, loaded.config.system.analogue_of[config.region.name],
        Elsewhere(config.region.name, cube, fit, fit_keys[fit]), graph.synthetic, tuple(graph.notices), inputs,
        tuple(replace(source, key=f"{config.region.name}/{source.key}") for source in terms.of(config)),
    )  # fmt: skip


def compared(graph: Graph, other: Graph, place: int) -> list[str]:
    """What differs in how the evidence of a teaching region is made, in words; ConfigError where it is not the same evidence."""
    at, region = graph.loaded.where("training", "regions", place), other.loaded.config.region.name
    own, there = ({name: one.layers()[name] for name in one.evidence} for one in (graph, other))
    lacking = [name for name in own if name not in there]
    if lacking:
        raise ConfigError(
            f"{at}: {region} cannot teach: it has no evidence layer {', '.join(lacking)}; both regions need the same (give it the feature, or list it under "
            "system.inputs here)"
        )
    odd = [f"{name} ({own[name].units} here, {there[name].units} there)" for name in own if own[name].units != there[name].units]
    if odd:
        raise ConfigError(f"{at}: {region} cannot teach: other units of {', '.join(odd)}; convert one of them")
    _refuse_own_meaning(graph, at)
    said = []
    more = [name for name in there if name not in own]
    if more:
        said.append(f"{region}: its evidence {', '.join(more)} is not known here and teaches nothing")
    for name, use in graph.loaded.config.features.items():
        differs = _differs(use.said(), other.loaded.config.features[name].said()) if name in other.loaded.config.features else []
        if differs and any(layer in own for layer in _given(graph, name)):
            said.append(f"{region}: {name} is made otherwise there ({', '.join(differs)})")
    cell, cell_there = graph.loaded.config.region.cell_m, other.loaded.config.region.cell_m
    if cell != cell_there:
        said.append(f"{region}: its cells are {cell_there:g} m, here they are {cell:g} m")
    return said


def _refuse_own_meaning(graph: Graph, at: str) -> None:
    """Refuse evidence whose meaning is the region's own, or that is made of such."""
    bound: dict[str, str] = {}
    for node in graph.nodes:
        if not isinstance(node, LayerNode) or not hasattr(node.call.function, "recipe") or node.name not in graph.loaded.config.features:
            continue
        recipe, word = registry.declared(node.call.function), node.call.function.__name__
        origin = node.name if recipe.of_region else next((bound[layer] for layer in node.call.read_layers() if layer in bound), None)
        if origin and word != "infill":  # which names its classes, whatever it sees
            bound |= {meta.name: origin for meta in node.outputs}
    found = [name for name in graph.evidence if name in bound]
    if found:
        use = graph.loaded.config.features[bound[found[0]]].use
        raise ConfigError(
            f"{at}: no other region can teach with {', '.join(found)}: {use} means another thing in every region; use class_named for classes, features "
            f"without axes of the region's own, or list {bound[found[0]]} under system.inputs"
        )


def _given(graph: Graph, feature: str) -> list[str]:
    return [meta.name for node in graph.nodes if isinstance(node, LayerNode) and node.name == feature for meta in node.outputs]


def _differs(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    keys = sorted({*here, *there})
    return [f"{key}: {there.get(key)} there, {here.get(key)} here" for key in keys if here.get(key) != there.get(key)]
