"""An update maps what is new alone, by the model as it was fitted, and says which targets that moved and why."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import yaml
from typer.testing import CliRunner, Result

from pipeline import flow, frozen
from pipeline.cli import app
from pipeline.config import load
from pipeline.errors import StoreError
from pipeline.flow import Outcome
from pipeline.ledger import Ledger
from pipeline.node import FitNode
from pipeline.planning import Plan, plan
from pipeline.stages import publish
from pipeline.stages.publish import check_writable
from pipeline.updating import Kept, planned
from pipeline.updating import run as updated
from tests import tiny

REPO = Path(__file__).resolve().parents[1]
RASTERS = ("prospectivity.tif", "uncertainty.tif", "applicability.tif", "classes.tif")
QUICK = ("model.bags=2", "model.trees_per_bag=3", "background.at_least=100", "background.per_positive=5")
PREFIX = "systems/as_published"
LICENCES = {"use": "vector", "path": "licences.gpkg"}
FLAG = {"licences": {"of": "licences", "by": "holder"}}


def bundle(root: Path) -> Path:
    return root / "outputs" / "tiny"


def digests(folder: Path, names: tuple[str, ...] = RASTERS) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def changes(root: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((bundle(root) / "changes.json").read_text())
    return said


def update(root: Path, *settings: str) -> tuple[Plan, Outcome]:
    made = planned(load("tiny", settings=(*QUICK, *settings), root=root))
    return made, updated(made)


def licence(root: Path, *rows: tuple[str, tuple[float, float, float, float]]) -> None:
    frame = gpd.GeoDataFrame({"holder": [name for name, _ in rows]}, geometry=[shapely.box(*box) for _, box in rows], crs=tiny.CRS)
    (root / "licences.gpkg").unlink(missing_ok=True)
    frame.to_file(root / "licences.gpkg", layer="licences")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region mapped once."""
    root = tiny.make(tmp_path_factory.mktemp("whole"))
    licence(root, ("far", (90_000, 90_000, 91_000, 91_000)))
    changed = root / "configs" / "regions" / "tiny.yaml"
    said = yaml.safe_load(changed.read_text())
    said["sources"]["licences"] = LICENCES
    said["targets"] |= {"flag": FLAG, "area_share": 0.1}
    said["region"]["tile"] = 64
    changed.write_text(yaml.safe_dump(said, sort_keys=False))
    protocol = root / "configs" / "validation" / "default.yaml"
    protocol.write_text(protocol.read_text().replace("seeds: 2", "seeds: 1"))
    flow.run(plan(load("tiny", settings=QUICK, root=root)))
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "region")


def survey(root: Path) -> None:
    """Alteration flown again: a new anomaly in the north-west."""
    with rasterio.open(root / "alteration.tif", "r+") as file:
        values = file.read(1)
        values[4:24, 4:24] += 1.2
        file.write(values, 1)


def test_with_nothing_new_nothing_is_made_or_published(root: Path) -> None:
    made, outcome = update(root)
    assert made.stale == {} and not outcome.published and not (root / "outputs" / "previous").exists()


def test_a_new_survey_is_mapped_by_the_model_as_it_was_fitted(root: Path) -> None:
    survey(root)
    before = digests(bundle(root), (*RASTERS, "model.skops", "targets.parquet"))
    fits = dict(frozen.fitted(frozen.folder(plan(load("tiny", settings=QUICK, root=root)))).fits)  # type: ignore[union-attr]
    made, _ = update(root)
    learnt = {node.name for node in made.nodes if isinstance(node, FitNode) and not node.of_map}
    assert {f"{PREFIX}/{name}" for name in ("samples", "table", "model", "space", "edges", "exponent", "protocols/default/scorecard")} <= learnt
    assert {name: made.fit_keys[name] for name in learnt} == {name: fits[name] for name in learnt}
    after = digests(bundle(root), (*RASTERS, "model.skops"))
    assert after["model.skops"] == before["model.skops"] and after["prospectivity.tif"] != before["prospectivity.tif"]
    said = changes(root)
    assert said["new"] == {"alteration": "new survey"} and "was not measured" in said["noise_said"]
    grown = [row for row in said["targets"] if row["x"] < 14_000 and row["y"] > 35_000 and row["area_km2"] > 2 * (row["area_km2_before"] or 0)]
    assert grown and all(row["causes"] == ["new survey"] for row in said["targets"])
    table = gpd.read_file(bundle(root) / "targets.gpkg", layer="changes")
    assert len(table) == len(said["targets"])
    with rasterio.open(bundle(root) / "change.tif") as file, rasterio.open(bundle(root) / "prospectivity.tif") as now:
        change, values = file.read(1), now.read(1)
    (old,) = (root / "outputs" / "previous" / "tiny").iterdir()
    assert digests(old, (*RASTERS, "model.skops", "targets.parquet")) == before
    with rasterio.open(old / "prospectivity.tif") as file:
        differs = values.astype(np.float64) - file.read(1)
    assert np.array_equal(change, np.where(differs != 0, differs, np.nan).astype(np.float32), equal_nan=True) and np.isnan(change).any()
    assert "what changed" in (bundle(root) / "report.html").read_text().lower()
    assert not update(root)[1].published


def test_its_rasters_equal_those_of_a_run_from_scratch_with_the_same_fits(root: Path, tmp_path: Path) -> None:
    other = shutil.copytree(root, tmp_path / "scratch")
    for folder in (root, other):
        survey(folder)
    update(root)
    for keys in (other / "cache" / "tiny").glob("*.keys/**/*.json"):
        if keys.stem != "as_fitted":
            keys.unlink()
    for parts in (other / "cache" / "tiny").glob("*.fits/**/*.parts"):
        parts.unlink()
    made, _ = update(other)
    assert all(len(made.stale[name]) == 4 for name in ("dem", "alteration", "slope", f"{PREFIX}/prospectivity"))
    assert digests(bundle(root), (*RASTERS, "change.tif")) == digests(bundle(other), (*RASTERS, "change.tif"))
    assert gpd.read_parquet(bundle(root) / "targets.parquet").equals(gpd.read_parquet(bundle(other) / "targets.parquet"))


def test_a_refit_equals_a_plain_run_from_scratch(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "configs", tmp_path / "plain" / "configs")
    for path in root.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / "plain" / path.name)
    for folder in (root, tmp_path / "plain"):
        survey(folder)
    update(root)
    again = planned(load("tiny", settings=QUICK, root=root), refit=True)
    assert f"{PREFIX}/model" in again.stale and again.why[f"{PREFIX}/table"] == "changed: layer halo"
    updated(again)
    flow.run(plan(load("tiny", settings=QUICK, root=tmp_path / "plain")))
    exact = (*RASTERS, "scorecard.json", "config.yaml", "model.skops")
    assert digests(bundle(root), exact) == digests(tmp_path / "plain" / "outputs" / "tiny", exact)
    one, other = (gpd.read_parquet(folder / "outputs" / "tiny" / "targets.parquet") for folder in (root, tmp_path / "plain"))
    assert one.equals(other)
    said = changes(root)
    assert said["refit"] and not (bundle(root) / "change.tif").exists() and all("refit" in row["causes"] for row in said["targets"])
    assert len(list((root / "outputs" / "previous" / "tiny").iterdir())) == 2
    made, outcome = update(root)
    assert made.stale == {} and not outcome.published  # what it fitted is what stays from now on


def test_a_new_occurrence_makes_known_ground_and_teaches_nothing(root: Path) -> None:
    first = gpd.read_parquet(bundle(root) / "targets.parquet").iloc[0]
    assert first["status"] == "new"
    lon, lat = tiny.to_lonlat(first.geometry.representative_point().x, first.geometry.representative_point().y)
    rows = pd.read_csv(root / "occurrences.csv")
    pd.concat([rows, pd.DataFrame({"name": ["found since"], "lon": [lon], "lat": [lat]})]).to_csv(root / "occurrences.csv", index=False)
    before = digests(bundle(root), (*RASTERS, "model.skops"))
    update(root, "update.unlearnt_limit=0.01")
    assert digests(bundle(root), (*RASTERS, "model.skops")) == before
    said = changes(root)
    gone = [row for row in said["targets"] if row["what"] == "went"]
    assert gone[0]["rank_before"] == 1 and all(row["causes"] == ["new occurrence"] for row in said["targets"])
    notices = json.loads((bundle(root) / "scorecard.json").read_text())["notices"]
    assert any("the model is too old" in told and "1 of 25 known deposits" in told for told in notices)
    assert said["patches"] == 0


def test_a_new_licence_is_told_of_the_target_it_lies_on(root: Path) -> None:
    first = gpd.read_parquet(bundle(root) / "targets.parquet").iloc[0]
    licence(root, ("far", (90_000, 90_000, 91_000, 91_000)), ("Someone", first.geometry.bounds))
    update(root)
    said = changes(root)
    assert said["targets"][0]["rank"] == 1 and said["targets"][0]["what"] == "changed"
    assert all(row["causes"] == ["new licence"] and row["sources"] == ["licences"] for row in said["targets"])
    assert gpd.read_parquet(bundle(root) / "targets.parquet").iloc[0]["licences"] == "Someone"


def test_as_many_previous_maps_are_kept_as_config_says_the_oldest_go_first(tmp_path: Path) -> None:
    dated = [f"2026-0{month}-01T000000Z" for month in range(1, 6)]
    names = [*dated, f"{dated[4]}-2", f"{dated[4]}-10", "as shown to the board"]  # what a user named is the user's
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").touch()
    (tmp_path / f".{dated[0]}.old").mkdir()  # what a run that was cut off left
    publish._forget(tmp_path, 12)
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    publish._forget(tmp_path, 3)
    assert {path.name for path in tmp_path.iterdir()} == {*names[4:]}
    publish._forget(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == {names[-1]}


def test_what_was_fitted_can_be_neither_changed_nor_lost_in_silence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"features is not what the map was fitted with.*prospect update tiny --refit"):
        planned(load("tiny", settings=(*QUICK, "features.halo.radius_m=2500"), root=root))
    with pytest.raises(StoreError, match=r"background, model are not what the map was fitted with"):
        planned(load("tiny", root=root))
    bare = tiny.make(tmp_path / "bare")
    with pytest.raises(StoreError, match="there is no finished map 'tiny' to update; make it first: prospect map tiny"):
        planned(load("tiny", root=bare))
    for model in (root / "cache" / "tiny").glob("*.fits/**/model-*"):
        model.unlink()
    survey(root)
    with pytest.raises(StoreError, match="model as it was fitted is not in the cache any more"):
        planned(load("tiny", settings=QUICK, root=root))


def test_an_update_that_was_cut_off_goes_on_and_loses_no_map(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(bundle(root))
    survey(root)
    made = planned(load("tiny", settings=QUICK, root=root))
    swap = os.replace

    def cut_off(src: Any, dst: Any) -> None:
        if Path(dst) == bundle(root):
            raise KeyboardInterrupt
        swap(src, dst)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            updated(made)
    assert not bundle(root).exists()
    check_writable(bundle(root))  # as any run does first
    _, outcome = update(root)
    assert outcome.published and digests(bundle(root)) != before
    (old,) = (root / "outputs" / "previous" / "tiny").iterdir()
    assert digests(old) == before


@pytest.fixture
def here(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(root)
    return root


SETTINGS = [word for setting in QUICK for word in ("--set", setting)]


def prospect(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, *SETTINGS])


def test_the_terminal_tells_what_is_new_what_moved_and_where_the_map_before_is(here: Path) -> None:
    done = prospect("update", "tiny")
    assert done.exit_code == 0 and "nothing new" in done.stdout, done.output
    survey(here)
    told = " ".join(prospect("update", "tiny").stdout.split())
    assert "every fit is as it was on 20" in told and "new survey: alteration" in told and "previous/tiny/" in told and "because of" in told
    for words in (("show", "halo", "-r", "tiny"), ("report", "tiny")):  # of the map that is out, though it is an update
        shown = prospect(*words)
        assert shown.exit_code == 0 and "made again" not in shown.stdout, shown.output
    refitted = " ".join(prospect("update", "tiny", "--refit").stdout.split())
    assert "to make:" in refitted and f"{PREFIX}/model" in refitted and "everything was fitted again" in refitted


def test_a_watch_ends_cleanly_with_ctrl_c(here: Path) -> None:
    command = [sys.executable, "-u", "-m", "pipeline", "update", "tiny", "--watch", "1", *SETTINGS]
    watch = subprocess.Popen(command, cwd=here, env=os.environ | {"PYTHONPATH": str(REPO)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    try:
        assert watch.stdout is not None
        for line in watch.stdout:
            said.append(line)
            if "next look at" in line:
                watch.send_signal(signal.SIGINT)
                break
        said.append(watch.stdout.read())
        assert watch.wait(60) == 0, "".join(said)
    finally:
        watch.kill()
        watch.wait()
    assert re.search(r"nothing new.*next look at.*the watch has ended", "".join(said), re.DOTALL)


def test_the_map_that_is_out_is_planned_as_it_was_made(root: Path) -> None:
    survey(root)
    update(root, "run.keep_previous=0", "sources.alteration.sensor=sentinel2")
    assert changes(root)["new"] == {"alteration": "better look"}  # a picture that a satellite took
    assert list((root / "outputs" / "previous" / "tiny").iterdir()) == []
    made = plan(load("tiny", settings=QUICK, root=root), keeping=Kept(when_out=True))
    assert made.stale == {} and made.graph.update is not None
    ledger = Ledger.of(made.cube.path)
    assert ledger.keys(f"{PREFIX}/as_fitted") != {} and plan(load("tiny", settings=QUICK, root=root)).stale != {}
