"""Terranes of the cartoon province, painted in order, and the strike of the units inside them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt

from sample_data.world.facts import in_metres, shapes, terrane_code
from sample_data.world.frame import Bools, Codes, Floats, Frame


def paint(frame: Frame) -> Codes:
    """Terrane number 1-20 of every cell, (y, x); later polygons win, cells in none take the nearest terrane's
    number.
    """
    rows = in_metres(shapes("terranes")).sort_values("order")
    out = np.zeros(frame.shape, dtype=np.uint8)
    for number, geometry in zip(rows["order"], rows.geometry, strict=True):
        out[frame.burn([geometry])] = number
    nearest = distance_transform_edt(out == 0, return_distances=False, return_indices=True)
    return np.asarray(out[tuple(nearest)], dtype=np.uint8)


def among(terrane: Codes, names: tuple[str, ...]) -> Bools:
    """True in the cells of the named terranes."""
    return np.isin(terrane, [terrane_code(name) for name in names])


@lru_cache(maxsize=16)  # no seed has a part in it: worlds of one grid share it, and it is most of the time a small one takes
def across_strike(frame: Frame, line: str) -> Floats:
    """Signed distance in metres from a planted strike line, positive on its left; level lines run along
    strike.
    """
    rows = in_metres(shapes("strike_lines"))
    geometry = rows.loc[rows["name"] == line].geometry.iloc[0]
    # A coarse lattice suffices: the field is smooth at the scale of folds, and exact distance is the slow
    # part.
    step = max(1, round(4000.0 / frame.cell_m))
    rows_at, cols_at = np.arange(0, frame.height + step, step), np.arange(0, frame.width + step, step)
    east = frame.left + (cols_at + 0.5) * frame.cell_m
    north = frame.top - (rows_at + 0.5) * frame.cell_m
    lattice = shapely.points(*np.meshgrid(east, north))
    along = shapely.line_locate_point(geometry, lattice)
    foot = shapely.line_interpolate_point(geometry, along)
    near = shapely.line_interpolate_point(geometry, np.clip(along - 500.0, 0.0, None))
    far = shapely.line_interpolate_point(geometry, np.clip(along + 500.0, None, geometry.length))
    ahead_x, ahead_y = shapely.get_x(far) - shapely.get_x(near), shapely.get_y(far) - shapely.get_y(near)
    off_x, off_y = shapely.get_x(lattice) - shapely.get_x(foot), shapely.get_y(lattice) - shapely.get_y(foot)
    signed = np.sign(ahead_x * off_y - ahead_y * off_x) * np.hypot(off_x, off_y)
    field = _stretch(signed, frame, step)
    field.flags.writeable = False
    return field


def _stretch(lattice: Floats, frame: Frame, step: int) -> Floats:
    """Bilinear interpolation of every `step`-th cell to all cells."""
    r, c = np.arange(frame.height) / step, np.arange(frame.width) / step
    r0, c0 = np.floor(r).astype(int), np.floor(c).astype(int)
    r1, c1 = np.minimum(r0 + 1, lattice.shape[0] - 1), np.minimum(c0 + 1, lattice.shape[1] - 1)
    fr, fc = (r - r0)[:, None], (c - c0)[None, :]
    north = lattice[r0][:, c0] * (1 - fc) + lattice[r0][:, c1] * fc
    south = lattice[r1][:, c0] * (1 - fc) + lattice[r1][:, c1] * fc
    return np.asarray(north * (1 - fr) + south * fr, dtype=np.float64)
