"""The source `folder`: sheets laid over each other in a stated order, each checked by itself, the same whatever the tile."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline.asset import Place
from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING
from pipeline.sources.folder import folder
from pipeline.sources.raster import raster
from pipeline.warp import read_onto

UTM = "EPSG:32641"
GRID = Grid(UTM, 1000.0, 500_000.0, 3_300_000.0, 40, 60, 16)
WHOLE = Window(GRID, 0, 0, 40, 60)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "sheets" / "below").mkdir(parents=True)
    return Place(tmp_path, tmp_path / "cache", GRID)


def sheet(place: Place, name: str, value: Any, *, left: float = 0, wide: int = 60, cell_m: float = 1000, crs: str = UTM, dtype: str = "float32") -> None:
    """Columns `left` to `left + wide` of the grid, or a raster of its own CRS around them."""
    values = np.broadcast_to(np.asarray(value, dtype), (40, wide))
    transform = from_origin(500_000 + left * 1000, 3_300_000, cell_m, 1000)
    nodata = -9999 if dtype == "float32" else 0
    with rasterio.open(
        place.root / "sheets" / name, "w", driver="GTiff", count=1, height=40, width=wide, dtype=dtype, crs=crs, transform=transform, nodata=nodata
    ) as file:
        file.write(values, 1)


def read(place: Place, window: Window = WHOLE, **said: Any) -> Any:
    source = folder(path="sheets", **said)
    assets = source.acquire(place).assets
    source.check_values(assets, GRID)
    return source.read(assets, "", window)


@pytest.mark.parametrize(("on_top", "order"), [("first", [2, 10, 11]), ("last", [11, 10, 2])])
def test_where_sheets_overlap_the_first_or_the_last_by_number_lies_on_top(place: Place, on_top: str, order: list[int]) -> None:
    for number, left in ((10, 10), (2, 0), (11, 20)):
        sheet(place, f"sheet{number}.tif", number, left=left, wide=30)
    expected = np.full((40, 60), np.nan, np.float32)
    for number in reversed(order):
        left = {10: 10, 2: 0, 11: 20}[number]
        expected[:, left : left + 30] = number
    np.testing.assert_array_equal(read(place, on_top=on_top), expected)


def test_a_gap_in_the_upper_sheet_shows_the_lower_one(place: Place) -> None:
    hole = np.full((40, 60), 1.0)
    hole[5:9, 7:30] = -9999
    sheet(place, "a.tif", hole)
    sheet(place, "b.tif", 2)
    found = read(place)
    assert (found[5:9, 7:30] == 2).all() and found.sum() == 40 * 60 + 4 * 23


def test_sheets_of_other_zones_and_pixels_are_laid_as_each_would_be_alone_whatever_the_tile(place: Place) -> None:
    rng = np.random.default_rng(1)
    sheet(place, "a.tif", rng.normal(size=(40, 30)), wide=30)
    values = rng.normal(size=(90, 120)).astype("float32")
    with rasterio.open(
        place.root / "sheets" / "b.tif", "w", driver="GTiff", count=1, height=90, width=120, dtype="float32", crs="EPSG:32640",
        transform=from_origin(1_070_000, 3_320_000, 700, 700),
    ) as file:  # fmt: skip
        file.write(values, 1)
    one, other = (read_onto(place.root / "sheets" / f"{n}.tif", band=1, window=WHOLE, resampling="bilinear")[0].astype(np.float32) for n in "ab")
    whole = read(place)
    assert np.isfinite(other).any() and np.isfinite(one).any()
    np.testing.assert_array_equal(whole, np.where(np.isnan(one), other, one))
    for tile in GRID.tiles():
        window = GRID.window(tile)
        inside = whole[window.r0 : min(window.r1, 40), window.c0 : min(window.c1, 60)]
        np.testing.assert_array_equal(read(place, window)[: inside.shape[0], : inside.shape[1]], inside)


def test_classes_and_bands_are_as_in_a_single_raster(place: Place) -> None:
    sheet(place, "a.tif", 3, wide=20, dtype="uint8")
    found = read(place, kind="categorical")
    assert found.dtype == np.int32 and (found[:, :20] == 3).all() and (found[:, 20:] == MISSING).all()
    alone = raster(path="sheets/a.tif", kind="categorical")
    np.testing.assert_array_equal(found, alone.read(alone.acquire(place).assets, "", WHOLE))
    source = folder(path="sheets", bands={"blue": 1}, long_name="Light", units="reflectance")
    (layer,) = source.acquire(place).layers
    assert (layer.suffix, layer.long_name, layer.units, layer.native_m) == ("blue", "Light blue", "reflectance", pytest.approx(1000, rel=1e-3))


def test_each_file_is_an_asset_of_the_ground_it_covers_named_without_the_machine(place: Place) -> None:
    sheet(place, "a.tif", 1, wide=10)
    sheet(place, "below/b.tif", 2, left=50, wide=10)
    assert [a.id for a in folder(path="sheets").acquire(place).assets] == ["sheets/a.tif"]
    one, other = folder(path="sheets", glob="**/*.tif").acquire(place).assets
    assert (one.id, other.id) == ("sheets/a.tif", "sheets/below/b.tif") and one.version != other.version
    assert one.bounds is not None and other.bounds is not None and one.bounds[2] < other.bounds[0]


def test_files_elsewhere_are_counted_and_passed_over(place: Place) -> None:
    sheet(place, "a.tif", 1)
    sheet(place, "b.tif", 1, left=5000)
    acquired = folder(path="sheets").acquire(place)
    assert len(acquired.assets) == 1 and acquired.notices == ("sheets/*.tif: 1 of 2 files do not touch the region and are passed over",)
    (place.root / "sheets" / "a.tif").unlink()
    with pytest.raises(DataError, match=r"sheets/\*.tif: none of its 1 files touches the region \(b.tif\); check `path:`, `glob:` and `crs:`"):
        folder(path="sheets").acquire(place)


def test_what_cannot_be_a_folder_of_sheets_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = partial(pytest.raises, DataError)
    with refused(match=r"nowhere: no such folder below .*; check `path:` in the config"):
        folder(path="nowhere").acquire(place)
    with refused(match=r"sheets/\*.tif: finds no file \(the folder holds below\); correct `glob:`"):
        folder(path="sheets").acquire(place)
    for glob in ("../*.csv", "/etc/*"):
        with refused(match=r"`glob:` leads out of the folder; give the folder that is meant as `path:`"):
            folder(path="sheets", glob=glob).acquire(place)
    sheet(place, "a.tif", -9999)
    with refused(match=r"sheets/\*.tif: band 1 holds no value in the region in any of 1 files, only nodata"):
        read(place)
    sheet(place, "b.tif", 1)
    (place.root / "sheets" / "c.tif").write_bytes((place.root / "sheets" / "b.tif").read_bytes()[:4000])
    with refused(match=r"sheets/c.tif: (its header points to byte|cannot be opened)|c.tif: cannot be"):
        folder(path="sheets").acquire(place)
    monkeypatch.setattr("pipeline.sources.folder.MOST_FILES", 2)
    with refused(match=r"finds 3 files, the limit is 2; name fewer, or merge them"):
        folder(path="sheets").acquire(place)
