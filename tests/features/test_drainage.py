"""Channels run where the water must go, and drain what a brute-force walk says they do."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.recipe import Array, Whole
from pipeline.spatial import drainage
from tests.features.driver import CELL_M, COLS, ROWS, centres, drawn, empty_region


def valley() -> tuple[Array, float]:
    """A V-shaped valley that falls to the south, and the x of its floor."""
    x, y = centres()
    floor = float(x[0, COLS // 2])
    return (500 + 0.3 * np.abs(x - floor) + 0.02 * (y - y.min())).astype(np.float32), floor


def whole(values: Array) -> Whole:
    at = empty_region().cells((0, 0), 0)
    return Whole(values.astype(float), at.x, at.y, CELL_M, "EPSG:6933")


def test_the_channel_of_a_valley_is_its_floor() -> None:
    values, floor = valley()
    lines = drawn("drainage", {"of": "height", "least_km2": 5.0}, empty_region().with_layer("height", values))
    main = lines.geometry[np.argmax(lines.columns["upstream_km2"])]
    x, y = shapely.get_coordinates(main).T
    assert (x == floor).all()
    assert (np.diff(y) < 0).all()  # downstream is south
    assert lines.columns["upstream_km2"].max() > 0.7 * ROWS * COLS * (CELL_M / 1000) ** 2  # the rest runs along the southern border


def test_the_ground_drained_is_what_walking_down_from_every_square_counts() -> None:
    rng = np.random.default_rng(5)
    x, y = centres()
    values = 1000 + 0.05 * y + 20 * np.sin(x / 700) + 15 * np.cos(y / 900 + x / 1500) + rng.normal(0, 0.5, (ROWS, COLS))
    found = drainage.flow(whole(values))
    down = found.ways.idxs_ds.reshape(-1)
    count = np.zeros(ROWS * COLS)
    for start in range(ROWS * COLS):
        at = start
        while True:
            count[at] += 1
            if down[at] == at:
                break
            at = down[at]
    assert found.upstream_km2.ravel() == pytest.approx(count * (CELL_M / 1000) ** 2)
    assert count[down == np.arange(ROWS * COLS)].sum() == ROWS * COLS  # all water leaves
    row, col = np.divmod(np.flatnonzero(down == np.arange(ROWS * COLS)), COLS)
    assert ((row == 0) | (row == ROWS - 1) | (col == 0) | (col == COLS - 1)).all()  # over the border: pits were filled


def test_on_ground_without_pits_no_square_drains_up() -> None:
    values, _ = valley()
    down = drainage.flow(whole(values)).ways.idxs_ds.reshape(-1)
    inner = down != np.arange(ROWS * COLS)
    fall = values.ravel() - values.ravel()[down]
    assert (fall[inner] > 0).all()
    row, col = np.divmod(np.arange(ROWS * COLS), COLS)
    assert (np.maximum(np.abs(row - row[down]), np.abs(col - col[down])) <= 1).all()


def test_two_channels_meet_in_one_of_higher_order() -> None:
    x, y = centres()
    middle, low = x.mean(), y.min()
    fork = np.where(y > y.mean(), np.abs(np.abs(x - middle) - 0.5 * (y - y.mean())), np.abs(x - middle))
    lines = drawn("drainage", {"of": "height", "least_km2": 3.0}, empty_region().with_layer("height", (0.3 * fork + 0.05 * (y - low)).astype(np.float32)))
    order = lines.columns["order"]
    assert order.max() == 2
    assert order[np.argmax(lines.columns["upstream_km2"])] == 2
    arms = lines.geometry[order == 1]
    assert any(arm.coords[0][0] < middle - 1000 for arm in arms) and any(arm.coords[0][0] > middle + 1000 for arm in arms)
