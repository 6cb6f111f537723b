"""Smooth outlines hold the same cells, whatever tile or ring they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from scipy import ndimage

from pipeline.spatial import smoothing

CELL = 500.0


def outline(mask: Any) -> Any:
    """The union of the cells of a mask, corner at (0, 0), rows upwards."""
    row, col = np.nonzero(mask)
    return shapely.union_all(shapely.box(col * CELL, row * CELL, (col + 1) * CELL, (row + 1) * CELL))


@pytest.fixture(scope="module")
def pieces() -> list[Any]:
    noise = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(40, 50)), 1.2)
    labels, count = ndimage.label(noise > 0.1)
    return [labels == i for i in range(1, count + 1) if (labels == i).sum() > 3]


def test_a_smooth_outline_holds_the_centres_of_its_cells_and_of_no_other(pieces: list[Any]) -> None:
    assert len(pieces) > 5
    y, x = (np.mgrid[:40, :50] + 0.5) * CELL
    for mask in pieces:
        smooth = smoothing.smoothed(outline(mask), cell_m=CELL)
        assert smooth.is_valid
        assert (shapely.contains_xy(smooth, x, y) == mask).all()
        assert smooth.length < outline(mask).length


def test_outlines_of_neighbours_do_not_overlap(pieces: list[Any]) -> None:
    smooth = [smoothing.smoothed(outline(mask), cell_m=CELL) for mask in pieces]
    assert max(shapely.area(shapely.intersection(a, b)) for i, a in enumerate(smooth) for b in smooth[:i]) == 0


def test_one_outline_has_one_answer_wherever_its_ring_begins_and_however_seams_cut_it(pieces: list[Any]) -> None:
    shape = outline(pieces[0])
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    turned = shapely.Polygon(np.roll(ring, 3, axis=0), list(shape.interiors))
    dense = shapely.segmentize(shape, CELL / 2 * 2)  # a point at every corner of a cell
    answers = {shapely.to_wkb(smoothing.smoothed(s, cell_m=CELL)) for s in (shape, turned, dense, shapely.simplify(shape, 0))}
    assert len(answers) == 1


def test_no_edge_of_a_long_rectangle_moves() -> None:
    smooth = smoothing.smoothed(shapely.box(0, 0, 100 * CELL, 2 * CELL), cell_m=CELL)
    assert smooth.bounds == (0, 0, 100 * CELL, 2 * CELL)
    assert smooth.area == pytest.approx(200 * CELL**2, rel=0.002)
    assert smooth.hausdorff_distance(shapely.box(0, 0, 100 * CELL, 2 * CELL)) < 0.36 * CELL
