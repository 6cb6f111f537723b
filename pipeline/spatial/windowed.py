"""Surveys too large for one piece: long waves from a coarse copy of the whole, short ones from overlapping windows.

Every filter of a potential field is linear, so it may be taken of a smooth field and of what is left, and the two added. The smooth field
is the survey on squares `COARSE` times as large, low-passed until cubic interpolation between its squares is exact to a few millionths;
what is left holds no wave longer than some tens of squares, and a window of two thousand sees those whole. Windows overlap and
fade into each other (a partition of unity).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pipeline.recipe import Array, Whole

COARSE = 4  # fine squares to the side of a coarse one
SMOOTH = 2.0  # coarse squares: the deviation of the low-pass
Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pieces:
    """A survey cut up: the whole as `coarse`, and windows of `side` squares that overlap by `overlap`; `rim` squares are added all around."""

    of: Whole
    side: int
    overlap: int
    rim: int

    @property
    def coarse(self) -> Whole:
        """The whole, which has no gaps, on coarse squares, low-passed by normalised convolution."""
        values, k = self.of.values, COARSE
        rows, cols = (-(-n // k) for n in values.shape)
        padded = np.full((rows * k, cols * k), np.nan)
        padded[: values.shape[0], : values.shape[1]] = values
        blocks = padded.reshape(rows, k, cols, k)
        known = np.isfinite(blocks)
        count = known.sum(axis=(1, 3))
        level = float(values.mean())
        total = np.where(known, blocks - level, 0.0).sum(axis=(1, 3))
        weight = ndimage.gaussian_filter(count.astype(float), SMOOTH, mode="nearest")
        smooth = ndimage.gaussian_filter(total, SMOOTH, mode="nearest") / weight + level
        x = self.of.x[0] + ((k - 1) / 2 + k * np.arange(cols)) * self.of.cell_m
        y = self.of.y[0] - ((k - 1) / 2 + k * np.arange(rows)) * self.of.cell_m
        return Whole(smooth, x, y, k * self.of.cell_m, self.of.crs)

    def joined(self, filtered: Callable[[Whole], Array], coarse: Whole) -> Array:
        """A filter of the whole: `filtered` gives it, with a rim, of the coarse copy and of each window's rest, and they are added up."""
        rows, cols = (n + 2 * self.rim for n in self.of.values.shape)
        answer = self._fine(filtered(coarse), rim=self.rim, out=(rows, cols), inset=-self.rim)
        rest, weight = np.zeros((rows, cols)), np.zeros((rows, cols))
        long_waves = self._fine(coarse.values, rim=0, out=self.of.values.shape, inset=0)
        for r0, r1, c0, c1 in self.windows():
            part = self.of.values[r0:r1, c0:c1] - long_waves[r0:r1, c0:c1]
            window = Whole(part, self.of.x[c0:c1], self.of.y[r0:r1], self.of.cell_m, self.of.crs)
            fade = self._fade(r0, r1, self.of.values.shape[0])[:, None] * self._fade(c0, c1, self.of.values.shape[1])[None, :]
            place = slice(r0, r1 + 2 * self.rim), slice(c0, c1 + 2 * self.rim)
            rest[place] += fade * filtered(window)
            weight[place] += fade
        return np.asarray(answer + rest / np.where(weight > 0, weight, 1.0), np.float64)

    def windows(self) -> Iterator[Window]:
        """First and last row and column of each window, those at the end moved back to be whole."""
        starts = [self._starts(n) for n in self.of.values.shape]
        for r, c in itertools.product(*starts):
            yield r, min(r + self.side, self.of.values.shape[0]), c, min(c + self.side, self.of.values.shape[1])

    def _starts(self, count: int) -> list[int]:
        step = self.side - self.overlap
        return sorted({min(start, max(count - self.side, 0)) for start in range(0, max(count - self.overlap, 1), step)})

    def _fade(self, first: int, last: int, count: int) -> Array:
        """1 inside, falling to next to nothing over the overlap at each side that is not the survey's own."""
        weight = np.ones(last - first + 2 * self.rim)
        slope = 0.5 - 0.5 * np.cos(np.pi * (np.arange(self.overlap) + 0.5) / self.overlap)
        if first > 0:
            weight[: self.overlap] = slope
        if last < count:
            weight[len(weight) - self.overlap :] = slope[::-1]
        return weight

    def _fine(self, coarse: Array, *, rim: int, out: tuple[int, int], inset: int) -> Array:
        """Coarse values, with a rim of so many coarse squares, at the fine centres from `inset` on; cubic."""
        at = [(np.arange(n) + inset - (COARSE - 1) / 2) / COARSE + rim for n in out]
        spline = ndimage.spline_filter(coarse, order=3, mode="nearest")
        found = np.empty(out)
        for r in range(0, out[0], 256):  # rows at a time: coordinates of all cells would weigh more than the field
            grid = np.meshgrid(at[0][r : r + 256], at[1], indexing="ij")
            found[r : r + 256] = ndimage.map_coordinates(spline, grid, order=3, mode="nearest", prefilter=False)
        return found
