"""How samples are divided for validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from pipeline.errors import ConfigError
from pipeline.learning.blocks import extent_blocks, folds, random_folds, square_blocks, unite
from pipeline.learning.draws import Ints
from pipeline.learning.table import SampleTable


@dataclass(frozen=True)
class Split:
    """A split into `folds`: by squares of `block_m` metres, by `nx` x `ny` blocks over an extent, or at random.

    `buffer_m`: training rows nearer than this to a test row are left out. `bounds` (west, south, east, north) is the extent
    of extent blocks; that of the samples when None. ConfigError when the sizes the kind needs are absent.
    """

    kind: Literal["square_blocks", "extent_blocks", "random"] = "square_blocks"
    folds: int = 5
    block_m: float | None = None
    nx: int | None = None
    ny: int | None = None
    buffer_m: float = 0.0
    bounds: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError(f"validation: folds is {self.folds}; expected 2 or more")
        if self.kind == "square_blocks" and not (self.block_m and self.block_m > 0):
            raise ConfigError("validation: square blocks need a block size above 0; choose one past the range of the evidence's variogram")
        if self.kind == "extent_blocks" and not (self.nx and self.ny and self.nx * self.ny > 1):
            raise ConfigError("validation: extent blocks need nx and ny, at least two blocks together (the reference protocol uses 5 and 5)")

    def describe(self) -> str:
        """The split in a few words, as they stand beside every score measured on it."""
        apart = f", {self.buffer_m / 1000:g} km apart" if self.buffer_m else ""
        if self.kind == "square_blocks":
            return f"{(self.block_m or 0) / 1000:g} km blocks in {self.folds} folds{apart}"
        if self.kind == "extent_blocks":
            return f"{self.nx} x {self.ny} blocks in {self.folds} folds{apart}"
        return f"random split in {self.folds} folds{apart}"

    def blocks(self, table: SampleTable) -> Ints | None:
        """The block of each row, no deposit group in two of them; (n,) int64; None for a random split."""
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

    def assign(self, table: SampleTable, *, seed: int) -> Ints:
        """The fold of each row; (n,) int64 in 0..folds-1. DataError when all the positives lie in one block."""
        blocks = self.blocks(table)
        if blocks is None:
            return random_folds(table.cell, table.label, folds=self.folds, seed=seed)
        return folds(blocks, table.label, folds=self.folds, seed=seed, groups=table.group)

    def training(self, table: SampleTable, fold_of: Ints, fold: int) -> npt.NDArray[np.bool_]:
        """Which rows train for a fold: all others, but those within the buffer of a test row; (n,)."""
        train = np.asarray(fold_of != fold)
        test = ~train
        if self.buffer_m > 0 and train.any() and test.any():
            places = np.column_stack((table.x, table.y))
            nearest, _ = cKDTree(places[test]).query(places[train], distance_upper_bound=self.buffer_m)
            train[train] = ~(nearest < self.buffer_m)
        return train
