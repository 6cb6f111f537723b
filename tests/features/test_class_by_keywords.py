"""Names of map units to rock groups, and polygons to cells, each by another way."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.recipe import Ground
from pipeline.registry import declared, find
from pipeline.spatial import rocknames
from tests.features.driver import Region, centres, checked, empty_region, run

TABLE = rocknames.table_of(rocknames.GROUPS)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Granodiorite and quartz diorite (Chagai intrusions)", "intermediate_intrusive"),
        ("Sinjrani Volcanic Group", "intermediate_volcanic"),
        ("Basaltic pillow lavas", "mafic_volcanic"),
        ("HARZBURGITE, dunite", "ultramafic"),
        ("Shirinab Fm: limestone and shale", "carbonate"),
        ("shale with limestone bands", "clastic"),
        ("Mélange", "melange"),
        ("ophiolitic mélange", "melange"),
        ("Quaternary sand", "cover"),
        ("sandstone", "clastic"),
        ("volcanic sandstones", "clastic"),
        ("granite gneiss", "metamorphic"),
        ("granites", "felsic_intrusive"),
        ("Eolian deposits", "cover"),
        ("Kachuh Formation", "other"),
        ("rock_salt", "evaporite"),
    ],
)
def test_legends_are_read_as_a_geologist_reads_them(name: str, group: str) -> None:
    assert rocknames.group(name, TABLE) == group


def mapped() -> Region:
    """A large unit, a small one upon it, one without a name, and a line."""
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    shapes = [
        shapely.Point(0, 0).buffer(450),
        shapely.box(xmin, ymin, (xmin + xmax) / 2, ymax),
        shapely.box(xmax - 800, ymin, xmax, ymin + 900),
        shapely.LineString([(xmin, ymin), (xmax, ymax)]),
    ]
    names = np.array(["granite", "Limestone", None, "basalt"], object)
    return empty_region().with_geometry("map", shapes, {"unit": names})


def test_a_cell_is_of_the_smallest_polygon_that_holds_its_centre() -> None:
    region = mapped()
    words = [*rocknames.GROUPS, "other"]
    found = dict(zip(words, run("class_by_keywords", {"of": "map", "column": "unit"}, region), strict=True))
    small, large, unnamed, _ = region.geometry["map"]
    x, y = centres()
    for (row, col), _ in np.ndenumerate(x):
        here = shapely.Point(x[row, col], y[row, col])
        rock = "felsic_intrusive" if small.contains(here) else "carbonate" if large.contains(here) else None
        for word, block in found.items():
            assert np.isnan(block[row, col]) if rock is None else block[row, col] == (word == rock)
    assert unnamed.area > 0


def test_a_table_of_ones_own_replaces_the_groups() -> None:
    said = {"of": "map", "column": "unit", "groups": {"host": ("limestone",), "heat": ("granite",)}}
    host, heat, other = run("class_by_keywords", said, mapped())
    assert declared(find("features", "class_by_keywords")).outputs("rock", checked("class_by_keywords", said)) == ("rock_host", "rock_heat", "rock_other")
    assert np.nansum(host) > np.nansum(heat) > 0 == np.nansum(other)


def test_a_column_that_is_not_there_and_a_group_called_other_are_refused() -> None:
    refuse, ground = declared(find("features", "class_by_keywords")).check, Ground("EPSG:6933", (0, 0, 1, 1), 1.0, {"map": ("unit", "age")})
    with pytest.raises(ConfigError, match="'map' has no column 'units'; it has unit, age"):
        refuse(checked("class_by_keywords", {"of": "map", "column": "units"}), ground)
    with pytest.raises(ConfigError, match="a group is called other, as the output for names without a keyword is"):
        refuse(checked("class_by_keywords", {"of": "map", "column": "unit", "groups": {"other": ("x",)}}), ground)
