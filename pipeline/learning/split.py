"""How samples are divided for validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from pipeline.errors import ConfigError, DataError
from pipeline.learning.blocks import extent_blocks, folds, random_folds, square_blocks, unite
from pipeline.learning.draws import Ints
from pipeline.learning.matching import matched
from pipeline.learning.ranges import centres_of
from pipeline.learning.table import SampleTable

Kind = Literal["nearest", "square_blocks", "extent_blocks", "clusters", "random"]
UNIT_M = 25_000.0  # side of the pieces of ground redrawn for intervals, where the split itself has no blocks


@dataclass(frozen=True)
class Split:
    """A split into `folds`: matched to the map's distances (`nearest`, see `matching`), by squares of `block_m` metres, by `nx` x `ny` blocks
    over an extent, one fold for each cluster of deposits nearer than `cluster_m` to each other, or at random.

    `buffer_m`: training rows nearer than this to a test row are left out. `bounds` (west, south, east, north) is the extent
    of extent blocks; that of the samples when None. ConfigError when the sizes the kind needs are absent.
    """

    kind: Kind = "square_blocks"
    folds: int = 5
    block_m: float | None = None
    nx: int | None = None
    ny: int | None = None
    cluster_m: float | None = None
    buffer_m: float = 0.0
    bounds: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError(f"validation: folds is {self.folds}; expected 2 or more")
        if self.kind == "square_blocks" and not (self.block_m and self.block_m > 0):
            raise ConfigError("validation: square blocks need a block size above 0; choose one past the range of the evidence's variogram")
        if self.kind == "extent_blocks" and not (self.nx and self.ny and self.nx * self.ny > 1):
            raise ConfigError("validation: extent blocks need nx and ny, at least two blocks together (the reference protocol uses 5 and 5)")
        if self.kind == "clusters" and not (self.cluster_m and self.cluster_m > 0):
            raise ConfigError("validation: clusters need a distance above 0 within which deposits belong together")

    def describe(self) -> str:
        """The split in a few words, as they stand beside every score measured on it."""
        apart = f", {self.buffer_m / 1000:g} km apart" if self.buffer_m else ""
        if self.kind == "square_blocks":
            return f"{(self.block_m or 0) / 1000:g} km blocks in {self.folds} folds{apart}"
        if self.kind == "extent_blocks":
            return f"{self.nx} x {self.ny} blocks in {self.folds} folds{apart}"
        if self.kind == "nearest":
            return f"{self.folds} folds as far apart as the map from what is known{apart}"
        if self.kind == "clusters":
            return f"one cluster of deposits within {(self.cluster_m or 0) / 1000:g} km held out at a time{apart}"
        return f"random split in {self.folds} folds{apart}"

    def blocks(self, table: SampleTable) -> Ints | None:
        """The block of each row, no deposit group in two of them; (n,) int64; None where the ground is not cut into blocks."""
        if self.kind == "square_blocks":
            assert self.block_m is not None
            found = square_blocks(table.x, table.y, block_m=self.block_m)
        elif self.kind == "extent_blocks":
            assert self.nx is not None and self.ny is not None
            bounds = self.bounds or (table.x.min(), table.y.min(), table.x.max(), table.y.max())
            found = extent_blocks(table.x, table.y, nx=self.nx, ny=self.ny, bounds=bounds)
        else:
            return None
        return unite(found, table.group, table.label)

    def units(self, table: SampleTable) -> Ints:
        """The pieces of ground that are redrawn for intervals: the blocks, or squares of 25 km with deposit groups whole; (n,) int64."""
        blocks = self.blocks(table)
        return unite(square_blocks(table.x, table.y, block_m=UNIT_M), table.group, table.label) if blocks is None else blocks

    def assign(self, table: SampleTable, *, seed: int) -> Ints:
        """The fold of each row; (n,) int64 from 0. DataError when all the positives lie in one block, group or cluster."""
        if self.kind == "nearest":
            return matched(table, folds=self.folds, seed=seed).fold
        if self.kind == "clusters":
            return self._clusters(table)
        blocks = self.blocks(table)
        if blocks is None:
            return random_folds(table.cell, table.label, folds=self.folds, seed=seed)
        return folds(blocks, table.label, folds=self.folds, seed=seed, groups=table.group)

    def _clusters(self, table: SampleTable) -> Ints:
        from scipy.cluster.hierarchy import fcluster, linkage

        ids, centres = centres_of(table)
        if len(ids) < 2:
            raise DataError("validation: fewer than two deposit groups, so none can be held out; add occurrences, or use a model that needs none")
        cluster = np.unique(fcluster(linkage(centres, "single"), self.cluster_m or 0.0, "distance"), return_inverse=True)[1]
        if cluster.max() == 0:
            raise DataError(
                f"validation: all deposits lie in one cluster of {(self.cluster_m or 0) / 1000:g} km; use a smaller cluster_km so that one can be held out"
            )
        fold = np.empty(len(table), np.int64)
        fold[table.positive] = cluster[np.searchsorted(ids, table.group[table.positive])]
        ground = ~table.positive
        fold[ground] = cluster[cKDTree(centres).query(np.column_stack((table.x, table.y))[ground])[1]]
        return fold

    def training(self, table: SampleTable, fold_of: Ints, fold: int) -> npt.NDArray[np.bool_]:
        """Which rows are on the training side of a fold: all others, but those within the buffer of a test row or of where a held-out deposit may
        lie; (n,)."""
        train = np.asarray(fold_of != fold)
        test = ~train & (table.scored | table.positive)
        if self.buffer_m > 0 and train.any() and test.any():
            places = np.column_stack((table.x, table.y))
            nearest, _ = cKDTree(places[test]).query(places[train], distance_upper_bound=self.buffer_m)
            train[train] = ~(nearest < self.buffer_m)
        return train
