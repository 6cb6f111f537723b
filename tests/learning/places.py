"""A square of ground, 100 km a side, whose deposits follow a known rule, for tests of learning."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.learning.table import SampleTable

SIDE = 100
CELL_M = 1000.0


def table(*, seed: int, deposits: int = 60, background: int = 400, signal: float = 3.0, told: int = 1) -> SampleTable:
    """Deposits where the first `told` of four layers are high, `signal` deviations together on average; the others, and x and y, tell nothing."""
    random = np.random.default_rng(seed)
    n = deposits + background
    cell = random.choice(SIDE * SIDE, n, replace=False)
    values = random.normal(size=(n, 4)).astype(np.float32)
    values[:deposits, :told] += np.float32(signal / np.sqrt(told))
    values[random.random(values.shape) < 0.05] = np.nan
    row, col = np.divmod(cell, SIDE)
    label = np.repeat((1, 0), (deposits, background))
    group = np.where(label == 1, np.arange(n), -1 - cell)
    return SampleTable(
        values=values, names=("told", "a", "b", "c"), label=label, group=group, cell=cell, x=(col + 0.5) * CELL_M, y=-(row + 0.5) * CELL_M
    )


def shuffled(whole: SampleTable, *, seed: int) -> SampleTable:
    """The same rows with labels dealt anew."""
    order: Any = np.random.default_rng(seed).permutation(len(whole))
    return SampleTable(values=whole.values[order], names=whole.names, label=whole.label, group=whole.group, cell=whole.cell, x=whole.x, y=whole.y)
