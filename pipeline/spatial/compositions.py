"""Parts of a whole: log-ratio coordinates in which concentrations may be added, averaged and gridded.

Parts stand in the last axis, (..., D) float64, all greater than 0; NaN in one part makes the row NaN. Units may be mixed (percent and
ppm): a factor on a part only adds a constant to its coordinates. Zeros are replaced before, by half the detection limit, the
other parts keeping their ratios to each other: the multiplicative replacement of Martín-Fernández and others (2003).
"""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError
from pipeline.recipe import Array


def clr(parts: Array) -> Array:
    """Centred log-ratios, ln of each part over the geometric mean of all, summing to 0: (..., D). Aitchison (1986)."""
    logs = np.log(parts)
    return logs - _summed(logs, np.ones(logs.shape[-1]))[..., None] / logs.shape[-1]  # type: ignore[no-any-return]


def clr_inverse(coordinates: Array) -> Array:
    """The composition of clr coordinates, closed to a sum of 1: (..., D)."""
    powers = np.exp(coordinates - coordinates.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def pivot_basis(count: int) -> Array:
    """The pivot basis of `count` parts as orthonormal rows (count - 1, count): part i against the geometric mean of those after it.

    Egozcue and others (2003); Fišerová and Hron (2011). The first coordinate says all the first part tells against the others.
    """
    basis = np.zeros((count - 1, count))
    for i in range(count - 1):
        after = count - 1 - i
        basis[i, i] = np.sqrt(after / (after + 1))
        basis[i, i + 1 :] = -1.0 / np.sqrt(after * (after + 1))
    return basis


def ilr(parts: Array) -> Array:
    """Isometric log-ratios in the pivot basis, in the order of the parts: (..., D - 1)."""
    centred = clr(parts)
    return np.stack([_summed(centred, row) for row in pivot_basis(parts.shape[-1])], axis=-1)


def ilr_inverse(coordinates: Array) -> Array:
    """The composition of ilr coordinates, closed to a sum of 1: (..., D)."""
    return clr_inverse(coordinates @ pivot_basis(coordinates.shape[-1] + 1))


def aitchison_distance(a: Array, b: Array) -> Array:
    """The distance of compositions, that of their clr coordinates; whatever their sums: (...). Aitchison (1986)."""
    return np.sqrt(np.sum((clr(a) - clr(b)) ** 2, axis=-1))  # type: ignore[no-any-return]


def robust_axes(parts: Array) -> tuple[Array, Array]:
    """Centre (D,) and axes (D - 1, D), in clr coordinates, of the principal components of most of the rows, outliers left out.

    Minimum covariance determinant of the ilr coordinates (Rousseeuw 1984), turned back to clr: Filzmoser, Hron and Reimann
    (2009). Largest variance first; each axis turned as `components.upright` says; rows all
    alike give the pivot basis. DataError for fewer than 5 whole rows a part, or when most of them are one and the same.
    """
    from sklearn.covariance import MinCovDet

    from pipeline.spatial import components

    whole, count = parts[np.isfinite(parts).all(axis=1)], parts.shape[1]
    if len(whole) < 5 * count:
        raise DataError(
            f"robust principal components of {count} columns need {5 * count} samples with all of them, and {len(whole)} are there; name fewer columns"
        )
    basis, coordinates = pivot_basis(count), ilr(whole)
    if not np.ptp(coordinates, axis=0).any():
        return coordinates[0] @ basis, basis
    try:
        found = MinCovDet(random_state=0).fit(coordinates)
    except ValueError as error:  # more than half of the samples are one and the same
        raise DataError(f"robust principal components need samples that differ ({error}); leave out columns mostly below detection") from error
    return found.location_ @ basis, components.upright(components.axes(found.covariance_) @ basis)


def score(parts: Array, axis: Array, centre: Array) -> Array:
    """Where compositions lie along an axis in clr coordinates, 0 at the centre: (...) float64."""
    return _summed(clr(parts) - centre, axis)


def _summed(values: Array, weights: Array) -> Array:
    """Weighted sum over the last axis, part by part: a matrix product's rounding may hang on the number of rows."""
    total: Array = np.zeros(values.shape[:-1])
    for i, weight in enumerate(weights):
        total = total + weight * values[..., i]
    return total
