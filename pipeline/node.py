"""The nodes of the graph: layers and fits, each a pure function and the names it is bound to. Small and picklable."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import registry
from pipeline.asset import Asset
from pipeline.cube import Cube, LayerMeta
from pipeline.grid import Index
from pipeline.recipe import Array


@dataclass(frozen=True)
class Table:
    """An aligned vector table in the grid's CRS: where it lies, and a version that changes with its content."""

    name: str
    path: Path
    version: str


@dataclass(frozen=True)
class Elsewhere:
    """A fit of another region's cube: which, and the key it has there."""

    region: str
    cube: Cube
    fit: str
    key: str


@dataclass(frozen=True)
class Call:
    """A function, its plain parameters, and which layers, vector tables, fits and assets its other parameters are.

    `layers` maps a parameter to one name (`Layer`) or several (`Layers`); `drawn` one to the fit whose lines it reads as a `Vector`;
    `elsewhere` one to a fit of another region, which must be there before the call runs.
    `reach_m` is how far it looks around a tile.
    """

    function: Callable[..., Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vectors: Mapping[str, Table] = field(default_factory=dict)
    fits: Mapping[str, str] = field(default_factory=dict)
    drawn: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    assets: tuple[Asset, ...] = ()
    reach_m: float = 0.0

    def halo(self, cell_m: float) -> int:
        """The reach in whole cells, rounded up; 0 where no layer is read: vectors are asked for by bounds instead."""
        if not self.layers:
            return 0
        return math.ceil(self.reach_m / cell_m - 1e-9)

    def near(self, bounds: tuple[float, float, float, float]) -> Call:
        """This call with only those of its many assets that touch `bounds`: all a tile reads, and all that stands in its key."""
        return self if len(self.assets) < 2 else replace(self, assets=tuple(a for a in self.assets if a.touches(bounds)))

    @property
    def word(self) -> str:
        """The function by module and name, as keys hold it."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def identity(self) -> tuple[Any, ...]:
        """What decides its answer apart from its inputs."""
        bound = sorted(self.layers.items()), sorted({**self.fits, **self.drawn}.items())
        return self.word, registry.epoch(self.function), dict(self.parameters), *bound

    def read_fits(self) -> tuple[str, ...]:
        """Every fit it reads, once, in order."""
        return tuple(dict.fromkeys([*self.fits.values(), *self.drawn.values()]))

    def read_layers(self) -> tuple[str, ...]:
        """Every layer it reads, once, in order."""
        return tuple(dict.fromkeys(name for names in self.layers.values() for name in names))


@dataclass(frozen=True)
class LayerNode:
    """A tile recipe: one call per tile, one array per output. `tiles`: those it is made on, None for those that `needed` finds; nobody looks at the
    others."""

    name: str
    stage: str
    call: Call
    outputs: tuple[LayerMeta, ...]
    tiles: frozenset[Index] | None = None

    @property
    def calls(self) -> tuple[Call, ...]:
        """What it binds."""
        return (self.call,)


@dataclass(frozen=True)
class Where:
    """Tiles that are known once another fit is made: those that hold one of the points, (n, 2) x and y in metres of the grid, that `points` reads from it."""

    fit: str
    points: Callable[[Any], Array]


@dataclass(frozen=True)
class FitNode:
    """A fit: `gather`, if any, runs on tiles and returns small arrays; `call` makes one artefact of them all.

    The call gets the tiles' answers, in grid order, as its parameter `parts`. `bytes` is the stated bound of what it holds. `draws`
    says what it is when its artefact is lines that others read. `of_map`: it tells what is in the data or on the finished map, such as a survey's
    gradient or targets, and an update makes it again; all else is learnt, and stays as it was fitted. `tiles`: those that give, None for those
    of the region; or where they will be, told by a fit that `gather` reads. `beyond`: tiles, in the region or not, that its artefact may speak of: those who
    gather by it ask these too.
    """

    name: str
    stage: str
    call: Call
    gather: Call | None
    bytes: int
    draws: LayerMeta | None = None
    of_map: bool = False
    tiles: frozenset[Index] | Where | None = None
    beyond: frozenset[Index] = frozenset()

    @property
    def calls(self) -> tuple[Call, ...]:
        """What it binds."""
        return (self.gather, self.call) if self.gather else (self.call,)


Node = LayerNode | FitNode
