"""Derive: the evidence. Each feature of the config becomes a layer node, its fit, if it has one, a node before it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pipeline import registry
from pipeline.config import Loaded
from pipeline.config.frame import Use
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Grid
from pipeline.node import Call, LayerNode, Node, Table
from pipeline.recipe import Bands, Fit, Layer, Layers, Recipe, Vector
from pipeline.stages import fitting

STAGE = "derive"


def nodes(loaded: Loaded, grid: Grid, layers: Mapping[str, LayerMeta], tables: Mapping[str, Table]) -> list[Node]:
    """The features in an order in which each comes after what it reads; ConfigError for unknown or circular names."""
    known, made, waiting = dict(layers), [], dict(loaded.config.features)
    while waiting:
        ready = [key for key, use in waiting.items() if all(name in known for name in _names(_read(loaded, key, use, layers)))]
        if not ready:
            _explain(loaded, waiting, known)
        for key in ready:
            fresh = _feature(loaded, grid, key, waiting.pop(key), known, tables)
            made += fresh
            for meta in (meta for node in fresh if isinstance(node, LayerNode) for meta in node.outputs):
                if meta.name in known:
                    raise ConfigError(f"{loaded.where('features', key)}: layer {meta.name!r} is there already; give this feature another name")
                known[meta.name] = meta
    return made


def evidence(made: list[Node]) -> tuple[str, ...]:
    """The names of all layers a model may read, in order: those for display only are left out."""
    return tuple(meta.name for node in _read_by_models(made) for meta in node.outputs)


def counts(made: list[Node]) -> tuple[int, ...]:
    """How many of those layers each feature gives, in the same order."""
    return tuple(len(node.outputs) for node in _read_by_models(made))


def _read_by_models(made: list[Node]) -> list[LayerNode]:
    return [node for node in made if isinstance(node, LayerNode) and registry.declared(node.call.function).evidence]


def _feature(
    loaded: Loaded, grid: Grid, key: str, use: Use, known: Mapping[str, LayerMeta], tables: Mapping[str, Table]
) -> list[Node]:
    function = registry.find("features", use.use)
    recipe, said, needs = registry.declared(function), use.with_.model_dump(), registry.dependencies(function)
    layers = _read(loaded, key, use, known)
    vectors = {p: _table(loaded, key, p, said[p], tables) for p, kind in needs.items() if kind is Vector}
    plain = {p: v for p, v in said.items() if p not in layers and p not in vectors}
    inputs = [known[name] for names in layers.values() for name in names]
    first = inputs[0] if inputs else None
    _check_kinds(loaded, key, recipe, inputs)
    fits, made = {}, []
    if recipe.fit:
        fits = {p: f"{key}_fit" for p, kind in needs.items() if kind is Fit}
        made.append(fitting.node(grid, f"{key}_fit", use, layers, plain, vectors, known))
    outputs = tuple(
        LayerMeta(
            name, first.dtype if recipe.dtype == "input" and first else recipe.dtype,
            recipe.units.replace("input", first.units if first else "1"), f"{recipe.summary}: {name}",
            f"{use.use} of {', '.join([m.name for m in inputs] + [t.name for t in vectors.values()])}",
            "; ".join(dict.fromkeys(m.licence for m in inputs)) or "see sources", max((m.native_m for m in inputs), default=grid.cell_m),
            any(m.synthetic for m in inputs),
        )
        for name in recipe.outputs(key, said)
    )  # fmt: skip
    try:
        reach_m = recipe.reach(said, grid.cell_m)
        if not math.isfinite(reach_m):
            raise ConfigError(f"a reach of {reach_m} m is no length; give metres")
    except ConfigError as error:
        raise ConfigError(f"{loaded.where('features', key)}: {key}: {error}") from None
    call = Call(function, plain, layers, vectors, fits, reach_m=reach_m)
    return [*made, LayerNode(key, STAGE, call, outputs)]


def _read(loaded: Loaded, key: str, use: Use, known: Mapping[str, LayerMeta]) -> dict[str, tuple[str, ...]]:
    """Which layers each parameter reads: one, several, or the bands of a source by role."""
    function, said = registry.find("features", use.use), use.with_.model_dump()
    found: dict[str, tuple[str, ...]] = {}
    for parameter, kind in registry.dependencies(function).items():
        if kind is Layer:
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
            f"scene; take a product in {able} (ASTER: AST_07XT, AST_05; Sentinel-2, Landsat: level 2) and say `units: {recipe.band_units[0]}`"
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


def _table(loaded: Loaded, key: str, parameter: str, name: str, tables: Mapping[str, Table]) -> Table:
    if name not in tables:
        raise ConfigError(f"{loaded.where('features', key, parameter)}: {registry.unknown('vector', name, tables)}")
    return tables[name]


def _explain(loaded: Loaded, waiting: Mapping[str, Use], known: Mapping[str, LayerMeta]) -> None:
    for key, use in waiting.items():
        read = _read(loaded, key, use, known)
        for name in _names(read):
            if name not in known and name not in waiting:
                spot = next(p for p, group in read.items() if name in group)
                raise ConfigError(f"{loaded.where('features', key, spot)}: {registry.unknown('layer', name, known)}")
    raise ConfigError(f"{loaded.where('features')}: these features read each other in a circle: {', '.join(waiting)}")
