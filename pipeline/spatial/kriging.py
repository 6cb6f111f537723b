"""Ordinary kriging: a variogram from pairs of samples, then per cell the best unbiased mean of its nearest samples.

Matheron (1963); Chilès and Delfiner (2012). The neighbourhood moves with the cell and its equations are solved for that cell
alone in float64, by a Cholesky factor of its own, so neither the tile nor a library's threads can change a bit.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numba import njit

from pipeline.errors import DataError
from pipeline.recipe import Array, Cells
from pipeline.spatial import neighbours as nearby
from pipeline.spatial.assays import Points

Model = Literal["spherical", "exponential"]  # a Gaussian one, without nugget, makes equations no float64 solves well
LEAST = 30  # samples: fewer tell no variogram
PAIRED = 5000  # samples whose pairs are compared, a seeded choice of them where there are more: 12.5 million pairs
LAGS = 15
LEAST_PAIRS = 30  # of a lag that counts, Journel and Huijbregts (1978)


def variogram(points: Points, *, model: Model, reach_m: float) -> dict[str, Array]:
    """Fit: `variogram` float64 (3,), nugget and partial sill in squared units and length in metres, and the experimental one it
    was fitted to, `lag_m`, `gamma` and `pairs` (lags,).

    Lags go to twice the reach, as far as two samples of one neighbourhood can be apart, or to half the diagonal of the
    samples if that is less. The estimator is that of Cressie and Hawkins (1980), which single wild assays do not rule; the
    model follows it by least squares weighted by pairs over squared semivariance (Cressie 1985), for the short lags decide.
    Samples all alike give nugget and sill 0. DataError where there are too few samples or pairs.
    """
    import gstools  # type: ignore[import-untyped]

    count = points.values.size
    if count < LEAST:
        raise DataError(f"a variogram needs {LEAST} samples with a value, and {count} are there; use inverse_distance or nearest_sample instead")
    diagonal = math.hypot(np.ptp(points.x), np.ptp(points.y))
    longest = min(2.0 * reach_m, 0.5 * diagonal)
    scale = float(points.values.var())
    if scale == 0:
        return {"variogram": np.array([0.0, 0.0, longest])} | {name: np.zeros(0) for name in ("lag_m", "gamma", "pairs")}
    lag, gamma, pairs = gstools.vario_estimate(
        (points.x / longest, points.y / longest), (points.values - points.values.mean()) / math.sqrt(scale), np.linspace(0, 1, LAGS + 1),
        sampling_size=PAIRED if count > PAIRED else None, sampling_seed=0, estimator="cressie", return_counts=True,
    )  # fmt: skip
    held = pairs >= LEAST_PAIRS
    if held.sum() < 4:
        raise DataError(
            f"only {held.sum()} of {LAGS} distances up to {longest:g} m are held by {LEAST_PAIRS} pairs of samples or more, and a variogram needs 4; "
            "give a longer reach_m, or use inverse_distance"
        )
    lag, gamma, pairs = lag[held], gamma[held], pairs[held]
    kind = {"spherical": gstools.Spherical, "exponential": gstools.Exponential}[model](dim=2)
    kind.set_arg_bounds(check_args=False, var=[0.0, 100.0], nugget=[0.0, 100.0], len_scale=[1e-3, 10.0])
    guess = {"var": 0.7 * gamma.max(), "nugget": 0.3 * gamma.min(), "len_scale": 0.4}
    weights = np.sqrt(pairs) / np.maximum(gamma, 1e-6 * gamma.max())
    kind.fit_variogram(lag, gamma, init_guess=guess, weights=weights, loss="linear", max_eval=10_000)
    fitted = np.array([kind.nugget * scale, kind.var * scale, kind.len_scale * longest])
    return {"variogram": fitted, "lag_m": lag * longest, "gamma": gamma * scale, "pairs": pairs.astype(np.float64)}


def surface(points: Points, at: Cells, variogram: Array, *, model: Model, neighbours: int, reach_m: float) -> tuple[Array, Array]:
    """The kriged value and the kriging variance, two (y, x) float32; NaN where no sample lies within `reach_m`.

    At a sample's own place its value and variance 0, whatever the nugget. With one sample in reach its value, and as variance
    twice the semivariance.
    """
    nugget, partial, length = (float(v) for v in variogram)
    total = nugget + partial
    share = partial / total if total > 0 else 1.0
    value, variance = np.full((2, at.y.size, at.x.size), np.nan)
    for rows, index in nearby.strips(points, at, neighbours=neighbours, reach_m=reach_m):
        _krige(at.x, at.y[rows], points.x, points.y, points.values, index, share, length, model == "spherical", value[rows], variance[rows])
    return value.astype(np.float32), (total * variance).astype(np.float32)


@njit(cache=True, nogil=True)
def _krige(x, y, px, py, values, index, share, length, spherical, value, variance):  # type: ignore[no-untyped-def]
    """Solve every cell's system for a sill of 1, by way of C a = c and C b = 1."""
    wanted = index.shape[2]
    factor, a, b, c0 = np.zeros((wanted, wanted)), np.empty(wanted), np.empty(wanted), np.empty(wanted)
    for r in range(len(y)):
        for c in range(len(x)):
            count = 0
            while count < wanted and index[r, c, count] >= 0:
                i = index[r, c, count]
                c0[count] = _covariance(px[i] - x[c], py[i] - y[r], share, length, spherical)
                count += 1
            if count == 0:
                continue
            first = index[r, c, 0]
            if px[first] == x[c] and py[first] == y[r]:
                value[r, c], variance[r, c] = values[first], 0.0
                continue
            for m in range(count):
                i = index[r, c, m]
                for n in range(m + 1):
                    j = index[r, c, n]
                    term = _covariance(px[i] - px[j], py[i] - py[j], share, length, spherical)
                    for k in range(n):
                        term -= factor[m, k] * factor[n, k]
                    # samples nearer to each other than numbers can tell are held apart by a trace of nugget
                    factor[m, n] = math.sqrt(max(term, 1e-12)) if m == n else term / factor[n, n]
            _solve(factor, count, c0, a)
            b[:count] = 1.0
            _solve(factor, count, b, b)
            sum_a, sum_b = 0.0, 0.0
            for m in range(count):
                sum_a += a[m]
                sum_b += b[m]
            multiplier = (sum_a - 1.0) / sum_b
            rest, told = 0.0, 0.0
            for m in range(count):
                weight = a[m] - multiplier * b[m]
                rest += weight * (values[index[r, c, m]] - values[first])
                told += weight * c0[m]
            value[r, c] = values[first] + rest
            variance[r, c] = max(1.0 - told - multiplier, 0.0)


@njit(cache=True, nogil=True)
def _covariance(dx, dy, share, length, spherical):  # type: ignore[no-untyped-def]
    """Covariance for a sill of 1, of which `share` is not nugget."""
    h = math.sqrt(dx * dx + dy * dy) / length
    if h == 0.0:
        return 1.0
    if spherical:
        return share * (1.0 - 1.5 * h + 0.5 * h * h * h) if h < 1.0 else 0.0
    return share * math.exp(-h)


@njit(cache=True, nogil=True)
def _solve(factor, count, right, answer):  # type: ignore[no-untyped-def]
    """Solve L L' answer = right; the two may be the same array."""
    for m in range(count):
        term = right[m]
        for k in range(m):
            term -= factor[m, k] * answer[k]
        answer[m] = term / factor[m, m]
    for m in range(count - 1, -1, -1):
        term = answer[m]
        for k in range(m + 1, count):
            term -= factor[k, m] * answer[k]
        answer[m] = term / factor[m, m]
