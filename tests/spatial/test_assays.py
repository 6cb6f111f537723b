from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline import vectors
from pipeline.errors import DataError
from pipeline.recipe import Array, Vector
from pipeline.spatial import assays


def table(**columns: Any) -> Vector:
    count = len(next(iter(columns.values())))
    return Vector(np.array([shapely.Point(i, -i) for i in range(count)], dtype=object), {k: np.asarray(v) for k, v in columns.items()})


def test_half_the_limit_stands_for_what_lies_below_it_as_text_or_as_negative_number() -> None:
    text = np.array(["12.5", "<0.5", " < 3 ", ">1000", "", None, "NA", "1e2", "-0.2", "-9999"], dtype=object)
    expected = [12.5, 0.25, 1.5, 1000, np.nan, np.nan, np.nan, 100, 0.1, np.nan]
    assert np.array_equal(assays.measured(table(cu=text), "cu", detection="half", transform="none"), expected, equal_nan=True)
    numbers = assays.measured(table(cu=[8.0, -4.0, np.inf, -9999.0]), "cu", detection="half", transform="none")
    assert np.array_equal(numbers, [8, 2, np.nan, np.nan], equal_nan=True)


def test_as_is_takes_text_at_its_limit_and_lets_negative_numbers_be() -> None:
    text = np.array(["<0.5", "-0.2", ">7"], dtype=object)
    assert np.array_equal(assays.measured(table(cu=text), "cu", detection="as_is", transform="none"), [0.5, -0.2, 7])
    assert np.array_equal(assays.measured(table(dc=[-25.5, 3.0]), "dc", detection="as_is", transform="none"), [-25.5, 3])


def test_logarithms_are_natural_and_taken_after_the_limit_is_halved() -> None:
    values = assays.measured(table(cu=[1, -2, 10]), "cu", detection="half", transform="log")
    assert np.allclose(values, [0, 0, 2.302585092994046], atol=1e-15)


@pytest.mark.parametrize(
    ("columns", "said", "words"),
    [
        ({"Cu_ppm": [1.0]}, {"column": "Cu_pm"}, r"the table of samples has no column 'Cu_pm'; did you mean 'Cu_ppm'\?"),
        ({"zn": [1.0], "ag": [2.0]}, {"column": "iridium"}, r"has no column 'iridium'; it holds ag, zn"),
        ({"cu": np.array(["trace"], dtype=object)}, {"column": "cu"}, r"column 'cu' holds 'trace', which is no number; write 12.5, <0.5 below"),
        ({"cu": np.array(["2020-01-01"], dtype="M8[D]")}, {"column": "cu"}, r"column 'cu' holds datetime64\[D\], and numbers are wanted"),
        ({"cu": [3.0, 0.0]}, {"column": "cu", "transform": "log"}, r"column 'cu' holds 0, which has no logarithm; write the detection limit as <0.5"),
        ({"cu": [-1.0]}, {"column": "cu", "transform": "log", "detection": "as_is"}, r"column 'cu' holds -1, which has no logarithm"),
    ],
)
def test_what_is_no_measured_number_is_refused_by_name(columns: Any, said: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        assays.measured(table(**columns), **{"detection": "half", "transform": "none", **said})


def test_samples_at_one_place_count_as_their_mean_in_any_order_of_the_table() -> None:
    places = np.array([shapely.Point(5, 1), shapely.MultiPoint([(2, 9), (2, 3)]), shapely.Point(5, 1), shapely.Point(0, 0), shapely.Point(9, 9)])
    values = np.array([1.0, 7.0, 4.0, -3.0, np.nan])
    for order in ([0, 1, 2, 3, 4], [4, 2, 3, 0, 1]):
        points = assays.located(Vector(places[order], {}), values[order])
        assert np.array_equal(points.x, [0, 2, 2, 5])
        assert np.array_equal(points.y, [0, 3, 9, 1])
        assert np.array_equal(points.values, [-3, 7, 7, 2.5])


def test_a_table_without_a_known_value_gives_no_points_and_one_of_lines_is_refused() -> None:
    assert assays.located(table(cu=[np.nan, np.nan]), np.full(2, np.nan)).values.size == 0
    assert assays.located(Vector(np.zeros(0, dtype=object), {"cu": np.zeros(0)}), np.zeros(0)).x.size == 0
    with pytest.raises(DataError, match="samples must be points, and this table holds lines or polygons; name the table of the sample sites"):
        assays.located(Vector(np.array([shapely.box(0, 0, 1, 1)]), {}), np.ones(1))


def test_numbers_and_censored_text_come_through_the_aligned_table_unchanged(tmp_path: Path) -> None:
    columns: dict[str, Array] = {
        "cu": np.array([4.982198, 1e-7, np.nan]), "zn": np.array([0.1, 2.5, 3e5], dtype=np.float32), "pb": np.array([3, -5, 12]),
        "au": np.array(["<0.5", "1.25", None], dtype=object),
    }  # fmt: skip
    frame = gpd.GeoDataFrame(columns, geometry=[shapely.Point(10.0 * i, 5) for i in range(3)], crs="EPSG:6933")
    vectors.store(frame, tmp_path / "soil.fgb")
    back = vectors.touching(tmp_path / "soil.fgb", (-1.0, 0.0, 30.0, 10.0))
    order = np.argsort(shapely.get_x(back.geometry))
    for column, expected in (("cu", columns["cu"]), ("zn", columns["zn"].astype(float)), ("pb", [3, 2.5, 12]), ("au", [0.25, 1.25, np.nan])):
        values = assays.measured(back, column, detection="half", transform="none")
        assert np.array_equal(values[order], expected, equal_nan=True), column
    nothing = vectors.touching(tmp_path / "soil.fgb", (500.0, 500.0, 600.0, 600.0))
    assert all(assays.measured(nothing, column, detection="half", transform="log").size == 0 for column in columns)
