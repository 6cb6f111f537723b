"""Errors that only a damaged file, a race or a faulty recipe raises, and that no test of theirs happens to meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.asset import expand
from pipeline.config import load
from pipeline.cube import Cube, LayerMeta
from pipeline.errors import ConfigError, DataError, StoreError
from pipeline.grid import Grid
from pipeline.learning import model_files
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from pipeline.ledger import Lock
from pipeline.node import Call
from pipeline.recipe import Layer
from pipeline.tasks import Task, write_tile
from tests import tiny

EPOCH = 1


def test_a_path_of_an_unknown_variable_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown variable \$\{HOME\} \(known: PROSPECT_DATA"):
        expand(tmp_path, "${HOME}/dem.tif")


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ({"steep": "slope"}, r"regions/tiny.yaml:\d+: expected {use: word, ...} for features.steep, found 'slope'"),
        ({"steep": {"use": 3, "of": "dem"}}, r"regions/tiny.yaml:\d+: features.steep needs `use:`, one of age_of"),
    ],
)
def test_a_use_that_is_no_use_is_shown_what_one_looks_like(tmp_path: Path, features: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load("tiny", root=tiny.make(tmp_path, features=features))


def two(*, of: Layer) -> tuple[Any, Any]:
    return of.values, of.values


def test_a_recipe_that_gives_more_layers_than_it_declared_is_named(tmp_path: Path) -> None:
    grid = Grid.covering((0, 0, 4000, 4000), crs="EPSG:6933", cell_m=1000, tile=4)
    cube, metas = Cube.at(tmp_path, "here", grid), [LayerMeta(name, "float32", "1", name, "s", "CC0", 1000) for name in ("dem", "out")]
    cube.prepare(metas)
    cube.write("dem", (0, 0), np.zeros((4, 4), np.float32))
    with pytest.raises(DataError, match=r"out: gave 2 arrays for 1 layers; this is a fault of the recipe .*:two"):
        write_tile(Task(cube, "out", Call(two, layers={"of": ("dem",)}), (0, 0), {}, (metas[1],)))


def test_a_lock_whose_owner_cannot_be_read_yet_is_waited_for_and_then_told(tmp_path: Path) -> None:
    (tmp_path / "g.lock").touch()
    with pytest.raises(StoreError, match="another run took the store at the same moment; try again"), Lock(tmp_path / "g.zarr"):
        pass
    assert (tmp_path / "g.lock").exists()


def test_one_fold_and_strange_labels_are_refused() -> None:
    with pytest.raises(ConfigError, match="folds is 1; expected 2 or more"):
        Split(folds=1)
    one = np.ones(3)
    table = SampleTable(values=one[:, None], names=("a",), label=np.array([0, 1, 7]), group=one, cell=one, x=one, y=one)
    with pytest.raises(DataError, match=r"labels \[7\]; expected 1 for positives and 0 for background only"):
        table.checked()


def test_a_file_that_holds_something_else_is_no_model() -> None:
    import skops.io

    with pytest.raises(DataError, match="the file holds a list, not a model"):
        model_files.load(skops.io.dumps([1, 2]))
