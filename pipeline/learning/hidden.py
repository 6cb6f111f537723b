"""What would be known of ground that nobody has mapped: evidence taken away, and rock classes told again without its map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from pipeline.learning import infill
from pipeline.learning.blocks import square_blocks
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.heldout import Mask
from pipeline.learning.table import SampleTable


@dataclass(frozen=True, eq=False)
class Told:
    """An infill whose outputs are evidence: `columns` of the table, -1 for those the model does not read, in the order it gives them.

    `seen` (n, layers) float32 are the layers it tells rock from, at the table's rows, `mapped` (n,) whether its map says the rock there,
    `held` its fit's arrays with the cells that taught it.
    """

    columns: Ints
    seen: npt.NDArray[np.float32]
    mapped: Mask
    held: Mapping[str, Any]
    how: infill.How


@dataclass(frozen=True, eq=False)
class Hiding:
    """Gives a fold's evidence as if its test ground were unmapped: `columns` made of the hidden maps are missing there, and each of
    `infills` learns again without that ground, telling all rows anew."""

    table: SampleTable
    columns: Ints
    infills: tuple[Told, ...] = ()

    def __call__(self, train: Mask, test: Mask) -> npt.NDArray[np.float32]:
        """The evidence of all rows, (n, p) float32, of which only those of `train` and `test` are meant to be used: all rows of the ground on
        either side, whether models learn from them and scores count them or not."""
        values = self.table.values.copy()
        values[np.ix_(test, self.columns)] = np.nan
        for told in self.infills:
            held = infill.taught_without(told.held, lambda x, y, how=told.how: self._hidden(x, y, train, test, how), how=told.how)  # type: ignore[misc]
            found = infill.blocks(told.seen, self.table.x, self.table.y, told.mapped & ~test, held, classes=len(told.columns) - 1, how=told.how)
            read = told.columns >= 0
            values[:, told.columns[read]] = found[read].T
        return values

    def _hidden(self, x: Floats, y: Floats, train: Mask, test: Mask, how: infill.How) -> Mask:
        """Places nearer to a test row than to any training row, and whole blocks of the infill that hold a test row."""
        places = np.column_stack((self.table.x, self.table.y))
        asked = np.column_stack((x, y))
        nearer = cKDTree(places[test]).query(asked)[0] <= cKDTree(places[train]).query(asked)[0]
        blocks = square_blocks(self.table.x[test], self.table.y[test], block_m=how.block_m)
        return np.asarray(nearer | np.isin(square_blocks(x, y, block_m=how.block_m), blocks))
