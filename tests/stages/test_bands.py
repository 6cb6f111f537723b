"""Which bands a feature reads of a source, and which sources are refused before a byte is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Grid
from pipeline.node import LayerNode, Node
from pipeline.stages import derive
from tests import tiny

GRID = Grid(tiny.CRS, 500.0, 0.0, 50_000.0, 100, 120, 32)
ASTER = ("green", "red", "nir", *(f"swir{i}" for i in range(1, 7)), *(f"tir{i}" for i in range(1, 6)))
BROAD = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")


def derived(folder: Path, features: dict[str, Any], *, sensor: str, units: str = "reflectance", roles: tuple[str, ...] = BROAD) -> list[Node]:
    """The nodes of features over a source `scene` of one sensor, beside a DEM."""
    for part in ("regions", "validation"):
        (folder / "configs" / part).mkdir(parents=True)
    tiny.write(folder, features=features)
    layers = {"dem": LayerMeta("dem", "float32", "m", "dem", "dem", "", 30.0)}
    layers |= {f"scene_{role}": LayerMeta(f"scene_{role}", "float32", units, role, "scene", "", 30.0, False, sensor) for role in roles}
    return derive.nodes(load("tiny", root=folder), GRID, layers, {})


def read_by(nodes: list[Node], name: str) -> tuple[str, ...]:
    """The layers one layer node reads, in order."""
    (node,) = (node for node in nodes if isinstance(node, LayerNode) and node.name == name)
    return node.call.read_layers()


def test_the_same_word_reads_the_bands_that_play_the_roles_of_each_sensor(tmp_path: Path) -> None:
    said = {"ferric_iron": {"of": "scene"}, "ndvi": {"of": "scene"}}
    for sensor, roles, expected in (
        ("sentinel2", BROAD, (("scene_red", "scene_blue"), ("scene_nir", "scene_red"))),
        ("landsat", BROAD, (("scene_red", "scene_blue"), ("scene_nir08", "scene_red"))),
        ("aster", ASTER, (("scene_red", "scene_green"), ("scene_nir", "scene_red"))),
    ):
        made = derived(tmp_path / sensor, said, sensor=sensor, roles=roles)
        assert (read_by(made, "ferric_iron"), read_by(made, "ndvi")) == expected


def test_a_fit_on_bands_samples_the_same_bands(tmp_path: Path) -> None:
    fit, layer = derived(tmp_path, {"directed": {"use": "crosta", "of": "scene"}}, sensor="landsat")
    bands = tuple(f"scene_{r}" for r in ("blue", "red", "nir08", "swir16", "swir22"))
    assert layer.calls[0].read_layers() == bands and fit.calls[0].read_layers() == (*bands, "region")


@pytest.mark.parametrize("word", ["kaolinite", "alunite", "sericite", "aloh", "mgoh", "carbonate", "silica", "laterite", "ferrous_silicates"])
@pytest.mark.parametrize("sensor", ["sentinel2", "landsat"])
def test_a_mineral_group_broad_bands_cannot_resolve_is_refused(tmp_path: Path, word: str, sensor: str) -> None:
    with pytest.raises(ConfigError, match=rf"tiny.yaml:\d+: told can be told from aster only, and 'scene_blue' is a band of {sensor}"):
        derived(tmp_path, {"told": {"use": word, "of": "scene"}}, sensor=sensor)


def test_the_lumped_ratio_is_refused_where_the_sensor_can_part_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hydroxyl can be told from sentinel2 or landsat only"):
        derived(tmp_path, {"hydroxyl": {"of": "scene"}}, sensor="aster", roles=ASTER)


def test_a_source_of_no_stated_sensor_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="of no stated sensor"):
        derived(tmp_path / "a", {"ndvi": {"of": "scene"}}, sensor="")
    with pytest.raises(ConfigError, match=r"unknown source of bands 'scenes'; did you mean 'scene'\?"):
        derived(tmp_path / "b", {"ndvi": {"of": "scenes"}}, sensor="landsat")


def test_a_missing_band_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gossan reads the bands swir1, red of aster, and no layer 'scene_swir1' is there"):
        derived(tmp_path, {"gossan": {"of": "scene"}}, sensor="aster", roles=("green", "red", "nir"))


def test_radiance_is_refused_where_reflectance_is_needed_and_taken_where_the_index_was_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"kaolinite reads bands in reflectance or relative reflectance, and 'scene_swir1' is in 'radiance'.*AST_07XT"):
        derived(tmp_path / "a", {"kaolinite": {"of": "scene"}}, sensor="aster", units="radiance", roles=ASTER)
    made = derived(tmp_path / "b", {"silica": {"of": "scene"}}, sensor="aster", units="radiance", roles=ASTER)
    assert read_by(made, "silica") == ("scene_tir1", "scene_tir2", "scene_tir3")
    with pytest.raises(ConfigError, match="silica reads bands in radiance or emissivity, and 'scene_tir1' is in 'K'"):
        derived(tmp_path / "c", {"silica": {"of": "scene"}}, sensor="aster", units="K", roles=ASTER)


def test_radiance_brought_to_one_level_is_a_source_of_bands_of_the_same_sensor(tmp_path: Path) -> None:
    said = {"kaolinite": {"of": "even"}, "even": {"use": "scene_normalized", "of": "scene", "scene": "dem"}}
    made = derived(tmp_path / "a", said, sensor="aster", units="radiance", roles=ASTER)
    assert read_by(made, "kaolinite") == ("even_swir1", "even_swir2", "even_swir3", "even_swir5")
    assert [node.name for node in derive.evidence(made)] == ["kaolinite"]
    with pytest.raises(ConfigError, match="ndvi reads bands in reflectance, and 'even_nir' is in 'relative reflectance'"):
        derived(tmp_path / "b", {**said, "ndvi": {"of": "even"}}, sensor="aster", units="radiance", roles=ASTER)


def test_a_hillshade_is_derived_and_is_no_evidence(tmp_path: Path) -> None:
    made = derived(tmp_path, {"shade": {"use": "hillshade", "of": "dem"}, "slope": {"of": "dem"}}, sensor="landsat")
    assert [node.name for node in made] == ["shade", "slope"]
    assert [node.name for node in derive.evidence(made)] == ["slope"]
