"""Needed: on which tiles each node is made. A region fills half of the rectangle around it; of the other half only what lies close by is ever looked at.

What people see of a layer is its cells in the region; what fits learn from is cells in the region and at known deposits, of which some lie beyond the border.
So a layer is made on the tiles the region touches and, for those who read it, on all that their tiles look at around them: each tile that is made has all it
reads, and its cells are what they would be if every tile were made. Fits that ask for whole surveys name all tiles, and with them all that those look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.grid import Grid, Index
from pipeline.node import FitNode, LayerNode, Node


def where_needed(nodes: Sequence[Node], grid: Grid, region: frozenset[Index]) -> list[Node]:
    """The nodes, in the same order, each that names no tiles with those it is needed on; `region`: the tiles the region touches.

    A node that names its tiles keeps them. Each node must come after those it reads.
    """
    every = frozenset(grid.tiles())
    if region == every:
        return [*nodes]
    beyond = {node.name: node.beyond for node in nodes if isinstance(node, FitNode)}
    looked_at: dict[str, frozenset[Index]] = {}
    found: list[Node] = []
    for node in reversed(nodes):
        call = node.call if isinstance(node, LayerNode) else node.gather
        if call is None:
            found.append(node)
            continue
        if isinstance(node, LayerNode):
            own = region.union(*(looked_at.get(meta.name, ()) for meta in node.outputs))
        else:
            own = region.union(*(beyond[fit] for fit in call.read_fits()))
        own = node.tiles if isinstance(node.tiles, frozenset) else own
        halo = call.halo(grid.cell_m)
        around = own if not halo or own == every else frozenset(near for tile in own for near in grid.near(tile, halo))
        for name in call.read_layers():
            looked_at[name] = looked_at.get(name, frozenset()) | around
        found.append(replace(node, tiles=own) if node.tiles is None else node)
    return found[::-1]
