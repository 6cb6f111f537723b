"""Potential fields: gaps filled, a plane taken out, the edges padded, then harmonica's Fourier filters.

A survey of up to `LARGEST` squares a side is taken in one piece, a larger one by windows (see `windowed`).

Arrays are (y, x), rows from north to south. What is derived from a survey is one cell wider than it on every side, so that
any cell of the region lies between four of its values. Where the survey had gaps the answer rests on filled values: mask them,
and trust less what lies within about the depth of the sources (at least two or three cells) of a gap or of the survey's edge.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.recipe import Array, Cells, Fit, Layer, Whole
from pipeline.spatial.gaps import filled
from pipeline.spatial.windowed import Pieces

LARGEST = 2500  # squares a side that are filtered in one piece
RIM = 1  # cells beyond the survey in what is derived from it
LEAST_SHARE = 0.25  # padding on each side, in shares of the survey's side; of small surveys more, for it costs nothing
SHARE, ENOUGH_CELLS = 0.5, 256
KM = 1000.0


@dataclass(frozen=True)
class Survey:
    """A field made ready for Fourier filters: `grid` the padded residual, `trend` the plane taken out, over the rimmed survey.

    `east`, `north` are the plane's slopes per metre, `inside` the rimmed survey's place in the padded grid, `x`, `y` its centres.
    """

    grid: Array
    trend: Array
    east: float
    north: float
    inside: tuple[slice, slice]
    x: Array
    y: Array
    cell_m: float

    @property
    def field(self) -> Array:
        """The field itself, gaps filled."""
        return self.grid[self.inside] + self.trend

    def filtered(self, kernel: Callable[..., Any], **said: Any) -> Array:
        """The residual through one of harmonica's filters, over the rimmed survey."""
        import xarray as xr

        rows, cols = self.grid.shape
        coords = {"northing": np.arange(rows) * self.cell_m, "easting": np.arange(cols) * self.cell_m}
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names xarray is going to rename
            answer = kernel(xr.DataArray(self.grid[::-1], coords=coords, dims=("northing", "easting")), **said)
        return answer.to_numpy()[::-1][self.inside]  # type: ignore[no-any-return]

    def kept(self, values: Array) -> dict[str, Array]:
        """What a fit keeps of an answer: `values` (y, x) and the centres `y`, `x`."""
        return {"values": np.ascontiguousarray(values), "y": self.y, "x": self.x}


@dataclass(frozen=True)
class Large:
    """A survey made ready to be filtered by windows: `pieces` of what is left without its plane, their low-passed `coarse` copy, and the plane
    as in `Survey`."""

    pieces: Pieces
    coarse: Whole
    trend: Array
    east: float
    north: float

    @property
    def field(self) -> Array:
        """The field itself, gaps filled."""
        return np.pad(self.pieces.of.values, RIM, mode="reflect", reflect_type="odd") + self.trend

    def joined(self, filtered: Callable[[Survey], Array]) -> Array:
        """A linear filter of the whole, over the rimmed survey."""
        return self.pieces.joined(lambda part: filtered(_in_one_piece(part)), self.coarse)

    def kept(self, values: Array) -> dict[str, Array]:
        """What a fit keeps of an answer: `values` (y, x) and the centres `y`, `x`."""
        of = self.pieces.of
        return {"values": np.ascontiguousarray(values), "y": _rimmed(of.y, -of.cell_m), "x": _rimmed(of.x, of.cell_m)}


def survey(of: Whole, *, largest: int = LARGEST) -> Survey | Large:
    """A survey made ready for filters: in one piece up to `largest` squares a side, else by windows of four fifths of that, a quarter of
    each in common with the next.

    Against one piece, measured on 480 squares in windows of 160 (a real one is twelve times as wide), the worst cell 30 squares or more inside the
    survey is off by these shares of the range: upward continuation 0.1 %, vertical derivative 0.2 %, horizontal ones and the reduction to
    the pole at 45 degrees of inclination 1 %, at 30 degrees 3 %. At the survey's own edge, where one piece is no truer, it is up to 2 %.
    """
    if max(of.values.shape) <= largest:
        return _in_one_piece(of)
    rest, trend, east, north = _without_plane(of)  # and filled before it is cut, so that every window sees the same in a gap
    side = largest * 4 // 5
    pieces = Pieces(replace(of, values=rest), side=side, overlap=side // 4, rim=RIM)
    return Large(pieces, pieces.coarse, trend, east, north)


def _in_one_piece(of: Whole) -> Survey:
    """A survey made ready: the plane of best fit taken out, gaps filled with a membrane, edges padded.

    The padding is at least a quarter of the survey's side on every side (half of it in surveys below 512 cells): the survey turned
    about its edge cells, so that value and slope go on, and faded to nothing with a cosine, so that the ends meet.
    """
    residual, trend, east, north = _without_plane(of)
    rows, cols = (_padding(n) for n in residual.shape)
    padded = np.pad(residual, (rows, cols), mode="reflect", reflect_type="odd")
    padded *= _fade(len(padded), rows)[:, None] * _fade(padded.shape[1], cols)[None, :]
    x, y = _rimmed(of.x, of.cell_m), _rimmed(of.y, -of.cell_m)
    inside = slice(rows[0] - RIM, rows[0] - RIM + y.size), slice(cols[0] - RIM, cols[0] - RIM + x.size)
    return Survey(padded, trend, east, north, inside, x, y, of.cell_m)


def _without_plane(of: Whole) -> tuple[Array, Array, float, float]:
    """What is left of a survey without its plane of best fit, gaps filled; the plane over the rimmed survey, and its slopes per metre."""
    level = np.nanmedian(of.values) if np.isfinite(of.values).any() else 0.0  # a constant then leaves exact zeros
    from_centre_x, from_centre_y = of.x - of.x.mean(), of.y - of.y.mean()
    constant, east, north = _plane(of.values - level, from_centre_x, from_centre_y)
    residual = filled(of.values - level - constant - east * from_centre_x[None, :] - north * from_centre_y[:, None])
    x, y = _rimmed(of.x, of.cell_m), _rimmed(of.y, -of.cell_m)
    trend = level + constant + east * (x - of.x.mean())[None, :] + north * (y - of.y.mean())[:, None]
    return residual, trend, east, north


def gradient(of: Survey | Large) -> tuple[Array, Array, Array]:
    """Change of the field per km to the east, to the north and downward. A plane changes sideways only."""
    import harmonica  # type: ignore[import-untyped]

    if isinstance(of, Large):
        across, along = of.joined(lambda part: gradient(part)[0]), of.joined(lambda part: gradient(part)[1])
        return across + of.east * KM, along + of.north * KM, downward(of)
    east = of.filtered(harmonica.derivative_easting, method="fft") + of.east
    north = of.filtered(harmonica.derivative_northing, method="fft") + of.north
    return east * KM, north * KM, downward(of)


def downward(of: Survey | Large) -> Array:
    """Change of the field per km downward, towards its sources: positive over a body that lifts the field."""
    import harmonica

    if isinstance(of, Large):
        return of.joined(downward)
    return -KM * of.filtered(harmonica.derivative_upward)


def continued(of: Survey | Large, *, height_m: float) -> Array:
    """The field as it would be measured `height_m` higher; a plane stays itself."""
    import harmonica

    if isinstance(of, Large):
        return of.joined(lambda part: continued(part, height_m=height_m)) + of.trend
    return of.filtered(harmonica.upward_continuation, height_displacement=height_m) + of.trend


def reduced(of: Survey | Large, *, inclination: float, declination: float) -> Array:
    """The total-field anomaly as a vertical inducing field would make it; angles in degrees, the declination from grid north.

    Magnetization along the inducing field is assumed. The level and the plane of the whole survey stay as they are: the reduction of a
    wave longer than the survey is not defined.
    """
    import harmonica

    if isinstance(of, Large):
        return of.joined(lambda part: reduced(part, inclination=inclination, declination=declination)) + of.trend
    level = float(of.grid.mean())
    return of.filtered(harmonica.reduction_to_pole, inclination=inclination, declination=declination) + level + of.trend


def at_cells(field: Fit, of: Layer, at: Cells) -> Array:
    """A kept answer at the cells' centres, (y, x) float32: bilinear between its four nearest values, NaN where `of` is missing."""
    values = field.value["values"]
    r, down = _between(at.y, field.value["y"])
    c, across = _between(at.x, field.value["x"])
    upper = values[r[:, None], c] * (1 - across) + values[r[:, None], c + 1] * across
    lower = values[r[:, None] + 1, c] * (1 - across) + values[r[:, None] + 1, c + 1] * across
    found: Array = (upper * (1 - down)[:, None] + lower * down[:, None]).astype(np.float32)
    found[np.isnan(of.values)] = np.nan
    return found


def _between(at: Array, centres: Array) -> tuple[Array, Array]:
    """The centre before each place and how far it is to the next, 0 to 1; the ends hold beyond them."""
    steps = np.clip((at - centres[0]) / (centres[1] - centres[0]), 0.0, len(centres) - 1.0)
    before = np.minimum(steps.astype(np.int64), len(centres) - 2)
    return before, steps - before


def _plane(values: Array, x: Array, y: Array) -> tuple[float, float, float]:
    """Constant and slopes of the least-squares plane through the known cells; the flattest where they do not span one."""
    known = np.isfinite(values)
    scale = max(float(np.abs(x).max()), float(np.abs(y).max()), 1.0)
    terms = np.stack([np.ones(known.sum()), np.broadcast_to(x / scale, known.shape)[known], np.broadcast_to(y[:, None] / scale, known.shape)[known]])
    constant, east, north = np.linalg.lstsq(terms @ terms.T, terms @ values[known], rcond=1e-12)[0]
    return float(constant), float(east) / scale, float(north) / scale


def _padding(cells: int) -> tuple[int, int]:
    """Cells to add before and after: the stated share, then as few more as make the length quick to transform."""
    from scipy import fft

    least = max(int(np.ceil(LEAST_SHARE * cells)), min(int(np.ceil(SHARE * cells)), ENOUGH_CELLS), 2 * RIM)
    total: int = fft.next_fast_len(cells + 2 * least) - cells
    return total // 2, total - total // 2


def _fade(cells: int, padding: tuple[int, int]) -> Array:
    """1 over the survey and its rim, falling to 0 at both ends as half a cosine."""
    weight = np.ones(cells)
    for side, width in zip((weight, weight[::-1]), padding, strict=True):
        side[: width - RIM] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(width - RIM) + 0.5) / (width - RIM))
    return weight


def _rimmed(centres: Array, step: float) -> Array:
    return np.concatenate([[centres[0] - step], centres, [centres[-1] + step]])
