"""One picture of many looks: the median of the clear ones, or the best one, cell by cell in pieces that fit in memory."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.grid import Window
from pipeline.recipe import MISSING, Array
from pipeline.sources._scenes import Scene
from pipeline.warp import BLOCK

PIECE = 2 * BLOCK  # cells of a side: looks are held for one piece at a time, 1 MB each, whatever the tile; no block is warped twice
Read = Callable[[Scene, str, Window], Array]


@dataclass(frozen=True)
class Masks:
    """Ground the composite leaves out: above `max_ndvi` vegetation, above `max_ndwi` open water; None masks nothing."""

    nir: str
    max_ndvi: float | None = None
    max_ndwi: float | None = None

    def roles(self) -> tuple[str, ...]:
        """The bands the limits are judged by."""
        ndvi = ("red", self.nir) if self.max_ndvi is not None else ()
        return (*ndvi, *(("green", self.nir) if self.max_ndwi is not None else ()))

    def out(self, bands: Mapping[str, Array]) -> Array:
        """Where the composite is vegetation or water: (y, x) bool; nowhere where a band is missing."""
        out = np.zeros(next(iter(bands.values())).shape, bool)
        pairs = ((self.max_ndvi, self.nir, "red"), (self.max_ndwi, "green", self.nir))
        for limit, a, b in (pair for pair in pairs if pair[0] is not None):
            with np.errstate(divide="ignore", invalid="ignore"):
                out |= (bands[a] - bands[b]) / (bands[a] + bands[b]) > limit
        return out


def median(scenes: Iterable[Scene], roles: tuple[str, ...], window: Window, *, clear: Read, value: Read, masks: Masks) -> tuple[Array, ...]:
    """The median of the clear looks for each role, (y, x) float32, NaN where no look is clear; then their count, float32, 0 where none is.

    A look is a pass of one satellite over its neighbouring scenes, in each cell the first scene (by id) that is clear there; so overlapping
    scenes of one pass count once. `clear` gives (y, x) bool, `value` (y, x) float32. An even count gives the mean of the middle two.
    """
    wanted = tuple(dict.fromkeys((*roles, *masks.roles())))
    whole = [np.full(window.shape, np.nan, np.float32) for _ in (*roles, "looks")]
    for piece, at in pieces(window):
        chosen = [_chosen(members, piece, clear) for members in _looks(touching(scenes, piece))]
        bands = {role: _middle(chosen, role, piece, value) for role in wanted}
        out = masks.out(bands)
        for target, role in zip(whole, roles, strict=False):
            target[at] = np.where(out, np.float32(np.nan), bands[role])
        whole[-1][at] = sum(((number >= 0).astype(np.float32) for _, number in chosen), np.zeros(piece.shape, np.float32))
    return tuple(whole)


def best(scenes: Iterable[Scene], roles: tuple[str, ...], window: Window, *, value: Read) -> tuple[Array, ...]:
    """In each cell the best scene that has every role there: the bands, (y, x) float32, NaN where none has; then a code that names the scene, int32,
    MISSING where none; then how many scenes hold the first role, float32.

    Best is least cloud, then earliest, then id. One scene is taken whole, since bands of two scenes make no spectrum.
    """
    whole = [np.full(window.shape, np.nan, np.float32) for _ in roles]
    codes, looks = np.full(window.shape, MISSING, np.int32), np.zeros(window.shape, np.float32)
    for piece, at in pieces(window):
        for scene in sorted(touching(scenes, piece), key=lambda s: (s.cloud, s.taken, s.id)):
            first = value(scene, roles[0], piece)
            seen = np.isfinite(first)
            looks[at] += seen
            if not (seen & (codes[at] == MISSING)).any():
                continue  # nothing of it would show: its other bands stay where they are
            bands = [first, *(value(scene, role, piece) for role in roles[1:])]
            fresh = np.all([np.isfinite(band) for band in bands], axis=0) & (codes[at] == MISSING)
            for target, band in zip(whole, bands, strict=True):
                target[at][fresh] = band[fresh]
            codes[at][fresh] = code_of(scene)
    return (*whole, codes, looks)


def code_of(scene: Scene) -> int:
    """A whole number that names a scene, the same in every run: 31 bits of the hash of its id."""
    import hashlib

    return int(hashlib.sha256(scene.id.encode()).hexdigest()[:8], 16) >> 1


def touching(scenes: Iterable[Scene], window: Window) -> list[Scene]:
    """The scenes whose stated bounds meet a window's."""
    return [scene for scene in scenes if scene.touches(window.bounds)]


def pieces(window: Window) -> Iterator[tuple[Window, tuple[slice, slice]]]:
    """A window in parts of at most PIECE cells a side, cut on the grid's own lattice, and where each lies in the window."""
    for r0 in range(window.r0 // PIECE * PIECE, window.r1, PIECE):
        for c0 in range(window.c0 // PIECE * PIECE, window.c1, PIECE):
            top, left = max(r0, window.r0), max(c0, window.c0)
            part = Window(window.grid, top, left, min(r0 + PIECE, window.r1), min(c0 + PIECE, window.c1))
            yield part, (slice(top - window.r0, part.r1 - window.r0), slice(left - window.c0, part.c1 - window.c0))


def _looks(scenes: list[Scene]) -> list[list[Scene]]:
    looks: dict[str, list[Scene]] = defaultdict(list)
    for scene in scenes:
        looks[scene.look].append(scene)
    return [sorted(looks[name], key=lambda s: s.id) for name in sorted(looks)]


def _chosen(members: list[Scene], piece: Window, clear: Read) -> tuple[list[Scene], Array]:
    """The scenes of a look and, for each cell, the number of the one it is taken from, -1 where none is clear."""
    number = np.full(piece.shape, -1, np.int16)
    for i, scene in enumerate(members):
        if (number < 0).any():
            number[(number < 0) & clear(scene, "", piece)] = i
    return members, number


def _middle(chosen: list[tuple[list[Scene], Array]], role: str, piece: Window, value: Read) -> Array:
    stack = np.full((len(chosen), *piece.shape), np.nan, np.float32)
    for layer, (members, number) in zip(stack, chosen, strict=True):
        for i, scene in enumerate(members):
            mine = number == i
            if mine.any():  # a scene that is clear nowhere here is never read
                layer[mine] = value(scene, role, piece)[mine]
    if not len(stack):
        return np.full(piece.shape, np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a cell without one clear look has no median, which is what NaN says
        return np.asarray(np.nanmedian(stack, axis=0), np.float32)
