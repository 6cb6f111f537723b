"""Config: three overlays, one closed model, and every mistake told with file, line and the nearest word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load
from pipeline.config.reading import Document, assign, merge, read
from pipeline.errors import ConfigError
from tests import tiny


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "configs" / "regions").mkdir(parents=True)
    (tmp_path / "configs" / "validation").mkdir(parents=True)
    tiny.write(tmp_path)
    return tmp_path


def region_file(root: Path, old: str, new: str) -> int:
    """Replace a word of the region's YAML; the line it stands on."""
    path = root / "configs" / "regions" / "tiny.yaml"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))
    return path.read_text()[: path.read_text().index(new)].count("\n") + 1


def test_a_feature_takes_its_name_as_its_word(root: Path) -> None:
    features = load("tiny", root=root).config.features
    assert features["slope"].use == "slope"
    assert features["slope"].said() == {"use": "slope", "of": "dem"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  cell_m: 500", "  cell_n: 500", "unknown key 'cell_n'; did you mean 'cell_m'"),
        ("  slope:", "  slop:", "unknown feature 'slop'; did you mean 'slope'"),
        ("use: focal_mean", "use: focal_meen", "unknown feature 'focal_meen'; did you mean 'focal_mean'"),
        ("radius_m: 1500", "radios_m: 1500", "unknown key 'radios_m'; did you mean 'radius_m'"),
        ("radius_m: 1500", "radius_m: wide", "features.halo.radius_m: Input should be a valid number"),
        ("use: raster", "use: rastre", "unknown source 'rastre'; did you mean 'raster'"),
        ("use: random_forest", "use: random_florest", "unknown model 'random_florest'; did you mean 'random_forest'"),
        ("per_positive: 10", "per_positive: 0", "background.per_positive: Input should be greater than or equal to 1"),
        ("group_within_m: 1000", "group_withn_m: 1000", "unknown key 'group_withn_m'; did you mean 'group_within_m'"),
    ],
)
def test_a_typo_is_told_with_its_file_line_and_nearest_word(root: Path, old: str, new: str, words: str) -> None:
    line = region_file(root, old, new)
    with pytest.raises(ConfigError) as told:
        load("tiny", root=root)
    assert words in str(told.value)
    assert str(told.value).startswith(f"configs/regions/tiny.yaml:{line}: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1, 2", "1: not valid YAML|2: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", ":3: 'a' is given twice"),
        ("- a\n- b\n", ":1: expected `key: value` lines"),
        ("1: a\n", ":1: key 1 is not text"),
        ("a: !!python/object:os.system {}\n", "only plain YAML values are read"),
        ("a: {<<: 3}\n", "needs a mapping"),
    ],
)
def test_yaml_that_is_not_plain_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read(tmp_path / "x.yaml", shown="x.yaml")


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match="not readable as UTF-8 YAML"):
        read(tmp_path / "x.yaml", shown="x.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none.yaml", shown="none.yaml")


def document(data: dict[str, Any]) -> Document:
    return Document(data, {})


def test_overlays_merge_by_key_lists_replace_and_null_takes_away() -> None:
    below = document({"a": {"x": 1, "y": [1, 2]}, "b": 2, "c": {"deep": 1}})
    merged = merge(below, document({"a": {"y": [3]}, "b": None, "c": {"deep": {"er": 4}}}))
    assert merged.data == {"a": {"x": 1, "y": [3]}, "c": {"deep": {"er": 4}}}
    assert below.data == {"a": {"x": 1, "y": [1, 2]}, "b": 2, "c": {"deep": 1}}


def test_an_anchor_fills_in_what_a_mapping_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n")
    assert read(tmp_path / "x.yaml", shown="x").data["b"] == {"x": 1, "y": 3}


def test_a_setting_of_the_command_line_wins_and_is_named_in_errors(root: Path) -> None:
    assert load("tiny", settings=("region.tile=64",), root=root).config.region.tile == 64
    with pytest.raises(ConfigError, match=r"--set region\.tile: region\.tile: Input should be less than or equal to 8192"):
        load("tiny", settings=("region.tile=100000",), root=root)
    with pytest.raises(ConfigError, match=r"expected a\.b=value"):
        assign("tile")
    with pytest.raises(ConfigError, match="not valid YAML"):
        assign("a.b=[1")


def test_a_missing_section_and_a_missing_ground_are_named(root: Path) -> None:
    with pytest.raises(ConfigError, match="model is missing; add it"):
        load("tiny", settings=("model=null",), root=root)
    with pytest.raises(ConfigError, match="a region needs `boundary:`"):
        load("tiny", settings=("region.bounds=null",), root=root)


def test_unknown_overlays_are_named_with_the_nearest(root: Path) -> None:
    with pytest.raises(ConfigError, match="unknown region 'tini'; did you mean 'tiny'"):
        load("tini", root=root)
    with pytest.raises(ConfigError, match="unknown protocol 'defalt'; did you mean 'default'"):
        load("tiny", settings=("validation.protocols=[defalt]",), root=root)
    with pytest.raises(ConfigError, match="unknown system 'gold'"):
        load("tiny", system="gold", root=root)


def test_a_config_cannot_be_changed_after_loading(root: Path) -> None:
    config = load("tiny", root=root).config
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 2  # type: ignore[misc]


def another(root: Path, name: str, text: str) -> None:
    (root / "configs" / "regions" / f"{name}.yaml").write_text(text)


def test_a_region_based_on_another_takes_its_words_over_and_adds_its_own(root: Path) -> None:
    another(root, "mine", "based_on: tiny\nregion: {name: mine}\nfeatures:\n  flat: {use: focal_mean, of: dem, radius_m: 2000}\n  slope: null\n")
    mine, whole = load("mine", root=root), load("tiny", root=root).config
    assert mine.config.region.name == "mine" and mine.config.region.bounds == whole.region.bounds
    assert mine.config.sources == whole.sources
    assert set(mine.config.features) == {*whole.features, "flat"} - {"slope"}
    assert mine.where("features", "flat").startswith("configs/regions/mine.yaml:4")
    assert mine.where("features", "halo").startswith("configs/regions/tiny.yaml:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("based_on: tinny\n", "configs/regions/mine.yaml:1: based_on: unknown region 'tinny'; did you mean 'tiny'"),
        ("based_on: mine\n", "configs/regions/mine.yaml:1: based_on leads in a circle (mine > mine)"),
        ("based_on: [tiny]\n", "configs/regions/mine.yaml:1: based_on: unknown region"),
        ("based_on: tiny\nregion: {nam: mine}\n", "configs/regions/mine.yaml:2: unknown key 'nam'; did you mean 'name'"),
    ],
)
def test_a_region_based_on_what_is_not_there_is_told_so(root: Path, text: str, words: str) -> None:
    another(root, "mine", text)
    with pytest.raises(ConfigError) as told:
        load("mine", root=root)
    assert str(told.value).startswith(words)


def test_threads_of_this_process_and_workers_are_not_asked_for_together(root: Path) -> None:
    assert load("tiny", settings=("run.workers=0", "run.threads=2"), root=root).config.run.threads == 2
    with pytest.raises(ConfigError, match="say `workers: 0` or drop one of them"):
        load("tiny", settings=("run.workers=2", "run.threads=2"), root=root)
