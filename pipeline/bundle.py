"""What is published: the folder being filled, the cube to read from, and every artefact of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.cube import Cube
from pipeline.node import Table
from pipeline.recipe import Vector


@dataclass(frozen=True)
class Shown:
    """A vector table that goes into the GeoPackage, or is only named there because its licence forbids copies."""

    table: Table
    licence: str
    redistribute: bool


@dataclass(frozen=True)
class Lines:
    """Lines that a feature drew."""

    lines: Vector
    long_name: str
    licence: str


@dataclass(frozen=True)
class Bundle:
    """All a publisher needs. `rasters` maps a published name to a layer of the cube; paths in outputs are relative to `folder`."""

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
