"""Mineral indices: against fractions worked out by hand, and against spectra built from each mineral's absorptions."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import registry
from pipeline.recipe import Array
from tests.features.minerals import MINERALS, bands, seen

ASTER: dict[str, float | Array] = {
    "green": 0.10, "red": 0.12, "nir": 0.20, "swir1": 0.50, "swir2": 0.40, "swir3": 0.32, "swir4": 0.44, "swir5": 0.36,
    "swir6": 0.30, "tir1": 8.0, "tir2": 9.0, "tir3": 7.5,
}  # fmt: skip
BROAD: dict[str, float | Array] = {"blue": 0.08, "green": 0.10, "red": 0.12, "nir": 0.20, "nir08": 0.25, "swir16": 0.50, "swir22": 0.40}
BY_HAND = [
    ("ferric_iron", "sentinel2", 12 / 8), ("ferric_iron", "landsat", 12 / 8), ("ferric_iron", "aster", 12 / 10),
    ("ferrous_iron", "sentinel2", 2 + 10 / 12), ("ferrous_iron", "landsat", 1.6 + 10 / 12), ("ferrous_iron", "aster", 2 + 10 / 12),
    ("ferric_oxides", "sentinel2", 2.5), ("ferric_oxides", "landsat", 2.0), ("ferric_oxides", "aster", 2.5),
    ("gossan", "sentinel2", 50 / 12), ("gossan", "landsat", 50 / 12), ("gossan", "aster", 50 / 12),
    ("hydroxyl", "sentinel2", 1.25), ("hydroxyl", "landsat", 1.25),
    ("laterite", "aster", 1.25), ("ferrous_silicates", "aster", 0.8),
    ("aloh", "aster", 44 * 50 / 32**2), ("kaolinite", "aster", 50 / 40 * 36 / 32), ("sericite", "aster", (40 + 44) / 32),
    ("alunite", "aster", (50 + 32) / 40), ("mgoh", "aster", (32 + 30) / (44 + 36)), ("carbonate", "aster", 32 * 30 / 36**2),
    ("silica", "aster", 81 / 60),
    ("ndvi", "sentinel2", 8 / 32), ("ndvi", "landsat", 13 / 37), ("ndvi", "aster", 8 / 32),
    ("ndwi", "sentinel2", -10 / 30), ("ndwi", "landsat", -15 / 35), ("ndwi", "aster", -10 / 30),
]  # fmt: skip
INDICES = sorted({word for word, _, _ in BY_HAND})


def index(word: str, sensor: str, by_role: dict[str, float | Array]) -> Array:
    """A spectral feature over cells with these values."""
    function = registry.find("features", word)
    answer: Array = function(of=bands(by_role, registry.declared(function).roles[sensor]))
    return answer


def of_mineral(word: str, sensor: str, mineral: str) -> float:
    """A spectral feature over one cell of pure mineral."""
    return float(index(word, sensor, dict(seen(mineral, sensor)))[0, 0])


@pytest.mark.parametrize(("word", "sensor", "expected"), BY_HAND)
def test_an_index_is_the_fraction_worked_out_by_hand(word: str, sensor: str, expected: float) -> None:
    found = index(word, sensor, ASTER if sensor == "aster" else BROAD)
    assert found.dtype == np.float32
    assert found[0, 0] == pytest.approx(expected, rel=2e-7)


@pytest.mark.parametrize("word", INDICES)
def test_an_index_has_every_sensor_it_declares_worked_out_above(word: str) -> None:
    assert {sensor for name, sensor, _ in BY_HAND if name == word} == set(registry.declared(registry.find("features", word)).sensors)


@pytest.mark.parametrize(("word", "sensor"), [(word, sensor) for word, sensor, _ in BY_HAND])
def test_light_that_dims_all_bands_changes_no_index_and_missing_light_leaves_none(word: str, sensor: str) -> None:
    roles = registry.declared(registry.find("features", word)).roles[sensor]
    lit = ASTER if sensor == "aster" else BROAD
    shaded = index(word, sensor, {role: value / 4 for role, value in lit.items()})
    assert shaded[0, 0] == pytest.approx(float(index(word, sensor, lit)[0, 0]), rel=2e-7)
    for role in roles:
        for gone in (-0.01, np.nan, np.inf):
            assert np.isnan(index(word, sensor, lit | {role: gone})[0, 0]), (role, gone)
    assert np.isnan(index(word, sensor, dict.fromkeys(lit, 0.0))[0, 0])


@pytest.mark.parametrize(
    ("word", "mineral", "others"),
    [
        ("aloh", "kaolinite", ("grey", "chlorite", "calcite", "hematite", "goethite")),
        ("aloh", "muscovite", ("grey", "chlorite", "calcite", "hematite", "goethite")),
        ("kaolinite", "kaolinite", ("grey", "alunite", "muscovite", "chlorite", "calcite")),
        ("alunite", "alunite", ("grey", "kaolinite", "muscovite", "chlorite", "calcite")),
        ("sericite", "muscovite", ("grey", "kaolinite", "alunite", "chlorite", "calcite")),
        ("mgoh", "chlorite", ("grey", "kaolinite", "alunite", "muscovite", "calcite")),
        ("carbonate", "calcite", ("grey", "kaolinite", "alunite", "muscovite")),
        ("ferrous_silicates", "chlorite", ("grey", "kaolinite", "alunite", "muscovite", "calcite")),
        ("laterite", "kaolinite", ("grey", "muscovite", "chlorite", "calcite")),
        ("silica", "quartz", ("grey",)),
        ("ferric_iron", "hematite", ("grey", "kaolinite", "chlorite", "calcite")),
        ("ferric_iron", "goethite", ("grey", "kaolinite", "chlorite", "calcite")),
        ("ferric_oxides", "hematite", ("grey", "kaolinite", "muscovite", "calcite")),
        ("gossan", "hematite", ("grey", "kaolinite", "muscovite", "calcite")),
    ],
)
def test_an_index_is_highest_over_the_mineral_it_is_named_for(word: str, mineral: str, others: tuple[str, ...]) -> None:
    for sensor in registry.declared(registry.find("features", word)).sensors:
        named = of_mineral(word, sensor, mineral)
        rest = {other: of_mineral(word, sensor, other) for other in others}
        assert named > 1.02 * max(rest.values()), (sensor, named, rest)


@pytest.mark.parametrize("sensor", ["sentinel2", "landsat"])
def test_broad_bands_see_clay_mica_chlorite_and_carbonate_alike(sensor: str) -> None:
    lumped = {mineral: of_mineral("hydroxyl", sensor, mineral) for mineral in ("kaolinite", "alunite", "muscovite", "chlorite", "calcite")}
    assert min(lumped.values()) > 1.005, lumped
    assert of_mineral("hydroxyl", sensor, "grey") == 1


@pytest.mark.parametrize("sensor", ["sentinel2", "landsat", "aster"])
def test_ferrous_ground_stands_above_ferric_ground_in_the_ferrous_index(sensor: str) -> None:
    assert of_mineral("ferrous_iron", sensor, "chlorite") > 1.02 * of_mineral("ferrous_iron", sensor, "goethite")


def test_kaolinite_as_aster_sees_it_is_the_doublet_worked_out_by_hand() -> None:
    # 0.80 level; a Gaussian of width 0.016 over a band 0.04 wide centred on it fills sqrt(2 pi) 0.016 / 0.04 x 0.789 = 0.791 of it
    doublet = seen("kaolinite", "aster")
    assert doublet["swir1"] == pytest.approx(0.80, abs=1e-9)
    assert doublet["swir3"] == pytest.approx(0.80 * (1 - 0.37 * 0.791) * (1 - 0.22 * 0.10), abs=0.015)
    assert of_mineral("kaolinite", "aster", "kaolinite") == pytest.approx(0.80 / doublet["swir2"] * doublet["swir5"] / doublet["swir3"], rel=1e-6)


def test_every_mineral_of_the_table_has_positive_bands_on_every_sensor() -> None:
    for mineral in MINERALS:
        assert min(seen(mineral, "aster").values()) > 0.02
