"""The map's layers as the report shows them: true cells of the raster, one of every few where the region is large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.publishers import rasters
from pipeline.recipe import MISSING, Array

FIRST = ("classes", "prospectivity", "applicability", "uncertainty")  # the order in which a reader asks; any others follow
PARTS = 10_000  # shares are kept as whole ten-thousandths, two bytes a cell
NOT_KNOWN = 65_535  # a share that is missing
BYTES = {"class": 1, "share": 2, "amount": 4}  # a cell of each kind


@dataclass(frozen=True)
class Picture:
    """One layer as shown. `cells` (y, x), north first: uint8 classes with 0 for none, uint16 ten-thousandths with NOT_KNOWN, or float32 with NaN.

    `names` and `colours` are those of the classes by their code, empty for other kinds; `low` and `high` are the ends of the colour ramp, and `steps` its
    colours with their words where it is made of a few.
    """

    name: str
    title: str
    what: str
    kind: str
    cells: Array
    names: Mapping[int, str]
    colours: Mapping[int, str]
    high: float
    low: float = 0.0
    steps: tuple[tuple[str, str], ...] = ()


def step_for(bundle: Bundle, most_bytes: int) -> int:
    """The least step at which all layers together stay under `most_bytes`; 1 shows every cell."""
    rows, cols = bundle.cube.grid.shape
    cell = sum(BYTES[_kind(rasters.look(bundle.cube, layer))] for layer in bundle.maps.values()) + 1  # one more for the ground not to be believed
    step = 1
    while math.ceil(rows / step) * math.ceil(cols / step) * cell > most_bytes:
        step += 1
    return step


def pictures(bundle: Bundle, step: int) -> list[Picture]:
    """Every raster of the bundle, the middle cell of each square of `step` x `step` standing for it.

    Never a mean: what a reader points at must be the value the raster has there.
    """
    order = [*(name for name in FIRST if name in bundle.maps), *(name for name in bundle.maps if name not in FIRST)]
    return [_picture(bundle, name, step) for name in order]


def middles(cells: int, step: int) -> Array:
    """The row or column that stands for each square along an axis of `cells`; the last square may be cut off by the edge."""
    return np.minimum(np.arange(0, cells, step) + step // 2, cells - 1)


def not_believed(shown: list[Picture]) -> Array | None:
    """1 where the map has a value and applicability is below its threshold, else 0; (y, x) uint8. None where nothing is known of it."""
    by_name = {picture.name: picture.cells for picture in shown}
    if "applicability" not in by_name or "prospectivity" not in by_name:
        return None
    belief, scored = by_name["applicability"], by_name["prospectivity"] != NOT_KNOWN
    if not (belief != NOT_KNOWN).any():
        return None
    veil: Array = (scored & ((belief == NOT_KNOWN) | (belief < PARTS // 2))).astype(np.uint8)
    return veil


def _picture(bundle: Bundle, name: str, step: int) -> Picture:
    layer = bundle.maps[name]
    look = rasters.look(bundle.cube, layer)
    kind, values = _kind(look), _sampled(bundle, layer, step)
    if name == "change":
        third, classes = rasters.changes(bundle)
        bands = tuple((_hexed(colour), words) for _, colour, words in classes)
        return Picture(name, "Change", f"{look.description}. No colour: no such change.", kind, values.astype(np.float32), {}, {}, 3 * third, -3 * third, bands)
    names = {code: look.band_tags[f"CLASS_{code}"] for code in look.palette or () if code}
    colours = {code: _hexed(look.palette[code]) for code in names} if look.palette else {}
    if kind == "class":
        cells, high = np.where(values == MISSING, 0, values).astype(np.uint8), float(max(names, default=1))
    elif kind == "share":
        known = ~np.isnan(values)
        cells = np.full(values.shape, NOT_KNOWN, np.uint16)
        cells[known] = np.rint(values[known].astype(np.float64) * PARTS).astype(np.uint16)
        # spread is far below 1 nearly everywhere, and a ramp to 1 would show one colour
        high = 1.0 if name != "uncertainty" or not known.any() else float(cells[known].max()) / PARTS
    else:
        cells = values.astype(np.float32)
        high = float(np.nanmax(cells)) if not np.isnan(cells).all() else 1.0
    return Picture(name, name.replace("_", " ").capitalize(), look.description, kind, cells, names, colours, high or 1.0)


def _hexed(colour: tuple[int, ...]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])


def _kind(look: cog.Look) -> str:
    return "class" if look.palette else "share" if look.band_tags.get("VALID_MAX") == "1" else "amount"


def _sampled(bundle: Bundle, layer: str, step: int) -> Array:
    """The middle cells, read block by block."""
    rows, cols = (middles(count, step) for count in bundle.cube.grid.shape)
    array = bundle.cube.open(layer)
    found = np.full((len(rows), len(cols)), array.fill_value, array.dtype)
    for block in cog.blocks(bundle.cube, layer):
        height, width = block.values.shape
        down = np.flatnonzero((rows >= block.row) & (rows < block.row + height))
        along = np.flatnonzero((cols >= block.col) & (cols < block.col + width))
        found[np.ix_(down, along)] = block.values[np.ix_(rows[down] - block.row, cols[along] - block.col)]
    return found
