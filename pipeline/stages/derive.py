"""Derive: the evidence. Each feature of the config becomes a layer node, its fit, if it has one, a node before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline import registry
from pipeline.config import Loaded
from pipeline.config.frame import Use
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Grid
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Bands, Fit, Ground, Layer, Layers, Recipe, Vector, Whole
from pipeline.stages import fitting

STAGE = "derive"
LINES = "lines"  # the dtype of what a feature draws, and so no layer's
TOLERANCE = 1.5  # cells up to a third finer than the source: a second of arc is 31 m by 27, and cells are round numbers


def nodes(
    loaded: Loaded, grid: Grid, layers: Mapping[str, LayerMeta], tables: Mapping[str, Table], columns: Mapping[str, tuple[str, ...]] | None = None
) -> list[Node]:
    """The features in an order in which each comes after what it reads; ConfigError for unknown or circular names.

    `columns` are those of each table. `known` holds what there is to read: layers, and lines that features draw.
    """
    known, made, waiting = dict(layers), [], dict(loaded.config.features)
    ground = Ground(grid.crs, grid.bounds, grid.cell_m, columns or {})
    while waiting:
        ready = [key for key, use in waiting.items() if all(name in known for name in _awaited(loaded, key, use, known, tables))]
        if not ready:
            _explain(loaded, waiting, known, tables)
        for key in ready:
            fresh = _feature(loaded, grid, key, waiting.pop(key), known, tables, ground)
            made += fresh
            for meta in _given(fresh):
                if meta.name in known or meta.name in tables:
                    raise ConfigError(f"{loaded.where('features', key)}: layer {meta.name!r} is there already; give this feature another name")
                known[meta.name] = meta
    return made


def drawings(made: list[Node]) -> dict[str, LayerMeta]:
    """What each fit that draws lines gives, by name."""
    return {node.name: node.draws for node in made if isinstance(node, FitNode) and node.draws}


def _given(fresh: list[Node]) -> list[LayerMeta]:
    layers = [meta for node in fresh if isinstance(node, LayerNode) for meta in node.outputs]
    return [*layers, *drawings(fresh).values()]


def evidence(made: list[Node], inputs: tuple[str, ...] = ()) -> list[LayerNode]:
    """The features a model reads, in order: not those for display only, nor `inputs`, which others are made of."""
    return [node for node in made if isinstance(node, LayerNode) and registry.declared(node.call.function).evidence and node.name not in inputs]


def scales(read: list[LayerNode], made: list[Node]) -> tuple[str, ...]:
    """The scale of each layer of evidence, in order: what its recipe says, or the recipe of what that reads first, a source's being an interval."""
    nodes_of = {meta.name: node for node in made if isinstance(node, LayerNode) for meta in node.outputs}

    def scale(node: LayerNode) -> str:
        said = registry.declared(node.call.function).scale
        if said != "input":
            return said
        first = nodes_of.get(next(iter(node.call.read_layers()), ""))
        return "interval" if first is None else scale(first)

    return tuple(scale(node) for node in read for _ in node.outputs)


def _feature(
    loaded: Loaded, grid: Grid, key: str, use: Use, known: Mapping[str, LayerMeta], tables: Mapping[str, Table], ground: Ground
) -> list[Node]:
    function = registry.find("features", use.use)
    recipe, said, needs = registry.declared(function), use.with_.model_dump(), registry.dependencies(function)
    layers = _read(loaded, key, use, known)
    named = {p: said[p] for p, kind in needs.items() if kind is Vector}
    drawn = {p: name for p, name in named.items() if name not in tables}
    vectors = {p: tables[name] for p, name in named.items() if name in tables}
    plain = {p: v for p, v in said.items() if p not in layers and p not in named}
    inputs = [known[name] for names in (*layers.values(), tuple(drawn.values())) for name in names]
    first = inputs[0] if inputs else None
    _check_kinds(loaded, key, recipe, [known[name] for names in layers.values() for name in names])
    reach_m = _checked(loaded, grid, key, recipe, said, inputs, ground)

    def meta(name: str, dtype: str, units: str) -> LayerMeta:
        of = ", ".join([m.name for m in inputs] + [t.name for t in vectors.values()])
        licence = "; ".join(dict.fromkeys(m.licence for m in inputs)) or "see sources"
        native_m, synthetic = max((m.native_m for m in inputs), default=grid.cell_m), any(m.synthetic for m in inputs)
        sensor = next((m.sensor for m in inputs if m.sensor), "") if recipe.carries_sensor else ""
        return LayerMeta(name, dtype, units, f"{recipe.summary}: {name}", f"{use.use} of {of}", licence, native_m, synthetic, sensor)

    if recipe.columns is not None:
        return [replace(fitting.node(grid, key, use, layers, plain, vectors, drawn, known), draws=meta(key, LINES, ""))]
    fits, made = {}, []
    if recipe.fit:
        fits = {p: f"{key}_fit" for p, kind in needs.items() if kind is Fit}
        made.append(fitting.node(grid, f"{key}_fit", use, layers, plain, vectors, drawn, known))
    names, dtype = recipe.outputs(key, said), first.dtype if recipe.dtype == "input" and first else recipe.dtype
    units = recipe.units_of(said) if recipe.units_of else (recipe.units.replace("input", first.units if first else "1"),) * len(names)
    call = Call(function, plain, layers, vectors, fits, drawn, reach_m=reach_m)
    return [*made, LayerNode(key, STAGE, call, tuple(meta(name, dtype, unit) for name, unit in zip(names, units, strict=True)))]


def _checked(
    loaded: Loaded, grid: Grid, key: str, recipe: Recipe, said: Mapping[str, Any], inputs: list[LayerMeta], ground: Ground
) -> float:
    """How far the feature looks, in metres; ConfigError where its parameters or the ground make it meaningless."""
    try:
        recipe.check(said, ground)
        reach_m = recipe.reach(said, grid.cell_m)
        if not math.isfinite(reach_m):
            raise ConfigError(f"a reach of {reach_m} m is no length; give metres")
        coarse = max((meta for meta in inputs if meta.dtype != LINES), key=lambda meta: meta.native_m, default=None)
        if coarse and recipe.evidence and 0 < reach_m * TOLERANCE < coarse.native_m:
            raise ConfigError(
                f"looks {reach_m:g} m around each cell, and {coarse.name!r} resolves {coarse.native_m:g} m: it would describe the interpolation; "
                "take a wider window, a finer source, or a feature that works on the survey's own step (total_horizontal_gradient, "
                "first_vertical_derivative)"
            )
    except ConfigError as error:
        raise ConfigError(f"{loaded.where('features', key)}: {key}: {error}") from None
    return reach_m


def _read(loaded: Loaded, key: str, use: Use, known: Mapping[str, LayerMeta]) -> dict[str, tuple[str, ...]]:
    """Which layers each parameter reads: one, several, or the bands of a source by role."""
    function, said = registry.find("features", use.use), use.with_.model_dump()
    found: dict[str, tuple[str, ...]] = {}
    for parameter, kind in registry.dependencies(function).items():
        if kind in (Layer, Whole):
            found[parameter] = (said[parameter],)
        elif kind is Layers:
            found[parameter] = tuple(said[parameter])
        elif kind is Bands:
            found[parameter] = _bands(loaded, key, parameter, said[parameter], registry.declared(function), known)
    return found


def _names(read: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [name for group in read.values() for name in group]


def _bands(loaded: Loaded, key: str, parameter: str, source: str, recipe: Recipe, known: Mapping[str, LayerMeta]) -> tuple[str, ...]:
    """The layers that play the roles the feature reads of this source's sensor; ConfigError where they cannot tell it."""
    where = loaded.where("features", key, parameter)
    of = {name.rpartition("_")[0]: meta.sensor for name, meta in known.items() if meta.sensor}
    if source in loaded.config.features and source not in of:
        return (source,)  # a feature that gives bands, and has not been bound yet
    if of.get(source) not in recipe.roles:
        first = next((name for name in known if name.rpartition("_")[0] == source), None)
        if first is None:
            raise ConfigError(f"{where}: {registry.unknown('source of bands', source, of)}")
        seen = f"a band of {of[source]}" if source in of else "of no stated sensor (`sensor:` at its source)"
        raise ConfigError(f"{where}: {key} can be told from {' or '.join(recipe.roles)} only, and {first!r} is {seen}")
    names = tuple(f"{source}_{role}" for role in recipe.roles[of[source]])
    missing = [name for name in names if name not in known]
    if missing:
        roles = ", ".join(recipe.roles[of[source]])
        raise ConfigError(f"{where}: {key} reads the bands {roles} of {of[source]}, and no layer {missing[0]!r} is there; name it under `bands:` of {source!r}")
    odd = next((known[name] for name in names if known[name].units not in recipe.band_units), None)
    if odd:
        able = " or ".join(recipe.band_units)
        raise ConfigError(
            f"{where}: {key} reads bands in {able}, and {odd.name!r} is in {odd.units!r}: ratios of raw radiance follow the sun and the air of each "
            f"scene; take a product in {able} (ASTER: AST_07XT, AST_05; Sentinel-2, Landsat: level 2) and say `units: {recipe.band_units[0]}`, "
            "or bring ASTER's radiance to one level with scene_normalized"
        )
    return names


def _check_kinds(loaded: Loaded, key: str, recipe: Recipe, inputs: list[LayerMeta]) -> None:
    reads = recipe.reads
    wanted = {"continuous": "float32", "categorical": "int32"}.get(reads)
    for meta in inputs:
        if wanted and meta.dtype != wanted:
            kind = "categorical" if meta.dtype == "int32" else "continuous"
            hint = "class_of turns categories into evidence" if kind == "categorical" else "declare `kind: categorical` at its source if it holds codes"
            raise ConfigError(f"{loaded.where('features', key)}: {key} reads {reads} layers, and {meta.name!r} is {kind}; {hint}")


def _awaited(loaded: Loaded, key: str, use: Use, known: Mapping[str, LayerMeta], tables: Mapping[str, Table]) -> list[str]:
    """The layers and drawn lines the feature reads; ConfigError when a name means a thing of the other kind."""
    lines = []
    for parameter, kind in registry.dependencies(registry.find("features", use.use)).items():
        name = str(getattr(use.with_, parameter, ""))
        if kind is Vector and name not in tables:
            lines.append(name)
            if name in known and known[name].dtype != LINES:
                raise ConfigError(f"{loaded.where('features', key, parameter)}: {name!r} is a layer, and {key} reads lines, points or polygons")
    layers = _names(_read(loaded, key, use, known))
    drawn = next((name for name in layers if name in known and known[name].dtype == LINES), None)
    if drawn:
        raise ConfigError(f"{loaded.where('features', key)}: {key} reads layers, and {drawn!r} is lines; density_of and distance_to make a layer of them")
    return layers + lines


def _explain(loaded: Loaded, waiting: Mapping[str, Use], known: Mapping[str, LayerMeta], tables: Mapping[str, Table]) -> None:
    for key, use in waiting.items():
        read = _read(loaded, key, use, known)
        for name in _awaited(loaded, key, use, known, tables):
            if name not in known and name not in waiting:
                spot, thing = next(((p, "layer") for p, group in read.items() if name in group), (None, "vector"))
                spot = spot or next(p for p, kind in registry.dependencies(registry.find("features", use.use)).items() if kind is Vector)
                there = tables if thing == "vector" else known
                raise ConfigError(f"{loaded.where('features', key, spot)}: {registry.unknown(thing, name, there)}")
    raise ConfigError(f"{loaded.where('features')}: these features read each other in a circle: {', '.join(waiting)}")
