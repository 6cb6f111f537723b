"""Plan: bind config words to nodes, give each tile the key it should have, and see what must be made, why, at what cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline import chunks, teachers
from pipeline.config import Loaded
from pipeline.cube import Cube
from pipeline.errors import ConfigError, ProspectError, ResourceError, StoreError
from pipeline.graph import Graph, build
from pipeline.grid import Grid, Index
from pipeline.ledger import Ledger, hash_of, key_of
from pipeline.node import Call, FitNode, LayerNode, Node, Where
from pipeline.objects import located
from pipeline.stages import acquire, publish

MOST_READ = 4.0  # a halo may make a tile read at most this many times its own cells


def tile_name(tile: Index) -> str:
    """How the ledger writes a tile."""
    return f"{tile[0]},{tile[1]}"


@dataclass(frozen=True)
class Pins:
    """Keys that stay what they were: of fits, and of layers (tile to key)."""

    fits: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Keeping(Protocol):
    """What an update keeps, and what it adds to a map."""

    def pins(self, plan: Plan) -> Pins:
        """The keys that stay; StoreError where there are none to keep."""

    def extend(self, plan: Plan) -> None:
        """Add nodes, once each tile's key is known."""


@dataclass
class Plan:
    """What should be, what is, and the difference."""

    loaded: Loaded
    graph: Graph
    cube: Cube
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    fit_keys: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    stale: dict[str, list[Index]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    part_keys: dict[str, dict[str, str]] = field(default_factory=dict)
    gathers: dict[str, list[Index]] = field(default_factory=dict)
    pins: Pins = field(default_factory=Pins)
    notices: list[str] = field(default_factory=list)
    teachers: dict[str, Plan] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # that acquiring and planning took

    @property
    def grid(self) -> Grid:
        """The region's grid."""
        return self.cube.grid

    @property
    def nodes(self) -> list[Node]:
        """Every node, each after what it reads."""
        return self.graph.nodes

    @property
    def outputs(self) -> Path:
        """The folder the bundle goes to."""
        return self.loaded.path(self.loaded.config.run.outputs) / self.graph.bundle_name

    @property
    def bundle_key(self) -> str:
        """The key of all that is published."""
        shown = [*self.graph.rasters.values(), *self.graph.asked, *([self.graph.update.change] if self.graph.update else [])]
        ends = [self.fit_keys[name] for name in self.graph.artefacts] + [hash_of(self.keys[name]) for name in shown]
        return key_of(ends, self.graph.said(), publish.epochs(), sorted(t.version for t in self.graph.found.tables.values()))

    @property
    def waiting_for(self) -> dict[str, Plan]:
        """The plans of the teaching regions whose lesson is still to be taken."""
        return {region: other for region, other in self.teachers.items() if f"{self.graph.prefix}/lessons/{region}" in self.stale}

    def tasks(self, node: Node) -> int:
        """Tile tasks this node needs now; 0 of a fit as long as it is not known on which tiles it asks."""
        if isinstance(node, FitNode):
            return len(self.gathers.get(node.name, ())) if node.name in self.stale else 0
        return len(self.stale.get(node.name, ()))

    def asked(self, node: Node) -> list[Index] | None:
        """The tiles a node is made on, or a fit asks, in grid order; None where another fit will tell and is not made."""
        tiles = node.tiles
        if isinstance(node, LayerNode) and all(meta.name in self.pins.layers for meta in node.outputs):
            return [tile for tile in self.grid.tiles() if all(tile_name(tile) in self.pins.layers[meta.name] for meta in node.outputs)]
        if isinstance(tiles, Where):
            if not self.cube.has_fit(tiles.fit, self.fit_keys[tiles.fit]):
                return None
            x, y = tiles.points(self.cube.load_fit(tiles.fit, self.fit_keys[tiles.fit])).T
            tiles = frozenset(self.grid.holding(x, y))
        return _asked_of(self.grid, tiles)

    def refresh(self) -> None:
        """Compare with the ledger again: what is stale, and why."""
        self.stale, self.why, self.gathers, ledger = {}, {}, {}, Ledger.of(self.cube.path)
        for node in self.nodes:
            stale = _stale_tiles(self, node, ledger) if isinstance(node, LayerNode) else _stale_fit(self, node)
            if stale:
                self.stale[node.name] = stale
                every = self.asked(node) if isinstance(node, LayerNode) else stale
                self.why[node.name] = _reason(ledger.made(node.name), self.parts[node.name], len(stale), len(every or ()))
                if isinstance(node, FitNode) and node.gather:
                    self.gathers[node.name] = _to_ask(self, node)

    def only(self, wanted: tuple[str, ...]) -> None:
        """Leave stale only the layers and fits `wanted`, and what they rest on."""
        needed = set(wanted)
        for node in reversed(self.nodes):
            made = {meta.name for meta in node.outputs} if isinstance(node, LayerNode) else {node.name}
            if made & needed:
                needed |= {name for call in node.calls for name in (*call.read_layers(), *call.read_fits())}
            else:
                self.stale.pop(node.name, None)


def plan(loaded: Loaded, *, system_named: bool = False, keeping: Keeping | None = None) -> Plan:
    """The plan of a map; every error that config, headers and tables can show is raised here, before the first tile.

    With `training.regions` it holds the plans of those regions too, of what they teach and no more. `keeping`: what an update keeps.
    """
    others = {region: _teaching(loaded, place, region) for place, region in enumerate(loaded.config.training.regions)}
    made = _planned(loaded, system_named=system_named, others=others, keeping=keeping)
    made.teachers = others
    made.seconds = {part: seconds + sum(other.seconds[part] for other in others.values()) for part, seconds in made.seconds.items()}
    return made


def _teaching(loaded: Loaded, place: int, region: str) -> Plan:
    """The plan of a lesson, in the region's own cube; what its config or data refuse is told with the line that names the region."""
    other = teachers.loaded_like(loaded, place, region)
    try:
        made = _planned(other, system_named=False, teaching=True)
    except ProspectError as error:
        raise type(error)(f"{loaded.where('training', 'regions', place)}: {region} cannot teach: {error}") from error
    made.only((teachers.lesson(made.graph),))
    return made


def _planned(
    loaded: Loaded, *, system_named: bool, others: Mapping[str, Plan] | None = None, teaching: bool = False, keeping: Keeping | None = None
) -> Plan:
    begun, config = time.monotonic(), loaded.config
    if config.region.boundary and acquire.BOUNDARY in config.sources:
        at = loaded.where("sources", acquire.BOUNDARY)
        raise ConfigError(f"{at}: {acquire.BOUNDARY!r} is what the file of `region.boundary` goes by; give this source another name")
    grid = acquire.ground(loaded)
    store = located(loaded.root, config.run.cache)
    cube = Cube.at(store, config.region.name, grid)
    found = acquire.acquire(loaded, grid, store if isinstance(store, Path) else loaded.path(config.run.scratch))
    acquired = time.monotonic()
    taught_by = tuple(teachers.teacher(loaded, other.graph, other.cube, other.fit_keys) for other in (others or {}).values())
    graph = build(loaded, found, system_named=system_named, teachers=taught_by, teaching=teaching)
    for place, other in enumerate((others or {}).values()):
        graph.notices += teachers.compared(graph, other.graph, place)
    made = Plan(loaded, graph, cube, notices=list(graph.notices))
    distortion = grid.area_distortion()
    if distortion > 0.01:
        made.notices.append(f"the CRS is not equal-area here: areas are off by up to {distortion:.1%}; an equal-area CRS avoids that")
    _check_reach(made)
    _check_memory(made)
    if keeping:
        made.pins = keeping.pins(made)
    _give_keys(made)
    if keeping:
        keeping.extend(made)
        _give_keys(made)
    made.refresh()
    made.seconds = {"acquire": acquired - begun, "plan": time.monotonic() - acquired}
    return made


def _give_keys(plan: Plan) -> None:
    """The key every layer and fit should have. One that is pinned has the key it was pinned to, whatever became of its inputs."""
    libraries = key_of(acquire.library_versions())
    for node in plan.nodes:
        said = [call.identity() for call in node.calls]
        fits = {name: plan.fit_keys[name] for call in node.calls for name in call.read_fits()}
        layers = {name: hash_of(keys) for name, keys in _keys_read(plan, node).items()}
        vectors = {t.name: t.version for call in node.calls for t in call.vectors.values()}
        files = {a.id: a.version for call in node.calls for a in call.assets}
        elsewhere = {f"{other.fit} of {other.region}": other.key for call in node.calls for other in call.elsewhere.values()}
        dtypes = [meta.dtype for meta in node.outputs] if isinstance(node, LayerNode) else []
        static = key_of(said, dtypes, libraries)
        plan.parts[node.name] = {"its recipe or parameters": key_of(said, dtypes), "the library versions": libraries} | {
            f"{kind} {name}": version
            for kind, named in (("fit", fits), ("layer", layers), ("vector", vectors), ("file", files), ("lesson", elsewhere))
            for name, version in named.items()
        }
        if isinstance(node, FitNode):
            taken = [sorted(elsewhere.items())] if elsewhere else []
            own = key_of(static, sorted(fits.items()), sorted(layers.items()), sorted(vectors.items()), *taken)
            plan.fit_keys[node.name] = plan.pins.fits.get(node.name, own)
            # what a tile gives to a fit that says where to ask hangs on that fit whole, so there is no use in keeping it
            if node.of_map and node.gather and not isinstance(node.tiles, Where):
                asked = key_of(node.gather.identity(), libraries)
                of = sorted((name, plan.fit_keys[name]) for name in node.gather.read_fits())
                plan.part_keys[node.name] = dict(_tile_keys(plan, node.gather, node.tiles, asked, of))
        elif all(meta.name in plan.pins.layers for meta in node.outputs):
            plan.keys |= {meta.name: dict(plan.pins.layers[meta.name]) for meta in node.outputs}
        else:
            of_tiles = dict(_tile_keys(plan, node.call, node.tiles, static, sorted(fits.items())))
            plan.keys |= {meta.name: {tile: key_of(key, meta.name) for tile, key in of_tiles.items()} for meta in node.outputs}


def _keys_read(plan: Plan, node: Node) -> dict[str, Mapping[str, str]]:
    """The keys of the tiles of each layer that a node looks at: what others look at of it is not its business."""
    call = node.call if isinstance(node, LayerNode) else node.gather
    if call is None:
        return {}
    if not isinstance(node.tiles, frozenset):
        return {name: plan.keys[name] for name in call.read_layers()}
    halo = call.halo(plan.grid.cell_m)
    near = {tile_name(t) for tile in node.tiles for t in plan.grid.near(tile, halo)} if halo else set(map(tile_name, node.tiles))
    return {name: {tile: key for tile, key in plan.keys[name].items() if tile in near} for name in call.read_layers()}


def _tile_keys(plan: Plan, call: Call, tiles: frozenset[Index] | None, static: str, fits: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The key of each of the `tiles`, by name; a tile that is not made has none."""
    grid = plan.grid
    halo, layers = call.halo(grid.cell_m), call.read_layers()
    digests = [plan.graph.digests(table, call.reach_m) for table in call.vectors.values()]
    for tile in _asked_of(grid, tiles):
        near = [tile_name(t) for t in grid.near(tile, halo)] if layers else []
        inputs = [[plan.keys[layer].get(n, "") for n in near] for layer in layers]  # an update looks also where a map is not made any more
        files = [(a.id, a.version) for a in call.assets if a.touches(grid.window(tile).bounds)]
        yield tile_name(tile), key_of(static, fits, inputs, files, [digest[tile] for digest in digests])


def _stale_tiles(plan: Plan, node: LayerNode, ledger: Ledger) -> list[Index]:
    if all(plan.cube.has(meta) and ledger.whole(meta.name) == hash_of(plan.keys[meta.name]) for meta in node.outputs):
        return []
    held = {meta.name: ledger.keys(meta.name) if plan.cube.has(meta) else {} for meta in node.outputs}
    stale = [t for t in plan.asked(node) or () if any(held[m.name].get(tile_name(t)) != plan.keys[m.name][tile_name(t)] for m in node.outputs)]
    if stale and all(meta.name in plan.pins.layers for meta in node.outputs):
        raise _lost(plan, node)
    return stale


def _stale_fit(plan: Plan, node: FitNode) -> list[Index]:
    if plan.cube.has_fit(node.name, plan.fit_keys[node.name]):
        return []
    if node.name in plan.pins.fits:
        raise _lost(plan, node)
    return list(plan.grid.tiles())  # whole, whichever tiles it asks, and if it asks none


def _asked_of(grid: Grid, tiles: frozenset[Index] | None) -> list[Index]:
    return [tile for tile in grid.tiles() if tiles is None or tile in tiles]


def _lost(plan: Plan, node: Node) -> StoreError:
    return StoreError(
        f"{node.name} as it was fitted is not in the cache any more, and an update changes no fit; fit again with "
        f"`prospect update {plan.loaded.config.region.name} --refit`"
    )


def _to_ask(plan: Plan, node: FitNode) -> list[Index]:
    """The tiles of which a fit does not hold what they give; none as long as it is not known which."""
    wanted = plan.part_keys.get(node.name)
    held = plan.cube.part_keys(node.name) if wanted is not None else {}
    return [tile for tile in plan.asked(node) or () if wanted is None or held.get(tile_name(tile)) != wanted[tile_name(tile)]]


def _reason(was: Mapping[str, str], now: Mapping[str, str], tiles: int, every: int) -> str:
    if not was:
        return "not made yet"
    changed = [word for word in sorted({*was, *now}) if was.get(word) != now.get(word)]
    if changed:
        return "changed: " + ", ".join(changed)
    return f"{tiles} of {every} tiles are unfinished" if tiles < every else "unfinished"


def _check_reach(plan: Plan) -> None:
    grid = plan.grid
    side = min(grid.tile, max(grid.rows, grid.cols))
    for node in plan.nodes:
        for call in node.calls:
            amplification = ((side + 2 * call.halo(grid.cell_m)) / side) ** 2
            if amplification > MOST_READ:
                raise ResourceError(
                    f"{plan.loaded.where('features', node.name)}: {node.name} looks {call.reach_m:g} m around each cell, so tiles of "
                    f"{grid.tile} cells would read {amplification:.1f} times themselves (at most {MOST_READ:g}); use a larger region.tile, "
                    "a coarser cell_m or a smaller radius"
                )


def _check_memory(plan: Plan) -> None:
    grid, run = plan.grid, plan.loaded.config.run
    limit = run.memory_gb * 1e9
    for node in plan.nodes:
        if isinstance(node, FitNode) and node.bytes > limit:
            raise ResourceError(
                f"{node.name} may hold {node.bytes / 1e9:.1f} GB, more than run.memory_gb {run.memory_gb:g}; raise it or ask for fewer samples"
            )
        for call in node.calls:
            cells = (grid.tile + 2 * call.halo(grid.cell_m)) ** 2
            held = cells * 4 * (len(call.read_layers()) * 2 + 6) * max(run.workers, run.threads) + chunks.HELD_BYTES * max(run.workers, 1)
            if held > limit:
                raise ResourceError(
                    f"{node.name} would hold {held / 1e9:.1f} GB in {max(run.workers, run.threads)} workers, more than run.memory_gb {run.memory_gb:g}; "
                    f"use a smaller region.tile (now {grid.tile}) or fewer workers"
                )
