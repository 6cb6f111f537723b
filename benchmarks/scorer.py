"""How fast forests are scored beside scikit-learn, one core, the same answer.

    python -m benchmarks.scorer            # forests of 100 to 500 trees, 16 to 512 leaves, on smooth, rough and random ground

Each row: cells scored a second by `predict_proba` of scikit-learn's forest (rows in the order of the raster) and by ours (cells in squares, as
`predict` orders them), their ratio, and the largest difference of the two answers. Ground is a normal field of 24 layers whose covariance at
distance d is exp(-(d / 10)^2) (smooth), exp(-(d / 3)^2) (rough), or none (noise), d in cells. Times are of this process, the best of three.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import RandomForestClassifier

from pipeline.learning.trees import Array, Trees
from pipeline.spatial.squares import in_squares

LAYERS, SIDE, SAMPLES, CELLS = 24, 256, 3000, 32_768
GROUND = {"smooth": 10.0, "rough": 3.0, "noise": 0.0}


def field(length: float) -> Array:
    """A field of unit variance, (layers, y, x) float32; white noise filtered by a Gaussian of width s has covariance exp(-(d / 2s)^2)."""
    random = np.random.default_rng(0)
    held = random.normal(size=(LAYERS, SIDE, SIDE)).astype(np.float32)
    if length:
        held = np.stack([gaussian_filter(layer, length / 2) for layer in held])
    return np.asarray(held / held.std(axis=(1, 2), keepdims=True), np.float32)


def forest(trees: int, leaves: int) -> RandomForestClassifier:
    """Fitted to a rule of all layers with noise, so that unpruned trees would have some 390 leaves."""
    random = np.random.default_rng(1)
    samples = random.normal(size=(SAMPLES, LAYERS)).astype(np.float32)
    y = (samples @ random.normal(size=LAYERS) * 0.4 + 2 * np.sin(3 * samples[:, 0]) + random.normal(size=SAMPLES) > 1).astype(int)
    return RandomForestClassifier(trees, max_leaf_nodes=leaves, n_jobs=1, random_state=0).fit(samples, y)


def seconds(work: Callable[..., object], *given: object) -> float:
    """The least processor time of three."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        work(*given)
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trees", type=int, nargs="*", default=[100, 300, 500])
    parser.add_argument("--leaves", type=int, nargs="*", default=[16, 64, 150, 512])
    asked = parser.parse_args()
    table = Table("trees", "leaves", "ground", "scikit-learn cells/s", "ours cells/s", "times", "largest difference", title="scoring, one core")
    ground = {name: field(length) for name, length in GROUND.items()}
    for trees in asked.trees:
        for leaves in asked.leaves:
            fitted = forest(trees, leaves)
            held = Trees.of([[tree.tree_ for tree in fitted.estimators_]], fill=np.zeros((1, LAYERS), np.float32))
            for name, layers in ground.items():
                flat = layers.reshape(LAYERS, -1)
                squares = in_squares(np.ones((SIDE, SIDE), bool))[:CELLS]
                rows, ordered = np.ascontiguousarray(flat[:, :CELLS].T), np.ascontiguousarray(flat[:, squares].T)
                held.mean_and_spread(ordered[:64], 1)  # compiled, once
                theirs, ours = seconds(fitted.predict_proba, rows), seconds(held.mean_and_spread, ordered, 1)
                off = np.abs(held.mean_and_spread(ordered[:4096], 1)[0][:, 0] - fitted.predict_proba(ordered[:4096])[:, 1]).max()
                row = [f"{CELLS / theirs:,.0f}", f"{CELLS / ours:,.0f}", f"{theirs / ours:.1f}", f"{off:.0e}"]
                table.add_row(str(trees), str(leaves), name, *row)
    Console(file=sys.stdout, width=130).print(table)


if __name__ == "__main__":
    main()
