"""Classes of evidence and the weight each carries: the arithmetic of weights of evidence, on counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats, Ints

Array = npt.NDArray[Any]
MISSING = -1  # the class of a cell whose layer is not known there


class Counts(NamedTuple):
    """What was counted in the classes of one layer, each (classes,): `deposits`, `sites` (deposits that may stand for several
    unit cells count once), `units` of ground without a deposit, and the sampled `rows` that stand for those."""

    deposits: Floats
    sites: Ints
    units: Floats
    rows: Floats


class Weights(NamedTuple):
    """For each class (classes,): its weight W+ and its variance, those W- of all other classes taken together, the `contrast` of the
    two and the `studentized` contrast, its ratio to its standard deviation. NaN or infinite where a count is zero."""

    plus: Floats
    plus_variance: Floats
    minus: Floats
    minus_variance: Floats
    contrast: Floats
    studentized: Floats


def weights(counts: Counts) -> Weights:
    """Weights of the classes of one layer, in natural logarithms. Bonham-Carter, Agterberg and Wright (1989).

    W+ is the log of the share of the deposits that lie in the class over the share of the deposit-free unit cells that do. Its variance is
    1/deposits + 1/cells, the cells being unit cells or the rows that were sampled of them, whichever are fewer: what was not looked at
    makes nothing surer.
    """
    inside, outside = counts, Counts(*(of.sum() - of for of in counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = []
        for part in (inside, outside):
            found.append(np.log(part.deposits / counts.deposits.sum()) - np.log(part.units / counts.units.sum()))
            found.append(1 / part.deposits + 1 / np.minimum(part.units, part.rows))
        plus, plus_variance, minus, minus_variance = found
        contrast = plus - minus
        return Weights(plus, plus_variance, minus, minus_variance, contrast, contrast / np.sqrt(plus_variance + minus_variance))


def counted(code: Ints, classes: int, *, positive: npt.NDArray[np.bool_], groups: Array, weight: Floats, units_per_row: float) -> Counts:
    """Counts of the classes 0 to `classes` - 1 in `code` (n,), MISSING left out; `groups` (n,) tell which positives are one deposit, and a row
    counts as `weight` (n,) rows."""
    held = code != MISSING
    rows, deposits = (np.bincount(code[held & of], weight[held & of], minlength=classes).astype(np.float64) for of in (~positive, positive))
    pairs = np.unique(np.column_stack((code, np.unique(groups, return_inverse=True)[1]))[held & positive], axis=0)
    return Counts(deposits, np.bincount(pairs[:, 0], minlength=classes), rows * units_per_row, rows)


def known(counts: Counts) -> Floats:
    """How many deposits each class is known by, (classes,): its sites, or its deposits where those weigh less, rounded as sums of shares need."""
    return np.minimum(counts.sites, np.round(counts.deposits, 9))


def cut(
    values: Floats, *, positive: npt.NDArray[np.bool_], groups: Array, weight: Floats, sign: int, steps: int, least_sites: int, units_per_row: float
) -> float | None:
    """Where to cut a continuous layer in two: the value of the greatest studentised contrast; the upper class is at or above it.

    A row counts as `weight` (n,) rows. Tried are the values that cut the background into `steps` equal areas (all values, where there are no
    more), added up from the low end and from the high: with `sign` 1 the upper class must be the favourable one, with -1 the lower, with 0
    either. Both classes keep at least `least_sites` deposits and some background. Where no cut does that, for too few deposits are known or a
    layer parts them too well, the favourable class alone must, and the greatest ratio of its weight to its standard deviation decides. None when
    even that fails. The lowest of equal cuts wins.
    """
    held = ~np.isnan(values)
    background, deposits = np.sort(values[held & ~positive]), values[held & positive]
    tried = np.unique(values[held])
    if len(tried) > steps:
        tried = np.unique(np.quantile(background, np.arange(1, steps) / steps, method="inverted_cdf")) if len(background) else tried[:0]
    if not len(tried) or not len(deposits):
        return None
    _, group = np.unique(groups[held & positive], return_inverse=True)
    least, most = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
    np.minimum.at(least, group, deposits)
    np.maximum.at(most, group, deposits)
    below = [np.searchsorted(np.sort(of), tried, side="left") for of in (least, most)]
    (low_deposits, all_deposits), (low_rows, all_rows) = (_below(tried, values[held & of], weight[held & of]) for of in (positive, ~positive))
    best, answer = (-1, -np.inf), None
    for value, in_low, sites_low, not_high, rows_low in zip(tried, low_deposits, *below, low_rows, strict=True):
        rows = np.array([rows_low, all_rows - rows_low])
        sites = np.array([sites_low, len(most) - not_high])
        counts = Counts(np.array([in_low, all_deposits - in_low]), sites, rows * units_per_row, rows)
        fit = (known(counts) >= least_sites) & (rows > 0)
        speaks = _speaking(counts, fit, sign)
        if (fit.sum(), speaks) > best and speaks > -np.inf:
            best, answer = (int(fit.sum()), speaks), float(value)
    return answer


def _below(tried: Floats, values: Floats, weight: Floats) -> tuple[Floats, float]:
    """The weight of the values below each of `tried`, and that of all."""
    order = np.argsort(values, kind="stable")
    upto = np.concatenate([[0.0], np.cumsum(weight[order])])
    return upto[np.searchsorted(values[order], tried, side="left")], float(upto[-1])


def studentized(found: Weights) -> Floats:
    """The studentised contrast of each class (classes,); where a count of zero leaves none, W+ over its own standard deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(found.studentized), found.studentized, found.plus / np.sqrt(found.plus_variance))


def _speaking(counts: Counts, fit: npt.NDArray[np.bool_], sign: int) -> float:
    """How surely a cut in two speaks in the direction of `sign`; -inf where no class is `fit` to."""
    speaks = studentized(weights(counts))
    if fit.all():
        return float(abs(speaks[1]) if sign == 0 else sign * speaks[1])
    allowed = fit & (np.array([-1, 1]) * sign >= 0) & (speaks > 0)
    return float(speaks[allowed].max(initial=-np.inf))


def layers_of(X: Floats, counts: tuple[int, ...]) -> Ints:
    """First column of each layer, then the count of columns; (layers + 1,).

    The columns of one feature (`counts`: how many each gave) are the classes of one map where they hold 0 and 1 only and never two
    ones in a row; elsewhere each column is a layer of its own.
    """
    first = [0]
    for count in counts:
        columns = X[:, first[-1] : first[-1] + count]
        one_map = count > 1 and bool(np.isin(columns[~np.isnan(columns)], (0, 1)).all()) and np.nansum(columns, axis=1).max(initial=0) <= 1
        first += [first[-1] + count] if one_map else list(range(first[-1] + 1, first[-1] + count + 1))
    return np.array(first, np.int64)


def coded(X: Floats, cuts: Floats) -> Ints:
    """The class of each row in a layer of the columns `X` (n, c) and their cuts (c,): 0 where no column reaches its cut, i + 1 where
    column i does, MISSING where none does and one is not known; (n,)."""
    code, unknown = np.zeros(len(X), np.int64), np.zeros(len(X), bool)
    for i in range(X.shape[1]):
        code[X[:, i] >= cuts[i]] = i + 1  # NaN reaches nothing
        unknown |= np.isnan(X[:, i])
    code[unknown & (code == 0)] = MISSING
    return code
