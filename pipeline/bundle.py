"""What is published: the folder being filled, the cube to read from, and every artefact of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cube import Cube
from pipeline.node import Table
from pipeline.recipe import Vector

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """One column of a table people read: its `dtype` as pandas names it, a short heading, its unit ("" for words and ranks, "1" for shares), and
    in one sentence what it holds."""

    dtype: str
    title: str
    unit: str
    what: str


@dataclass(frozen=True)
class Sheet:
    """A table for people: its title, what it tells, its rows, and its columns in the order of the frame's. `place`: the two columns, metres of the
    grid, that say where a row lies, for a table that is to be seen on a map too."""

    title: str
    what: str
    frame: pd.DataFrame
    columns: Mapping[str, Column]
    place: tuple[str, str] | None = None


@dataclass(frozen=True)
class Shown:
    """A vector table that goes into the GeoPackage, or is only named there because its licence forbids copies.

    `evidence`: features are made of it; `excludes`: no target lies on it.
    """

    table: Table
    licence: str
    redistribute: bool
    evidence: bool = False
    excludes: bool = False


@dataclass(frozen=True)
class Lines:
    """Lines that a feature drew."""

    lines: Vector
    long_name: str
    licence: str


@dataclass(frozen=True)
class Bundle:
    """All a publisher needs. `rasters` maps a published name to a layer of the cube; paths in outputs are relative to `folder`.

    `columns` are those of targets that config asks for, beside the ones every map has; `tables` by the name they are published under.
    `evidence` maps the layers of evidence that are copied to layers of the cube, the most telling first; `relief` is the one of elevations.
    `changes` says what an update changed, and `change` is the layer of it.
    """

    folder: Path
    cube: Cube
    title: str
    region: str
    system: str
    synthetic: bool
    rasters: Mapping[str, str]
    targets: list[dict[str, Any]]
    deposits: Mapping[str, list[Any]]
    districts: Table | None
    vectors: Mapping[str, Shown]
    drawn: Mapping[str, Lines]
    scorecard: Mapping[str, Any]
    provenance: Mapping[str, Any]
    config_yaml: str
    model: bytes
    notices: tuple[str, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    tables: Mapping[str, Sheet] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    relief: str | None = None
    system_title: str = ""
    changes: Mapping[str, Any] | None = None
    change: str | None = None

    @property
    def maps(self) -> dict[str, str]:
        """Every raster there is to see by its published name: those of `rasters`, and after an update the change."""
        return {**self.rasters, **({"change": self.change} if self.change else {})}
