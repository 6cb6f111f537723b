"""The graph of a map: every stage's nodes, bound together from one config, in an order in which each follows what it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline import needed, registry
from pipeline.bundle import Column
from pipeline.config import Loaded
from pipeline.config.frame import Prior
from pipeline.cube import REGION, LayerMeta, write_atomically
from pipeline.errors import ConfigError
from pipeline.grid import Grid, Index
from pipeline.node import LayerNode, Node, Table
from pipeline.recipe import Columns, Vector
from pipeline.stages import (
    access,
    align,
    background,
    believe,
    benefit,
    delineate,
    derive,
    expect,
    explain,
    foretell,
    ground,
    hiding,
    label,
    making,
    predict,
    ranking,
    reasons,
    regions,
    risk,
    showing,
    teach,
    train,
    update,
    validate,
)
from pipeline.stages.acquire import Found
from pipeline.stages.hiding import Hidden
from pipeline.stages.teach import Teacher

OWN_NAMES = ("x", "y", "spatial_ref", "systems")  # what the store holds beside layers
PUBLISHED_FITS = ("importance", "space", "believed", "model", "targets", "reasons", "samples", "risk", "foretold")
SAID_OF_OCCURRENCES = ("name", "deposit_type", "commodity", "confidence")


@dataclass(frozen=True)
class Update:
    """What an update adds to a map: when the model was fitted, the layer of change, the fits of patches and of noise (None: no seasons to measure it),
    the keys the fits of targets, reasons and belief had then, deposits not learnt from, and how many were."""

    since: str
    change: str
    patches: str
    noise: str | None
    fitted: Mapping[str, str]
    unlearnt: int
    learnt: int


@dataclass
class Graph:
    """The nodes of one map and the names of what it ends in."""

    loaded: Loaded
    found: Found
    nodes: list[Node]
    prefix: str
    evidence: tuple[str, ...]
    deposits: Mapping[str, list[Any]]
    bundle_name: str
    notices: list[str]
    told: Mapping[str, Any]
    teachers: tuple[Teacher, ...] = ()
    update: Update | None = None

    @property
    def rasters(self) -> dict[str, str]:
        """Published name to layer."""
        config = self.loaded.config
        when: dict[str, Any] = {"permissive": config.system.permissive, "expected_deposits": self.prior, "evidence_kind": config.applicability.measured}
        when["taught_by"] = self.teachers
        names = ("prospectivity", "uncertainty", "applicability", "classes", *(name for name, said in when.items() if said))
        return {name: f"{self.prefix}/{name}" for name in names}

    @property
    def asked(self) -> tuple[str, ...]:
        """The layers config wants shown beside the map, whether the map rests on them or not."""
        said = self.loaded.config.publish
        return (*(said.evidence or ()), *([said.relief] if said.relief else []))

    @property
    def prior(self) -> Prior | None:
        """What an expert held of the number of undiscovered deposits of this system, if config says."""
        return self.loaded.config.priors.get(self.loaded.config.system.name)

    @property
    def target_columns(self) -> dict[str, Column]:
        """What targets of this map are told of beside what those of every map are."""
        config = self.loaded.config
        dense = any(node.name == f"{self.prefix}/intensity" for node in self.nodes)
        return ranking.further(config.targets, prior=self.prior, metal=config.grade_tonnage.get(config.system.name), dense=dense)

    @property
    def scorecards(self) -> dict[str, str]:
        """Protocol to fit, the deciding one first."""
        across = (regions.PROTOCOL,) if self.teachers else ()
        return {name: f"{self.prefix}/protocols/{name}/scorecard" for name in (*self.loaded.config.validation.protocols, *across)}

    @property
    def without_suspect(self) -> str | None:
        """The fit of the deciding protocol's score without suspect layers, where there are any."""
        name = f"{self.prefix}/protocols/{self.loaded.config.validation.protocols[0]}/without_suspect"
        return name if self.loaded.config.system.suspect else None

    @property
    def artefacts(self) -> tuple[str, ...]:
        """The fits that are published."""
        without = (self.without_suspect,) if self.without_suspect else ()
        named = (*PUBLISHED_FITS, *benefit.asked(self.loaded.config.targets))
        new = (self.update.patches, *([self.update.noise] if self.update.noise else [])) if self.update else ()
        return (*self.scorecards.values(), *without, *(f"{self.prefix}/{name}" for name in named), *self.drawn, *new)

    @property
    def drawn(self) -> dict[str, LayerMeta]:
        """What each fit that draws lines gives, by name: published beside the vectors of the sources."""
        return derive.drawings(self.nodes)

    @property
    def synthetic(self) -> bool:
        """Whether anything the map rests on is synthetic."""
        return any(acquired.synthetic for acquired in self.found.acquired.values()) or any(t.synthetic for t in self.teachers)

    def layers(self) -> dict[str, LayerMeta]:
        """Every layer by name."""
        return {meta.name: meta for node in self.nodes for meta in _outputs(node)}

    def said(self) -> dict[str, Any]:
        """The resolved config without what cannot change an answer."""
        config = self.loaded.config
        said = config.model_dump(mode="json", exclude={"run", "sources", "features", "model", "protocols"})
        said |= {part: {key: use.said() for key, use in getattr(config, part).items()} for part in ("sources", "features")}
        said["model"] = config.model.said()
        said["protocols"] = {
            name: protocol.model_dump(mode="json", exclude={"model"}) | ({"model": protocol.model.said()} if protocol.model else {})
            for name, protocol in config.protocols.items()
        }
        return said

    def digests(self, table: Table, reach_m: float) -> dict[Index, str]:
        """A digest per tile of what a vector table holds within reach of it; kept beside the table, named by all it depends on."""
        from pipeline import vectors

        grid = self.found.place.grid
        path = table.path.with_name(f"{table.path.stem}.{grid.id}.{reach_m!r}.json")
        if path.is_file():
            return {tuple(map(int, tile.split(","))): digest for tile, digest in json.loads(path.read_bytes()).items()}  # type: ignore[misc]
        digests = vectors.window_digests(table.path, grid, reach_m)
        write_atomically(path, json.dumps({f"{r},{c}": digest for (r, c), digest in digests.items()}).encode())
        return digests


def build(loaded: Loaded, found: Found, *, system_named: bool, teachers: tuple[Teacher, ...] = (), teaching: bool = False) -> Graph:
    """Every node of the map a config asks for, taught by `teachers` too, and with `teaching` what it gives to others; ConfigError, with file and
    line, for words that bind to nothing."""
    config, grid = loaded.config, found.place.grid
    known = _occurrences(loaded, found)
    _refuse_leaks(loaded, found)
    base = align.nodes(loaded, found)
    layers = {meta.name: meta for node in base for meta in node.outputs}
    derived = derive.nodes(loaded, grid, layers, found.tables, found.columns())
    read = _evidence(loaded, derived)
    evidence = tuple(meta.name for node in read for meta in node.outputs)
    columns = Columns.of(evidence, config.system.signs, (len(node.outputs) for node in read))
    told = making.said(config.model, columns, config.background)
    prefix, labelled = f"systems/{config.system.name}", making.labelled(told)
    layers = {meta.name: meta for node in (*base, *derived) for meta in _outputs(node)}
    permissive = ground.nodes(loaded, prefix=prefix, layers=layers)
    on = permissive[0].name if permissive else REGION
    deposits, notices = label.deposits(known, config.label, none_will_do=bool(permissive or teachers) or not labelled)
    offered = background.Offered(known, config.label, layers, found.tables, loaded.where("background", "kind"))
    drawn = partial(
        label.nodes, grid, evidence=evidence, deposits=deposits, offered=offered, ground=on, labelled=labelled and not teachers,
        measured=config.applicability.measured,
    )  # fmt: skip
    samples = drawn(prefix=prefix, background=config.background, seeds=(config.seed,))
    deciding = config.protocols[config.validation.protocols[0]]
    lessons, across, taught = _lessons(loaded, found, grid, prefix=prefix, read=read, ground=on, told=told, teachers=teachers, teaching=teaching)
    suspect, left = _suspect(loaded, read)
    scored: list[Node] = []
    for name in config.validation.protocols:
        protocol, below = config.protocols[name], f"{prefix}/protocols/{name}"
        seeds = validate.repeats(config.seed, protocol)
        if protocol.background is not None:
            scored += drawn(prefix=below, background=protocol.background, seeds=seeds)
        held = below if protocol.background else prefix
        hidden = _hidden(loaded, derived, name, evidence, below, held, layers) if protocol.hide else None
        scored += hidden.nodes if hidden else ()
        scoring = partial(validate.node, prefix=below, samples=held, protocol=protocol, bounds=grid.bounds, seeds=seeds, taught=taught)
        using, learnt = protocol.model or config.model, protocol.background or config.background
        scored.append(scoring(told=making.said(using, columns, learnt), hidden=hidden, compared=name == config.validation.protocols[0]))
        if suspect and name == config.validation.protocols[0]:
            # what an infill sees at the samples is the same, and made once; only which columns it gives differs
            fewer = _hidden(loaded, derived, name, left.names, below, held, layers) if protocol.hide else None
            scored.append(scoring(told=making.said(using, left, learnt), hidden=fewer, suspect=suspect))
    model = train.node(prefix=prefix, told=told, seed=config.seed, block_km=deciding.split.block_km, taught=taught)
    rests_on = explain.node(
        prefix=prefix, protocol=deciding, told=told, columns=columns, features=tuple(node.name for node in read), bounds=grid.bounds,
        seed=config.seed, taught=taught,
    )  # fmt: skip
    synthetic = any(acquired.synthetic for acquired in found.acquired.values()) or any(t.synthetic for t in teachers)
    maps = predict.nodes(
        grid, prefix=prefix, evidence=evidence, counts=columns.counts, settings=config.map, targets=config.targets,
        synthetic=synthetic, ground=on,
    )  # fmt: skip
    belief = believe.nodes(
        loaded, grid, prefix=prefix, evidence=evidence, counts=columns.counts, occurrences=found.tables[config.label.occurrences],
        layers=layers, synthetic=synthetic, taught=taught, taught_by=tuple(t.region for t in teachers),
    )  # fmt: skip
    prior, of_prior = config.priors.get(config.system.name), loaded.where("priors", config.system.name)
    maps += expect.nodes(
        grid, prefix=prefix, prior=prior, background=config.background, told=told, tables=found.tables, deposits=deposits,
        known_within_m=config.targets.known_within_m, synthetic=synthetic, where=of_prior,
        card=f"{prefix}/protocols/{config.validation.protocols[0]}/scorecard", taught=taught,
    )  # fmt: skip
    targets = _targets(
        loaded, found, prefix=prefix, layers=layers, deposits=deposits, dense=expect.tells_density(config.background, told)
    )  # fmt: skip
    why = reasons.nodes(
        loaded, prefix=prefix, evidence=evidence, features=tuple(node.name for node in read), counts=columns.counts, scales=derive.scales(read, derived)
    )
    nodes: list[Node] = [
        *base, *derived, *permissive, *samples, *lessons, *scored, *across, model, rests_on, *maps,
        update.as_fitted(grid, prefix, synthetic=synthetic), *belief, *targets, *why,
        *foretell.nodes(
            grid, prefix=prefix, evidence=evidence, protocol=deciding, told=told, seed=config.seed, prior=prior,
            measured=None if config.background.evened else config.applicability.measured,
        ),
    ]  # fmt: skip
    _check_names(loaded, nodes)
    showing.check(loaded, {meta.name: meta for node in nodes for meta in _outputs(node)})
    notices = [*found.notices, *(f"label: {n}" for n in notices), *(f"{t.region}: {n}" for t in teachers for n in t.notices)]
    made = needed.where_needed(nodes, grid, align.tiles(found))
    return Graph(loaded, found, made, prefix, evidence, deposits, _bundle_name(loaded, system_named=system_named), notices, told, teachers)


def _bundle_name(loaded: Loaded, *, system_named: bool) -> str:
    config = loaded.config
    return f"{config.region.name}-{config.system.name}" if system_named else config.region.name


def _lessons(
    loaded: Loaded, found: Found, grid: Grid, *, prefix: str, read: list[LayerNode], ground: str, told: Mapping[str, Any], teachers: tuple[Teacher, ...],
    teaching: bool,
) -> tuple[list[Node], list[Node], dict[str, str]]:  # fmt: skip
    """What this region gives to others with `teaching`, or takes from `teachers`; the score of what they teach; and the fit that holds it, as the
    parameter it is read by."""
    config, evidence = loaded.config, {meta.name: meta.units for node in read for meta in node.outputs}
    if not teachers and not teaching:
        return [], [], {}
    if teachers and not making.labelled(told):
        raise ConfigError(f"{loaded.where('training', 'regions')}: model {config.model.use!r} learns from no deposit, so no region can teach it; drop `training`")
    made: list[Node] = [teach.ground_node(grid, prefix=prefix, evidence=tuple(evidence), ground=ground)]
    if teaching:
        return [*made, teach.lesson_node(prefix=prefix, occurrences=found.tables[config.label.occurrences])], [], {}
    deciding, aligned = config.protocols[config.validation.protocols[0]], config.training.align == "quantiles"
    made += teach.lesson_nodes(prefix=prefix, evidence=tuple(evidence), teachers=teachers)
    if aligned:
        repeats = validate.repeats(config.seed, deciding)
        made.append(regions.alignment_node(prefix=prefix, teachers=teachers, told=told, units=evidence, seeds=repeats))
    made.append(teach.taught_node(prefix=prefix, teachers=teachers, aligned=aligned))
    across = regions.node(prefix=prefix, own=config.region.name, teachers=teachers, told=told, protocol=deciding, seed=config.seed, aligned=aligned)
    return made, [across], {"taught": made[-1].name}


def _targets(
    loaded: Loaded, found: Found, *, prefix: str, layers: Mapping[str, LayerMeta], deposits: Mapping[str, list[Any]], dense: bool
) -> list[Node]:
    from pipeline.learning.undiscovered import number_distribution

    grid, tables, prior = found.place.grid, found.tables, loaded.config.priors.get(loaded.config.system.name)
    made = delineate.nodes(loaded, grid, prefix=prefix, tables=tables, layers=layers, deposits=deposits, prior=prior, dense=dense)
    travel = access.node(loaded, grid, prefix=prefix, tables=tables, region=REGION)
    ranked = ranking.node(
        loaded, prefix=prefix, tables=tables, columns=found.columns(), deposits=deposits, prior=prior, dense=dense, has_access=travel is not None
    )
    tract, known = expect.tract(prefix, prior) if dense else (), expect.away(deposits, loaded.config.targets.known_within_m)
    shares = benefit.nodes(loaded.config.targets, grid, prefix=prefix, tables=tables, tract=tract, known=known, dense=dense)
    numbers = number_distribution(prior.n90, prior.n50, prior.n10).tolist() if prior else None
    found_with = risk.node(prefix=prefix, card=f"{prefix}/protocols/{loaded.config.validation.protocols[0]}/scorecard", numbers=numbers, dense=dense)
    return [*made, *([travel] if travel else []), ranked, *shares, found_with]


def _hidden(
    loaded: Loaded, derived: list[Node], protocol: str, evidence: tuple[str, ...], below: str, samples: str, layers: Mapping[str, LayerMeta]
) -> Hidden:
    hide = loaded.config.protocols[protocol].hide
    for name in hide:
        if name not in layers:
            raise ConfigError(f"configs/validation/{protocol}.yaml: hide: {registry.unknown('layer', name, layers)}")
    return hiding.hidden(loaded, derived, hide=hide, evidence=evidence, prefix=below, samples=samples, protocol=protocol)


def _outputs(node: Node) -> tuple[LayerMeta, ...]:
    return node.outputs if isinstance(node, LayerNode) else ()


def _occurrences(loaded: Loaded, found: Found) -> Any:
    name, at = loaded.config.label.occurrences, loaded.where("label", "occurrences")
    if name not in found.tables:
        raise ConfigError(f"{at}: {registry.unknown('table of occurrences', name, found.tables)}")
    frame = found.frame(name)
    if not set(SAID_OF_OCCURRENCES) <= set(frame.columns):
        raise ConfigError(f"{at}: {name!r} is no table of occurrences; read its file with `use: points`")
    return frame


def _refuse_leaks(loaded: Loaded, found: Found) -> None:
    """Evidence made of the occurrences to be found would score by knowing the answer: held-out deposits are in it too."""
    config = loaded.config

    def same(name: str) -> bool:
        learnt = config.label.occurrences
        return any(alike(name, meant) for meant in (learnt, *found.parts.get(learnt, ())))

    def alike(name: str, meant: str) -> bool:
        one, other = config.sources.get(name), config.sources.get(meant)
        if name == meant or one is None or other is None:
            return name == meant
        versions = [{asset.version for asset in found.acquired[key].assets} for key in (name, meant)]
        layers = [getattr(use.with_, "layer", None) for use in (one, other)]
        return one.use == other.use and layers[0] == layers[1] and versions[0] == versions[1]

    for key, use in config.features.items():
        said, needs = use.with_.model_dump(), registry.dependencies(registry.find("features", use.use))
        for parameter in (p for p, kind in needs.items() if kind is Vector and same(said[p])):
            raise ConfigError(
                f"{loaded.where('features', key, parameter)}: {key} is made of {said[parameter]!r}, the occurrences the map learns from, "
                "and would score by knowing the answer; leave it out (the null distance_to_known in the scorecard tells what closeness alone gives)"
            )


def _check_names(loaded: Loaded, nodes: list[Node]) -> None:
    taken: dict[str, str] = dict.fromkeys(OWN_NAMES, "the cube itself")
    for node in nodes:
        outputs = [meta.name for meta in node.outputs] if isinstance(node, LayerNode) else []
        for name in dict.fromkeys([node.name, *outputs]):
            if name in taken:
                section = next((s for s in ("features", "sources") if name in getattr(loaded.config, s)), "validation" if "/" in name else "targets")
                raise ConfigError(f"{loaded.where(section, name)}: {name!r} is asked for by {node.stage} and taken by {taken[name]}; name or list it once")
            taken[name] = node.stage


def _evidence(loaded: Loaded, derived: list[Node]) -> list[LayerNode]:
    system = loaded.config.system
    for name in system.inputs:
        if name not in loaded.config.features:
            raise ConfigError(f"{loaded.where('system', 'inputs')}: {registry.unknown('feature', name, loaded.config.features)}")
    read = derive.evidence(derived, system.inputs)
    if not read:
        raise ConfigError(f"{loaded.where('features')}: no features; give at least one evidence layer")
    for node in read:
        if node.outputs[0].dtype != "float32":
            name = node.outputs[0].name
            raise ConfigError(f"{loaded.where('features', name)}: {name!r} is a category code, which a model would read as a quantity; use class_of")
        if loaded.config.model.use == "fuzzy_overlay" and not registry.declared(node.call.function).membership:
            raise ConfigError(
                f"{loaded.where('features', node.name)}: fuzzy_overlay combines memberships from 0 to 1, and {node.name!r} is none; make it one with "
                "fuzzy_linear, fuzzy_large, fuzzy_near ..., or list it under system.inputs if others are made of it"
            )
    names = [meta.name for node in read for meta in node.outputs]
    for name in system.signs:
        if name not in names:
            raise ConfigError(f"{loaded.where('system', 'signs', name)}: {registry.unknown('evidence layer', name, names)}")
    return read


def _suspect(loaded: Loaded, read: list[LayerNode]) -> tuple[tuple[str, ...], Columns]:
    """The evidence layers that may have been mapped because of deposits, and the columns without them."""
    system = loaded.config.system
    known = {name for node in read for name in (node.name, *(meta.name for meta in node.outputs))}
    for name in system.suspect:
        if name not in known:
            raise ConfigError(f"{loaded.where('system', 'suspect')}: {registry.unknown('evidence layer', name, sorted(known))}")
    left = [[m.name for m in node.outputs if not {m.name, node.name} & {*system.suspect}] for node in read]
    names = [name for layers in left for name in layers]
    if not names:
        raise ConfigError(f"{loaded.where('system', 'suspect')}: every layer of evidence is suspect, so none is left to score without them; list fewer")
    suspect = tuple(meta.name for node in read for meta in node.outputs if meta.name not in names)
    return suspect, Columns.of(names, system.signs, (len(layers) for layers in left if layers))
