from __future__ import annotations

import math

import pytest

from pipeline.errors import ConfigError
from pipeline.spatial.windows import half_cells, window_reach


@pytest.mark.parametrize(
    ("radius_m", "cell_m", "half"),
    [(100, 100, 1), (199.9, 100, 1), (200, 100, 2), (0.3, 0.1, 3), (5000, 30, 166)],
)
def test_a_window_holds_the_cells_whose_centres_lie_within_the_radius(radius_m: float, cell_m: float, half: int) -> None:
    assert half_cells(radius_m, cell_m) == half


@pytest.mark.parametrize("tenths", range(82, 400, 7))
def test_the_halo_the_shell_derives_is_the_window_and_not_a_cell_more(tenths: int) -> None:
    radius_m, cell_m = tenths * 3.7, 30.0
    assert math.ceil(window_reach({"radius_m": radius_m}, cell_m) / cell_m - 1e-9) == tenths * 37 // 300


def test_a_window_with_no_neighbour_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"radius_m 900 is smaller than one cell of 1000 m.*give at least 1000, or a grid"):
        window_reach({"radius_m": 900.0}, 1000.0)
