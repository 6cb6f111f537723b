"""The one reprojection: against pyproj and scipy, which know nothing of GDAL's warper, and against itself at other tile sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter, map_coordinates

from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.warp import BLOCK, Method, read_onto

AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
METHODS: tuple[Method, ...] = ("nearest", "bilinear", "cubic", "average", "mode")
GRID = Grid(AEA, 1000.0, -150_000.0, 120_000.0, 290, 300, 512)  # crosses blocks both ways
FINE = Grid(AEA, 30.0, -12_000.0, 6_000.0, 280, 300, 512)


def smooth(shape: tuple[int, int], seed: int = 1) -> Any:
    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3) * 5000 + 900


def holes(shape: tuple[int, int], seed: int = 2) -> Any:
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 9)
    return field > np.quantile(field, 0.85)


def save(path: Path, values: Any, crs: str, transform: Affine, nodata: float | None = None, **more: Any) -> Path:
    values = np.atleast_3d(values.T).T if values.ndim == 2 else values
    profile = {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    profile |= {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"} | more
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as file:
        file.write(values)
    return path


GEO = from_origin(63.6, 29.3, 1 / 30, 1 / 30)
UTM = from_origin(540_000, 3_240_000, 250, 250)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("warp")
    geo, utm, own = smooth((90, 120)), smooth((1000, 1200)), smooth((120, 130))
    return {
        "geographic": save(folder / "geo.tif", np.where(holes(geo.shape), -9999, geo).astype("f4"), "EPSG:4326", GEO, -9999),
        "finer": save(folder / "utm.tif", np.where(holes(utm.shape), -32768, utm).astype("i2"), "EPSG:32641", UTM, -32768),
        "shifted": save(folder / "own.tif", own.astype("f4"), AEA, from_origin(-160_130, 131_077, 2503.3, 2503.3)),
    }


def whole(grid: Grid) -> Window:
    return Window(grid, 0, 0, *grid.shape)


def centres(grid: Grid, crs: str, transform: Affine) -> tuple[Any, Any]:
    """Row and column, in pixels from the corner of the source, of every cell's centre: by pyproj, not by GDAL."""
    x, y = np.meshgrid(whole(grid).x(), whole(grid).y())
    lon, lat = Transformer.from_crs(AEA, crs, always_xy=True).transform(x, y)
    a, b, c, d, e, f = list(~transform)[:6]
    return d * lon + e * lat + f, a * lon + b * lat + c


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "grid"), [("geographic", GRID), ("finer", GRID), ("shifted", GRID), ("geographic", FINE)])
def test_any_tile_size_gives_the_same_bits(files: dict[str, Path], name: str, grid: Grid, method: Method) -> None:
    want, valid = read_onto(files[name], band=1, window=whole(grid), resampling=method)
    assert 0.2 < valid.mean() <= 1
    for tile in (37, 128, 512):
        cut = Grid(grid.crs, grid.cell_m, grid.x_m, grid.y_m, grid.rows, grid.cols, tile)
        for index in list(cut.tiles())[:: 5 if tile == 37 else 1]:
            window = cut.window(index, halo=3 if index == (0, 0) else 0)
            got, good = read_onto(files[name], band=1, window=window, resampling=method)
            rows = slice(max(-window.r0, 0), min(window.r1, grid.rows) - window.r0)
            cols = slice(max(-window.c0, 0), min(window.c1, grid.cols) - window.c0)
            at = slice(max(window.r0, 0), window.r1), slice(max(window.c0, 0), window.c1)
            assert got[rows, cols].tobytes() == want[at].tobytes()
            assert np.array_equal(good[rows, cols], valid[at])


@pytest.mark.parametrize("grid", [GRID, FINE])
def test_bilinear_agrees_with_pyproj_and_scipy(tmp_path: Path, grid: Grid) -> None:
    values = smooth((90, 120))
    path = save(tmp_path / "geo.tif", values.astype("f8"), "EPSG:4326", GEO)
    got, valid = read_onto(path, band=1, window=whole(grid), resampling="bilinear")
    row, col = centres(grid, "EPSG:4326", GEO)
    inner = (row > 1) & (row < 89) & (col > 1) & (col < 119)
    want = map_coordinates(values, [row - 0.5, col - 0.5], order=1)
    assert inner.mean() > 0.9 and valid[inner].all()
    assert np.abs(got - want)[inner].max() < 1e-6 * np.ptp(values)


@pytest.mark.parametrize("name", ["geographic", "finer", "shifted"])
def test_nearest_takes_the_pixel_under_the_centre(files: dict[str, Path], name: str) -> None:
    with rasterio.open(files[name]) as source:
        held, crs, transform = source.read(1, masked=True), source.crs.to_string(), source.transform
    got, valid = read_onto(files[name], band=1, window=whole(GRID), resampling="nearest")
    row, col = (np.floor(v).astype(int) for v in centres(GRID, crs, transform))
    inside = (row >= 0) & (row < held.shape[0]) & (col >= 0) & (col < held.shape[1])
    want = np.ma.masked_all(GRID.shape)
    want[inside] = held[row[inside], col[inside]]
    same = (valid == ~np.ma.getmaskarray(want)) & (~valid | (got == want.filled(0)))
    assert (~same).sum() <= 2  # two PROJ libraries may part on a pixel's very edge
    assert np.isnan(got[~valid]).all()


def test_bilinear_is_missing_just_where_the_pixel_under_the_centre_is(files: dict[str, Path]) -> None:
    for name in ("geographic", "finer", "shifted"):
        near = read_onto(files[name], band=1, window=whole(GRID), resampling="nearest")[1]
        assert np.array_equal(read_onto(files[name], band=1, window=whole(GRID), resampling="bilinear")[1], near)


def test_missing_pixels_do_not_bleed_into_their_neighbours(tmp_path: Path) -> None:
    values = np.where(holes((90, 120)), -9999, 500).astype("f4")
    path = save(tmp_path / "flat.tif", values, "EPSG:4326", GEO, -9999)
    for method in METHODS:
        got, valid = read_onto(path, band=1, window=whole(GRID), resampling=method)
        assert np.allclose(got[valid], 500, rtol=1e-12)


def test_the_average_of_pixels_that_tile_a_cell_is_their_mean(tmp_path: Path) -> None:
    values, gone = smooth((4 * 290, 4 * 300)), holes((4 * 290, 4 * 300))
    path = save(tmp_path / "fine.tif", np.where(gone, -1, values), AEA, from_origin(GRID.x_m, GRID.y_m, 250, 250), -1)
    got, valid = read_onto(path, band=1, window=whole(GRID), resampling="average")
    parts = np.where(gone, np.nan, values).reshape(290, 4, 300, 4)
    some = ~np.isnan(parts).all(axis=(1, 3))
    assert np.array_equal(valid, some)
    with np.errstate(invalid="ignore"):
        want = np.nansum(parts, axis=(1, 3)) / (~np.isnan(parts)).sum(axis=(1, 3))
    assert np.abs(got - want)[some].max() < 1e-9 * np.ptp(values)


def test_an_overview_is_read_only_while_four_of_its_pixels_remain_to_a_cell(tmp_path: Path) -> None:
    grid = Grid(AEA, 1000.0, 0.0, 0.0, 40, 40, 512)
    values = np.random.default_rng(3).normal(size=(640, 640))  # 16 pixels to a cell: levels 2 and 4 will do, 8 will not
    path = save(tmp_path / "deep.tif", values, AEA, from_origin(0, 0, 62.5, 62.5))
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4, 8], Resampling.nearest)
    with rasterio.open(path, overview_level=1) as file:
        level = file.read(1)
    assert level.shape == (160, 160)
    got, _ = read_onto(path, band=1, window=whole(grid), resampling="average")
    assert np.abs(got - level.reshape(40, 4, 40, 4).mean(axis=(1, 3))).max() < 1e-12
    near, _ = read_onto(path, band=1, window=whole(grid), resampling="nearest")
    assert np.array_equal(near, values[8::16, 8::16])
    parts = [read_onto(path, band=1, window=Window(grid, r, 0, r + 8, 40), resampling="average")[0] for r in range(0, 40, 8)]
    assert np.vstack(parts).tobytes() == got.tobytes()


def test_classes_stay_classes(tmp_path: Path) -> None:
    codes = np.random.default_rng(4).choice([3, 7, 255], size=(400, 400), p=[0.5, 0.3, 0.2]).astype("u1")
    path = save(tmp_path / "classes.tif", codes, "EPSG:32641", from_origin(560_000, 3_170_000, 400, 400), 255)
    for method in ("nearest", "mode"):
        got, valid = read_onto(path, band=1, window=whole(GRID), resampling=method)  # type: ignore[arg-type]
        assert set(np.unique(got[valid])) == {3.0, 7.0}


def test_holes_of_other_bands_do_not_matter(tmp_path: Path) -> None:
    one, gone = smooth((90, 120)).astype("f4"), holes((90, 120))
    first = np.where(gone, -9999, one).astype("f4")
    alone = save(tmp_path / "alone.tif", first, "EPSG:4326", GEO, -9999)
    stack = save(tmp_path / "stack.tif", np.stack([one, first, np.full_like(one, -9999)]), "EPSG:4326", GEO, -9999)
    for method in METHODS:
        want = read_onto(alone, band=1, window=whole(GRID), resampling=method)
        got = read_onto(stack, band=2, window=whole(GRID), resampling=method)
        assert got[0].tobytes() == want[0].tobytes()
    assert not read_onto(stack, band=3, window=whole(GRID), resampling="bilinear")[1].any()


def test_a_file_on_the_grid_is_copied_and_missing_beyond_its_edge(tmp_path: Path) -> None:
    values = smooth((50, 60)).astype("f4")
    values[3, 4], values[5, 6] = -1, np.inf
    path = save(tmp_path / "own.tif", values, AEA, from_origin(GRID.x_m + 10_000, GRID.y_m - 20_000, 1000, 1000), -1)
    for method in METHODS:
        got, valid = read_onto(path, band=1, window=Window(GRID, 15, 5, 75, 80), resampling=method)
        want = np.full((60, 75), np.nan)
        want[5:55, 5:65] = np.where((values == -1) | np.isinf(values), np.nan, values)
        assert np.array_equal(got, want, equal_nan=True) and np.array_equal(valid, ~np.isnan(want))
    assert not read_onto(path, band=1, window=Window(GRID, 200, 200, 210, 210), resampling="nearest")[1].any()


@pytest.mark.parametrize("crs", [AEA, "EPSG:4326"])
def test_declared_nodata_stands_in_for_the_files_own(tmp_path: Path, crs: str) -> None:
    transform = from_origin(GRID.x_m, GRID.y_m, 1000, 1000) if crs == AEA else GEO
    values = np.where(holes((90, 120)), 0, 100).astype("i2")
    path = save(tmp_path / "zero.tif", values, crs, transform, -32768)
    kept = read_onto(path, band=1, window=whole(GRID), resampling="nearest")
    left = read_onto(path, band=1, window=whole(GRID), resampling="nearest", nodata=0)
    assert set(np.unique(kept[0][kept[1]])) == {0.0, 100.0} and set(np.unique(left[0][left[1]])) == {100.0}
    assert np.array_equal(left[1], kept[1] & (kept[0] == 100))
    odd = read_onto(path, band=1, window=whole(GRID), resampling="nearest", nodata=-99999.5)  # the type cannot hold it
    assert np.array_equal(odd[1], kept[1])


def test_nan_is_missing_without_being_declared(tmp_path: Path) -> None:
    gone = holes((90, 120))
    path = save(tmp_path / "nan.tif", np.where(gone, np.nan, 5).astype("f4"), "EPSG:4326", GEO)
    got, valid = read_onto(path, band=1, window=whole(GRID), resampling="bilinear")
    assert 0.1 < (~valid).mean() < 0.6 and np.allclose(got[valid], 5)


def test_a_mask_and_an_alpha_band_are_heeded(tmp_path: Path) -> None:
    gone = holes((90, 120))
    want = read_onto(
        save(tmp_path / "a.tif", np.where(gone, 0, 9).astype("u1"), "EPSG:4326", GEO, 0), band=1, window=whole(GRID), resampling="nearest"
    )
    masked = save(tmp_path / "b.tif", np.full((2, *gone.shape), 9, "u1"), "EPSG:4326", GEO)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "r+") as file:
        file.write_mask(~gone)
    alpha = save(tmp_path / "c.tif", np.stack([np.full(gone.shape, 9), np.where(gone, 0, 255)]).astype("u1"), "EPSG:4326", GEO)
    with rasterio.open(alpha, "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    for path in (masked, alpha):
        got = read_onto(path, band=1, window=whole(GRID), resampling="nearest")
        assert np.array_equal(got[1], want[1]) and np.array_equal(got[0], want[0], equal_nan=True)


def test_longitudes_counted_to_360_are_found(tmp_path: Path) -> None:
    west = Grid("EPSG:5070", 5000.0, -200_000.0, 1_500_000.0, 60, 80, 512)  # middle of North America
    values = smooth((180, 360))
    turned = save(tmp_path / "turned.tif", np.roll(values, 180, axis=1), "EPSG:4326", from_origin(0, 90, 1, 1))
    plain = save(tmp_path / "plain.tif", values, "EPSG:4326", from_origin(-180, 90, 1, 1))
    got, want = (read_onto(path, band=1, window=whole(west), resampling="bilinear") for path in (turned, plain))
    assert want[1].all() and got[1].all()
    assert np.abs(got[0] - want[0]).max() < 1e-9 * np.ptp(values)


def test_a_rotated_raster_lands_where_its_transform_says(tmp_path: Path) -> None:
    values = smooth((200, 200))
    turned = Affine.translation(640_000, 3_010_000) @ Affine.rotation(30) @ Affine.scale(2000, -2000)
    path = save(tmp_path / "turned.tif", values, "EPSG:32641", turned)
    got, valid = read_onto(path, band=1, window=whole(GRID), resampling="bilinear")
    row, col = centres(GRID, "EPSG:32641", turned)
    inner = (row > 1) & (row < 199) & (col > 1) & (col < 199)
    assert inner.mean() > 0.3 and valid[inner].all() and not valid[(row < -1) | (col < -1) | (row > 201) | (col > 201)].any()
    want = map_coordinates(values, [row - 0.5, col - 0.5], order=1)
    assert np.abs(got - want)[inner].max() < 1e-6 * np.ptp(values)


def test_a_declared_crs_stands_in_for_the_files_own(tmp_path: Path) -> None:
    values = smooth((90, 120)).astype("f4")
    right = save(tmp_path / "right.tif", values, "EPSG:4326", GEO)
    bare = save(tmp_path / "bare.tif", values, None, GEO)  # type: ignore[arg-type]
    want = read_onto(right, band=1, window=whole(GRID), resampling="bilinear")
    assert read_onto(bare, band=1, window=whole(GRID), resampling="bilinear", crs="EPSG:4326")[0].tobytes() == want[0].tobytes()
    with pytest.raises(DataError, match=r"bare.tif: the raster says no CRS; add `crs: EPSG:...` to its source"):
        read_onto(bare, band=1, window=whole(GRID), resampling="bilinear")
    with pytest.raises(DataError, match=r"bare.tif: `crs: EPSG:99` is not understood by PROJ"):
        read_onto(bare, band=1, window=whole(GRID), resampling="bilinear", crs="EPSG:99")


@pytest.mark.parametrize("crs", [AEA, "EPSG:4326"])
def test_a_file_cut_short_is_told_of_when_its_end_is_read(tmp_path: Path, crs: str) -> None:
    transform = from_origin(GRID.x_m, GRID.y_m, 1000, 1000) if crs == AEA else from_origin(63.6, 29.3, 1 / 90, 1 / 90)
    noise = np.random.default_rng(5).normal(size=(290, 300))
    path = save(tmp_path / "cut.tif", noise, crs, transform)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut.tif: cannot be read to the end .* damaged or cut short: fetch it again"):
        read_onto(path, band=1, window=whole(GRID), resampling="bilinear")


def test_what_is_no_raster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.tif").write_text("<html>moved</html>")
    with pytest.raises(DataError, match=r"page.tif: cannot be opened as a raster .* fetch it again"):
        read_onto(tmp_path / "page.tif", band=1, window=whole(GRID), resampling="nearest")
    with pytest.raises(DataError, match=r"gone.tif: no such file"):
        read_onto(tmp_path / "gone.tif", band=1, window=whole(GRID), resampling="nearest")
    save(tmp_path / "dem.tif", smooth((9, 9)), "EPSG:4326", GEO)
    xml = '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Float64" band="1"/></VRTDataset>'
    (tmp_path / "points_elsewhere.vrt").write_text(xml)
    with pytest.raises(DataError, match=r"points_elsewhere.vrt: is a VRT file; expected GTiff"):
        read_onto(tmp_path / "points_elsewhere.vrt", band=1, window=whole(GRID), resampling="nearest")


def test_the_grid_of_these_tests_crosses_blocks() -> None:
    assert min(GRID.shape) > BLOCK and min(FINE.shape) > BLOCK


@pytest.mark.parametrize("nodata", [-9999.0, 0.0, -3.4028234663852886e38, np.nan, None])
def test_a_copied_file_is_missing_where_gdal_says_so_and_keeps_its_own_numbers(tmp_path: Path, nodata: float | None) -> None:
    odd = np.array([-9999, np.nextafter(np.float32(-9999), np.float32(0)), -9998.9, 0, 1e-30, -3.4028234663852886e38, -3.402823e38, np.inf, np.nan, 7], "f4")
    values = np.random.default_rng(3).normal(size=GRID.shape).astype("f4")
    values.ravel()[: odd.size] = odd
    path = save(tmp_path / "same.tif", values, AEA, GRID.affine(), nodata)
    got, valid = read_onto(path, band=1, window=whole(GRID), resampling="bilinear")
    with rasterio.open(path) as source:
        want = (source.read_masks(1) > 0) & np.isfinite(values)
    assert np.array_equal(valid, want)
    assert got.dtype == np.float32 and np.array_equal(got, np.where(want, values, np.nan), equal_nan=True)
    part = Window(GRID, -20, -30, 40, 50)  # beyond the file too
    some, seen = read_onto(path, band=1, window=part, resampling="bilinear")
    assert np.array_equal(some[20:, 30:], got[:40, :50], equal_nan=True) and not seen[:20].any() and np.isnan(some[:20]).all()
