from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from pipeline.recipe import Array, Cells, Fit, Layer, Whole
from pipeline.spatial import potential

COARSE_M, FINE_M = 400.0, 100.0


def a_survey(rows: int, cols: int, *, tilted: bool = False) -> Whole:
    x, y = (np.arange(cols) + 0.5) * COARSE_M, 9000.0 - (np.arange(rows) + 0.5) * COARSE_M
    values = np.random.default_rng(7).normal(0, 1, (rows, cols))
    return Whole(2 + 1e-3 * x[None, :] - 3e-3 * y[:, None] if tilted else values, x, y, COARSE_M, "EPSG:6933")


def every_cell(survey: Whole) -> Cells:
    side = int(COARSE_M / FINE_M)
    x = (np.arange(survey.x.size * side) + 0.5) * FINE_M
    y = 9000.0 - (np.arange(survey.y.size * side) + 0.5) * FINE_M
    return Cells(x, y, np.arange(x.size * y.size).reshape(y.size, x.size), FINE_M, 0, x.size * y.size)


def looked_up(kept: dict[str, Array], at: Cells) -> Array:
    return potential.at_cells(Fit(kept), Layer.of(np.zeros((at.y.size, at.x.size), np.float32)), at)


def test_cells_finer_than_the_survey_lie_between_its_values_as_scipy_puts_them() -> None:
    whole = a_survey(12, 17)
    ready = potential.survey(whole)
    at = every_cell(whole)
    kept = ready.kept(ready.field)
    peer = RegularGridInterpolator((-kept["y"], kept["x"]), kept["values"])
    expected = peer(tuple(np.meshgrid(-at.y, at.x, indexing="ij")))
    assert looked_up(kept, at) == pytest.approx(expected, abs=1e-6)


def test_a_plane_goes_on_to_the_regions_very_edge() -> None:
    whole = a_survey(9, 14, tilted=True)
    ready, at = potential.survey(whole), every_cell(whole)
    plane = 2 + 1e-3 * at.x[None, :] - 3e-3 * at.y[:, None]
    assert looked_up(ready.kept(ready.field), at) == pytest.approx(plane, abs=1e-5)
    assert looked_up(ready.kept(potential.continued(ready, height_m=600.0)), at) == pytest.approx(plane, abs=1e-5)


def test_what_is_filled_and_padded_leaves_the_measured_values_alone() -> None:
    whole = a_survey(21, 30)
    whole.values[4:9, 11:20] = np.nan
    inside = potential.survey(whole).field[1:-1, 1:-1]
    known = np.isfinite(whole.values)
    assert inside[known] == pytest.approx(whole.values[known], abs=1e-12)
    assert np.isfinite(inside).all()


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 40), (300, 7)])
def test_the_padding_is_at_least_the_stated_share_on_every_side(rows: int, cols: int) -> None:
    ready = potential.survey(a_survey(rows, cols))
    for cells, length, at in zip((rows, cols), ready.grid.shape, ready.inside, strict=True):
        assert at.start + 1 >= cells / 4
        assert length - at.stop + 1 >= cells / 4
        assert at.stop - at.start == cells + 2


def test_the_padded_ends_meet() -> None:
    grid = potential.survey(a_survey(40, 40)).grid
    assert np.abs(grid[[0, -1]]).max() < 0.01 * np.abs(grid).max()
    assert np.abs(grid[:, [0, -1]]).max() < 0.01 * np.abs(grid).max()
