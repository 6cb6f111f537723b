"""Every registered feature meets the same checks; one without a case here fails."""

from __future__ import annotations

import math
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
from pipeline.errors import DataError
from pipeline.recipe import MISSING, Array, Bands, Layer, Layers, Vector
from tests.features.driver import (
    CELL_M,
    COLS,
    ROWS,
    Region,
    centres,
    checked,
    drawing_words,
    empty_region,
    fitted,
    halo_of,
    layers_of,
    run,
    surveyed,
)

TILES = (7, 16, 64, max(ROWS, COLS))
FLAT = 7  # the value of a constant layer
LINE = shapely.LineString([(-333.0, -210.0), (288.0, 77.0)])
CROSSING = shapely.Point(-35.0, 115.0)
CROSS = shapely.MultiLineString([[(-835.0, -285.0), (765.0, 515.0)], [(-35.0, 915.0), (-35.0, -685.0)]])
ROLES = {
    "sentinel2": ("blue", "green", "red", "nir", "swir16", "swir22"),
    "landsat": ("blue", "green", "red", "nir08", "swir16", "swir22"),
    "aster": ("green", "red", "nir", "swir1", "swir2", "swir3", "swir4", "swir5", "swir6", "tir1", "tir2", "tir3"),
}


@dataclass(frozen=True)
class Case:
    """What config says; which cells go missing with their inputs; what flat layers and no geometry give (nothing: DataError)."""

    said: Mapping[str, Any]
    missing: Literal["cell", "nine", "cross", "never", "more"]  # more: where its inputs are, and elsewhere too
    constant: tuple[float, ...]
    drawn: Any = LINE  # the geometry whose reach is told, and what of it is felt
    felt: Any = LINE
    sign: int = 1  # whether a changed cell stands above its ground or below it
    mask: tuple[str, ...] = ()  # layers of which the tile function sees only the gaps
    peak: float = 3 * FLAT  # an anomaly of flat ground that the feature must see


WHOLE = shapely.box(-5e4, -5e4, 5e4, 5e4)  # more than the region
SHEET = {"drawn": shapely.box(-333, -210, 888, 777), "felt": shapely.box(-333, -210, 888, 777)}
SAMPLED = {"of": "samples", "reach_m": 2450.0}
SITE = {"drawn": shapely.Point(288.0, 77.0), "felt": shapely.Point(288.0, 77.0)}
CASES: dict[str, tuple[Case, ...]] = {
    "age_of": (Case({"of": "sheet", "column": "unit"}, "never", ((56 + 33.9) / 2,), **SHEET),),
    "class_by_keywords": (Case({"of": "sheet", "column": "unit", "groups": {"host": ("limestone",)}}, "never", (1.0, 0.0), **SHEET),),
    "aligned_density_of": (
        Case({"of": "lines", "radius_m": 450.0, "strike_deg": 30.0, "ratio": 1.0}, "never", (0.0,)),
        Case({"of": "lines", "radius_m": 1250.0, "strike_deg": 120.0, "ratio": 1.0, "within_deg": 90.0}, "never", (0.0,)),
    ),
    "catchment_mean": (Case({"of": "samples", "terrain": "height", "column": "zn", "snap_m": 5e4}, "more", (float(FLAT),)),),
    "aloh": (Case({"of": "aster"}, "cell", (1.0,)),),
    "alunite": (Case({"of": "aster"}, "cell", (2.0,)),),
    "analytic_signal": (Case({"of": "height"}, "cell", (0.0,)),),
    "anomaly_fractal": (
        Case({"of": "height"}, "cell", (0.0,)),
        Case({"of": "height", "classes": 5}, "cell", (0.0,)),
    ),
    "anomaly_mad": (Case({"of": "height"}, "cell", (0.0,)),),
    "aspect_east": (Case({"of": "height"}, "nine", (0.0,)),),
    "aspect_north": (Case({"of": "height"}, "nine", (0.0,)),),
    "band_ratio": (Case({"numerator": "red", "denominator": "blue"}, "cell", (1.0,)),),
    "carbonate": (Case({"of": "aster"}, "cell", (1.0,)),),
    "class_by_table": (
        Case({"of": "unit", "table": [[21, 1], [7, 2], [5, 1]]}, "cell", (2,)),
        Case({"of": "rock", "table": [[21, 1], [2, 2], [23, 1]], "other": 9}, "cell", (9,)),
    ),
    "class_named": (Case({"of": "unit", "classes": {"hard": [21, 2], "soft": [7]}}, "cell", (0.0, 1.0)),),
    "class_of": (
        Case({"of": "rock", "top": 3}, "cell", (1.0, 0.0, 0.0)),
        Case({"of": "rock"}, "cell", (1.0,) + 7 * (0.0,)),
    ),
    "contact_density": (
        Case({"of": "rock", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "unit", "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "crosta": tuple(Case({"of": sensor}, "cell", (0.0, 0.0)) for sensor in ("sentinel2", "landsat")),
    "density_of": (Case({"of": "lines", "radius_m": 730.0}, "never", (0.0,)),),
    "distance_to": (Case({"of": "lines", "reach_m": 1150.0}, "never", (1150.0,)),),
    "f_parameter": (Case({"potassium": "red", "uranium": "blue", "thorium": "height"}, "cell", (FLAT,)),),
    "ferric_iron": tuple(Case({"of": sensor}, "cell", (1.0,)) for sensor in ROLES),
    "ferric_oxides": tuple(Case({"of": sensor}, "cell", (1.0,)) for sensor in ROLES),
    "ferrous_iron": tuple(Case({"of": sensor}, "cell", (2.0,)) for sensor in ROLES),
    "ferrous_silicates": (Case({"of": "aster"}, "cell", (1.0,)),),
    "distance_to_class": (
        Case({"of": "unit", "codes": [21], "reach_m": 1150.0}, "cell", (1150.0,)),
        Case({"of": "unit", "codes": [5, 21], "reach_m": 570.0}, "cell", (570.0,)),
    ),
    "distance_to_contact": (
        Case({"of": "unit", "a": [7, 2], "b": [21, 5], "reach_m": 1180.0}, "cell", (1180.0,)),
        Case({"of": "unit", "a": [21], "b": [7], "reach_m": 530.0}, "cell", (530.0,)),
    ),
    "first_vertical_derivative": (Case({"of": "height"}, "cell", (0.0,)),),
    "focal_max": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (FLAT,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (FLAT,)),
    ),
    "focal_mean": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (FLAT,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (FLAT,)),
    ),
    "focal_min": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (FLAT,), sign=-1),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (FLAT,), sign=-1),
    ),
    "focal_std": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "gossan": tuple(Case({"of": sensor}, "cell", (1.0,)) for sensor in ROLES),
    "scene_normalized": (Case({"of": "aster", "scene": "unit"}, "more", (1.0,) * 9, mask=("unit",)),),
    "levelled": (Case({"of": ("height", "offset")}, "cell", (float(FLAT),)),),
    "mnf": (Case({"of": ("height", "red", "blue"), "components": 2}, "cell", ()),),
    "ternary": (Case({"potassium": "height", "thorium": "height", "uranium": "height"}, "cell", (0.0, 0.0, 0.0)),),
    "infill": (
        Case(
            {"of": "rock", "seen": ("height",), "classes": {"low": (2, 3, 5, 7, 11), "high": (13, 17, 19, 23, 29)}, "block_km": 1.0, "trees": 5},
            "cell", (), mask=("rock",), peak=1500.0,
        ),
    ),
    "fuzzy_gaussian": (Case({"of": "height", "midpoint": 900.0, "spread": 1e-5}, "cell", (math.exp(-1e-5 * 893**2),)),),
    "fuzzy_large": (Case({"of": "height", "midpoint": 900.0, "spread": 3.0}, "cell", (1 / (1 + (900 / 7) ** 3),)),),
    "fuzzy_linear": (
        Case({"of": "height", "zero_at": 5.0, "one_at": 1500.0}, "cell", (2 / 1495,)),
        Case({"of": "height", "zero_at": 1500.0, "one_at": 5.0}, "cell", (1493 / 1495,)),
    ),
    "fuzzy_near": (Case({"of": "height", "midpoint": 900.0, "spread": 1e-4}, "cell", (1 / (1 + 1e-4 * 893**2),)),),
    "fuzzy_small": (Case({"of": "height", "midpoint": 900.0, "spread": 0.5}, "cell", (1 / (1 + (7 / 900) ** 0.5),)),),
    "hillshade": (Case({"of": "height"}, "nine", (math.sqrt(0.5),)),),
    "glcm_contrast": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "offset", "radius_m": 730.0, "levels": 5}, "cell", (0.0,)),
    ),
    "glcm_entropy": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "offset", "radius_m": 730.0, "levels": 5}, "cell", (0.0,)),
    ),
    "glcm_homogeneity": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (1.0,)),
        Case({"of": "offset", "radius_m": 730.0, "levels": 5}, "cell", (1.0,)),
    ),
    "horizontal_gradient": (Case({"of": "height"}, "cross", (0.0,)),),
    "hydroxyl": tuple(Case({"of": sensor}, "cell", (1.0,)) for sensor in ("sentinel2", "landsat")),
    "intersection_density": (Case({"of": "lines", "radius_m": 730.0}, "never", (0.0,), drawn=CROSS, felt=CROSSING),),
    "inverse_distance": (
        Case({**SAMPLED, "column": "cu"}, "never", (FLAT,), **SITE),
        Case({**SAMPLED, "column": "pb", "transform": "log", "power": 3.5, "neighbours": 5}, "never", (math.log(FLAT),), **SITE),
    ),
    "kriged": (
        Case({**SAMPLED, "column": "cu", "neighbours": 9}, "never", (FLAT, 0.0), **SITE),
        Case({**SAMPLED, "column": "pb", "transform": "log", "model": "exponential"}, "never", (math.log(FLAT), 0.0), **SITE),
    ),
    "kriged_clr": (Case({**SAMPLED, "columns": ("cu", "zn", "pb"), "component": "pb"}, "never", (0.0, 0.0), **SITE),),
    "kriged_ilr": (Case({**SAMPLED, "columns": ("cu", "zn", "pb"), "component": 2}, "never", (0.0, 0.0), **SITE),),
    "kriged_robust_pca": (Case({**SAMPLED, "columns": ("cu", "zn", "pb")}, "never", (0.0, 0.0), **SITE),),
    "nearest_sample": (
        Case({**SAMPLED, "column": "cu"}, "never", (FLAT,), **SITE),
        Case({**SAMPLED, "column": "pb", "transform": "log"}, "never", (math.log(FLAT),), **SITE),
    ),
    "kaolinite": (Case({"of": "aster"}, "cell", (1.0,)),),
    "laterite": (Case({"of": "aster"}, "cell", (1.0,)),),
    "local_relief": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "mgoh": (Case({"of": "aster"}, "cell", (1.0,)),),
    "ndvi": tuple(Case({"of": sensor}, "cell", (0.0,)) for sensor in ROLES),
    "ndwi": tuple(Case({"of": sensor}, "cell", (0.0,)) for sensor in ROLES),
    "local_moran": (
        Case({"of": "height", "radius_m": 300.0}, "cell", (0.0, 0.0)),
        Case({"of": "offset", "radius_m": 1250.0}, "cell", (0.0, 0.0)),
    ),
    "logistic_membership": (
        Case({"of": "height"}, "cell", (0.5,)),
        Case({"of": "height", "least_quantile": 0.98, "most_quantile": 0.02}, "cell", (0.5,)),
    ),
    "normalized_difference": (Case({"a": "red", "b": "blue"}, "cell", (0.0,)),),
    "proportion_of": (
        Case({"of": "rock", "codes": [7, 11, 2, 3, 5, 13], "radius_m": 300.0}, "cell", (1.0,)),
        Case({"of": "unit", "codes": [21], "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "reclass": (
        Case({"of": "height", "table": [[None, 10, 0.25], [900, None, 3], [10, 900, 2]]}, "cell", (0.25,)),
        Case({"of": "height", "table": [[700, 900, 2], [7, 8, 4]], "default": -1.5}, "cell", (4.0,)),
    ),
    "reduction_to_pole": (
        Case({"of": "height", "date": "2005-06-30"}, "cell", (FLAT,)),
        Case({"of": "offset", "date": "1975-01-01", "inclination": 45.0, "declination": -3.0}, "cell", (FLAT,)),
    ),
    "residual": (Case({"of": "height", "height_m": 500.0}, "cell", (0.0,)),),
    "rock_diversity": (
        Case({"of": "rock", "radius_m": 300.0}, "cell", (0.0,)),
        Case({"of": "unit", "radius_m": 1250.0}, "cell", (0.0,)),
    ),
    "orientation_of": (Case({"of": "lines", "radius_m": 730.0}, "never", (0.0, 0.0)),),
    "pca": (
        Case({"of": ("red", "blue", "height"), "components": 3}, "cell", (0.0, 0.0, 0.0)),
        Case({"of": ("height", "offset"), "components": 2}, "cell", (0.0, 0.0)),
    ),
    "plan_curvature": (Case({"of": "height"}, "nine", (0.0,)),),
    "potassic_alteration": (Case({"potassium": "red", "thorium": "blue"}, "cell", (0.0,)),),
    "profile_curvature": (Case({"of": "height"}, "nine", (0.0,)),),
    "roughness": (Case({"of": "height"}, "nine", (0.0,)),),
    "ruggedness": (Case({"of": "height"}, "nine", (0.0,)),),
    "sericite": (Case({"of": "aster"}, "cell", (2.0,)),),
    "silica": (Case({"of": "aster"}, "cell", (1.0,)),),
    "slope": (Case({"of": "height"}, "nine", (0.0,)),),
    "total_curvature": (Case({"of": "height"}, "nine", (0.0,)),),
    "theta": (Case({"of": "height"}, "cell", (0.0,)),),
    "tilt": (Case({"of": "height"}, "cell", (0.0,)),),
    "topographic_position": (Case({"of": "height", "radius_m": 450.0}, "cell", (0.0,)),),
    "total_horizontal_gradient": (Case({"of": "height"}, "cell", (0.0,)),),
    "upward_continuation": (Case({"of": "height", "height_m": 500.0}, "cell", (FLAT,)),),
    "value": (
        Case({"of": "height"}, "cell", (FLAT,)),
        Case({"of": "rock"}, "cell", (FLAT,)),
    ),
}


def _listed(*kinds: type) -> pytest.MarkDecorator:
    """Every case of the features that read at least one dependency of these kinds."""
    listed = [(word, i, case) for word, cases in CASES.items() for i, case in enumerate(cases)]
    reading = [at for at in listed if _reads(at[0], *kinds)]
    return pytest.mark.parametrize(("word", "case"), [pytest.param(word, case, id=f"{word}-{i}") for word, i, case in reading])


def _reads(word: str, *kinds: type) -> bool:
    return any(issubclass(k, kinds) for k in registry.dependencies(registry.find("features", word)).values())


every_case, every_layer_case, every_vector_case = _listed(object), _listed(Layer, Layers, Bands), _listed(Vector)


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
    drawn_bands = np.random.default_rng(12)
    layers |= {f"{sensor}_{role}": drawn_bands.uniform(0.05, 0.4, (ROWS, COLS)) for sensor, roles in ROLES.items() for role in roles}
    layers = {name: np.where(gaps, np.nan, values).astype(np.float32) for name, values in layers.items()}
    layers["red"][5:8, 60:] = np.nan  # the two bands miss different cells
    rock = rng.choice(np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29], dtype=np.int32), (ROWS, COLS))
    layers["rock"] = np.where(gaps, MISSING, rock)
    unit = np.full((ROWS, COLS), FLAT, dtype=np.int32)  # few classes, far apart: distances reach as far as they may
    unit[8:20, 10:30] = unit[66, 45] = 3 * FLAT
    unit[25:32, 40:55] = 5
    layers["unit"] = np.where(gaps, MISSING, unit)
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    starts = rng.uniform((xmin - 500, ymin - 500), (xmax + 500, ymax + 500), (9, 2))
    drawn: list[Any] = [shapely.LineString(s + np.cumsum(rng.normal(0, 300, (12, 2)), 0)) for s in starts]
    drawn += [shapely.box(-900, 200, 400, 900) - shapely.box(-300, 400, 0, 700), shapely.Point(1800, -1500)]
    drawn += [shapely.MultiLineString([[(0, 0), (0, 900)], [(50, 0), (800, 20)]])]
    ground = Region(empty_region().grid, layers, {}).with_geometry("lines", drawn)
    ground = ground.with_geometry("samples", *sampled(drawn_bands))
    sheets = [WHOLE, *(shapely.box(*corner, *(corner + rng.uniform(300, 2500, 2))) for corner in rng.uniform((xmin, ymin), (xmax, ymax), (12, 2)))]
    return ground.with_geometry("sheet", sheets, {"unit": rng.choice(np.array(["Eocene limestone", "Jurassic shale"], object), len(sheets))})


def sampled(rng: np.random.Generator) -> tuple[list[Any], dict[str, Array]]:
    """Samples of soil inside and around the region: some on cell centres, some twice at one place, some below detection or not analysed."""
    xmin, ymin, xmax, ymax = empty_region().grid.bounds
    places = [tuple(place) for place in rng.uniform((xmin - 1500, ymin - 1500), (xmax + 1500, ymax + 1500), (90, 2))]
    places += [(xmin + 500.0 * i + 50, ymin + 500.0 * j + 50) for i in range(9) for j in range(9)]  # equally far from many cells
    places += places[:7]
    cu, zn, pb = np.exp(rng.normal(3, 0.6, (3, len(places))))
    cu[4::29] = np.nan
    text = np.array(["<5" if value < 9 else f"{value:.3f}" for value in pb], dtype=object)
    text[9::31] = None
    return [shapely.Point(place) for place in places], {"cu": cu, "zn": zn.astype(np.float32), "pb": text}


def flat(region: Region) -> Region:
    """Every layer the same everywhere, every sample like the others, and no other geometry."""
    layers = {name: np.full_like(values, FLAT) for name, values in region.layers.items()}
    columns = {name: np.full_like(values, str(FLAT) if values.dtype.kind == "O" else FLAT) for name, values in region.columns["samples"].items()}
    ground = Region(region.grid, layers, {}).with_geometry("lines", []).with_geometry("samples", list(region.geometry["samples"]), columns)
    return ground.with_geometry("sheet", [WHOLE], {"unit": np.array(["Eocene limestone"], object)})


def read_layers(word: str, case: Case) -> list[str]:
    """The layers a case names, or the bands of the source it names."""
    return [name for names in layers_of(word, case.said).values() for name in names]


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
    assert set(CASES) == set(registry.words("features")) - set(drawing_words())


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
    smaller = run(word, case.said, Region(grid, layers, region.geometry, region.columns), fits)
    for here, there in zip(smaller, run(word, case.said, region, fits), strict=True):
        assert here[edge:, edge:].tobytes() == there[cut + edge :, cut + edge :].tobytes()


@every_layer_case
def test_a_changed_cell_is_felt_up_to_the_declared_reach_and_no_farther(word: str, case: Case, region: Region) -> None:
    fits, halo, (row, col) = fitted(word, case.said, region), halo_of(word, case.said), (66, 45)
    for name in read_layers(word, case):
        values = region.layers[name].copy()
        other = values[row, col + 1] if values.dtype.kind == "i" else values[row, col] * (1 + 0.5 * case.sign)
        other = np.float32(np.nan) if surveyed(word) else MISSING if name in case.mask else other
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
    flat_has_axes = not _reads(word, Layers, Bands)  # principal components of flat ground look at one layer each
    fits = fitted(word, case.said, plain if flat_has_axes else region)
    for name in read_layers(word, case):
        values = plain.layers[name].copy()
        values[row, col] = np.nan if surveyed(word) else MISSING if name in case.mask else case.sign * case.peak
        answer = run(word, case.said, plain.with_layer(name, values).cut(16), fits)
        differ = changed(run(word, case.said, plain, fits), answer)
        assert differ.any()
        assert steps_from(row, col)[differ].max() <= halo_of(word, case.said)


@every_vector_case
def test_a_geometry_is_felt_up_to_the_declared_reach_and_no_farther(word: str, case: Case, region: Region) -> None:
    reach = registry.declared(registry.find("features", word)).reach(case.said, CELL_M)
    name, fits = case.said["of"], fitted(word, case.said, region)
    nothing, one = ({column: values[:count] for column, values in region.columns[name].items()} for count in (0, 1))
    after = run(word, case.said, region.with_geometry(name, [case.drawn], one), fits)
    differ = changed(run(word, case.said, region.with_geometry(name, [], nothing), fits), after)
    if surveyed(word):  # the fit, held here, has seen all geometry
        assert not differ.any()
        return
    away = np.asarray(shapely.distance(shapely.points(*centres()), case.felt))
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
        "more": np.ones((1, 1), dtype=bool),
        "nine": np.ones((3, 3), dtype=bool),
        "cross": ndimage.generate_binary_structure(2, 1),
        "never": np.zeros((1, 1), dtype=bool),
    }[case.missing]
    expected = ndimage.binary_dilation(gaps, around, border_value=1)
    for block in run(word, case.said, region):
        assert is_missing(block)[expected].all()
        assert case.missing == "more" or np.array_equal(is_missing(block), expected)


@every_case
def test_a_constant_input_gives_the_documented_answer(word: str, case: Case, region: Region) -> None:
    edge = 1 if case.missing in ("nine", "cross") else 0  # outside the grid nothing is known
    if not case.constant:
        with pytest.raises(DataError):
            run(word, case.said, flat(region))
        return
    answer = run(word, case.said, flat(region))
    assert len(answer) == len(case.constant)
    for block, expected in zip(answer, case.constant, strict=True):
        assert np.all(block[edge : ROWS - edge, edge : COLS - edge] == np.float32(expected))


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
    assert recipe.units_of or re.fullmatch(r"(input|degree|m|1|Ma|reflectance|relative reflectance|km/km2|1/km2)(/km)?", recipe.units)
    assert recipe.summary
    assert function.__doc__
    assert registry.epoch(function) >= 1
    assert word in ("value", "class_of", "class_named") or re.search(r"\(\d{4}\)", recipe.reference)


def test_listing_the_features_loads_no_compiler_and_no_scipy() -> None:
    script = (
        "import sys; from pipeline import registry; "
        "[registry.find('features', word) for word in registry.words('features')]; "
        "print(sorted({'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
