"""Drawn lines come back from their arrays as they were."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline import drawn
from pipeline.errors import DataError
from pipeline.recipe import Vector

COLUMNS = {"azimuth_deg": "degree"}
LINES = np.array([shapely.LineString([(0, 0), (10, 5), (20, 0)]), shapely.LineString([(100, 100), (130, 100)])])
AZIMUTHS = np.array([75.0, 90.0])


def test_lines_and_columns_come_back_in_their_order() -> None:
    back = drawn.whole(drawn.packed(Vector(LINES, {"azimuth_deg": AZIMUTHS}), columns=COLUMNS))
    assert shapely.equals_exact(back.geometry, LINES).all()
    assert back.columns["azimuth_deg"].tolist() == AZIMUTHS.tolist()


def test_no_line_is_kept_too() -> None:
    back = drawn.whole(drawn.packed(Vector(np.empty(0, object), {"azimuth_deg": np.empty(0)}), columns=COLUMNS))
    assert len(back.geometry) == len(back.columns["azimuth_deg"]) == 0


def test_asked_for_by_bounds_those_that_touch_them_come_with_their_columns() -> None:
    held = drawn.packed(Vector(LINES, {"azimuth_deg": AZIMUTHS}), columns=COLUMNS)
    assert drawn.touching(held, (130, 90, 200, 110)).columns["azimuth_deg"].tolist() == [90.0]
    assert len(drawn.touching(held, (131, 90, 200, 110)).geometry) == 0


@pytest.mark.parametrize(
    ("geometry", "columns"),
    [
        (LINES, {}),
        (LINES, {"azimuth_deg": AZIMUTHS[:1]}),
        (LINES, {"azimuth_deg": AZIMUTHS, "height_m": AZIMUTHS}),
        (np.array([shapely.Point(0, 0), LINES[0]]), {"azimuth_deg": AZIMUTHS}),
    ],
)
def test_what_was_not_declared_is_refused(geometry: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="drew something else than LineStrings with one value each of azimuth_deg; this is a fault of the recipe"):
        drawn.packed(Vector(geometry, columns), columns=COLUMNS)
