"""Updating: a map made anew of what is new alone. All that was fitted keeps its key; what an asset reaches has another, and is made again."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import flow, frozen, planning
from pipeline.config import Loaded
from pipeline.errors import StoreError
from pipeline.frozen import Fitted, Out
from pipeline.graph import Update
from pipeline.grid import Index
from pipeline.node import Elsewhere, FitNode, Node, Table
from pipeline.planning import Pins, Plan
from pipeline.sources._scenes import Scene
from pipeline.stages import news as stage
from pipeline.stages import seasons, update

if TYPE_CHECKING:
    from pipeline.flow import Outcome, Progress


@dataclass
class Kept:
    """What an update keeps of the last full run, found once the map is bound. `when_out`: only where the map that is out is an update."""

    when_out: bool = False
    fitted: Fitted | None = None
    out: Out | None = None

    def pins(self, plan: Plan) -> Pins:
        """The keys of all that was fitted and of the map as fitted; StoreError where there is none, or where config asks for other fits."""
        where, region = frozen.folder(plan), plan.loaded.config.region.name
        self.fitted, self.out = frozen.fitted(where), frozen.out(where)
        if self.when_out and (self.fitted is None or self.out is None or self.fitted.bundle_key == self.out.bundle_key):
            self.fitted = None
            return Pins()
        if self.fitted is None or self.out is None or not (plan.outputs / "provenance.json").is_file():
            raise StoreError(f"there is no finished map {plan.outputs.name!r} to update; make it first: prospect map {region}")
        said = frozen.decides(plan)
        other = [name for name in sorted({*said, *self.fitted.config}) if said.get(name) != self.fitted.config.get(name)]
        fits = [node for node in plan.nodes if isinstance(node, FitNode) and not node.of_map]
        other = other or [node.name for node in fits if self.fitted.statics.get(node.name) != frozen.static(node)]
        if other and self.when_out:
            self.fitted = None
            return Pins()
        if other:
            raise StoreError(
                f"{', '.join(other[:3])} {'are' if len(other) > 1 else 'is'} not what the map was fitted with, and an update changes no fit; fit again "
                f"with `prospect update {region} --refit`"
            )
        copy = f"{plan.graph.prefix}/as_fitted"
        return Pins({node.name: self.fitted.fits[node.name] for node in fits}, {copy: self.fitted.layers[copy]})

    def extend(self, plan: Plan) -> None:
        """Add the noise of seasons, what changed beyond it, and the ground of targets that stands, unless the map is as it was fitted."""
        if self.fitted is None or plan.bundle_key == self.fitted.bundle_key:
            return
        graph, grid, prefix = plan.graph, plan.grid, plan.graph.prefix
        end, config = f"{prefix}/prospectivity", plan.loaded.config
        before = self.fitted.layers[end]
        reached = frozenset(tile for tile in grid.tiles() if plan.keys[end].get(planning.tile_name(tile)) != before.get(planning.tile_name(tile)))
        mapped = reached & {*(plan.asked(next(node for node in graph.nodes if node.name == end)) or ())}
        fresh = frozenset(tile for tile in grid.tiles() if planning.tile_name(tile) not in before)
        again, without = seasons.nodes(graph.nodes, grid, end=end, left=seasons.years(graph.found), prefix=prefix, reached=mapped)
        synthetic, targets = graph.synthetic, config.targets
        excluded = {}
        for one in targets.exclude:
            if (was := self._table(plan, one.of)) and was.version != graph.found.tables[one.of].version:
                excluded[one.of] = was, graph.found.tables[one.of], one.within_m
        pieces = f"{prefix}/pieces"
        added = update.nodes(
            grid, prefix=prefix, without=without, reached=reached, mapped=mapped, fresh=fresh, shown=reached | plan.cube.written(f"{prefix}/change"),
            fitted=Elsewhere(config.region.name, plan.cube, pieces, self.fitted.fits[pieces]),
            least_cells=math.ceil(targets.min_area_km2 * 1e6 / grid.cell_m**2), excluded=excluded, synthetic=synthetic,
        )  # fmt: skip
        at = next(i for i, node in enumerate(graph.nodes) if node.name == pieces) + 1
        after = [_standing_on(node, pieces, f"{prefix}/standing") for node in graph.nodes[at:]]
        graph.nodes = [*graph.nodes[:at], *again, *added, *after]
        fits = {name: self.fitted.fits[f"{prefix}/{name}"] for name in ("targets", "reasons", "believed")}
        unknown = [one for one in frozen.deposits(plan) if one not in self.fitted.deposits]
        graph.update = Update(
            self.fitted.since, f"{prefix}/change", f"{prefix}/patches", f"{prefix}/noise" if without else None, fits, len(unknown),
            len(self.fitted.deposits),
        )  # fmt: skip

    def _table(self, plan: Plan, name: str) -> Table | None:
        """A vector table as it was when the map was fitted; None where it was not there, or is not any more."""
        version, path = self.fitted.tables.get(name, ("", "")) if self.fitted else ("", "")
        found = plan.graph.found.place.cache / path
        return Table(f"{name} as it was", found, version) if path and found.is_file() else None


def _standing_on(node: Node, pieces: str, standing: str) -> Node:
    """A node that reads the ground of targets, reading what of it stands."""
    if not isinstance(node, FitNode) or pieces not in node.call.fits.values():
        return node
    fits = {parameter: standing if fit == pieces else fit for parameter, fit in node.call.fits.items()}
    return replace(node, call=replace(node.call, fits=fits))


def planned(loaded: Loaded, *, system_named: bool = False, refit: bool = False) -> Plan:
    """The plan of an update, or with `refit` of the whole map; StoreError where there is no map to update."""
    return planning.plan(loaded, system_named=system_named, keeping=None if refit else Kept())


def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Make what is new, and say what that changed; the map before is kept under its date."""
    return flow.run(plan, progress, news=_news(plan))


def _news(plan: Plan) -> stage.News | None:
    """What is new since the map that is out; None where none is."""
    outputs = plan.outputs
    was = frozen.out(frozen.folder(plan))
    if was is None or not (outputs / "provenance.json").is_file():
        return None
    made = dt.datetime.fromtimestamp((outputs / "provenance.json").stat().st_mtime, dt.UTC)
    date = made.strftime("%Y-%m-%dT%H%M%SZ")
    config, found = plan.loaded.config, plan.graph.found
    of_occurrences = {config.label.occurrences, *found.parts.get(config.label.occurrences, ())}
    flags = {name: flag.of for name, flag in config.targets.flag.items()}
    licences = {*flags.values(), *(one.of for one in config.targets.exclude)}
    sources: dict[str, tuple[str, frozenset[Index] | None]] = {}
    now = frozen.reach(plan)
    for name in sorted({*now, *was.reach, *found.tables, *was.tables}):
        then, here = was.reach.get(name, {}), now.get(name, {})
        tiles = {_index(tile) for tile in {*then, *here} if then.get(tile) != here.get(tile)}
        if name in found.tables or name in was.tables:
            table = found.tables.get(name)
            if table and was.tables.get(name, [""])[0] == table.version:
                continue
            cause = stage.OCCURRENCE if name in of_occurrences else stage.LICENCE if name in licences else stage.SURVEY
            differs, touched = _rows_apart(plan, name, was)
            if differs:
                sources[name] = cause, touched
        elif tiles:
            scenes = name in found.acquired and any(isinstance(asset, Scene) for asset in found.acquired[name].assets)
            picture = name in config.sources and config.sources[name].with_.model_dump().get("sensor")  # a file made of scenes
            sources[name] = stage.LOOK if scenes or picture else stage.SURVEY, frozenset(tiles)
    since = plan.graph.update.since if plan.graph.update else ""
    kept = _free(outputs, date)
    return stage.News(date, kept, not plan.pins.fits, since, sources, flags)


def _free(outputs: Path, date: str) -> Path:
    """Where the map that is out goes: a folder of its date that is free, or holds that very map, as after a run that was cut off."""
    above, number = outputs.parent / "previous" / outputs.name, 1
    while (kept := above / (date if number == 1 else f"{date}-{number}")).exists() and _key(kept) != _key(outputs):
        number += 1
    return kept


def _key(bundle: Path) -> str:
    try:
        return str(json.loads((bundle / "provenance.json").read_bytes())["bundle_key"])
    except (OSError, ValueError, KeyError):
        return ""


def _index(tile: str) -> Index:
    row, col = map(int, tile.split(","))
    return row, col


def _rows_apart(plan: Plan, name: str, was: Out) -> tuple[bool, frozenset[Index] | None]:
    """Whether rows of a table came, went or changed, and the tiles those touch; all (None) where the table of before is not there any more."""
    import geopandas as gpd
    import shapely

    paths = [plan.graph.found.place.cache / was.tables.get(name, ["", "-"])[1]]
    paths += [table.path for key, table in plan.graph.found.tables.items() if key == name]
    if len(paths) < 2 or not all(Path(path).is_file() for path in paths):
        return True, None
    held = []
    for path in paths:
        frame = gpd.read_file(path, engine="pyogrio")
        columns = frame.drop(columns=frame.geometry.name).astype(str).to_numpy().tolist()
        held.append({(shapely.to_wkb(shape), *row): shape for shape, row in zip(frame.geometry, columns, strict=True)})
    apart = [shape for key, shape in (held[0] | held[1]).items() if (key in held[0]) != (key in held[1])]
    tree = shapely.STRtree(apart)
    tiles = list(plan.grid.tiles())
    boxes = [shapely.box(*plan.grid.window(tile).bounds) for tile in tiles]
    return bool(apart), frozenset(tiles[i] for i in tree.query(boxes, predicate="intersects")[0].tolist())

