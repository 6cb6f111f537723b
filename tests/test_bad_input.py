"""What a user can get wrong ends in one clear line, exit code 2, and nothing lost or half-written. Through the command line."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline import registry
from tests import tiny

REPO = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPO)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tiny.make(tmp_path / "r")


def prospect(root: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line in the region's folder; `before` is shell run first, in a namespace of its own."""
    command = [sys.executable, "-m", "pipeline", *words]
    if before:
        command = ["unshare", "-rm", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    return subprocess.run(command, cwd=root, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)


def refused(root: Path, *settings: str) -> str:
    """The one line of error of `prospect map tiny`, after checking that nothing was left."""
    words = [word for setting in settings for word in ("--set", setting)]
    done = prospect(root, "map", "tiny", *words)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert not (root / "outputs" / "tiny").exists()
    assert not list((root / "outputs").glob(".*")) if (root / "outputs").exists() else True
    return " ".join(done.stderr.split())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_crs(path: Path) -> None:
    with rasterio.open(path) as file:
        values, transform = file.read(1), file.transform
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    path.unlink()
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(values, 1)


def elsewhere(path: Path) -> None:
    path.unlink()
    tiny.save(path, np.ones((50, 50), "float32"), tiny.CRS, from_origin(900_000, 900_000, 500, 500), nodata=None)


def all_nodata(path: Path) -> None:
    path.unlink()
    tiny.save(path, np.full((100, 120), -9999, "float32"), tiny.CRS, from_origin(0, 50_000, 500, 500), nodata=-9999)


def huge_header(path: Path) -> None:
    """A classic little-endian TIFF that claims 40,000 x 40,000 float32 cells in one strip of four bytes."""
    entries = [(256, 4, 1, 40_000), (257, 4, 1, 40_000), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
               (277, 3, 1, 1), (278, 4, 1, 40_000), (279, 4, 1, 4), (339, 3, 1, 3)]  # fmt: skip
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 12) + b"\0\0\0\0" + ifd)


def not_a_raster(path: Path) -> None:
    path.write_text("<html><body>504 Gateway Time-out</body></html>")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncate, "alteration.tif"),
        (without_crs, "crs"),
        (elsewhere, "does not touch|misses|lies outside"),
        (all_nodata, "nodata|no valid|no cell"),
        (huge_header, "declares 40,000 x 40,000 pixels in a file of 138 bytes"),
        (not_a_raster, "alteration.tif"),
        (Path.unlink, "alteration.tif"),
    ],
)
def test_a_damaged_raster_is_refused_by_name(root: Path, damage: Callable[[Path], Any], words: str) -> None:
    damage(root / "alteration.tif")
    line = refused(root)
    assert "alteration" in line
    assert any(word in line for word in words.split("|")), line


def occurrences(root: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = root / "occurrences.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)


def test_zero_positives_are_an_error_with_the_filter_that_took_them(root: Path) -> None:
    assert "no occurrence of 24 is left to learn from" in refused(root, "label.deposit_type=[porphyry Cu]")


def test_an_empty_table_of_occurrences_is_an_error(root: Path) -> None:
    occurrences(root, lambda frame: frame.iloc[:0])
    assert "occurrences" in refused(root)


def test_one_positive_cannot_be_validated_and_says_so(root: Path) -> None:
    occurrences(root, lambda frame: frame.iloc[:1])
    assert "no deposit can be held out" in refused(root)


def test_occurrences_outside_the_region_alone_are_an_error(root: Path) -> None:
    occurrences(root, lambda frame: frame.assign(lon=frame.lon + 30))
    assert "occurrences" in refused(root)


def test_some_bad_records_are_a_warning_and_the_rest_are_mapped(root: Path) -> None:
    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, "lon"] = np.nan
        frame.loc[1, "lon"] += 30
        return pd.concat([frame, frame.iloc[[5]]])

    occurrences(root, spoil)
    done = prospect(root, "map", "tiny")
    assert done.returncode == 0, done.stderr
    told = " ".join((done.stdout + done.stderr).split())
    assert "1 records without usable coordinates are left out" in told
    assert "1 records lie outside the region and are left out (deposit 1)" in told
    assert "1 exact copies of other records are merged (deposit 5)" in told


def test_config_mistakes_name_file_and_line(root: Path) -> None:
    path = root / "configs" / "regions" / "tiny.yaml"
    path.write_text(path.read_text().replace("slope:", "slop:"))
    assert "configs/regions/tiny.yaml:" in (line := refused(root)) and "did you mean 'slope'" in line


def test_a_feature_of_an_unknown_layer_names_the_nearest(root: Path) -> None:
    assert "unknown layer 'deem'; did you mean 'dem'" in refused(root, "features.slope.of=deem")
    assert "unknown vector 'fault'; did you mean 'faults'" in refused(root, "features.distance_to_faults.of=fault")


def test_features_in_a_circle_are_refused(root: Path) -> None:
    line = refused(root, "features.a={use: focal_mean, of: b, radius_m: 500}", "features.b={use: focal_mean, of: a, radius_m: 500}")
    assert "read each other in a circle: a, b" in line


def test_a_feature_named_like_a_layer_is_refused(root: Path) -> None:
    assert "layer 'dem' is there already" in refused(root, "features.dem={use: slope, of: alteration}")


def test_categories_may_not_pose_as_quantities(root: Path) -> None:
    line = refused(root, "sources.dem.kind=categorical", "sources.dem.resampling=nearest", "features.slope=null")
    assert "'elevation' is a category code" in line


def test_a_feature_the_sensor_cannot_tell_is_refused(root: Path) -> None:
    words = [word for word in registry.words("features") if registry.declared(registry.find("features", word)).sensors == ("aster",)]
    if not words:
        pytest.skip("no feature is bound to one sensor yet")
    word = words[0]
    settings = [f"features.told={{use: {word}, of: scene}}"]
    roles = registry.declared(registry.find("features", word)).bands
    bands = ", ".join(f"{role}: 1" for role in roles)
    line = refused(root, *settings, f"sources.scene={{use: raster, path: alteration.tif, sensor: landsat, bands: {{{bands}}}}}")
    assert "can be told from aster only" in line and "is a band of landsat" in line


def test_targets_that_name_no_vector_are_refused(root: Path) -> None:
    assert "targets name the vector 'parks'" in refused(root, "targets.exclude=[parks]")


def test_no_features_at_all_are_refused(root: Path) -> None:
    settings = [f"features.{name}=null" for name in ("elevation", "slope", "halo", "distance_to_faults")]
    assert "no features; give at least one evidence layer" in refused(root, *settings)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model={use: reference_forest, bags: null, trees_per_bag: null}", "has no bags, so it gives no uncertainty: it serves validation only"),
        ("model.bags=0", "model.bags: Input should be greater than or equal to 2"),
        ("sources.dem.crs=EPSG:abc", "is not understood by PROJ; give an EPSG code"),
        ("features.halo.radius_m=.inf", "is no length; give metres"),
        ("features.distance_to_faults.reach_m=.inf", "is no length; give metres"),
        ("protocols={mine: {}}", "a protocol is a file of configs/validation"),
        ("region.boundary=nowhere.geojson", "nowhere.geojson"),
    ],
)
def test_settings_that_mean_nothing_are_refused(root: Path, setting: str, words: str) -> None:
    assert words in refused(root, setting)


def test_a_boundary_without_crs_or_that_is_no_vector_is_refused(root: Path) -> None:
    (root / "odd.geojson").write_text("not a vector")
    assert "boundary 'odd.geojson' cannot be read" in refused(root, "region.bounds=null", "region.boundary=odd.geojson")
    (root / "bare.csv").write_text('WKT\n"POLYGON ((0 0,1 0,1 1,0 0))"\n')
    assert "boundary 'bare.csv' says no CRS" in refused(root, "region.bounds=null", "region.boundary=bare.csv")


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace to make a small disk (unshare -rm)")
@pytest.mark.parametrize(("folder", "size"), [("cache", "300k"), ("outputs", "100k")])
def test_a_full_disk_is_one_clear_error_and_the_next_run_finishes(root: Path, folder: str, size: str) -> None:
    (root / folder).mkdir()
    done = prospect(root, "map", "tiny", before=f"mount -t tmpfs -o size={size} none {root / folder}")
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "free some space" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (root / "outputs" / "tiny").exists()
    assert prospect(root, "map", "tiny").returncode == 0
    assert (root / "outputs" / "tiny" / "prospectivity.tif").is_file()
