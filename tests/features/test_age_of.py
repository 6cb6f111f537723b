"""Ages from names and numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.recipe import Ground
from pipeline.registry import declared, find
from pipeline.spatial import ages
from tests.features.driver import checked, empty_region, run


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("Late Cretaceous", (100.5, 66)),
        ("Upper Cretaceous", (100.5, 66)),
        ("Eocene-Oligocene", (56, 23.03)),
        ("Palaeogene", (66, 23.03)),
        ("Late Cretaceous to Palaeocene", (100.5, 56)),
        ("Jurassic and early Cretaceous", (201.4, 100.5)),
        ("Middle Eocene", (56, 33.9)),
        ("Quaternary", (2.58, 0)),
        ("Neoproterozoic", (1000, 538.8)),
        ("of unknown age", None),
    ],
)
def test_names_of_the_time_scale_are_spans(name: str, span: tuple[float, float] | None) -> None:
    assert ages.span(name) == span


def test_every_period_is_older_at_its_base_and_within_its_era() -> None:
    assert all(base > top >= 0 for base, top in ages.PERIODS.values())
    eras = {"mesozoic": ("triassic", "jurassic", "cretaceous"), "tertiary": ("paleogene", "neogene"), "paleogene": ("paleocene", "eocene", "oligocene")}
    for era, parts in eras.items():
        ends = [ages.PERIODS[part] for part in parts]
        assert (ends[0][0], ends[-1][1]) == ages.PERIODS[era]
        assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))


def test_a_cell_has_the_middle_of_its_units_age() -> None:
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    middle = (xmin + xmax) / 2
    shapes = [shapely.box(xmin, ymin, middle, ymax), shapely.box(middle, ymin, xmax, ymax)]
    columns = {"age": np.array(["Jurassic", "whatever"], object), "young": np.array([10.0, np.nan]), "old": np.array([30.0, 40.0])}
    region = empty_region().with_geometry("map", shapes, columns)
    named = run("age_of", {"of": "map", "column": "age"}, region)[0]
    assert named[0, 0] == pytest.approx((201.4 + 145) / 2) and np.isnan(named[0, -1])
    counted = run("age_of", {"of": "map", "column": "young", "oldest": "old"}, region)[0]
    assert counted[0, 0] == 20 and np.isnan(counted[0, -1])


def test_a_column_that_is_not_there_is_refused() -> None:
    ground = Ground("EPSG:6933", (0, 0, 1, 1), 1.0, {"map": ("age",)})
    with pytest.raises(ConfigError, match="'map' has no column 'oldest'; it has age"):
        declared(find("features", "age_of")).check(checked("age_of", {"of": "map", "column": "age", "oldest": "oldest"}), ground)
