"""Seasons: the map as the same model would make it without the looks of one year, to see what it changes by when nothing on the ground does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from pipeline.asset import Asset
from pipeline.grid import Grid, Index
from pipeline.node import LayerNode, Node
from pipeline.sources._looks import Looks
from pipeline.sources._scenes import Scene
from pipeline.stages.acquire import Found


def years(found: Found) -> dict[str, dict[int, tuple[Asset, ...]]]:
    """For each source whose pictures are medians of several years: year to the looks that are left without it. The year of a season that runs into
    the next is the one it began in."""
    told = {}
    for key, source in found.sources.items():
        if not isinstance(source, Looks) or source.way != "median":
            continue
        assets = found.acquired[key].assets
        of = {asset.id: _year(asset, source.season) for asset in assets if isinstance(asset, Scene)}
        if len(set(of.values())) >= 2:
            told[key] = {year: tuple(asset for asset in assets if of.get(asset.id) != year) for year in sorted(set(of.values()))}
    return told


def _year(scene: Scene, season: tuple[str, str]) -> int:
    taken = dt.datetime.fromisoformat(scene.taken)
    return taken.year - (season[1] < season[0] and taken.strftime("%m-%d") < season[0])


def nodes(
    made: list[Node], grid: Grid, *, end: str, left: Mapping[str, Mapping[int, tuple[Asset, ...]]], prefix: str, reached: frozenset[Index]
) -> tuple[list[LayerNode], tuple[str, ...]]:
    """The nodes that make layer `end` once more without each year, on the `reached` tiles and what those look at around them; and the names of `end` there.

    `left`: by source, the looks left without a year (see `years`). Every fit they read is the map's own.
    """
    layers = [node for node in made if isinstance(node, LayerNode)]
    below = _below(layers, end)
    found: list[LayerNode] = []
    ends = []
    for year in sorted({year for of in left.values() for year in of}):
        renamed: dict[str, str] = {}
        again: list[LayerNode] = []
        for node in (node for node in layers if node.name in below):
            assets = left.get(node.name, {}).get(year)
            if assets is None and not renamed.keys() & {*node.call.read_layers()}:
                continue
            own = {meta.name: f"{prefix}/without/{year}/{meta.name}" for meta in node.outputs}
            read = {parameter: tuple(renamed.get(name, name) for name in names) for parameter, names in node.call.layers.items()}
            call = replace(node.call, layers=read, assets=node.call.assets if assets is None else assets)
            metas = tuple(replace(meta, name=own[meta.name], long_name=f"{meta.long_name}, without {year}") for meta in node.outputs)
            again.append(LayerNode(f"{prefix}/without/{year}/{node.name}", "update", call, metas))
            renamed |= own
        if end in renamed:
            ends.append(renamed[end])
            found += _where_needed(again, grid, renamed[end], reached)
    return found, tuple(ends)


def _below(layers: list[LayerNode], end: str) -> set[str]:
    """The nodes a layer rests on, itself included."""
    wanted, found = {end}, set()
    for node in reversed(layers):
        if wanted & {meta.name for meta in node.outputs}:
            found.add(node.name)
            wanted |= {*node.call.read_layers()}
    return found


def _where_needed(again: list[LayerNode], grid: Grid, end: str, reached: frozenset[Index]) -> list[LayerNode]:
    """The nodes with the tiles they are needed on: those reached, and for what is read with a halo those beside."""
    needed: dict[str, set[Index]] = {end: set(reached)}
    found = []
    for node in reversed(again):
        tiles = set().union(*(needed.get(meta.name, set()) for meta in node.outputs))
        around = {near for tile in tiles for near in grid.near(tile, node.call.halo(grid.cell_m))}
        for name in node.call.read_layers():
            needed.setdefault(name, set()).update(around)
        found.append(replace(node, tiles=frozenset(tiles)))
    return found[::-1]
