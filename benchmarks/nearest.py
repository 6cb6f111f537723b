"""How fast applicability finds the nearest sample of each cell, beside a tree over the samples and beside the forest's own scoring; one core.

    python -m benchmarks.nearest           # 1,000 to 8,000 samples, on smooth, rough and random ground

Applicability asks how far a cell is, in the weighted space of 24 layers, from the nearest sample and from the nearest deposit. Ground is that of
`benchmarks.scorer`; the samples are cells of it, drawn at random, one in ten a deposit; the weights of the layers fall from 1 to 0.1, as importance
does. Each row: cells answered a second by two KD-trees of SciPy (one of all samples, one of the deposits) and by ours (cells in squares, as a map has
them), their ratio, the largest difference of the two answers, and cells scored a second by a forest of 300 trees of 64 leaves on the same ground.
Times are of this process, the best of three.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial import KDTree

from benchmarks.asked import asked
from benchmarks.scorer import GROUND, LAYERS, SIDE, field, forest, of_one_bag, seconds
from pipeline.learning.near import nearest
from pipeline.learning.trees import Array
from pipeline.spatial.squares import in_squares

CELLS, DEPOSITS = 16_384, 0.1
CLOSE = 1e-6


def by_trees(rows: Array, all_of_them: KDTree, deposits: KDTree) -> tuple[Array, Array]:
    """What `nearest` answers, by trees over the points."""
    return np.asarray(all_of_them.query(rows, workers=1)[0]), np.asarray(deposits.query(rows, workers=1)[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--samples", type=int, nargs="*", default=[1000, 3000, 8000])
    said = parser.parse_args()
    weights = np.geomspace(1, 0.1, LAYERS)
    squares = in_squares(np.ones((SIDE, SIDE), bool))[:CELLS]
    held = of_one_bag(forest(300, 64))
    table = Table("samples", "ground", "KD-tree cells/s", "ours cells/s", "times", "largest difference", "forest cells/s", title="applicability, one core")
    most = 0.0
    for ground, length in GROUND.items():
        cells = np.ascontiguousarray(field(length).reshape(LAYERS, -1).T)
        rows = np.ascontiguousarray(cells[squares])
        held.mean_and_spread(rows[:64], 1)  # compiled, once
        scored = CELLS / seconds(held.mean_and_spread, rows, 1)
        for many in said.samples:
            random = np.random.default_rng(many)
            of_the_cells = random.choice(len(cells), many, replace=False)
            points, chosen = cells[of_the_cells] * weights, np.arange(many) < many * DEPOSITS
            weighted, trees = rows * weights, (KDTree(points), KDTree(points[chosen]))
            nearest(weighted[:64], points, chosen)  # compiled, once
            theirs, ours = seconds(by_trees, weighted, *trees), seconds(nearest, weighted, points, chosen)
            pairs = zip(by_trees(weighted, *trees), nearest(weighted, points, chosen), strict=True)
            off = max(float(np.abs(one - other).max()) for one, other in pairs)
            most = max(most, off)
            row = [f"{CELLS / theirs:,.0f}", f"{CELLS / ours:,.0f}", f"{theirs / ours:.1f}", f"{off:.0e}", f"{scored:,.0f}"]
            table.add_row(f"{many:,}", ground, *row)
    screen = Console(file=sys.stdout, width=140)
    screen.print(table)
    screen.print(f"largest difference: {asked(most, at_most=CLOSE)}")


if __name__ == "__main__":
    main()
