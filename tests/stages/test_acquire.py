"""Acquire: sources are asked tables first, which nobody can see."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import load
from pipeline.errors import DataError, MissingError
from pipeline.stages import acquire
from tests import tiny


def found(root: Path) -> acquire.Found:
    loaded = load("tiny", root=root)
    return acquire.acquire(loaded, acquire.ground(loaded), root / "cache")


def test_what_was_found_is_in_the_order_of_the_config(tmp_path: Path) -> None:
    tiny.make(tmp_path)
    with (tmp_path / "occurrences.csv").open("a") as file:
        file.write("far away,0.0,0.0\n")
    made = found(tmp_path)
    assert list(made.sources) == list(made.acquired) == ["dem", "alteration", "faults", "occurrences"]
    assert list(made.tables) == ["faults", "occurrences"]
    assert [notice for notice in made.notices if notice.startswith("occurrences: ") and "outside the region" in notice]


def test_an_error_names_its_source_and_where_it_is_written(tmp_path: Path) -> None:
    tiny.make(tmp_path)
    (tmp_path / "dem.tif").unlink()
    with pytest.raises(DataError, match=r"tiny\.yaml:\d+: dem: dem\.tif: no such file"):
        found(tmp_path)


def test_offline_all_that_is_missing_is_told_in_the_order_of_the_config(tmp_path: Path) -> None:
    far = "https://example.com/"
    sources = {name: {"use": "raster", "path": f"{far}{name}.tif", "units": "1"} for name in ("b", "a")}
    sources |= {"faults": {"use": "vector", "path": f"{far}faults.gpkg"}, "occurrences": {"use": "points", "path": f"{far}o.csv"}}
    tiny.make(tmp_path, sources=sources, features={"one": {"use": "value", "of": "a"}}, run={"offline": True, "cache": "cache"})
    with pytest.raises(MissingError) as told:
        found(tmp_path)
    assert [name.split(":")[0] for name in told.value.names] == ["b", "a", "faults", "occurrences"]
