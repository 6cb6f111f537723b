"""COGs: valid, exact, bounded, and blind to how the cube is cut into tiles."""

from __future__ import annotations

import hashlib
import math
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from pipeline import cog
from pipeline.cube import REGION, Cube, LayerMeta
from pipeline.grid import Grid
from pipeline.recipe import MISSING
from tests import tiny

CRS = "EPSG:6933"
ROWS, COLS = 1100, 1300
RAMP = {0: (0, 0, 0, 0), 1: (10, 20, 30, 255), 2: (200, 100, 50, 255)}


def cube_of(folder: Path, values: Any, *, tile: int, synthetic: bool = False) -> Cube:
    rows, cols = values.shape
    grid = Grid.covering((0, -rows * 250.0, cols * 250.0, 0), crs=CRS, cell_m=250, tile=tile)
    cube = Cube.at(folder, "here", grid)
    dtype = "float32" if values.dtype == np.float32 else "int32"
    cube.prepare([LayerMeta("made", dtype, "nT", "Made for a test", "nowhere", "CC0", 250, synthetic)])
    for index in grid.tiles():
        w = grid.window(index)
        cube.write("made", index, np.ascontiguousarray(values[w.r0 : w.r1, w.c0 : w.c1]))
    tiny.everywhere(cube)
    return cube


def field(seed: int = 3) -> Any:
    values = np.random.default_rng(seed).normal(5000, 0.5, (ROWS, COLS)).astype(np.float32)
    values[:300, :900] = np.nan
    return values


def test_a_float_layer_is_a_valid_cog_that_holds_every_cell_and_says_what_it_is(tmp_path: Path) -> None:
    values = field()
    cube = cube_of(tmp_path, values, tile=256)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    valid, errors, warnings = cog_validate(tmp_path / "made.tif", strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(tmp_path / "made.tif") as file:
        assert np.array_equal(file.read(1), values, equal_nan=True)
        assert math.isnan(file.nodata)
        assert file.crs.to_epsg() == 6933
        assert file.transform == cube.grid.affine()
        assert file.block_shapes == [(512, 512)]
        assert file.overviews(1) == [2, 4]
        assert (file.descriptions, file.units) == (("Made for a test",), ("nT",))
        assert file.tags()["LICENCE"] == "CC0"
        assert "SYNTHETIC" not in file.tags()


@pytest.mark.parametrize("missing", [np.float32(np.nan), MISSING])
def test_cells_off_the_region_are_missing_whatever_the_store_holds_there(tmp_path: Path, missing: Any) -> None:
    values = np.arange(60 * 50).reshape(60, 50).astype(type(missing))
    cube = cube_of(tmp_path, values, tile=32)
    inside = np.full((32, 32), np.nan, np.float32)
    inside[:20, 5:] = 1
    cube.write(REGION, (0, 0), inside)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "made.tif") as file:
        found = file.read(1)
    values[:32, :32] = np.where(np.isnan(inside), missing, values[:32, :32])
    assert np.array_equal(found, values, equal_nan=True)


def test_statistics_in_the_file_are_those_of_numpy_in_float64(tmp_path: Path) -> None:
    values = field()
    cube = cube_of(tmp_path, values, tile=200)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "made.tif") as file:
        said = {key: float(value) for key, value in file.tags(1).items() if key.startswith("STATISTICS_")}
    known = values[~np.isnan(values)].astype(np.float64)
    assert said["STATISTICS_MINIMUM"] == known.min()
    assert said["STATISTICS_MAXIMUM"] == known.max()
    assert said["STATISTICS_MEAN"] == pytest.approx(known.mean(), rel=1e-13)
    assert said["STATISTICS_STDDEV"] == pytest.approx(known.std(), rel=1e-9)
    assert said["STATISTICS_VALID_PERCENT"] == pytest.approx(100 * known.size / values.size, rel=1e-3)


def test_the_bytes_do_not_depend_on_the_tile_size_or_on_the_run(tmp_path: Path) -> None:
    digests = set()
    for i, tile in enumerate((128, 128, 300, 700, 2048)):
        cube = cube_of(tmp_path / str(i), field(), tile=tile)
        cog.write(tmp_path / f"{i}.tif", cube, "made", cog.look(cube, "made"))
        digests.add(hashlib.sha256((tmp_path / f"{i}.tif").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_nothing_but_the_file_is_left_in_the_folder(tmp_path: Path) -> None:
    cube = cube_of(tmp_path / "cube", field(), tile=512)
    cog.write(tmp_path / "out" / "made.tif", cube, "made", cog.look(cube, "made"))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["made.tif"]


def test_classes_keep_their_codes_and_colours_and_show_missing_as_nought(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 3, (600, 700)).astype(np.int32)
    values[:100] = MISSING
    cube = cube_of(tmp_path, values, tile=128)
    look = cog.Look("Classes", "1", band_tags={"CLASS_1": "low"}, palette=RAMP)
    cog.write(tmp_path / "classes.tif", cube, "made", look)
    assert cog_validate(tmp_path / "classes.tif", strict=True)[0]
    with rasterio.open(tmp_path / "classes.tif") as file:
        assert file.dtypes == ("uint8",)
        assert file.nodata == 0
        assert np.array_equal(file.read(1), np.where(values == MISSING, 0, values))
        assert [file.colormap(1)[code] for code in RAMP] == list(RAMP.values())
        assert file.tags(1)["CLASS_1"] == "low"
    with rasterio.open(tmp_path / "classes.tif", overview_level=0) as file:
        assert set(np.unique(file.read(1))) <= {0, 1, 2}


def test_a_category_layer_keeps_its_codes_and_is_never_averaged(tmp_path: Path) -> None:
    values = (np.arange(600)[:, None] // 7 * 1000 + np.zeros(600, int)).astype(np.int32)
    cube = cube_of(tmp_path, values, tile=256)
    cog.write(tmp_path / "codes.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "codes.tif") as file:
        assert file.nodata == MISSING
        assert np.array_equal(file.read(1), values)
    with rasterio.open(tmp_path / "codes.tif", overview_level=0) as file:
        assert set(np.unique(file.read(1))) <= set(np.unique(values))


@pytest.mark.parametrize("palette", [None, RAMP])
def test_any_number_of_threads_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, palette: cog.Palette | None) -> None:
    values = field() if palette is None else np.random.default_rng(8).integers(0, 3, (ROWS, COLS), np.int32)
    cube = cube_of(tmp_path, values, tile=256)
    found = set()
    for threads in ("1", "2", "7"):
        monkeypatch.setattr(cog, "THREADS", threads)
        cog.write(tmp_path / "made.tif", cube, "made", replace(cog.look(cube, "made"), palette=palette))
        found.add(hashlib.sha256((tmp_path / "made.tif").read_bytes()).hexdigest())
    assert len(found) == 1


def test_overviews_are_halves_rounded_up_until_one_block_holds_all(tmp_path: Path) -> None:
    values = np.random.default_rng(5).random((1025, 513)).astype(np.float32)
    cube = cube_of(tmp_path, values, tile=256)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "made.tif") as file:
        assert file.overviews(1) == [2, 4]
    for level, shape in enumerate(((513, 257), (257, 129))):
        with rasterio.open(tmp_path / "made.tif", overview_level=level) as file:
            assert file.shape == shape
            assert abs(file.read(1).mean() - values.mean()) < 0.002
    assert cog_validate(tmp_path / "made.tif", strict=True)[0]


def test_overviews_of_floats_are_means_of_the_known_cells(tmp_path: Path) -> None:
    values = np.zeros((1024, 1024), np.float32)
    values[::2, ::2] = 4
    values[1::2, :512] = np.nan
    cube = cube_of(tmp_path, values, tile=256)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "made.tif", overview_level=0) as file:
        small = file.read(1)
    assert np.array_equal(small[:, :256], np.full((512, 256), 2.0))
    assert np.array_equal(small[:, 256:], np.full((512, 256), 1.0))


def test_a_synthetic_layer_says_so_in_its_file(tmp_path: Path) -> None:
    cube = cube_of(tmp_path, field()[:600, :600], tile=256, synthetic=True)
    cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    with rasterio.open(tmp_path / "made.tif") as file:
        assert file.tags()["SYNTHETIC"].startswith("YES")


def test_a_layer_with_no_known_cell_has_no_statistics(tmp_path: Path) -> None:
    cube = cube_of(tmp_path, np.full((40, 50), np.nan, np.float32), tile=16)
    found = cog.write(tmp_path / "made.tif", cube, "made", cog.look(cube, "made"))
    assert (found.known, found.cells) == (0, 2000)
    assert math.isnan(found.mean)
    with rasterio.open(tmp_path / "made.tif") as file:
        assert not [key for key in file.tags(1) if key.startswith("STATISTICS")]
        assert cog_validate(tmp_path / "made.tif", strict=True)[0]


ROOT = Path(__file__).parents[1]
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from pipeline import cog
from pipeline.cube import Cube
from pipeline.errors import StoreError
from pipeline.grid import Grid
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
grid = Grid.covering((0, -1100 * 250.0, 1300 * 250.0, 0), crs="EPSG:6933", cell_m=250, tile=512)
cube = Cube.at(folder, "here", grid)
look = cog.look(cube, "made")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    cog.write(folder / "out" / "made.tif", cube, "made", look)
except StoreError as error:
    print(f"told: {error}")
"""


@pytest.mark.parametrize("limit", [100_000, 3_000_000, 5_700_000, 9_500_000, 10_600_000, 14_000_000])  # the last three: while overviews are made
@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file size")
def test_a_disk_that_fills_up_is_one_error_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    cube_of(tmp_path, field(), tile=512)
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "told: cannot write made.tif (" in done.stdout, done.stderr
    assert "free some space or give another folder" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []


PEAK = """
import sys
from pathlib import Path
import numpy as np
from pipeline import cog
from pipeline.cube import Cube, LayerMeta
from pipeline.grid import Grid
from tests import tiny
folder, side = Path(sys.argv[1]), int(sys.argv[2])
grid = Grid.covering((0, -side * 250.0, side * 250.0, 0), crs="EPSG:6933", cell_m=250, tile=512)
cube = Cube.at(folder, "here", grid)
cube.prepare([LayerMeta("made", "float32", "nT", "Made for a test", "nowhere", "CC0", 250)])
tiny.everywhere(cube)
tile = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
for index in grid.tiles():
    cube.write("made", index, tile)

def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

before = peak()
cog.write(folder / "made.tif", cube, "made", cog.look(cube, "made"))
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a kernel that tells a process's peak in /proc")
def test_a_raster_is_written_without_being_held(tmp_path: Path) -> None:
    side = 8192
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path), str(side)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < side * side * 4 / 2, "half of what the raster's cells take"
