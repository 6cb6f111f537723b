"""What a run refuses so that nothing is lost, learnt from itself or believed of another run; and what it writes anew."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
import rasterio

from pipeline.config import load
from pipeline.errors import ConfigError, StoreError
from pipeline.flow import run
from pipeline.ledger import LOCK_SECONDS, Lock
from pipeline.planning import Plan, plan
from tests import tiny


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("whole"))
    run(planned(root))
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


def test_evidence_made_of_the_occurrences_to_be_found_is_refused(root: Path) -> None:
    leak = "features.near_known={use: distance_to, of: occurrences, reach_m: 9000}"
    with pytest.raises(ConfigError, match="near_known is made of 'occurrences', the occurrences the map learns from"):
        planned(root, leak)
    again = "{use: points, path: occurrences.csv, columns: {name: name, lon: lon, lat: lat}}"
    with pytest.raises(ConfigError, match="is made of 'showings', the occurrences the map learns from"):
        planned(root, f"sources.showings={again}", leak.replace("occurrences", "showings"))


def test_occurrences_of_another_file_may_be_evidence(root: Path) -> None:
    (root / "gold.csv").write_text("".join((root / "occurrences.csv").read_text().splitlines(keepends=True)[:9]))
    source = "sources.gold={use: points, path: gold.csv, columns: {name: name, lon: lon, lat: lat}}"
    made = planned(root, source, "features.near_gold={use: distance_to, of: gold, reach_m: 9000}")
    assert "near_gold" in made.keys


def test_labels_that_are_no_occurrences_are_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="'faults' is no table of occurrences; read its file with `use: points`"):
        planned(root, "label.occurrences=faults")


@pytest.mark.parametrize("name", ["x", "spatial_ref", "systems"])
def test_a_layer_may_not_take_a_name_of_the_store(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' is asked for by derive and taken by the cube itself"):
        planned(root, f"features.{name}={{use: slope, of: dem}}")


def test_two_layers_of_one_name_are_refused_whoever_makes_them(root: Path) -> None:
    with pytest.raises(ConfigError, match="'excluded_faults' is asked for by delineate and taken by derive"):
        planned(root, "targets.exclude=[faults]", "features.excluded_faults={use: slope, of: dem}")
    with pytest.raises(ConfigError, match="'excluded_faults' is asked for by delineate and taken by delineate"):
        planned(root, "targets.exclude=[faults, faults]")


def test_a_source_named_boundary_is_not_quietly_replaced_by_the_outline(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"'boundary' is what the file of `region.boundary` goes by"):
        planned(root, "sources.boundary={use: raster, path: dem.tif}", "region.boundary=faults.gpkg")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("map.class_shares=[0.9, 0.5, 0.2, 0.1]", "expected shares that rise"),
        ("seed=-1", "whole number from 0 to 4294967295"),
        ("seed=4294967296", "whole number from 0 to 4294967295"),
        ("background.exclude_m=.inf", "finite"),
        ("targets.known_within_m=.inf", "finite"),
    ],
)
def test_numbers_that_would_fail_late_are_refused_early(root: Path, setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load("tiny", settings=(setting,), root=root)


def test_a_folder_prospect_did_not_make_is_never_swapped_away(root: Path) -> None:
    (root / "mine" / "tiny").mkdir(parents=True)
    (root / "mine" / "tiny" / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match=r"was not made by prospect \(it holds no provenance.json\)"):
        run(planned(root, "run.outputs=mine"))
    with pytest.raises(StoreError, match="was not made by prospect"):
        run(planned(root, "run.outputs=cache"))
    assert (root / "mine" / "tiny" / "thesis.txt").read_text() == "precious"
    assert planned(root).stale == {}


def test_a_licence_or_a_stamp_that_changes_no_value_reaches_the_cube_and_the_files(root: Path) -> None:
    stamped = ("sources.dem.licence=CC-BY-4.0", "sources.alteration.synthetic=true")
    outcome = run(planned(root, *stamped))
    assert outcome.published and outcome.jobs == {}
    (cube,) = (root / "cache" / "tiny").glob("*.zarr")
    assert json.loads((cube / "slope" / "zarr.json").read_text())["attributes"]["licence"] == "CC-BY-4.0"
    with rasterio.open(root / "outputs" / "tiny" / "prospectivity.tif") as file:
        assert file.tags()["SYNTHETIC"].startswith("YES")
    run(planned(root))
    with rasterio.open(root / "outputs" / "tiny" / "prospectivity.tif") as file:
        assert "SYNTHETIC" not in file.tags()


@pytest.mark.parametrize("cut", ["slope/zarr.json", "x/zarr.json", "zarr.json"])
def test_metadata_cut_short_is_made_anew_or_one_clear_error(root: Path, cut: str) -> None:
    (cube,) = (root / "cache" / "tiny").glob("*.zarr")
    (cube / cut).write_bytes((cube / cut).read_bytes()[:40])
    made = planned(root, "features.halo.radius_m=2000")
    if cut == "slope/zarr.json":
        run(made)
        assert planned(root, "features.halo.radius_m=2000").stale == {}
    else:
        with pytest.raises(StoreError, match=r"is damaged .*; delete tiny/.*zarr from the cache and run again"):
            run(made)


def test_two_grids_of_one_region_do_not_publish_at_once(root: Path) -> None:
    coarse, fine = planned(root), planned(root, "region.tile=64")
    assert coarse.cube.path != fine.cube.path and coarse.outputs == fine.outputs
    with Lock(coarse.outputs.with_name(".tiny.bundle")), pytest.raises(StoreError, match="is held by process"):
        run(fine)


def expired(lock: Lock) -> None:
    said = json.loads(lock.path.read_text())
    lock.path.write_text(json.dumps(said | {"until": time.time() - 2 * LOCK_SECONDS}))


def test_a_run_that_is_suspended_on_this_machine_keeps_its_store(tmp_path: Path) -> None:
    with Lock(tmp_path / "a.zarr") as held:
        expired(held)
        with pytest.raises(StoreError, match="is held by process"), Lock(tmp_path / "a.zarr"):
            pass
        assert held.ours()


def test_a_run_whose_store_was_taken_over_notices_and_leaves_the_lock_alone(tmp_path: Path) -> None:
    with Lock(tmp_path / "a.zarr") as held:
        other = json.loads(held.path.read_text()) | {"token": "another", "host": "elsewhere"}
        held.path.write_text(json.dumps(other))
        with pytest.raises(StoreError, match="was taken over by another run"):
            held.check()
    assert json.loads((tmp_path / "a.lock").read_text()) == other


def test_a_lock_that_says_nothing_is_waited_for_and_then_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text('{"token": "x"}')
    with pytest.raises(StoreError, match="try again"), Lock(tmp_path / "a.zarr"):
        pass
    os.utime(tmp_path / "a.lock", (time.time() - 2 * LOCK_SECONDS,) * 2)
    with Lock(tmp_path / "a.zarr") as held:
        assert held.ours()


def test_a_lock_given_back_while_it_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "a.zarr")
    lock._take_if_stale()  # the file is gone between the refusal and the look
    with lock:
        assert lock.ours()
