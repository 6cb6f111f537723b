"""Windows against one piece, and how the windows lie."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.recipe import Array, Whole
from pipeline.spatial import potential
from pipeline.spatial.windowed import Pieces

SIDE, CELL_M = 480, 500.0
FILTERS: dict[str, tuple[Callable[[Any], Array], float]] = {
    "downward": (potential.downward, 0.002),
    "east": (lambda survey: potential.gradient(survey)[0], 0.01),
    "north": (lambda survey: potential.gradient(survey)[1], 0.01),
    "continued a little": (lambda survey: potential.continued(survey, height_m=1000), 0.001),
    "continued a lot": (lambda survey: potential.continued(survey, height_m=20_000), 0.001),
    "reduced at 45 degrees": (lambda survey: potential.reduced(survey, inclination=45, declination=2), 0.01),
}


@pytest.fixture(scope="module")
def field() -> Whole:
    """Sixty sources from 1 to 40 km deep on a slope, with a little noise and a gap."""
    rng = np.random.default_rng(0)
    x, y = np.arange(SIDE) * CELL_M, -np.arange(SIDE) * CELL_M
    east, north = np.meshgrid(x, y)
    values = 1e-4 * east
    for _ in range(60):
        cx, cy, depth = rng.uniform(0, SIDE * CELL_M), -rng.uniform(0, SIDE * CELL_M), rng.uniform(1000, 40_000)
        values += rng.normal() * 1e3 * depth**2.2 / ((east - cx) ** 2 + (north - cy) ** 2 + depth**2) ** 1.5
    values += rng.normal(0, 0.002 * values.std(), values.shape)
    values[100:130, 200:260] = np.nan
    return Whole(values, x, y, CELL_M, "EPSG:6933")


def away(found: Array, expected: Array) -> Array:
    """Differences as shares of the range, but for the outermost squares, which only rim the survey."""
    shares: Array = np.abs(found - expected)[2:-2, 2:-2] / np.ptp(expected)
    return shares


@pytest.mark.parametrize("word", FILTERS)
def test_windows_agree_with_one_piece_as_well_as_the_docstring_says(field: Whole, word: str) -> None:
    filtered, most = FILTERS[word]
    one, many = potential.survey(field, largest=SIDE), potential.survey(field, largest=200)
    assert isinstance(many, potential.Large)
    apart = away(filtered(many), filtered(one))
    print(word, apart[30:-30, 30:-30].max(), apart.max(), np.sqrt((apart**2).mean()))
    assert apart[30:-30, 30:-30].max() < most
    assert apart.max() < 0.02


def test_a_plane_stays_a_plane_across_windows() -> None:
    x, y = np.arange(300) * CELL_M, -np.arange(300) * CELL_M
    plane = Whole(0.002 * x[None, :] - 0.001 * y[:, None], x, y, CELL_M, "EPSG:6933")
    survey = potential.survey(plane, largest=100)
    inner = np.s_[20:-20, 20:-20]
    assert potential.gradient(survey)[0][inner] == pytest.approx(2.0, abs=0.01)
    assert potential.downward(survey)[inner] == pytest.approx(0.0, abs=0.01)
    assert survey.field[1:-1, 1:-1] == pytest.approx(plane.values, abs=1e-9)


def test_every_square_lies_in_a_window_of_the_stated_side_and_neighbours_share_the_overlap(field: Whole) -> None:
    pieces = Pieces(field, side=160, overlap=40, rim=1)
    covered = np.zeros((SIDE, SIDE), int)
    for r0, r1, c0, c1 in pieces.windows():
        assert r1 - r0 == c1 - c0 == 160
        covered[r0:r1, c0:c1] += 1
    assert covered.min() == 1
    starts = sorted({r0 for r0, _, _, _ in pieces.windows()})
    assert all(b - a <= 120 for a, b in itertools.pairwise(starts))


def test_a_survey_small_enough_stays_in_one_piece(field: Whole) -> None:
    assert isinstance(potential.survey(field), potential.Survey)
