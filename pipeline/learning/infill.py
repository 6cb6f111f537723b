"""Infill: rock classes learnt where they are mapped, told as probabilities everywhere, and never by a model that saw the place's own map.

Ground is cut into square blocks, each dealt to one of a few folds by its number. A mapped place is told by the forest that did not see its
fold; a place without a map by all of them. So a predictor built on it is of the same kind where it learns and where it predicts: what
a satellite, a terrain model and a magnetometer can tell of the rock, not what the geologist wrote. Cross-fitting after Wolpert (1992).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from pipeline.errors import DataError
from pipeline.learning.blocks import square_blocks
from pipeline.learning.draws import Floats, Ints, derive, uniform
from pipeline.learning.forests import column_medians
from pipeline.learning.trees import Array, Trees

MOST_TAUGHT = 20_000  # mapped cells a forest learns from
FEWEST = 30  # mapped cells of a class below which nothing can be said of it


@dataclass(frozen=True, eq=False)
class Taught:
    """Mapped cells: `values` (n, layers) float32, NaN missing; `code` (n,) of the class; `x`, `y` (n,) metres; `number` (n,) of the cell."""

    values: npt.NDArray[np.float32]
    code: Ints
    x: Floats
    y: Floats
    number: Ints

    def __len__(self) -> int:
        return len(self.code)

    def subset(self, index: Array) -> Taught:
        """The rows of an index or mask."""
        return Taught(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


@dataclass(frozen=True)
class How:
    """How it is learnt: blocks of `block_m` metres dealt to `folds`, `trees` to a forest, and the seed."""

    block_m: float
    folds: int
    trees: int
    seed: int


def chosen(taught: Taught, *, most: int = MOST_TAUGHT, seed: int) -> Taught:
    """At most `most` of the rows, those of lowest draw, in the order of their numbers: any tiling gives the same."""
    draws = uniform(taught.number, seed=seed, stream="infill")
    kept = np.argsort(draws, kind="stable")[:most]
    return taught.subset(kept[np.argsort(taught.number[kept], kind="stable")])


def classes_of(taught: Taught, *, least: int = FEWEST) -> Ints:
    """The codes with at least `least` rows, ascending: those that can be learnt. DataError when fewer than two are left."""
    codes, counts = np.unique(taught.code, return_counts=True)
    kept = codes[counts >= least]
    if len(kept) < 2:
        raise DataError(
            f"infill: of the {len(codes)} mapped classes {len(kept)} have {least} sampled cells; it needs two to tell apart: "
            "take a map with more of each class, or a coarser legend (reclass)"
        )
    return np.asarray(kept, np.int64)


def learnt(taught: Taught, *, classes: Ints, how: How) -> dict[str, Array]:
    """One forest per fold, fitted to the rows of the other folds, as arrays: `classes` (k,) and, per fold, those of `Trees`.

    Rows of classes that are not among `classes` take no part: shares are among those that can be learnt. Missing values take the
    training rows' medians. DataError when all rows lie in one fold.
    """
    known = taught.subset(np.isin(taught.code, classes))
    fold = fold_of(known.x, known.y, how=how)
    held: dict[str, Array] = {"classes": np.asarray(classes, np.int64)}
    for part in range(how.folds):
        train = known.subset(fold != part)
        if len(np.unique(train.code)) < 2:
            raise DataError(f"infill: the mapped ground lies in too few blocks of {how.block_m / 1000:g} km to hold one out; use a smaller `block_km`")
        trees = _forest(train, classes, trees=how.trees, seed=derive(how.seed, "infill", part))
        held |= {f"{part}.{field.name}": getattr(trees, field.name) for field in fields(trees)}
    return held


def probabilities(values: npt.NDArray[np.float32], x: Floats, y: Floats, mapped: npt.NDArray[np.bool_], held: Mapping[str, Array], *, how: How) -> Floats:
    """The share of each class at each place; (n, k), rows adding up to 1.

    `mapped` (n,) says where a map was at hand: told there by the forest of the place's fold alone, elsewhere by the mean of all. Every
    row's answer is its own, whatever others are asked for.
    """
    found = np.zeros((len(values), len(held["classes"])))
    fold = fold_of(x, y, how=how)
    for part in range(how.folds):
        asked = ~mapped | (fold == part)
        if asked.any():
            share = Trees(**{field.name: held[f"{part}.{field.name}"] for field in fields(Trees)}).mean_and_spread(values[asked])[0]
            found[asked] += np.where(mapped[asked], 1.0, 1.0 / how.folds)[:, None] * share
    return found


def blocks(values: npt.NDArray[np.float32], x: Floats, y: Floats, mapped: npt.NDArray[np.bool_], held: Mapping[str, Array], *, classes: int, how: How) -> Array:
    """What `infill` gives at each place: the share of each of the `classes`, 0 for those that could not be learnt, then the entropy.

    (classes + 1, n) float32; NaN where no layer that is seen has a value. Other parameters as `probabilities`.
    """
    known = np.isfinite(values).any(axis=1)
    share = probabilities(values[known], x[known], y[known], mapped[known], held, how=how)
    found = np.zeros((classes + 1, known.size), np.float32)
    found[held["classes"], np.flatnonzero(known)[:, None]] = share
    found[-1, known] = entropy(share)
    found[:, ~known] = np.nan
    return found


def taught_without(held: Mapping[str, Array], hidden: Callable[[Floats, Floats], npt.NDArray[np.bool_]], *, how: How) -> dict[str, Array]:
    """The forests learnt again from the mapped cells a fit kept (`taught.*`), without those at places `hidden` says yes to.

    The classes stay those of the first fit. DataError as `learnt`.
    """
    rows = Taught(**{field.name: np.asarray(held[f"taught.{field.name}"]) for field in fields(Taught)})
    return learnt(rows.subset(~hidden(rows.x, rows.y)), classes=np.asarray(held["classes"], np.int64), how=how)


def entropy(share: Floats) -> Floats:
    """Shannon's entropy of each row over that of knowing nothing, 0 sure to 1 blind; (n,). Shannon (1948)."""
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.asarray(-(share * logs).sum(axis=1) / np.log(share.shape[1]), np.float64)


def fold_of(x: Floats, y: Floats, *, how: How) -> Ints:
    """The fold each place belongs to, mapped or not; (n,), decided by its block alone."""
    return np.asarray(uniform(square_blocks(x, y, block_m=how.block_m), seed=how.seed, stream="infill folds") * how.folds, np.int64)


def _forest(train: Taught, classes: Ints, *, trees: int, seed: int) -> Trees:
    medians = column_medians(train.values)
    model = RandomForestClassifier(n_estimators=trees, min_samples_leaf=3, max_features="sqrt", random_state=seed, n_jobs=1)
    model.fit(np.where(np.isnan(train.values), medians, train.values), train.code)
    found = Trees.of([[tree.tree_ for tree in model.estimators_]], fill=medians[None, :])
    wide = np.zeros((len(found.value), len(classes)))
    wide[:, np.searchsorted(classes, model.classes_)] = found.value  # a class may be absent from the other folds
    return replace(found, value=wide)
