"""What the data lack: what rests on it goes, with a word; what does not stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipeline import load
from pipeline.cli import app
from pipeline.config import absent
from pipeline.errors import ConfigError
from tests import tiny

FEATURES: dict[str, Any] = {
    "elevation": {"use": "value", "of": "dem"},
    "rock": {"use": "class_of", "of": "geology", "top": 3},
    "rock_coarse": {"use": "class_of", "of": "geology_coarse", "top": 2},
    "lie": {"use": "focal_mean", "of": "rock_1", "radius_m": 2000},
    "near": {"use": "distance_to", "of": "old_faults", "reach_m": 5000},
    "parts": {"use": "pca", "of": ["dem", "alteration", "gravity"], "components": 2},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tiny region with a system that reads what is not there."""
    tiny.make(tmp_path)
    protocol = tmp_path / "configs" / "validation" / "hidden.yaml"
    protocol.write_text(yaml.safe_dump({"title": "hidden", "split": {"kind": "square_blocks", "block_km": 10, "folds": 3}, "hide": ["geology"]}))
    return tmp_path


def written(root: Path, **changes: Any) -> None:
    sources = {
        "dem": {"use": "raster", "path": "dem.tif", "units": "m"}, "alteration": {"use": "raster", "path": "alteration.tif", "units": "1"},
        "geology_coarse": {"use": "raster", "path": "dem.tif", "kind": "categorical"},
        "occurrences": {"use": "points", "path": "occurrences.csv"},
    }  # fmt: skip
    said = {
        "sources": sources, "features": FEATURES,
        "absent": {"geology": "no map is public", "old_faults": "nobody knows", "gravity": "by form", "unread": "nothing reads it"},
        "system": {
            "name": "sought", "title": "Sought", "signs": {"elevation": 1, "rock_2": 1, "near": -1}, "suspect": ["rock", "elevation"], "inputs": ["lie"],
            "permissive": [{"of": "geology", "classes": [1]}, {"of": "geology_coarse", "classes": [1]}],
        },
        "validation": {"protocols": ["hidden", "default"]},
        "targets": {"min_area_km2": 1, "exclude": ["old_faults"], "districts": "old_faults"},
        "applicability": {"measured": "geology", "cover": [{"of": "geology", "classes": [1]}, {"of": "geology_coarse", "classes": [1]}]},
        "priors": {"sought": {"n90": 1, "n50": 1, "n10": 1, "tract": "old_faults", "model": "m", "depth_m": 1, "source": "s", "page": "p", "date": "d"}},
    }  # fmt: skip
    tiny.write(root, **said | changes)


def test_what_rests_on_an_absent_source_goes_and_the_rest_stays(root: Path) -> None:
    written(root)
    loaded = load("tiny", root=root)
    config = loaded.config
    assert sorted(config.features) == ["elevation", "parts", "rock_coarse"]
    assert config.features["parts"].with_.of == ("dem", "alteration")  # type: ignore[attr-defined]
    assert config.system.signs == {"elevation": 1} and config.system.suspect == ("elevation",) and config.system.inputs == ()
    assert [rock.of for rock in config.system.permissive] == ["geology_coarse"]
    assert config.validation.protocols == ("default",) and set(config.protocols) == {"default"}
    assert (config.targets.exclude, config.targets.districts, config.targets.min_area_km2) == ((), None, 1)
    assert config.applicability.measured is None and [cover.of for cover in config.applicability.cover] == ["geology_coarse"]
    assert config.priors == {}
    assert loaded.notices == (
        "absent: geology (no map is public); without it there are no lie, rock",
        "absent: old_faults (nobody knows); without it there is no near",
        "absent: gravity (by form); parts sees less",
    )


def test_a_source_that_is_given_is_not_absent(root: Path) -> None:
    written(root)
    there = load("tiny", root=root, settings=("sources.old_faults={use: vector, path: faults.gpkg}",))
    assert "near" in there.config.features and there.config.targets.districts == "old_faults"
    assert not any("old_faults" in notice for notice in there.notices)


def test_without_anything_left_it_is_an_error_that_names_what_is_missing(root: Path) -> None:
    written(root, features={"near": FEATURES["near"]}, system={"name": "sought", "title": "Sought"})
    with pytest.raises(ConfigError, match=r"every feature of this system reads what the data lack: .*old_faults \(nobody knows\)"):
        load("tiny", root=root)
    written(root, system={"name": "sought", "title": "Sought", "permissive": [{"of": "geology", "classes": [1]}]})
    with pytest.raises(ConfigError, match=r"tiny.yaml:\d+: system.permissive reads only maps the data lack \(geology\)"):
        load("tiny", root=root)


def test_a_word_that_is_simply_wrong_is_still_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(root, features=FEATURES | {"odd": {"use": "value", "of": "geolgy"}})
    monkeypatch.chdir(root)
    done = CliRunner().invoke(app, ["plan", "tiny"])
    assert done.exit_code == 2 and "unknown layer 'geolgy'" in done.stderr
    written(root, absent={"geology": ""})
    with pytest.raises(ConfigError, match=r"absent.geology: String should have at least 1 character"):
        load("tiny", root=root)


def test_the_plan_says_what_is_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(root)
    monkeypatch.chdir(root)
    done = CliRunner().invoke(app, ["plan", "tiny"])
    assert done.exit_code == 0, done.output
    assert "absent: geology (no map is public); without it there are no lie, rock" in " ".join(done.output.split())


def test_targets_lose_what_is_not_there_and_keep_the_rest() -> None:
    lack = absent.Lack({"ports": "none"}, {"roads", "halo", "magnetic", "dem"}, {"ports": "ports", "magnetic": "ports"})
    said = {
        "area_share": 0.1, "exclude": ["ports", {"of": "ports", "within_m": 5}, {"of": "roads", "within_m": 5}], "elevation": "dem", "clear_looks": "ports",
        "flag": {"near": {"of": "ports"}, "far": {"of": "roads"}},
        "access": {"network": {"ports": {"km_h": 1}, "roads": {"km_h": 2}}, "to": {"port": {"of": "ports"}, "road": {"of": "roads"}}},
        "observations": {
            "survey": {"title": "s", "features": ["magnetic"]}, "look": {"title": "l", "features": ["halo", "magnetic"]},
            "mapping": {"title": "m", "maps": True, "features": ["magnetic"]}, "visit": {"title": "v", "visits": True},
        },
    }  # fmt: skip
    assert absent._targets(said, lack) == {
        "area_share": 0.1, "exclude": [{"of": "roads", "within_m": 5}], "elevation": "dem", "flag": {"far": {"of": "roads"}},
        "access": {"network": {"roads": {"km_h": 2}}, "to": {"road": {"of": "roads"}}},
        "observations": {
            "look": {"title": "l", "features": ["halo"]}, "mapping": {"title": "m", "maps": True, "features": []}, "visit": {"title": "v", "visits": True},
        },
    }  # fmt: skip
    assert absent._targets({"access": {"to": {"port": {"of": "ports"}}}}, lack) == {"access": None}
