from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array, Cells, Vector
from pipeline.spatial import crossings
from pipeline.spatial.linework import orientation
from pipeline.spatial.segments import segments


def found(*lines: list[tuple[float, float]]) -> list[list[float]]:
    """The nodes of some lines, sorted, to the millimetre."""
    xy = crossings.nodes(np.array([shapely.LineString(line) for line in lines], dtype=object))
    return sorted((np.round(xy, 3) + 0.0).tolist())


def cells(rows: int, cols: int) -> Cells:
    x, y = 1e6 + (np.arange(cols) + 0.5) * 100.0, 2e6 - (np.arange(rows) + 0.5) * 100.0
    return Cells(x, y, np.zeros((rows, cols), dtype=np.int64), 100.0, 0, rows * cols)


def tangle(seed: int, count: int) -> Array:
    rng = np.random.default_rng(seed)
    starts = np.array([1e6, 2e6 - 4000]) + rng.uniform(0, 4000, (count, 2))
    return np.array([shapely.LineString(s + np.cumsum(rng.normal(0, 400, (8, 2)), axis=0)) for s in starts], dtype=object)


def test_two_lines_cross_once_and_parallel_ones_never() -> None:
    assert found([(0, 0), (10, 10)], [(0, 10), (10, 0)]) == [[5, 5]]
    assert found([(0, 0), (10, 0)], [(0, 5), (10, 5)]) == []
    assert found([(0, 0), (10, 0)], [(20, -5), (20, 5)]) == []


def test_a_line_that_ends_on_another_counts_and_one_that_stops_short_does_not() -> None:
    assert found([(0, 0), (10, 0)], [(3, 0), (3, 8)]) == [[3, 0]]
    assert found([(0, 0), (10, 0)], [(3, 1e-7), (3, 8)]) == [[3, 0]]  # snapped in another program, a rounding short
    assert found([(0, 0), (10, 0)], [(3, -1e-7), (3, 8)]) == [[3, 0]]
    assert found([(0, 0), (10, 0)], [(3, 0.1), (3, 8)]) == []


def test_a_line_that_goes_on_as_another_is_no_crossing_and_three_that_meet_are() -> None:
    assert found([(0, 0), (5, 5)], [(5, 5), (9, 0)]) == []
    assert found([(0, 0), (5, 5), (9, 0), (0, 0)]) == []
    assert found([(0, 0), (5, 5)], [(5, 5), (9, 0)], [(5, 5), (5, 9)]) == [[5, 5]]


def test_many_lines_through_one_point_are_one_crossing_however_they_are_cut() -> None:
    spokes = [[(10 * math.cos(a), 10 * math.sin(a)), (-10 * math.cos(a), -10 * math.sin(a))] for a in np.linspace(0.1, 3, 7)]
    assert found(*spokes) == [[0, 0]]
    halves = [[line[0], (0, 0)] for line in spokes] + [[(0, 0), line[1]] for line in spokes]
    assert found(*halves) == [[0, 0]]
    assert found([(0, 0), (5, 0), (10, 0)], [(5, -5), (5, 0), (5, 5)]) == [[5, 0]]  # both bend there, or could


def test_a_line_that_crosses_itself_counts() -> None:
    assert found([(0, 0), (10, 0), (10, 10), (5, 10), (5, -10)]) == [[5, 0]]


def test_a_line_drawn_twice_crosses_nothing_by_itself() -> None:
    once = [(0.0, 0.0), (10.0, 0.0), (20.0, 5.0)]
    assert found(once, once, once[::-1]) == []
    assert found(once, [(5, 0), (10, 0), (20, 5)]) == []  # the same ground with other vertices
    assert found(once, once, [(3, -4), (3, 4)]) == [[3, 0]]


def test_nodes_of_a_tangle_are_those_geos_finds_between_segments() -> None:
    lines = tangle(5, 12)
    parts = [shapely.LineString(part.reshape(2, 2)) for part in segments(lines)]
    theirs = [a.intersection(b) for a, b in itertools.combinations(parts, 2) if a.crosses(b)]
    assert len(theirs) > 15
    ours = crossings.nodes(lines)
    assert len(ours) == len(theirs)
    away = shapely.distance(shapely.points(ours)[:, None], np.array(theirs)[None, :])
    assert away.min(axis=0).max() < 1e-6 and away.min(axis=1).max() < 1e-6


@pytest.mark.parametrize("radius_m", [60.0, 500.0, 2600.0])
def test_the_density_is_the_number_within_the_radius_over_the_circle(radius_m: float) -> None:
    lines, at = tangle(6, 14), cells(40, 43)
    xy = crossings.nodes(lines)
    assert len(xy) > 20
    x, y = np.meshgrid(at.x, at.y)
    number = (np.hypot(x[..., None] - xy[:, 0], y[..., None] - xy[:, 1]) <= radius_m).sum(axis=-1)
    ours = crossings.density(Vector(lines, {}), at, radius_m=radius_m)
    assert np.allclose(ours, number / (math.pi * (radius_m / 1e3) ** 2), rtol=1e-6, atol=0)


def test_neither_the_order_nor_the_direction_of_lines_changes_a_bit() -> None:
    lines, at = tangle(7, 20), cells(30, 30)
    forward = crossings.density(Vector(lines, {}), at, radius_m=700.0)
    other = np.roll(shapely.reverse(lines)[::-1], 5)
    assert crossings.density(Vector(other, {}), at, radius_m=700.0).tobytes() == forward.tobytes()


def test_no_lines_at_all_give_nothing() -> None:
    for nothing in ([], [shapely.Point(1e6, 2e6)], [shapely.LineString([(1e6, 2e6), (1e6 + 50, 2e6)])]):
        assert not crossings.density(Vector(np.array(nothing, dtype=object), {}), cells(5, 5), radius_m=500.0).any()


def test_mean_orientation_equals_clipped_lengths_weighted_by_hand() -> None:
    lines, at, radius_m = tangle(8, 9), cells(30, 30), 800.0
    cosine, sine = orientation(Vector(lines, {}), at, radius_m=radius_m)
    for r, c in ((3, 5), (20, 20), (12, 28)):
        circle = shapely.Point(at.x[c], at.y[r]).buffer(radius_m, quad_segs=3000)
        sums = np.zeros(3)
        for x0, y0, x1, y1 in segments(lines):
            length = shapely.LineString([(x0, y0), (x1, y1)]).intersection(circle).length
            azimuth = math.atan2(x1 - x0, y1 - y0)
            sums += length * np.array([math.cos(2 * azimuth), math.sin(2 * azimuth), 1.0])
        assert sums[2] > 0
        assert (cosine[r, c], sine[r, c]) == pytest.approx((sums[0] / sums[2], sums[1] / sums[2]), abs=1e-4)
