"""Every registered feature meets the same checks; one without a case here fails."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest
import shapely
from scipy import ndimage

from pipeline import registry
from pipeline.recipe import MISSING, Array, Layer, Vector
from tests.features.driver import (
    CELL_M,
    COLS,
    ROWS,
    Region,
    centres,
    checked,
    empty_region,
    fitted,
    halo_of,
    run,
)

TILES = (7, 16, 64, max(ROWS, COLS))
FLAT = 7  # the value of a constant layer


@dataclass(frozen=True)
class Case:
    """What config says; which cells go missing with their inputs; what flat layers and no geometry give."""

    said: Mapping[str, Any]
    missing: Literal["cell", "nine", "cross", "never"]
    constant: tuple[float, ...]


CASES: dict[str, tuple[Case, ...]] = {
    "aspect_east": (Case({"of": "height"}, "nine", (0.0,)),),
    "aspect_north": (Case({"of": "height"}, "nine", (0.0,)),),
    "band_ratio": (Case({"numerator": "red", "denominator": "blue"}, "cell", (1.0,)),),
    "class_of": (
        Case({"of": "rock", "top": 3}, "cell", (1.0, 0.0, 0.0)),
        Case({"of": "rock"}, "cell", (1.0,) + 7 * (0.0,)),
    ),
    "density_of": (Case({"of": "lines", "radius_m": 730.0}, "never", (0.0,)),),
    "distance_to": (Case({"of": "lines", "reach_m": 1150.0}, "never", (1150.0,)),),
    "focal_mean": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (FLAT,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (FLAT,)),
    ),
    "focal_std": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "horizontal_gradient": (Case({"of": "height"}, "cross", (0.0,)),),
    "normalized_difference": (Case({"a": "red", "b": "blue"}, "cell", (0.0,)),),
    "roughness": (Case({"of": "height"}, "nine", (0.0,)),),
    "slope": (Case({"of": "height"}, "nine", (0.0,)),),
    "topographic_position": (Case({"of": "height", "radius_m": 450.0}, "cell", (0.0,)),),
    "value": (
        Case({"of": "height"}, "cell", (FLAT,)),
        Case({"of": "rock"}, "cell", (FLAT,)),
    ),
}


def _listed(kind: type) -> pytest.MarkDecorator:
    """Every case of the features that read at least one dependency of a kind."""
    listed = [(word, i, case) for word, cases in CASES.items() for i, case in enumerate(cases)]
    reading = [at for at in listed if _reads(at[0], kind)]
    return pytest.mark.parametrize(("word", "case"), [pytest.param(word, case, id=f"{word}-{i}") for word, i, case in reading])


def _reads(word: str, kind: type) -> bool:
    return any(issubclass(k, kind) for k in registry.dependencies(registry.find("features", word)).values())


every_case, every_layer_case, every_vector_case = _listed(object), _listed(Layer), _listed(Vector)


@pytest.fixture(scope="module")
def region() -> Region:
    """Rough ground with gaps: single cells, a block, a border; and geometries of every kind, some outside."""
    rng = np.random.default_rng(11)
    gaps = rng.random((ROWS, COLS)) < 0.03
    gaps[30:41, 20:29] = gaps[:, :2] = gaps[50, :] = True
    x, y = np.meshgrid(np.arange(COLS), np.arange(ROWS))
    height = 900 + 40 * np.sin(x / 9) + 60 * np.cos(y / 7) + rng.normal(0, 4, (ROWS, COLS))
    layers = {
        "height": height,
        "offset": 1e5 + 1e-2 * rng.standard_normal((ROWS, COLS)),
        "red": rng.uniform(0.05, 0.4, (ROWS, COLS)),
        "blue": rng.uniform(0.05, 0.4, (ROWS, COLS)),
    }
    layers = {name: np.where(gaps, np.nan, values).astype(np.float32) for name, values in layers.items()}
    layers["red"][5:8, 60:] = np.nan  # the two bands miss different cells
    rock = rng.choice(np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29], dtype=np.int32), (ROWS, COLS))
    layers["rock"] = np.where(gaps, MISSING, rock)
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    starts = rng.uniform((xmin - 500, ymin - 500), (xmax + 500, ymax + 500), (9, 2))
    drawn: list[Any] = [shapely.LineString(s + np.cumsum(rng.normal(0, 300, (12, 2)), 0)) for s in starts]
    drawn += [shapely.box(-900, 200, 400, 900) - shapely.box(-300, 400, 0, 700), shapely.Point(1800, -1500)]
    drawn += [shapely.MultiLineString([[(0, 0), (0, 900)], [(50, 0), (800, 20)]])]
    return Region(empty_region().grid, layers, {}).with_geometry("lines", drawn)


def flat(region: Region) -> Region:
    """Every layer the same everywhere, and no geometry."""
    layers = {name: np.full_like(values, FLAT) for name, values in region.layers.items()}
    return Region(region.grid, layers, {}).with_geometry("lines", [])


def read_layers(word: str, case: Case) -> list[str]:
    """The layers a case names."""
    needs = registry.dependencies(registry.find("features", word))
    return [case.said[name] for name, kind in needs.items() if kind is Layer]


def is_missing(values: Array) -> Array:
    """Missing cells of a layer of either kind."""
    return np.isnan(values) if values.dtype.kind == "f" else values == MISSING


def steps_from(row: int, col: int) -> Array:
    """Cells from one cell to every other along rows or columns, whichever is more."""
    return np.maximum(np.abs(np.arange(ROWS) - row)[:, None], np.abs(np.arange(COLS) - col)[None, :])


def changed(before: tuple[Array, ...], after: tuple[Array, ...]) -> Array:
    """Cells where any output differs, missing ones that stay missing apart."""
    pairs = zip(before, after, strict=True)
    differ: Array = np.any([(a != b) & ~(is_missing(a) & is_missing(b)) for a, b in pairs], axis=0)
    return differ


def test_every_feature_has_a_case_and_every_case_a_feature() -> None:
    assert set(CASES) == set(registry.words("features"))


@every_case
def test_any_tile_size_gives_the_same_bytes(word: str, case: Case, region: Region) -> None:
    fits = fitted(word, case.said, region)
    answers = [run(word, case.said, region.cut(tile), fits) for tile in TILES]
    assert len({tuple(block.tobytes() for block in answer) for answer in answers}) == 1


@every_case
def test_a_larger_region_gives_the_shared_ground_the_same_bytes(word: str, case: Case, region: Region) -> None:
    fits, cut, edge = fitted(word, case.said, region), 15, halo_of(word, case.said)
    x_m, y_m = region.grid.x_m + cut * CELL_M, region.grid.y_m - cut * CELL_M
    grid = replace(region.grid, x_m=x_m, y_m=y_m, rows=ROWS - cut, cols=COLS - cut, tile=16)
    layers = {name: values[cut:, cut:] for name, values in region.layers.items()}
    smaller = run(word, case.said, Region(grid, layers, region.geometry), fits)
    for here, there in zip(smaller, run(word, case.said, region, fits), strict=True):
        assert here[edge:, edge:].tobytes() == there[cut + edge :, cut + edge :].tobytes()


@every_layer_case
def test_a_changed_cell_is_felt_up_to_the_declared_reach_and_no_farther(word: str, case: Case, region: Region) -> None:
    fits, halo, (row, col) = fitted(word, case.said, region), halo_of(word, case.said), (66, 45)
    for name in read_layers(word, case):
        values = region.layers[name].copy()
        other = values[row, col + 1] if values.dtype.kind == "i" else values[row, col] * 1.5
        assert not is_missing(values[row : row + 1, col]).any()
        assert values[row, col] != other
        values[row, col] = other
        after = run(word, case.said, region.with_layer(name, values), fits)
        differ = changed(run(word, case.said, region, fits), after)
        assert differ.any()
        assert steps_from(row, col)[differ].max() == halo


@every_layer_case
def test_an_anomaly_on_flat_ground_stays_within_reach(word: str, case: Case, region: Region) -> None:
    plain, (row, col) = flat(region), (40, 33)
    fits = fitted(word, case.said, plain)
    for name in read_layers(word, case):
        values = plain.layers[name].copy()
        values[row, col] = 3 * FLAT
        answer = run(word, case.said, plain.with_layer(name, values).cut(16), fits)
        differ = changed(run(word, case.said, plain, fits), answer)
        assert differ.any()
        assert steps_from(row, col)[differ].max() <= halo_of(word, case.said)


@every_vector_case
def test_a_geometry_is_felt_up_to_the_declared_reach_and_no_farther(word: str, case: Case, region: Region) -> None:
    reach = registry.declared(registry.find("features", word)).reach(case.said, CELL_M)
    line = shapely.LineString([(-333.0, -210.0), (288.0, 77.0)])
    nothing = region.with_geometry("lines", [])
    after = run(word, case.said, nothing.with_geometry("lines", [line]))
    differ = changed(run(word, case.said, nothing), after)
    away = np.asarray(shapely.distance(shapely.points(*centres()), line))
    assert away[differ].max() <= reach
    assert away[differ].max() > reach - CELL_M
    assert differ[away < reach - CELL_M].all()


@every_case
def test_missing_cells_follow_the_stated_policy(word: str, case: Case, region: Region) -> None:
    gaps = np.zeros((ROWS, COLS), dtype=bool)
    for name in read_layers(word, case):
        gaps |= is_missing(region.layers[name])
    around = {
        "cell": np.ones((1, 1), dtype=bool),
        "nine": np.ones((3, 3), dtype=bool),
        "cross": ndimage.generate_binary_structure(2, 1),
        "never": np.zeros((1, 1), dtype=bool),
    }[case.missing]
    expected = ndimage.binary_dilation(gaps, around, border_value=1)
    for block in run(word, case.said, region):
        assert np.array_equal(is_missing(block), expected)


@every_case
def test_a_constant_input_gives_the_documented_answer(word: str, case: Case, region: Region) -> None:
    edge = 1 if case.missing in ("nine", "cross") else 0  # outside the grid nothing is known
    answer = run(word, case.said, flat(region))
    assert len(answer) == len(case.constant)
    for block, expected in zip(answer, case.constant, strict=True):
        assert np.all(block[edge : ROWS - edge, edge : COLS - edge] == expected)


@every_case
def test_outputs_have_the_declared_number_names_dtype_and_shape(word: str, case: Case, region: Region) -> None:
    recipe = registry.declared(registry.find("features", word))
    answer = run(word, case.said, region)
    names = recipe.outputs("my_layer", checked(word, case.said))
    assert len(answer) == len(names) == len(set(names))
    assert all(re.fullmatch(r"my_layer(_[a-z0-9_]+)?", name) for name in names)
    expected = region.layers[case.said["of"]].dtype if recipe.dtype == "input" else np.dtype(recipe.dtype)
    assert {block.dtype for block in answer} == {expected}
    assert {block.shape for block in answer} == {region.grid.shape}


@pytest.mark.parametrize("word", CASES)
def test_a_feature_says_its_units_summary_source_and_epoch(word: str) -> None:
    function = registry.find("features", word)
    recipe = registry.declared(function)
    assert re.fullmatch(r"(input|degree|m|1|km/km2)(/km)?", recipe.units)
    assert recipe.summary
    assert function.__doc__
    assert registry.epoch(function) >= 1
    assert word in ("value", "class_of") or re.search(r"\(\d{4}\)", recipe.reference)


def test_listing_the_features_loads_no_compiler_and_no_scipy() -> None:
    script = (
        "import sys; from pipeline import registry; "
        "[registry.find('features', word) for word in registry.words('features')]; "
        "print(sorted({'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
