"""What a source hands to the shell: the files it found, the layers they give, where to put them, and what it noticed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.grid import Grid

ENVIRONMENT = {"PROSPECT_DATA": "../shared/data"}  # variables a path may name, and what they are when not set


def expand(root: Path, written: str) -> Path:
    """A path as config wrote it, `${NAME}` of the variables we know replaced, relative ones starting at `root`."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in ENVIRONMENT:
            raise ConfigError(f"path {written!r}: unknown variable ${{{name}}} (known: {', '.join(ENVIRONMENT)})")
        return os.environ.get(name) or ENVIRONMENT[name]

    return root / re.sub(r"\$\{(\w+)\}", value, written)


@dataclass(frozen=True)
class Place:
    """Where a source works: `root` resolves relative paths of the config, `cache` holds downloads and aligned tables.

    `offline`: no host is asked; a source raises MissingError for what it would have to fetch.
    """

    root: Path
    cache: Path
    grid: Grid
    offline: bool = False

    @property
    def shelf(self) -> Path:
        """The downloads, one folder for all regions of a cache."""
        return self.cache / "downloads"

    def resolve(self, written: str) -> Path:
        """A path as config wrote it, on this machine."""
        return expand(self.root, written)


@dataclass(frozen=True)
class Asset:
    """One file of a source. `id` is its name as config wrote it (never an absolute path); `version` a SHA-256 of its bytes.

    `path` is where it lies on this machine: used to read, never kept in a key or an output. `bounds` (xmin, ymin, xmax,
    ymax in the grid's CRS) says which tiles it can touch; None means every one. For provenance alone: `origin`, the address it came from
    ("" for a file that lay there), `named`, what its server or catalogue calls this version, `fetched`, when (UTC).
    """

    id: str
    path: str
    version: str
    size: int
    bounds: tuple[float, float, float, float] | None = None
    origin: str = ""
    named: str = ""
    fetched: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of its files, without what signs them."""
        return (self.origin,) if self.origin else ()

    def touches(self, window: tuple[float, float, float, float]) -> bool:
        """Whether it can touch a window (xmin, ymin, xmax, ymax), edges included."""
        b = self.bounds
        return b is None or (b[0] <= window[2] and b[2] >= window[0] and b[1] <= window[3] and b[3] >= window[1])


@dataclass(frozen=True)
class LayerInfo:
    """One layer a source gives. `suffix` is added to the source's key ("" for a single layer); `native_m` is the ground
    distance the source truly resolves; `dtype` float32 (NaN missing) or int32 (categorical, MISSING)."""

    suffix: str
    units: str
    long_name: str
    native_m: float
    dtype: str


@dataclass(frozen=True)
class Acquired:
    """The answer of a source's `acquire`: assets, layers (none for vectors), notices the user should read, and whether it is synthetic.

    `together`: the source reads all its layers of a tile at once (`read_all`), for what costs is shared by them. `choosing`: words of its config that
    only choose assets; assets are in every key, so the words are not.
    """

    assets: tuple[Asset, ...]
    layers: tuple[LayerInfo, ...] = ()
    notices: tuple[str, ...] = ()
    synthetic: bool = False
    together: bool = False
    choosing: tuple[str, ...] = ()
