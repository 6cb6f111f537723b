"""What is still to be found, foretold: of so many further deposits, how many will lie on a piece of the map, and how sure that is.

A score on held-out deposits says how well the map did; what a reader wants is how it will do. That is less sure, for two reasons at once: the share was
learnt from few deposits, and the further ones are few too.

Further deposits are supposed to lie as the known ones do, in the same districts: of one population, of which each group of deposits that is one find was
found or not by itself. So what one district has by chance, both have: it does not stand between what is known and what is to come, and is not counted
as if it did. Districts that nobody has found yet are another question, and so is a map's ground unlike theirs: see its applicability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, softmax
from sklearn.base import BaseEstimator

from pipeline.learning.draws import Floats, Ints, derive, uniform
from pipeline.learning.fitted import fitted
from pipeline.learning.heldout import MODEL, unfit
from pipeline.learning.importance import positive_share
from pipeline.learning.intervals import LEVEL, weights
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

FOLDS = 10  # near to all of the deposits teach, as they do the map itself
REPLICATES = 300  # of the bootstrap behind a share's design effect
SMOOTHEST = 0.25  # design effect
QUADRATURE = 200  # values a share may take, of equal chance
CLUSTERED = 15  # and those it may have by chance of groups, given each
MOST_ALIKE = 0.999  # all further deposits are one find
LEAST = 1e-9  # a share of exactly 0 or 1 would admit no other outcome


class Share(NamedTuple):
    """A share of deposits: its `value`, the number of deposits it was learnt from, and its design effect (Kish 1965): the variance of its estimate over
    that of a share counted among as many independent deposits. Groups of deposits and unequal weights make it more than 1; a smooth curve through the
    counts, less. `apart` is what it would be were each deposit a group of its own: weights and smoothing make the estimate more or less sure, but say nothing
    of how alike further deposits are."""

    value: float
    deposits: int
    design: float
    apart: float = 1.0


def share_of(value: float, drawn: Floats, apart: Floats, deposits: int) -> Share:
    """A share whose design effect is told by its bootstrap replicates: `drawn`, groups of deposits drawn again, and `apart`, each deposit by itself.

    Not more than the number of deposits, when all are one group, nor less than a quarter: few replicates must not make it seem certain.
    """
    at = min(max(value, 0.5 / max(deposits, 1)), 1 - 0.5 / max(deposits, 1))
    alone = at * (1 - at) / max(deposits, 1)

    def effect(replicates: Floats) -> float:
        held = replicates[np.isfinite(replicates)]
        found = float(held.var()) / alone if len(held) > 1 else 1.0
        return float(min(max(found, SMOOTHEST), max(deposits, 1)))

    return Share(float(value), int(deposits), effect(drawn), effect(apart))


def redrawn(group: Ints, alone: Floats, *, seed: int) -> Floats:
    """How much each deposit weighs in each replicate of a bootstrap of their groups; (replicates, n), without replicates that drew none. `group` (n,)
    names the group of each, `alone` (n,) is what it weighs by itself."""
    _, place = np.unique(group, return_inverse=True)
    found = weights(place, seed=seed, replicates=REPLICATES)[:, place] * alone
    return np.asarray(found[found.sum(axis=1) > 0], np.float64)


def learnt(share: Callable[[Floats], float], alone: Floats, grouped: Floats, apart: Floats) -> Share:
    """As `share_of`, of what `share` tells for a weight of each deposit: `alone` (n,), and those of the bootstraps, (replicates, n), see `redrawn`."""
    by_group, by_deposit = (np.array([share(weight) for weight in weights]) for weights in (grouped, apart))
    return share_of(share(alone), by_group, by_deposit, len(alone))


class Room(NamedTuple):
    """How many `cells` the pieces of ground asked about have, and how many there are in `all` that is new to the map. A cell is one deposit or none, as
    positives are: a few cells, however rich, hold no more deposits than they are."""

    cells: int
    all: int


def number_chances(share: Share, further: int, room: Room | None = None) -> Floats:
    """The chance that 0, 1, ... of `further` deposits lie where `share` of them is expected; (further + 1,).

    The share itself is known as from deposits over design effect independent ones (Beta posterior of Jeffreys' prior), and given the share the further ones
    come in groups like those it was learnt from: their counts vary so many times as much as those of independent ones, however many they are (a Beta again).
    Given that, they are drawn one cell each without replacement, cells of the pieces being likelier by the odds that make the expected share: the noncentral
    hypergeometric distribution of Fisher, with odds after Cornfield (1956). Where cells are many beside deposits it is the binomial one; so it is without
    `room`, and where deposits are more than cells. A binomial of few rich cells is too wide: it holds counts possible that have no room.
    """
    from scipy.stats import binom

    if further == 0:
        return np.ones(1)
    shares, counts = _shares(share, further), np.arange(further + 1)
    if room is None or not 0 < room.cells < room.all or room.all <= further:
        return np.asarray(np.asarray(binom.pmf(counts, further, shares[:, None]), np.float64).mean(axis=0))
    most, least = min(room.cells, further), max(0, further - (room.all - room.cells))
    expected = np.clip(shares * further, least + LEAST, most - LEAST)
    odds = expected * (room.all - room.cells - further + expected) / ((room.cells - expected) * (further - expected))
    fits = np.arange(least, most + 1)
    logs = _log_ways(room.cells, fits) + _log_ways(room.all - room.cells, further - fits) + fits * np.log(odds)[:, None]
    found = np.zeros(further + 1)
    found[fits] = softmax(logs, axis=1).mean(axis=0)
    return found


def _shares(share: Share, further: int) -> Floats:
    """Shares of equal chance that so many further deposits may have, (QUADRATURE,), between 0 and 1 but neither."""
    effective = share.deposits / share.design
    known = _levels(effective * share.value + 0.5, effective * (1 - share.value) + 0.5, QUADRATURE)
    grouped = max(share.design / share.apart, 1.0)  # counts are never smoother than chance
    alike = min((min(grouped, further) - 1) / max(further - 1, 1), MOST_ALIKE)  # the correlation of any two of them that makes their count vary so
    if alike <= LEAST:
        return known
    spread = 1 / alike - 1
    each = _levels(known[:, None] * spread, (1 - known[:, None]) * spread, CLUSTERED)
    return np.asarray(np.sort(each, axis=None).reshape(QUADRATURE, CLUSTERED).mean(axis=1))


def _levels(a: Any, b: Any, n: int) -> Floats:
    from scipy.stats import beta

    return np.asarray(np.clip(beta.ppf((np.arange(n) + 0.5) / n, a, b), LEAST, 1 - LEAST), np.float64)


def _log_ways(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), np.float64)


def mixed(share: Share, numbers: Floats, room: Room | None = None) -> Floats:
    """`number_chances` over an uncertain number of further deposits: `numbers` (k,) is the chance of 0, 1, ... of them; (k,)."""
    found = np.zeros(len(numbers))
    for further in np.flatnonzero(numbers):
        chances = number_chances(share, int(further), room)
        found[: len(chances)] += numbers[further] * chances
    return found


def central(chances: Floats, *, level: float = LEVEL) -> tuple[int, int]:
    """The least and the largest count of the central `level`, by mid-distribution: a count is out when what lies beyond it and half of its own chance are
    less than half of the rest. Of few deposits whole counts, in or out, would otherwise hold far more than the level. Lancaster (1961)."""
    middle = (np.cumsum(chances) - chances / 2) / chances.sum()
    tail = (1 - level) / 2
    inside = np.flatnonzero((middle >= tail) & (middle <= 1 - tail))
    return (int(inside[0]), int(inside[-1])) if len(inside) else (int(chances.argmax()), int(chances.argmax()))


def ground_above(
    table: SampleTable, ground: npt.NDArray[np.float32], cell: Ints, *, make_model: Callable[[int], BaseEstimator], split: Split, seed: int,
    folds: int = FOLDS,
) -> Floats:  # fmt: skip
    """For each row of the table the share of the ground that a map made without it puts above it; (n,), NaN but for scored positives.

    `ground` (m, layers) is evidence of cells drawn evenly from all the ground of the map, numbered by `cell` (m,). A fold's model ranks all of it but
    the cells of the deposits it was taught with: there nothing is left to find. The background of a score will not do in its stead: it keeps clear
    of deposits, so it lacks the very ground that ranks as high as theirs, and shares of it flatter. Ties count half.

    Deposit groups are dealt to `folds` at random. What is asked is where further deposits lie, and those are supposed to lie as the known ones do,
    also to each other: as near to what is known as a known one is to the others. Folds as far apart as the cells of the map (see `matching`) ask
    another question, how the map does on any of its ground, and foretell too little. `split` only says what pieces of ground models may hold out.
    """
    ids = np.unique(table.group[table.positive])
    dealt = np.argsort(np.argsort(uniform(ids, seed=seed, stream="foretold"), kind="stable"), kind="stable") % folds
    found = np.full(len(table), np.nan)
    for fold in range(min(folds, len(ids))):
        without = table.positive & np.isin(table.group, ids[dealt == fold])
        train, test = ~without & table.trains, without & table.scored
        if unfit(table, train, test):
            continue
        taught = table.subset(train)
        model = fitted(make_model(derive(seed, MODEL, fold)), taught, split.units(taught))
        fresh = ~np.isin(cell, taught.cell[taught.positive])
        scores = np.sort(positive_share(model, ground[fresh]))
        own = positive_share(model, table.values[test])
        above, tied = len(scores) - np.searchsorted(scores, own, side="right"), np.searchsorted(scores, own, side="right") - np.searchsorted(scores, own)
        found[test] = (above + 0.5 * tied + 0.5) / (len(scores) + 1)  # never 0: the best of the ground is a piece of it too
    return found


def curve(above: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Share of deposits (k,) captured in shares of the ground (k,), from 0 to 1 each, the density of deposits never rising from the best ground on.

    `above` (n,) as `ground_above` gives it, `weight` (n,) how often each counts. The least concave majorant of the steps: of all curves whose
    density falls with the rank, the likeliest. Grenander (1956).
    """
    order = np.argsort(above, kind="stable")
    x = np.concatenate(([0.0], above[order], [1.0]))
    y = np.concatenate(([0.0], np.cumsum(weight[order]) / weight.sum(), [1.0]))
    kept: list[int] = []
    for at in range(len(x)):
        if kept and x[at] == x[kept[-1]] and len(kept) > 1:
            kept.pop()  # of several at one place the last stands highest
        while len(kept) > 1 and (y[kept[-1]] - y[kept[-2]]) * (x[at] - x[kept[-1]]) <= (y[at] - y[kept[-1]]) * (x[kept[-1]] - x[kept[-2]]):
            kept.pop()
        kept.append(at)
    return x[kept], y[kept]


def on_pieces(found: tuple[Floats, Floats], ranks: Floats, areas: Floats) -> float:
    """Share of deposits on pieces of ground, from the share of the ground ranked above each (`ranks`) and the share each covers (`areas`); (k,)."""
    area, captured = found
    low, high = np.clip(ranks - areas / 2, 0.0, 1.0), np.clip(ranks + areas / 2, 0.0, 1.0)
    wide = np.maximum(high - low, LEAST)
    density = (np.interp(high, area, captured) - np.interp(low, area, captured)) / wide
    return float(min((density * areas).sum(), 1.0))
