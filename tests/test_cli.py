"""The command line: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from typer.testing import CliRunner, Result

import pipeline
from pipeline import registry, rehearsal
from pipeline.cli import app
from pipeline.config import load
from pipeline.screen.bars import Bars
from pipeline.threads import cores
from tests import tiny

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region, mapped once by the command line; what it printed lies beside it."""
    root = tiny.make(tmp_path_factory.mktemp("cli"))
    before = Path.cwd()
    os.chdir(root)
    try:
        done = CliRunner().invoke(app, ["map", "tiny"])
    finally:
        os.chdir(before)
    assert done.exit_code == 0, done.output
    (root / "printed.txt").write_text(done.stdout)
    (root / "warned.txt").write_text(done.stderr)
    return root


@pytest.fixture
def here(mapped: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(mapped)
    return mapped


def prospect(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def said(done: Result) -> str:
    return " ".join(done.stdout.split())


def one_line_of_error(done: Result) -> str:
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    return done.stderr


def test_a_run_ends_with_the_verdict_the_place_and_the_way_to_open_it(mapped: Path) -> None:
    printed = (mapped / "printed.txt").read_text()
    verdict = json.loads((mapped / "outputs" / "tiny" / "scorecard.json").read_text())["verdict"]
    assert verdict in printed
    assert "outputs are in outputs/tiny/" in printed
    assert "qgis outputs/tiny/tiny.qgz" in printed
    assert str(mapped) not in printed


def test_a_run_away_from_a_terminal_draws_no_bars(mapped: Path) -> None:
    assert (mapped / "warned.txt").read_text() == ""
    assert "\x1b" not in (mapped / "printed.txt").read_text()


def test_a_second_run_says_that_nothing_changed(here: Path) -> None:
    written = (here / "outputs" / "tiny" / "provenance.json").stat().st_mtime_ns
    done = prospect("map", "tiny")
    assert done.exit_code == 0
    assert "nothing changed" in done.stdout
    assert (here / "outputs" / "tiny" / "provenance.json").stat().st_mtime_ns == written


def test_a_plan_of_nothing_to_do_says_so(here: Path) -> None:
    assert "nothing to do" in prospect("plan", "tiny").stdout


def test_a_plan_names_what_a_parameter_changes_and_why_and_runs_nothing(here: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (here / "cache").rglob("*.json")}
    done = prospect("plan", "tiny", "--set", "features.halo.radius_m=2000")
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith(("derive", "align", "predict", "label"))}
    assert "changed: its recipe or parameters" in rows["halo"]
    assert rows.keys() & {"elevation", "slope", "distance_to_faults", "dem"} == set()
    assert "changed: layer halo" in rows["systems/as_published/table"]
    # 120 x 100 cells in tiles of 32: 4 down, 4 across; a reach of 2 km is 4 cells on each side of 32
    assert "16 of 16" in rows["halo"]
    assert f"{(40 / 32) ** 2:.2f} x" in rows["halo"]
    assert {path: path.stat().st_mtime_ns for path in (here / "cache").rglob("*.json")} == before


def test_a_plan_states_the_cells_and_bytes_to_write(here: Path) -> None:
    done = prospect("plan", "tiny", "--set", "run.cache=empty")
    layers = 1 + 2 + 4 + 2 + 1 + 3 + 1  # region, two rasters, four features, map and spread, classes, what may be believed, the map as fitted
    cells = layers * 120 * 100
    assert f"{cells:,} cells, {4 * cells / 1000:.0f} kB before compression" in said(done)


def test_another_system_goes_to_a_folder_of_its_own(here: Path) -> None:
    (here / "configs" / "systems").mkdir(exist_ok=True)
    (here / "configs" / "systems" / "podiform.yaml").write_text("system: {name: podiform, title: Podiform chromite}\n")
    done = prospect("plan", "tiny", "--system", "podiform")
    assert "Podiform chromite" in done.stdout
    assert "outputs/tiny-podiform/" in done.stdout


def test_options_are_settings(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    import pipeline.config

    taken = {}

    def watched(region: str, **given: object) -> object:
        taken.update(given)
        return load(region, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline.config, "load", watched)
    done = prospect("map", "tiny", "--workers", "0", "--tile", "64", "--set", "seed=9", "--set", "run.cache=other", "--set", "run.outputs=other")
    assert done.exit_code == 0, done.output
    assert taken["settings"] == ("seed=9", "run.cache=other", "run.outputs=other", "run.workers=0", "region.tile=64")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["map", "tinny"], "unknown region 'tinny'; did you mean 'tiny'?"),
        (["plan", "tiny", "--set", "background.per_positiv=2"], "unknown key 'per_positiv'; did you mean 'per_positive'?"),
        (["map", "tiny", "--set", "seed"], "expected a.b=value"),
        (["features", "slop"], "unknown feature 'slop'; did you mean 'slope'?"),
        (["sources", "rasterr"], "unknown source 'rasterr'; did you mean 'raster'?"),
        (["show", "slopes", "-r", "tiny"], "unknown layer 'slopes'; did you mean 'slope'?"),
        (["show", "slope", "-r", "tiny", "--set", "run.cache=nowhere"], "layer 'slope' is not made yet (not made yet); run `prospect map tiny`"),
        (["export", "halo", "-r", "tiny", "--set", "features.halo.radius_m=900"], "layer 'halo' is not up to date (16 tiles, changed: its recipe or parameters)"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(here: Path, words: list[str], expected: str) -> None:
    assert expected in one_line_of_error(prospect(*words))


def test_brackets_in_an_error_are_printed_as_they_are(here: Path) -> None:
    assert "[bold]" in one_line_of_error(prospect("plan", "tiny", "--set", "region.crs=[bold]x"))


def test_a_fault_of_ours_keeps_its_traceback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import planning

    monkeypatch.setattr(planning, "plan", lambda *_, **__: 1 / 0)
    assert isinstance(prospect("plan", "tiny").exception, ZeroDivisionError)


def test_every_region_system_and_protocol_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)
    printed = prospect("regions").stdout
    for kind in ("regions", "systems", "data", "validation"):
        for path in (REPO / "configs" / kind).glob("*.yaml"):
            assert re.search(rf"^ *{path.stem}\b", printed, re.MULTILINE), path.stem


@pytest.mark.parametrize("kind", ["features", "sources", "models"])
def test_every_plugin_is_listed_and_tells_its_parameters(kind: str) -> None:
    listed = prospect(kind).stdout
    for word in registry.words(kind):
        assert re.search(rf"^{word} ", listed, re.MULTILINE), word
        told = prospect(kind, word).stdout
        for parameter in registry.parameters(registry.find(kind, word)).model_fields:
            assert re.search(rf"^{parameter} ", told, re.MULTILINE), (word, parameter)


def test_a_feature_tells_its_bounds_defaults_and_what_it_reads() -> None:
    told = prospect("features", "class_of").stdout
    assert re.search(r"^of +a layer +must be given", told, re.MULTILINE)
    assert re.search(r"^top +int \(>= 1, <= 64\) +8", told, re.MULTILINE)


def test_show_prints_the_statistics_numpy_finds(here: Path) -> None:
    with rasterio.open(here / "outputs" / "tiny" / "prospectivity.tif") as file:
        values = file.read(1).astype(float)
    printed = prospect("show", "prospectivity", "--region", "tiny").stdout
    assert "up to date" in printed
    assert f"{np.isfinite(values).sum():,} of 12,000 cells known" in printed
    numbers = [float(n) for n in re.search(r"least (\S+), mean (\S+), most (\S+), standard deviation (\S+)", printed).groups()]  # type: ignore[union-attr]
    assert numbers == pytest.approx([np.nanmin(values), np.nanmean(values), np.nanmax(values), np.nanstd(values)], rel=1e-5)


def test_the_sketch_is_dark_where_the_layer_is_high(here: Path) -> None:
    sketch = prospect("show", "alteration", "--region", "tiny").stdout.splitlines()[5:]
    column, row = len(sketch[0]) / 120, len(sketch) / 100
    assert len(sketch) == 30
    ramp = {sign: i for i, sign in enumerate(".:-=+*#%@")}
    with rasterio.open(here / "alteration.tif") as file:
        values = file.read(1)
    drawn = np.array([[ramp[sign] for sign in line] for line in sketch])
    cells = drawn[(np.arange(100) * row).astype(int)][:, (np.arange(120) * column).astype(int)]
    assert np.corrcoef(cells.ravel(), values.ravel())[0, 1] > 0.8


def test_show_counts_the_cells_of_each_class(here: Path) -> None:
    with rasterio.open(here / "outputs" / "tiny" / "classes.tif") as file:
        codes, counts = np.unique(file.read(1), return_counts=True)
    printed = prospect("show", "classes", "--region", "tiny").stdout
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        assert code == 0 or f"class {code}: {count:,} cells" in printed


def test_export_writes_a_cog_of_the_layer_where_it_was_asked_to(here: Path, tmp_path: Path) -> None:
    done = prospect("export", "slope", "--region", "tiny", "--to", str(tmp_path / "a" / "steep.tif"))
    assert done.exit_code == 0, done.output
    assert cog_validate(tmp_path / "a" / "steep.tif", strict=True)[0]
    with rasterio.open(tmp_path / "a" / "steep.tif") as file, rasterio.open(here / "outputs" / "tiny" / "prospectivity.tif") as other:
        assert (file.shape, file.transform, file.units) == (other.shape, other.transform, ("degree",))
        assert 0 <= np.nanmin(file.read(1)) < np.nanmax(file.read(1)) < 90


def test_export_takes_the_layers_name_when_no_file_is_named(here: Path) -> None:
    assert prospect("export", "classes", "--region", "tiny").exit_code == 0
    with rasterio.open(here / "classes.tif") as file, rasterio.open(here / "outputs" / "tiny" / "classes.tif") as other:
        assert np.array_equal(file.read(1), other.read(1))
        assert file.colormap(1) == other.colormap(1)
    (here / "classes.tif").unlink()


def test_the_version_is_the_packages() -> None:
    assert prospect("version").stdout == f"prospect {pipeline.__version__}\n"


def test_bars_count_what_the_shell_counts() -> None:
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(file=open(os.devnull, "w"), force_terminal=True))  # noqa: SIM115, PTH123
    bars = Bars(progress)
    bars.start({"align": 3, "derive": 2})
    for stage in ("align", "align", "derive"):
        bars.advance(stage)
    assert {task.description.strip(): (task.completed, task.total) for task in progress.tasks} == {"align": (2, 3), "derive": (1, 2)}


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    root = tiny.make(tmp_path / "r", model={"use": "random_forest", "bags": 40, "trees_per_bag": 100})
    command = [sys.executable, "-m", "pipeline", "map", "tiny"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    running = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    keys = root / "cache" / "tiny"
    while not list(keys.glob("*.keys/*.json")) and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    printed, warned = running.communicate(timeout=120)
    assert running.returncode == 130, warned
    assert "stopped: nothing is lost, the same command goes on from here" in warned
    assert "Traceback" not in warned
    assert not (root / "outputs" / "tiny").exists()
    again = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "outputs are in outputs/tiny/" in again.stdout
    assert printed == ""


def test_the_doctor_says_what_the_machine_has_and_what_a_job_asks_of_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "SECONDS", 1.0)
    assert "name a region to hear of a job" in said(prospect("doctor"))
    assert "all is up to date: nothing to compute" in said(prospect("doctor", "tiny"))
    cubes = sorted((here / "cache" / "tiny").rglob("*"))
    done = prospect("doctor", "tiny", "--set", "region.cell_m=1000", "--set", "model.trees_per_bag=4")
    assert done.exit_code == 0, done.output
    for part in ("cores: ", "numpy ", "50 x 60 = 3,000 cells of 1000 m", "cells to write", "s of rehearsal", "the model scores", "all fits"):
        assert part in said(done)
    assert sorted((here / "cache" / "tiny").rglob("*")) == cubes


def test_the_doctor_says_what_will_not_fit(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "SECONDS", 1.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    done = prospect("doctor", "tiny", "--set", "region.cell_m=1000", "--set", "run.memory_gb=1000", "--workers", "500")
    assert done.exit_code == 1
    for part in ("what will not fit", "memory: 175.", "workers: 500 on", "disk: ", "set run.cache or run.outputs to another disk"):
        assert part in said(done)
    done = prospect("doctor", "tiny", "--set", "run.memory_gb=0.001")
    assert done.exit_code == 1 and "more than run.memory_gb 0.001" in said(done)


def test_one_layer_is_made_with_what_it_rests_on_and_no_more(mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tiny.make(tmp_path)
    monkeypatch.chdir(root)
    done = prospect("map", "tiny", "--only", "slope")
    assert done.exit_code == 0, done.output
    assert "draft" not in done.stdout
    (cube,) = root.glob("cache/tiny/*.zarr")
    assert {path.parent.name for path in cube.glob("*/c")} - {"x", "y"} == {"dem", "region", "slope"}
    assert [path.name for path in (root / "outputs").iterdir()] == ["tiny.slope.tif"]  # where no profile is asked for, none is kept
    done = prospect("map", "tiny", "--only", "prospectivity", "--profile", "--set", "run.threads=2")
    assert "not validated, so there is no score" in said(done)
    assert not (root / "outputs" / "tiny").exists()
    drafted = root / "outputs" / "tiny.prospectivity.tif"
    profile = json.loads(drafted.with_suffix(".profile.json").read_text())
    assert profile["at_once"] == 2 and {"train", "predict"} <= set(profile["jobs"]) == set(profile["seconds"])
    assert 0 < sum(profile["seconds"].values()) <= profile["worker_seconds"] == pytest.approx(2 * profile["working_seconds"], abs=0.1)
    rows = re.findall(r"│ ([\d.]+) +│ \d+% +│", done.stdout)
    assert sum(map(float, rows)) == pytest.approx(2 * profile["process_seconds"], abs=0.1)
    assert not list(root.glob("cache/tiny/*.fits/**/scorecard*"))
    with rasterio.open(drafted) as file:
        draft, tags = file.read(1), file.tags()
    assert "not validated" in tags["VALIDATED"]
    before = drafted.stat().st_mtime_ns
    again = prospect("map", "tiny", "--only", "prospectivity", "--profile")
    assert again.exit_code == 0 and "no job: waiting" in again.stdout
    assert drafted.stat().st_mtime_ns == before
    assert json.loads(drafted.with_suffix(".profile.json").read_text())["jobs"] == {}  # for there was nothing to do
    with rasterio.open(mapped / "outputs" / "tiny" / "prospectivity.tif") as file:  # the same region, mapped whole
        np.testing.assert_array_equal(file.read(1), draft)
        assert "VALIDATED" not in file.tags()


@pytest.mark.skipif(cores() < 2, reason="where there is one core, a draft begins no process beside")
def test_a_draft_grows_its_forest_in_a_process_beside_and_imports_nothing_to_learn(tmp_path: Path) -> None:
    code = """
import sys
from pipeline.cli import app
try:
    app(["map", "tiny", "--only", "prospectivity", "--set", f"run.threads={sys.argv[1]}"])
except SystemExit as end:
    print("ended", end.code, "sklearn" in sys.modules, "skops" in sys.modules)
"""
    made = {}
    for threads in ("1", "2"):
        root = tiny.make(tmp_path / threads)
        around = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        done = subprocess.run([sys.executable, "-c", code, threads], cwd=root, env=around, capture_output=True, text=True, timeout=300, check=False)
        assert "ended 0 False False" in done.stdout, done.stdout + done.stderr
        made[threads] = (root / "outputs" / "tiny.prospectivity.tif").read_bytes()
    assert made["1"] == made["2"]


def test_a_layer_that_is_none_is_named_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tiny.make(tmp_path)
    monkeypatch.chdir(root)
    done = prospect("map", "tiny", "--only", "prospectivty")
    assert done.exit_code == 2
    assert "did you mean 'prospectivity'?" in done.output
    assert "one mineral system" in prospect("map", "tiny", "--system", "all", "--only", "slope").output
    assert not list(root.glob("cache/tiny/*.zarr/*/c"))
