"""Maps taught by other regions: through the public doors, from config to scorecard."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner, Result

from pipeline import load, plan, registry, run
from pipeline.cli import app
from pipeline.errors import ConfigError, DataError
from tests import analogues
from tests.test_flow import digests

BY_BOTH = {"regions": ["alike", "third"]}
REPO = Path(__file__).resolve().parents[1]
Worlds = dict[str, dict[str, Any]]
THREE: Worlds = {"own": {"seed": 1, "training": BY_BOTH}, "alike": {"seed": 2}, "third": {"seed": 3}}


def mapped(root: Path, *settings: str, region: str = "own") -> dict[str, Any]:
    """The scorecard of a run."""
    done = run(plan(load(region, settings=settings, root=root)))
    return dict(json.loads((done.outputs / "scorecard.json").read_text()))


def prospect(root: Path, *words: str) -> Result:
    """The command line in the regions' folder."""
    with contextlib.chdir(root):
        return CliRunner().invoke(app, list(words))


def told(done: Result) -> str:
    return " ".join(done.output.split())


def across(card: dict[str, Any], region: str = "own") -> dict[str, Any]:
    return next(one for one in card["protocols"]["leave_one_region_out"]["regions"] if one["region"] == region)


def read(root: Path, name: str) -> Any:
    with rasterio.open(root / "outputs" / "own" / f"{name}.tif") as file:
        return file.read(1)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three regions of one rule, the map of `own` taught by the others, made once."""
    root = analogues.make(tmp_path_factory.mktemp("taught"), **THREE)
    mapped(root)
    return root


def copy(taught: Path, to: Path) -> Path:
    shutil.copytree(taught, to, dirs_exist_ok=True)
    return to


def test_the_map_says_which_regions_taught_it_and_why(taught: Path) -> None:
    folder = taught / "outputs" / "own"
    card, provenance = (json.loads((folder / f"{name}.json").read_text()) for name in ("scorecard", "provenance"))
    assert [one["region"] for one in card["taught_by"]] == ["alike", "third"]
    assert card["taught_by"][0]["reason"] == "alike was made alike"
    assert [one["region"] for one in provenance["taught_by"]] == ["alike", "third"]
    assert {one["source"] for one in provenance["inputs"] if one.get("region") == "third"} == {"glow", "sheen", "height", "occurrences"}
    with rasterio.open(folder / "prospectivity.tif") as file:
        assert file.tags()["TAUGHT_BY"] == "own, alike, third"
    with rasterio.open(folder / "taught_by.tif") as file:
        assert [file.tags(1)[f"CLASS_{code}"] for code in range(4)] == ["not scored", "own", "alike", "third"]
        most_like = file.read(1)
    assert np.array_equal(most_like > 0, np.isfinite(read(taught, "prospectivity")))
    assert {*np.unique(most_like)} == {1, 2, 3}  # three worlds of one rule are alike: each is nearest somewhere


def test_leave_one_region_out_is_a_protocol_with_nulls_and_intervals(taught: Path) -> None:
    card = json.loads((taught / "outputs" / "own" / "scorecard.json").read_text())
    protocol = card["protocols"]["leave_one_region_out"]
    own = across(card)
    assert own["taught_by"] == ["alike", "third"] and own["groups"] == analogues.DEPOSITS
    assert own["interval"][0] <= own["auc"] <= own["interval"][1] and own["auc"] > 0.9
    assert own["nulls"].keys() == own["difference"].keys() == {"random", "best_layer"}
    assert protocol["not_asked"].keys() == {"coordinates", "distance_to_known"}
    assert "What alike and third teach holds in own" in protocol["verdict"]
    assert across(card, "third")["taught_by"] == ["own", "alike"]
    folds = protocol["scores"]["model"]["per_seed"][0]["folds"]
    assert next((fold["region"], fold["auc"]) for fold in folds) == ("own", own["auc"])
    assert protocol["scores"]["model"]["fold_mean"] == pytest.approx(np.mean([fold["auc"] for fold in folds]), abs=1e-6)


def test_a_second_run_finds_nothing_changed_and_the_teachers_cubes_stay_their_own(taught: Path) -> None:
    made = plan(load("own", root=taught))
    assert not made.stale and not made.waiting_for
    assert not run(made).published
    assert {path.parent.name for path in (taught / "cache").glob("*/*.zarr")} == {"own", "alike", "third"}
    assert not (taught / "outputs" / "alike").exists()
    assert not any("alike" in layer for layer in made.keys)


def test_several_workers_give_the_same_bundle(taught: Path, tmp_path: Path) -> None:
    root = analogues.make(tmp_path, **THREE)
    mapped(root, "run.workers=2")
    assert digests(root / "outputs" / "own") == digests(taught / "outputs" / "own")


def test_any_tile_size_here_or_there_gives_the_same_rasters_and_scorecard(taught: Path, tmp_path: Path) -> None:
    root = analogues.make(tmp_path, **THREE)
    for name, tile in (("alike", 16), ("third", 128)):
        said = analogues.said(name)
        analogues.write(root, name, region=said["region"] | {"tile": tile})
    mapped(root, "region.tile=64")
    names = ("prospectivity.tif", "uncertainty.tif", "applicability.tif", "classes.tif", "taught_by.tif", "scorecard.json")
    assert digests(root / "outputs" / "own", names) == digests(taught / "outputs" / "own", names)


def test_a_file_of_a_teacher_that_changes_remakes_its_lesson_and_what_rests_on_it(taught: Path, tmp_path: Path) -> None:
    root = copy(taught, tmp_path)
    frame = pd.read_csv(root / "alike" / "occurrences.csv")
    frame.iloc[1:].to_csv(root / "alike" / "occurrences.csv", index=False)
    made = plan(load("own", root=root))
    assert [*made.waiting_for] == ["alike"]
    assert made.why["systems/sought/lessons/alike"] == "changed: lesson systems/sought/lesson of alike"
    assert "systems/sought/lessons/third" not in made.stale and "systems/sought/table" not in made.stale
    assert "systems/sought/model" in made.stale and "halo" not in made.stale
    assert "halo" not in made.teachers["alike"].stale
    run(made)
    assert not plan(load("own", root=root)).stale


def test_a_region_without_deposits_of_its_own_is_taught_by_others_alone_and_says_so(tmp_path: Path) -> None:
    root = analogues.make(tmp_path, **{**THREE, "own": {"seed": 1, "training": BY_BOTH, "planted": "unknown"}})
    card = mapped(root)
    assert card["protocols"]["default"]["scores"] is None
    assert card["verdict"].startswith("Not tested here: no known deposit of this kind in the region; the map is what alike and third taught")
    assert across(card)["skipped"] == "it has no deposit to score"
    assert across(card, "alike")["taught_by"] == ["third"] and across(card, "alike")["auc"] > 0.9
    assert card["importance"]["protocol"]["split"].startswith("one of the regions that teach held out")
    assert card["applicable_share"] > 0.5
    assert any("no deposit of own tests what alike and third teach" in notice for notice in card["notices"])
    # the deposits are there, of a type nobody asked for: the map, which never saw them, ranks them high
    share, known = read(root, "prospectivity"), pd.read_csv(root / "own" / "occurrences.csv")
    at = analogues.cells(known[known.type == "unknown"])
    assert np.median([np.mean(share < share[cell]) for cell in at]) > 0.9


def test_a_teacher_of_another_rule_is_not_to_be_believed_and_the_scorecard_says_so(tmp_path: Path) -> None:
    line = {"use": "logistic_regression", "bags": 2}  # which must choose one way or the other
    worlds: Worlds = {"own": {"seed": 1, "training": {"regions": ["alike"]}}, "alike": {"seed": 2, "deposits": 60, "sign": -1.0}}
    root = analogues.make(tmp_path, **{name: words | {"model": line} for name, words in worlds.items()})
    card = mapped(root)
    assert across(card)["auc"] < 0.4
    assert "What alike teaches does not hold in own" in card["protocols"]["leave_one_region_out"]["verdict"]
    assert any("do not believe it there" in notice for notice in card["notices"])
    assert card["protocols"]["default"]["without_teachers"]["difference"]["interval"][1] < 0
    assert any("what alike teaches harms here; take it out of training.regions" in notice for notice in card["notices"])


def test_quantile_alignment_brings_back_a_shifted_teacher_and_is_off_by_default(tmp_path: Path) -> None:
    worlds: Worlds = {**THREE, "alike": {"seed": 2, "shift": 8.0}, "third": {"seed": 3, "shift": -8.0}}
    root = analogues.make(tmp_path, **worlds)
    assert across(mapped(root))["auc"] < 0.8
    analogues.write(root, "own", training=BY_BOTH | {"align": "quantiles"})
    card = mapped(root)
    assert across(card)["auc"] > 0.9
    alignment = card["protocols"]["leave_one_region_out"]["alignment"]
    assert alignment["layers"] == ["halo", "shine"] and alignment["with_units"] == ["high"]
    assert "high has a unit, which means the same in every region, and is not aligned: leaving out each region that teaches gives AUC" in alignment["says"]
    assert alignment["says"] in card["notices"]


def test_alignment_does_not_move_with_the_labels_of_the_region_mapped(tmp_path: Path) -> None:
    worlds: Worlds = {**THREE, "own": {"seed": 1, "training": BY_BOTH | {"align": "quantiles"}}}
    root = analogues.make(tmp_path, **worlds)
    before = plan(load("own", root=root)).fit_keys
    frame = pd.read_csv(root / "own" / "occurrences.csv")
    frame.assign(type=frame.type[::-1].to_numpy()).to_csv(root / "own" / "occurrences.csv", index=False)
    after = plan(load("own", root=root)).fit_keys
    moved = {name for name in before if before[name] != after[name]}
    assert "systems/sought/table" in moved
    assert not {"systems/sought/alignment", "systems/sought/ground", "systems/sought/taught"} & moved


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"training": {"regions": ["alkie"]}}, r"configs/regions/own.yaml:\d+: unknown region 'alkie'; did you mean 'alike'"),
        ({"training": {"regions": ["own"]}}, "own is the region that is mapped, and its deposits teach anyway"),
        ({"training": {"regions": ["alike", "alike"]}}, "alike is named twice; a region teaches once"),
        ({"training": {"align": "quantiles"}}, "`align` is of the evidence of teaching regions, and `regions` names none"),
        ({"training": {"region": ["alike"]}}, r"configs/regions/own.yaml:\d+: unknown key 'region'; did you mean 'regions'"),
        ({"system": {"name": "sought", "title": "S"}}, "alike is not declared an analogue for sought; none is declared. Give the reason why it is alike"),
        (
            {"system": {"name": "sought", "title": "S", "setting": "an arc", "analogue_of": {"third": "why"}}},
            r"alike is not declared an analogue for sought \(an arc\); declared are third",
        ),
        ({"system": {"name": "other", "title": "S", "analogue_of": {"alike": "why"}}}, "alike cannot teach: its system is 'sought', and 'other' is mapped"),
        ({"background": {"kind": "similarity"}}, "alike cannot teach: its background.kind is uniform and here it is similarity"),
        (
            {"model": {"use": "fuzzy_overlay"}, "features": {"m": {"use": "logistic_membership", "of": "glow"}}},
            "model 'fuzzy_overlay' learns from no deposit, so no region can teach it",
        ),
    ],
)
def test_what_cannot_teach_is_refused_with_the_line_and_the_way_out(tmp_path: Path, words: dict[str, Any], said: str) -> None:
    root = analogues.make(tmp_path, own={"seed": 1, "training": {"regions": ["alike"]}} | words, alike={"seed": 2})
    with pytest.raises(ConfigError, match=said):
        plan(load("own", root=root))


@pytest.mark.parametrize(
    ("own", "there", "said"),
    [
        ({"bright": {"use": "value", "of": "glow"}}, {}, r"own.yaml:\d+: alike cannot teach: it has no evidence layer bright"),
        ({}, {"high": {"use": "slope", "of": "height"}}, r"other units of high \(m here, degree there\)"),
        ({"axes": {"use": "pca", "of": ["glow", "sheen"], "components": 1}}, ..., "no other region can teach with axes_1: pca means another thing in every region"),
        (
            {"axes": {"use": "pca", "of": ["glow", "sheen"], "components": 1}, "smooth": {"use": "focal_mean", "of": "axes_1", "radius_m": 1500}}, ...,
            "no other region can teach with axes_1, smooth",
        ),
    ],
)  # fmt: skip
def test_evidence_that_is_not_the_same_there_is_refused_by_name(tmp_path: Path, own: dict[str, Any], there: Any, said: str) -> None:
    root = analogues.make(tmp_path, own={"seed": 1, "training": {"regions": ["alike"]}}, alike={"seed": 2})
    usual = analogues.said("own")["features"]
    analogues.write(root, "own", training={"regions": ["alike"]}, features=usual | own)
    analogues.write(root, "alike", features=usual | (own if there is ... else there))
    with pytest.raises(ConfigError, match=said):
        plan(load("own", root=root))


def test_evidence_made_otherwise_there_or_unknown_here_is_told(tmp_path: Path) -> None:
    root = analogues.make(tmp_path, own={"seed": 1, "training": {"regions": ["alike"]}}, alike={"seed": 2})
    usual = analogues.said("alike")["features"]
    analogues.write(root, "alike", features=usual | {"halo": {"use": "focal_mean", "of": "glow", "radius_m": 2500}, "bright": {"use": "value", "of": "glow"}})
    notices = plan(load("own", root=root)).notices
    assert "alike: halo is made otherwise there (radius_m: 2500.0 there, 1500.0 here)" in notices
    assert "alike: its evidence bright is not known here and teaches nothing" in notices
    # what the command line says of features holds for both
    notices = plan(load("own", root=root, settings=("features.halo.radius_m=2000",))).notices
    assert not any("halo is made otherwise" in notice for notice in notices)


@pytest.mark.parametrize("deposits", [0, 1])
def test_a_teacher_of_one_deposit_teaches_it_and_one_of_none_is_refused(tmp_path: Path, deposits: int) -> None:
    root = analogues.make(tmp_path, own={"seed": 1, "training": {"regions": ["alike"]}}, alike={"seed": 2, "deposits": deposits})
    done = prospect(root, "map", "own")
    if deposits == 0:
        assert done.exit_code == 2
        assert "alike cannot teach: no occurrence of 3 is left to learn from" in told(done)
        assert not (root / "outputs").exists() or not any((root / "outputs").iterdir())
        return
    assert done.exit_code == 0, done.output
    card = json.loads((root / "outputs" / "own" / "scorecard.json").read_text())
    assert across(card, "alike")["groups"] == 1 and "Too few to tell whether what own teaches holds in alike: 1 deposit groups" in across(card, "alike")["verdict"]


def test_deposits_of_a_teacher_off_its_permissive_ground_teach_nothing_and_that_is_an_error(tmp_path: Path) -> None:
    system = analogues.said("own")["system"] | {"permissive": [{"of": "rock", "classes": [1]}]}
    worlds: Worlds = {name: {"seed": seed, "system": system} for seed, name in enumerate(("own", "alike"))}
    for name, words in worlds.items():
        words["sources"] = analogues.said(name)["sources"] | {"rock": {"use": "raster", "path": f"{name}/rock.tif", "units": "1", "kind": "categorical"}}
    worlds["own"]["training"] = {"regions": ["alike"]}
    root = analogues.make(tmp_path, **worlds)
    analogues.save(root / "own" / "rock.tif", np.ones((analogues.CELLS, analogues.CELLS)))
    analogues.save(root / "alike" / "rock.tif", np.full((analogues.CELLS, analogues.CELLS), 2))
    with pytest.raises(DataError, match="region alike holds no deposit of this kind on the ground such a map is made on, so it teaches nothing"):
        mapped(root)


def test_a_constant_layer_one_missing_over_half_a_teacher_and_a_class_missing_from_it_leave_an_honest_map(tmp_path: Path) -> None:
    features = analogues.said("own")["features"] | {"rock": {"use": "class_named", "of": "map", "classes": {"hard": [1], "soft": [2]}}}
    worlds: Worlds = {name: {"seed": seed, "features": features} for seed, name in enumerate(("own", "alike"))}
    for name, words in worlds.items():
        words["sources"] = analogues.said(name)["sources"] | {"map": {"use": "raster", "path": f"{name}/rock.tif", "units": "1", "kind": "categorical"}}
    worlds["own"]["training"] = {"regions": ["alike"]}
    root = analogues.make(tmp_path, **worlds)
    shape = (analogues.CELLS, analogues.CELLS)
    analogues.save(root / "own" / "rock.tif", np.where(np.arange(shape[1]) < 20, 1, 2) * np.ones(shape))
    analogues.save(root / "alike" / "rock.tif", np.ones(shape))  # soft rock is not found there
    analogues.save(root / "alike" / "height.tif", np.full(shape, 700.0))  # constant there
    with rasterio.open(root / "alike" / "sheen.tif") as file:
        sheen = file.read(1)
    sheen[:, : shape[1] // 2] = np.nan
    analogues.save(root / "alike" / "sheen.tif", sheen)
    card = mapped(root)
    assert across(card)["auc"] > 0.75
    assert np.isfinite(read(root, "prospectivity")).all()
    differ = card["protocols"]["leave_one_region_out"]["most_different"]["alike"]
    assert differ["rock_hard"] == differ["rock_soft"] == pytest.approx(0.75) and "high" in differ


def test_the_command_line_tells_what_teaches_and_what_that_is_worth(tmp_path: Path) -> None:
    root = analogues.make(tmp_path, own={"seed": 1, "training": {"regions": ["alike"]}}, alike={"seed": 2})
    planned = prospect(root, "plan", "own")
    assert planned.exit_code == 0 and "alike teaches: " in told(planned) and "are to be made first, in its own cube" in told(planned)
    done = prospect(root, "map", "own")
    assert done.exit_code == 0, done.output
    assert "leave_one_region_out (taught by other regions alone, the map's own model): What alike teaches holds in own" in told(done)
    assert "nothing changed: every layer, fit and output is up to date" in told(prospect(root, "map", "own"))
    missing = prospect(root, "map", "own", "--set", "training.regions=[alikee]")
    assert missing.exit_code == 2 and "--set training.regions: unknown region 'alikee'; did you mean 'alike'" in told(missing)


def test_every_feature_whose_meaning_is_a_regions_own_says_so() -> None:
    own = {word for word in registry.words("features") if registry.declared(registry.find("features", word)).of_region}
    assert own == {"class_of", "kriged_robust_pca", "mnf", "pca"}


@pytest.mark.parametrize("system", ["porphyry_copper", "podiform_chromite", "sediment_hosted_zinc_lead"])
def test_the_shipped_systems_can_be_taught_by_another_region_as_they_are(system: str, tmp_path: Path) -> None:
    shutil.copytree(REPO / "configs", tmp_path / "configs")
    (tmp_path / "sample_data").symlink_to(REPO / "sample_data")
    twin = (tmp_path / "configs" / "regions" / "balochistan.yaml").read_text().replace("name: balochistan", "name: twin")
    (tmp_path / "configs" / "regions" / "twin.yaml").write_text(twin)
    said = ("region.cell_m=3000", "run.workers=0", "training.regions=[twin]", "system.analogue_of={twin: the same ground under another name}")
    wide = ("features.brightness.radius_m=3000",) if system == "podiform_chromite" else ()
    planned = plan(load("balochistan", system=system, settings=(*said, *wide), root=tmp_path))
    assert any(name.endswith("rock_coarse_ophiolite") for name in planned.graph.evidence)
    assert [teacher.region for teacher in planned.graph.teachers] == ["twin"]
