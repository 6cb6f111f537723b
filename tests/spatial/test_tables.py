"""Columns are looked for before anything runs; units are what config says."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.recipe import Ground
from pipeline.registry import declared, find
from pipeline.spatial import tables
from tests.features.driver import checked

GROUND = Ground("EPSG:6933", (0, 0, 1, 1), 1.0, {"soils": ("zn", "cu", "lab")})


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("kriged", {"column": "zinc", "reach_m": 1.0}),
        ("kriged", {"column": "zn", "reach_m": 1.0, "survey": "zinc"}),
        ("inverse_distance", {"column": "zinc", "reach_m": 1.0}),
        ("nearest_sample", {"column": "zinc", "reach_m": 1.0}),
        ("kriged_clr", {"columns": ("zn", "zinc"), "component": "zn", "reach_m": 1.0}),
        ("kriged_ilr", {"columns": ("zn", "zinc"), "reach_m": 1.0}),
        ("kriged_robust_pca", {"columns": ("zn", "cu", "zinc"), "reach_m": 1.0}),
    ],
)
def test_a_column_that_is_not_there_is_refused_before_anything_runs(word: str, said: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="'soils' has no column 'zinc'; it has zn, cu, lab"):
        declared(find("features", word)).check(checked(word, {"of": "soils", **said}), GROUND)


def test_a_table_whose_columns_are_not_known_yet_is_not_looked_at() -> None:
    tables.columns_are_there({"of": "drawn", "column": "any"}, GROUND)


def test_a_gridded_column_has_the_unit_config_says_and_its_variance_the_square() -> None:
    assert tables.assay_and_variance_units({"unit": "ppm", "transform": "none"}) == ("ppm", "(ppm)2")
    assert tables.assay_and_variance_units({"unit": "ppm", "transform": "log"}) == ("ln(ppm)", "(ln(ppm))2")
    assert tables.assay_units({"unit": "1"}) == ("1",)
