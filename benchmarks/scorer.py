"""How fast forests are scored beside scikit-learn, one core, the same answer.

    python -m benchmarks.scorer            # forests of 100 to 500 trees, 16 to 512 leaves, on smooth, rough and random ground

Then others at 64 leaves and 300 trees, on smooth and random ground: bags with missing values, extra trees, boosted sums; few trees; and few rows at once, here
each as it likes them best in memory: ours layer by layer, as `predict` has them.

Each row: cells scored a second by `predict_proba` of scikit-learn's forest (rows in the order of the raster) and by ours (cells in squares, as
`predict` orders them), their ratio, and the largest difference of the two answers. Ground is a normal field of 24 layers whose covariance at
distance d is exp(-(d / 10)^2) (smooth), exp(-(d / 3)^2) (rough), or none (noise), d in cells. Times are of this process, the best of three.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

from benchmarks.asked import asked
from pipeline.learning.boosting import BaggedBoosting
from pipeline.learning.trees import Array, Trees
from pipeline.spatial.squares import in_squares

LAYERS, SIDE, SAMPLES, CELLS, MISSING_SHARE = 24, 256, 3000, 32_768, 0.05
LONE = "a lone tree"
GROUND = {"smooth": 10.0, "rough": 3.0, "noise": 0.0}


def field(length: float) -> Array:
    """A field of unit variance, (layers, y, x) float32; white noise filtered by a Gaussian of width s has covariance exp(-(d / 2s)^2)."""
    random = np.random.default_rng(0)
    held = random.normal(size=(LAYERS, SIDE, SIDE)).astype(np.float32)
    if length:
        held = np.stack([gaussian_filter(layer, length / 2) for layer in held])
    return np.asarray(held / held.std(axis=(1, 2), keepdims=True), np.float32)


def lesson() -> tuple[Array, Array]:
    """Samples and a rule of all layers with noise, so that unpruned trees would have some 390 leaves."""
    random = np.random.default_rng(1)
    samples = random.normal(size=(SAMPLES, LAYERS)).astype(np.float32)
    y = (samples @ random.normal(size=LAYERS) * 0.4 + 2 * np.sin(3 * samples[:, 0]) + random.normal(size=SAMPLES) > 1).astype(int)
    return samples, y


def forest(trees: int, leaves: int, kind: type[Any] = RandomForestClassifier, seed: int = 0) -> Any:
    """Fitted to the lesson."""
    return kind(trees, max_leaf_nodes=leaves, n_jobs=1, random_state=seed).fit(*lesson())


def of_one_bag(fitted: Any) -> Trees:
    """Its trees as ours."""
    return Trees.of([[tree.tree_ for tree in fitted.estimators_]], fill=np.zeros((1, LAYERS), np.float32))


Scored = Callable[[Array], Array]


def others() -> Iterator[tuple[str, int, Scored, Scored]]:
    """What each is called, how many rows are asked for at once, scikit-learn's answer and ours."""

    def both(fitted: Any, held: Trees) -> tuple[Scored, Scored]:
        return (lambda rows: fitted.predict_proba(rows)[:, 1]), (lambda rows: held.mean_and_spread(rows, 1)[0][:, 0])

    for trees in (1, 10, 300):
        fitted = forest(trees, 64)
        theirs, ours = both(fitted, of_one_bag(fitted))
        for rows in (64, 1024, CELLS) if trees == 300 else (CELLS,):
            yield LONE if trees == 1 else f"random forest of {trees}", rows, theirs, ours
    fitted = forest(300, 64, ExtraTreesClassifier)
    yield "extra trees, 300", CELLS, *both(fitted, of_one_bag(fitted))

    bags = [forest(30, 64, seed=seed) for seed in range(10)]
    fill = np.random.default_rng(2).normal(size=(len(bags), LAYERS)).astype(np.float32)
    held = Trees.of([[tree.tree_ for tree in bag.estimators_] for bag in bags], fill=fill)

    def filled(rows: Array) -> Array:
        return np.asarray(np.mean([bag.predict_proba(np.where(np.isnan(rows), one, rows))[:, 1] for bag, one in zip(bags, fill, strict=True)], axis=0))

    yield "random forest, 10 bags of 30, each filling what is missing", CELLS, filled, lambda rows: held.mean_and_spread(rows, 1)[0][:, 0]

    boosted = BaggedBoosting(bags=10, trees_per_bag=100, random_state=0).fit(*lesson())
    theirs_boosted = [
        HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=6, min_samples_leaf=10, early_stopping=False, random_state=seed).fit(*lesson())
        for seed in range(10)
    ]
    yield "boosted, 10 bags of 100 trees of 6 leaves (not the same trees)", CELLS, (
        lambda rows: np.mean([one.predict_proba(rows)[:, 1] for one in theirs_boosted], axis=0)
    ), lambda rows: boosted.predict_both(rows)[0]


def seconds(work: Callable[..., object], *given: object) -> float:
    """The least processor time of three."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        work(*given)
        taken.append(time.process_time() - begun)
    return min(taken)


def beside(ground: Mapping[str, Array]) -> tuple[Table, float]:
    """The table of the others, and the least of its ratios."""
    rest = Table("what", "ground", "rows at once", "scikit-learn cells/s", "ours cells/s", "times", "largest difference", title="other models, one core")
    least = np.inf
    squares = in_squares(np.ones((SIDE, SIDE), bool))[:CELLS]
    for what, many, theirs_of, ours_of in others():
        for name in ("smooth", "noise"):
            ordered = np.ascontiguousarray(ground[name].reshape(LAYERS, -1)[:, squares].T)
            if "missing" in what:
                ordered[np.random.default_rng(3).random(ordered.shape) < MISSING_SHARE] = np.nan
            given = np.split(ordered[: min(CELLS, 64 * many)], range(many, min(CELLS, 64 * many), many))
            ours_of(given[0])  # compiled, once
            with threadpool_limits(1):
                theirs, ours = seconds(each_of, theirs_of, given), seconds(each_of, ours_of, [np.asfortranarray(rows) for rows in given])
            cells, off = sum(map(len, given)), np.abs(theirs_of(given[0][:4096]) - ours_of(given[0][:4096])).max()
            shown = "" if "not the same" in what else f"{off:.0e}"
            rest.add_row(what, name, f"{many:,}", f"{cells / theirs:,.0f}", f"{cells / ours:,.0f}", f"{theirs / ours:.1f}", shown)
            least = min(least, theirs / ours) if what != LONE else least  # a forest is what is asked about: one tree costs less than to lay rows out for it
    return rest, least


def each_of(scored: Scored, given: list[Array]) -> None:
    """One batch after another."""
    for rows in given:
        scored(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trees", type=int, nargs="*", default=[100, 300, 500])
    parser.add_argument("--leaves", type=int, nargs="*", default=[16, 64, 150, 512])
    said = parser.parse_args()
    slowest: dict[str, float] = {}
    table = Table("trees", "leaves", "ground", "scikit-learn cells/s", "ours cells/s", "times", "largest difference", title="scoring, one core")
    ground = {name: field(length) for name, length in GROUND.items()}
    for trees in said.trees:
        for leaves in said.leaves:
            fitted = forest(trees, leaves)
            held = of_one_bag(fitted)
            for name, layers in ground.items():
                flat = layers.reshape(LAYERS, -1)
                squares = in_squares(np.ones((SIDE, SIDE), bool))[:CELLS]
                rows, ordered = np.ascontiguousarray(flat[:, :CELLS].T), np.ascontiguousarray(flat[:, squares].T)
                held.mean_and_spread(ordered[:64], 1)  # compiled, once
                theirs, ours = seconds(fitted.predict_proba, rows), seconds(held.mean_and_spread, ordered, 1)
                off = np.abs(held.mean_and_spread(ordered[:4096], 1)[0][:, 0] - fitted.predict_proba(ordered[:4096])[:, 1]).max()
                row = [f"{CELLS / theirs:,.0f}", f"{CELLS / ours:,.0f}", f"{theirs / ours:.1f}", f"{off:.0e}"]
                table.add_row(str(trees), str(leaves), name, *row)
                for kind in ("any", name, *(("the noise that is asked about",) if (trees, leaves, name) == (300, 64, "noise") else ())):
                    slowest[kind] = min(slowest.get(kind, np.inf), theirs / ours)
    screen = Console(file=sys.stdout, width=140)
    screen.print(table)
    rest, slowest["other"] = beside(ground)
    screen.print(rest)
    if "smooth" in slowest:
        screen.print(f"times scikit-learn, the least of all rows on smooth ground: {asked(slowest['smooth'], at_least=5)}")
    if "the noise that is asked about" in slowest:
        screen.print(f"on random ground, 300 trees of 64 leaves: {asked(slowest['the noise that is asked about'], at_least=3)}")
    screen.print(f"anywhere, other models too, a lone tree apart: {asked(min(slowest['any'], slowest['other']), at_least=0.95)}")


if __name__ == "__main__":
    main()
