"""Derive: the evidence. Each feature of the config becomes a layer node, its fit, if it has one, a node before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.config.frame import Use
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Grid
from pipeline.learning import draws
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import Array, Bands, Cells, Fit, Layer, Layers, Recipe, Sample, Vector

EPOCH = 1
STAGE = "derive"
SAMPLE_CELLS = 1_000_000  # a fit sees at most about this many cells: 8 bytes each and layer


def nodes(loaded: Loaded, grid: Grid, layers: Mapping[str, LayerMeta], tables: Mapping[str, Table]) -> list[Node]:
    """The features in an order in which each comes after what it reads; ConfigError for unknown or circular names."""
    known, made, waiting = dict(layers), [], dict(loaded.config.features)
    while waiting:
        ready = [key for key, use in waiting.items() if all(name in known for name in _layer_names(use))]
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
    """The names of all evidence layers, in order."""
    return tuple(meta.name for node in made if isinstance(node, LayerNode) for meta in node.outputs)


def sample_cells(*, layers: Layers, at: Cells, share: float, seed: int) -> dict[str, Array]:
    """The values at this tile's share of a seeded choice of cells, any tile size giving the same choice."""
    chosen = (at.number >= 0) & (draws.uniform(at.number.ravel(), seed=seed, stream="sample").reshape(at.number.shape) < share)
    return {str(i): layer.values[chosen] for i, layer in enumerate(layers)} | {"cell": at.number[chosen]}


def fit_feature(*, parts: list[dict[str, Array]], word: str, said: dict[str, Any], of: list[tuple[str, int | None]], epoch: int) -> dict[str, Array]:
    """Run a feature's own `fit` on the sampled cells, in the order of their global numbers."""
    del epoch  # only part of the key
    order = np.argsort(np.concatenate([part["cell"] for part in parts]), kind="stable")
    held = [Sample(np.concatenate([part[str(i)] for part in parts])[order]) for i in range(sum(count or 1 for _, count in of))]
    samples: dict[str, Any] = {}
    for name, count in of:
        samples[name] = held.pop(0) if count is None else tuple(held.pop(0) for _ in range(count))
    fit = registry.declared(registry.find("features", word)).fit
    assert fit is not None
    taken = registry.dependencies(fit).keys() | registry.parameters(fit).model_fields.keys()
    return fit(**{k: v for k, v in (samples | said).items() if k in taken})


def _feature(
    loaded: Loaded, grid: Grid, key: str, use: Use, known: Mapping[str, LayerMeta], tables: Mapping[str, Table]
) -> list[Node]:
    function = registry.find("features", use.use)
    recipe, said, needs = registry.declared(function), use.with_.model_dump(), registry.dependencies(function)
    layers = _read(use)
    vectors = {p: _table(loaded, key, p, said[p], tables) for p, kind in needs.items() if kind is Vector}
    plain = {p: v for p, v in said.items() if p not in layers and p not in vectors}
    inputs = [known[name] for names in layers.values() for name in names]
    first = inputs[0] if inputs else None
    _check_kinds(loaded, key, recipe, inputs)
    fits, made = {}, []
    if recipe.fit:
        fits = {p: f"{key}_fit" for p, kind in needs.items() if kind is Fit}
        made.append(_fit_node(grid, f"{key}_fit", use, function, layers, plain))
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
    except ConfigError as error:
        raise ConfigError(f"{loaded.where('features', key)}: {key}: {error}") from None
    call = Call(function, plain, layers, vectors, fits, reach_m=reach_m)
    return [*made, LayerNode(key, STAGE, call, outputs)]


def _fit_node(
    grid: Grid, name: str, use: Use, function: Any, layers: Mapping[str, tuple[str, ...]], plain: Mapping[str, Any]
) -> FitNode:
    names = tuple(n for group in layers.values() for n in group)
    needs = registry.dependencies(function)
    of = [(p, None if needs[p] is Layer else len(group)) for p, group in layers.items()]
    share = min(1.0, SAMPLE_CELLS / (grid.rows * grid.cols))
    gather = Call(sample_cells, {"share": share, "seed": 0}, {"layers": names})
    said = {"word": use.use, "said": dict(plain), "of": of, "epoch": registry.epoch(function)}
    return FitNode(name, STAGE, Call(fit_feature, said), gather, int(2 * SAMPLE_CELLS * (8 + 4 * len(names))))


def _read(use: Use) -> dict[str, tuple[str, ...]]:
    """Which layers each parameter reads: one, several, or the bands of a source by role."""
    function, said = registry.find("features", use.use), use.with_.model_dump()
    found: dict[str, tuple[str, ...]] = {}
    for parameter, kind in registry.dependencies(function).items():
        if kind is Layer:
            found[parameter] = (said[parameter],)
        elif kind is Layers:
            found[parameter] = tuple(said[parameter])
        elif kind is Bands:
            found[parameter] = tuple(f"{said[parameter]}_{role}" for role in registry.declared(function).bands)
    return found


def _layer_names(use: Use) -> list[str]:
    return [name for group in _read(use).values() for name in group]


def _check_kinds(loaded: Loaded, key: str, recipe: Recipe, inputs: list[LayerMeta]) -> None:
    reads = recipe.reads
    wanted = {"continuous": "float32", "categorical": "int32"}.get(reads)
    for meta in inputs:
        if recipe.sensors and meta.sensor not in recipe.sensors:
            seen = f"a band of {meta.sensor}" if meta.sensor else "of no stated sensor (`sensor:` at its source)"
            able = " or ".join(recipe.sensors)
            raise ConfigError(f"{loaded.where('features', key)}: {key} can be told from {able} only, and {meta.name!r} is {seen}")
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
        for name in _layer_names(use):
            if name not in known and name not in waiting:
                spot = next((p for p, group in _read(use).items() if name in group), "use")
                raise ConfigError(f"{loaded.where('features', key, spot)}: {registry.unknown('layer', name, known)}")
    raise ConfigError(f"{loaded.where('features')}: these features read each other in a circle: {', '.join(waiting)}")
