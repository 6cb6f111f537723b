"""The raster source: what it gives, and one clear refusal for each way a file can be wrong."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline import registry
from pipeline.asset import Place
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING
from pipeline.sources import _files
from pipeline.sources.raster import raster

AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
GRID = Grid(AEA, 1000.0, -20_000.0, 15_000.0, 30, 40, 16)
WHOLE = Window(GRID, 0, 0, 30, 40)
OWN = from_origin(-20_000, 15_000, 1000, 1000)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def save(
    place: Place, name: str, values: Any, *, crs: Any = AEA, transform: Any = OWN, nodata: float | None = None, tags: Any = None, **more: Any
) -> Path:
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values
    profile = {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype} | more
    with rasterio.open(place.root / name, "w", crs=crs, transform=transform, nodata=nodata, **profile) as file:
        file.write(values)
        if tags:
            file.update_tags(**tags)
    return place.root / name


def plane() -> Any:
    return np.arange(1200, dtype="f4").reshape(30, 40)


def refused(place: Place, match: str, **said: Any) -> None:
    with pytest.raises(DataError, match=match):
        raster(**said).acquire(place)


def test_one_band_gives_one_layer_of_the_sources_name(place: Place) -> None:
    save(place, "dem.tif", plane())
    source = raster(path="dem.tif", units="m", long_name="Elevation")
    found = source.acquire(place)
    (layer,), (asset,) = found.layers, found.assets
    assert (layer.suffix, layer.units, layer.long_name, layer.native_m, layer.dtype) == ("", "m", "Elevation", 1000.0, "float32")
    assert asset.id == "dem.tif" and asset.size == (place.root / "dem.tif").stat().st_size and not found.synthetic and found.notices == ()
    got = source.read(found.assets, "", WHOLE)
    assert got.dtype == np.float32 and np.array_equal(got, plane())


def test_several_bands_give_layers_by_suffix(place: Place) -> None:
    save(place, "s2.tif", np.stack([plane(), plane() + 5000, plane() * 2]))
    source = raster(path="s2.tif", bands={"blue": 3, "red": 2}, long_name="Reflectance")
    found = source.acquire(place)
    assert [(i.suffix, i.long_name) for i in found.layers] == [("blue", "Reflectance blue"), ("red", "Reflectance red")]
    assert np.array_equal(source.read(found.assets, "red", WHOLE), plane() + 5000)
    assert np.array_equal(source.read(found.assets, "blue", WHOLE), plane() * 2)


def test_values_are_scaled_and_shifted_and_infinity_is_missing(place: Place) -> None:
    values = plane().astype("f8")
    values[0, :4] = [np.inf, -np.inf, 1e300, -9999]
    save(place, "a.tif", values, nodata=-9999)
    source = raster(path="a.tif", scale=0.5, offset=-10)
    got = source.read(source.acquire(place).assets, "", WHOLE)
    assert np.isnan(got[0, :4]).all() and np.array_equal(got[1:], (plane() * 0.5 - 10)[1:])


def test_the_files_own_scale_holds_unless_said_otherwise(place: Place) -> None:
    path = save(place, "a.tif", plane().astype("i2"))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.25,), (100.0,)
    own, said = raster(path="a.tif"), raster(path="a.tif", scale=2)
    assets = own.acquire(place).assets
    assert np.array_equal(own.read(assets, "", WHOLE), plane() * 0.25 + 100)
    assert np.array_equal(said.read(assets, "", WHOLE), plane() * 2 + 100)


def test_declared_nodata_is_missing(place: Place) -> None:
    save(place, "a.tif", plane())
    source = raster(path="a.tif", nodata=7)
    got = source.read(source.acquire(place).assets, "", WHOLE)
    assert np.isnan(got).sum() == 1 and np.isnan(got[0, 7])


def test_a_categorical_layer_is_int32_with_missing(place: Place) -> None:
    codes = np.full((60, 80), 3, "u1")
    codes[:20] = 255
    save(place, "g.tif", codes, nodata=255, crs="EPSG:4326", transform=from_origin(65.3, 28.15, 0.005, 0.005))
    source = raster(path="g.tif", kind="categorical")
    found = source.acquire(place)
    got = source.read(found.assets, "", WHOLE)
    assert found.layers[0].dtype == "int32" and got.dtype == np.int32 and set(np.unique(got)) == {int(MISSING), 3}
    assert source.resampling == "nearest" and raster(path="g.tif", kind="categorical", resampling="mode").resampling == "mode"


def test_codes_that_are_no_codes_are_refused(place: Place) -> None:
    save(place, "g.tif", plane() + 0.5)
    source = raster(path="g.tif", kind="categorical")
    with pytest.raises(DataError, match=r"g.tif: holds 0.5; `kind: categorical` wants whole numbers of 32 bits: use `kind: continuous`"):
        source.read(source.acquire(place).assets, "", WHOLE)
    save(place, "h.tif", plane().astype("i8") + 2**31)
    source = raster(path="h.tif", kind="categorical")
    with pytest.raises(DataError, match=r"h.tif: holds 2.14748e\+09"):
        source.read(source.acquire(place).assets, "", WHOLE)


@pytest.mark.parametrize("method", ["bilinear", "cubic", "average"])
def test_classes_are_never_averaged(method: Any) -> None:
    with pytest.raises(ConfigError, match=rf"resampling '{method}' is not for a categorical layer; use one of nearest, mode"):
        raster(path="g.tif", kind="categorical", resampling=method)


def test_parameters_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="resampling 'mode' is not for a continuous layer; use one of nearest, bilinear, cubic, average"):
        raster(path="a.tif", resampling="mode")
    with pytest.raises(ConfigError, match="give `band:` or a `bands:` of at least one line, not both"):
        raster(path="a.tif", band=2, bands={"blue": 1})
    with pytest.raises(ConfigError, match="`scale:` and `offset:` are for continuous layers; classes are codes"):
        raster(path="a.tif", kind="categorical", scale=2)


def test_the_signature_is_the_config_schema() -> None:
    model = registry.parameters(raster)
    said = model(path="a.tif", bands={"blue": 1}).model_dump()
    assert raster(**said).bands == (("blue", 1),)
    for wrong in ({"path": "a.tif", "band": 0}, {"path": "a.tif", "kind": "classes"}, {"path": "a.tif", "bands": {"Blue Band": 1}}, {}):
        with pytest.raises(ValueError, match="validation error"):
            model(**wrong)


def test_what_the_data_resolve_is_the_pixel_unless_said(place: Place) -> None:
    save(place, "a.tif", np.ones((20, 30), "f4"), crs="EPSG:4326", transform=from_origin(65.2, 28.3, 1 / 30, 1 / 30))
    got = raster(path="a.tif").acquire(place).layers[0].native_m
    radius, lat = 6_371_000, np.radians(28.0)
    assert got == pytest.approx(np.radians(1 / 30) * radius * np.sqrt(np.cos(lat)), rel=0.01)
    assert raster(path="a.tif", native_m=4000).acquire(place).layers[0].native_m == 4000


def test_synthetic_data_say_so_by_tag_or_by_config(place: Place) -> None:
    save(place, "s.tif", plane(), tags={"SYNTHETIC": "YES, made from a seed"})
    save(place, "r.tif", plane())
    assert raster(path="s.tif").acquire(place).synthetic and not raster(path="r.tif").acquire(place).synthetic
    assert raster(path="r.tif", synthetic=True).acquire(place).synthetic and not raster(path="s.tif", synthetic=False).acquire(place).synthetic


def test_bounds_hold_every_cell_the_file_can_reach(place: Place) -> None:
    grid = Grid(AEA, 1000.0, -150_000.0, 120_000.0, 240, 300, 64)
    small = Place(place.root, place.cache, grid)
    for crs, transform in (("EPSG:4326", from_origin(65.2, 28.3, 1 / 30, 1 / 30)), ("EPSG:32641", from_origin(700_000, 3_100_000, 700, 700))):
        save(place, "a.tif", np.ones((20, 30), "f4"), crs=crs, transform=transform)
        source = raster(path="a.tif", resampling="average")
        (asset,) = source.acquire(small).assets
        assert asset.bounds is not None
        xmin, ymin, xmax, ymax = asset.bounds
        window = Window(grid, 0, 0, *grid.shape)
        x, y = np.meshgrid(window.x(), window.y())
        valid = ~np.isnan(source.read((asset,), "", window))
        assert 100 < valid.sum() < valid.size / 4
        assert ((x > xmin) & (x < xmax) & (y > ymin) & (y < ymax))[valid].all()
        assert (xmax - xmin) * (ymax - ymin) < 16 * valid.sum() * 1e6
    save(place, "all.tif", np.ones((180, 360), "f4"), crs="EPSG:4326", transform=from_origin(-180, 90, 1, 1))
    assert raster(path="all.tif").acquire(small).assets[0].bounds is None


def test_a_version_follows_content_and_sidecars_and_not_the_name(place: Place) -> None:
    first = save(place, "a.tif", plane())
    (place.root / "b.tif").write_bytes(first.read_bytes())
    one, two = (raster(path=p).acquire(place).assets[0].version for p in ("a.tif", "b.tif"))
    with rasterio.open(place.root / "b.tif") as source, rasterio.open(place.root / "b.tif.msk", "w", **source.profile | {"dtype": "uint8"}) as mask:
        mask.write(np.zeros((1, 30, 40), "u1"))
    assert one == two != raster(path="b.tif").acquire(place).assets[0].version
    save(place, "a.tif", plane() + 1)
    assert raster(path="a.tif").acquire(place).assets[0].version != one


def test_a_digest_is_remembered_until_size_or_time_change(place: Place) -> None:
    path = save(place, "a.tif", plane())
    old = time.time() - 3600
    os.utime(path, (old, old))
    version = raster(path="a.tif").acquire(place).assets[0].version
    memo = place.cache / "digests.json"
    held = json.loads(memo.read_text())
    assert [entry[2] for entry in held.values()] == [version]
    memo.write_text(json.dumps({key: [*entry[:2], "remembered"] for key, entry in held.items()}))
    assert raster(path="a.tif").acquire(place).assets[0].version == "remembered"
    os.utime(path, (old + 1, old + 1))
    assert raster(path="a.tif").acquire(place).assets[0].version == version
    memo.write_text("{broken")
    assert raster(path="a.tif").acquire(place).assets[0].version == version


def test_what_is_hashed_ahead_is_the_same_and_is_dropped_with_what_asked_for_it(place: Place) -> None:
    file, other = place.root / "a.bin", place.root / "b.bin"
    file.write_bytes(b"a" * 5_000_000)
    other.write_bytes(b"b" * 5_000_000)
    with _files.ahead(["a.bin", "b.bin", "a.bin", "missing.bin", "https://example.org/c.bin"], place):
        assert _files.digest(file, place.cache) == hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(DataError), _files.ahead(["a.bin"], place):
        raise DataError("refused")
    assert _files.digest(other, place.cache) == hashlib.sha256(other.read_bytes()).hexdigest()


def test_a_file_just_written_is_not_remembered(place: Place) -> None:
    save(place, "a.tif", plane())
    raster(path="a.tif").acquire(place)
    assert not (place.cache / "digests.json").exists()


def test_a_declared_sum_is_checked(place: Place) -> None:
    save(place, "a.tif", plane())
    version = raster(path="a.tif").acquire(place).assets[0].version
    assert raster(path="a.tif", sha256=version.upper()).acquire(place).assets[0].version == version
    refused(place, rf"a.tif: its SHA-256 is {version}, expected 00; it was changed", path="a.tif", sha256="00")


def test_an_absolute_path_does_not_leave_this_machine(place: Place) -> None:
    path = save(place, "a.tif", plane())
    assert raster(path=str(path)).acquire(place).assets[0].id == "a.tif"


def test_a_missing_file_is_refused(place: Place) -> None:
    refused(place, r"data/gone.tif: no such file below .*; check `path:` in the config", path="data/gone.tif")


def test_a_file_that_is_no_raster_is_refused(place: Place) -> None:
    (place.root / "a.tif").write_bytes(b"II*\0" + b"\0" * 40)
    refused(place, r"a.tif: cannot be opened as a raster .*fetch it again", path="a.tif")


def test_a_truncated_geotiff_is_refused_by_its_header(place: Place) -> None:
    noise = np.random.default_rng(1).normal(size=(30, 40))
    path = save(place, "a.tif", noise, tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    path.write_bytes(path.read_bytes()[: path.stat().st_size - 200])
    refused(place, r"a.tif: its header points to byte [\d,]+, the file ends at [\d,]+; it is cut short: fetch it again", path="a.tif")


def test_a_raster_damaged_inside_is_told_of_when_it_is_read(place: Place) -> None:
    path = save(place, "a.tif", np.random.default_rng(1).normal(size=(30, 40)), tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\xff" * 400
    path.write_bytes(bytes(data))
    source = raster(path="a.tif")
    with pytest.raises(DataError, match=r"a.tif: cannot be read to the end .* fetch it again"):
        source.read(source.acquire(place).assets, "", WHOLE)


def test_a_raster_without_crs_is_refused_and_the_repair_works(place: Place) -> None:
    save(place, "a.tif", plane(), crs=None)
    refused(place, r"a.tif: the raster says no CRS; add `crs: EPSG:...` to its source", path="a.tif")
    source = raster(path="a.tif", crs=AEA)
    assert np.array_equal(source.read(source.acquire(place).assets, "", WHOLE), plane())


def test_a_crs_that_overrides_the_files_own_is_told_of(place: Place) -> None:
    save(place, "a.tif", plane(), crs="EPSG:3857")
    assert raster(path="a.tif", crs=AEA).acquire(place).notices == (f"a.tif: `crs: {AEA}` is used, the file says EPSG:3857",)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_place_on_the_ground_is_refused(place: Place) -> None:
    save(place, "a.tif", plane(), transform=None)
    refused(place, r"a.tif: says no position on the ground \(no geotransform\)", path="a.tif")


def test_a_raster_that_misses_the_region_is_refused(place: Place) -> None:
    save(place, "a.tif", plane(), crs="EPSG:4326", transform=from_origin(10, 50, 0.1, 0.1))
    refused(
        place,
        r"a.tif: does not touch the region; it covers 10.00 to 14.00 E, 47.00 to 50.00 N, the region 65.30 to 65.70 E, 27.86 to 28.14 N: give a file",
        path="a.tif",
    )
    save(place, "b.tif", plane(), crs=None)
    refused(place, r"b.tif: does not touch the region.*: correct `crs:`", path="b.tif", crs="EPSG:32641")


def test_a_band_out_of_range_is_refused(place: Place) -> None:
    save(place, "a.tif", np.stack([plane(), plane()]))
    refused(place, r"a.tif: has 2 bands, band 3 was asked for; correct `band:` or `bands:`", path="a.tif", bands={"x": 1, "y": 3})


def test_complex_numbers_are_refused(place: Place) -> None:
    save(place, "a.tif", plane().astype("complex64"))
    refused(place, r"a.tif: band 1 is complex64; give its magnitude or phase as a band of its own", path="a.tif")


def test_an_absurd_header_on_a_tiny_file_is_refused(place: Place) -> None:
    path = place.root / "huge.tif"
    shape = {"height": 32_000, "width": 32_000, "count": 1, "dtype": "float32", "tiled": True, "compress": "deflate"}
    with rasterio.open(path, "w", driver="GTiff", crs=AEA, transform=OWN, SPARSE_OK=True, **shape):
        pass
    assert path.stat().st_size < 400_000
    refused(
        place,
        r"huge.tif: declares 32,000 x 32,000 pixels in a file of [\d,]+ bytes, more than 1000 to 1; it is empty, cut short or forged",
        path="huge.tif",
    )
    refused(place, r"huge.tif: declares 32,000 x 32,000 pixels, the limit is 5e\+08; raise `max_cells:`", path="huge.tif", max_cells=5e8)


def test_a_layer_of_nothing_but_nodata_is_refused(place: Place) -> None:
    for crs, transform in ((AEA, OWN), ("EPSG:4326", from_origin(65, 28.5, 0.02, 0.02))):
        save(place, "a.tif", np.stack([plane()[:, :] * 0 + 1, plane() * 0 - 9999]), nodata=-9999, crs=crs, transform=transform)
        source = raster(path="a.tif", bands={"full": 1, "empty": 2})
        with pytest.raises(DataError, match=r"a.tif: band 2 \(empty\) holds no value in the region, only nodata; check `nodata:` and `band:`"):
            source.check_values(source.acquire(place).assets, GRID)


def test_values_outside_the_region_do_not_make_a_layer(place: Place) -> None:
    wide = np.full((300, 400), np.nan, "f4")
    wide[:50] = 1
    save(place, "a.tif", wide, transform=from_origin(-200_000, 150_000, 1000, 1000))
    source = raster(path="a.tif")
    with pytest.raises(DataError, match=r"a.tif: band 1 holds no value in the region"):
        source.check_values(source.acquire(place).assets, GRID)


def test_a_single_value_among_millions_is_enough(place: Place) -> None:
    grid = Grid(AEA, 1000.0, 0.0, 3_000_000.0, 3000, 3000, 512)
    values = np.zeros((3000, 3000), "u1")
    values[1501, 2003] = 9
    save(place, "a.tif", values, nodata=0, transform=from_origin(0, 3_000_000, 1000, 1000), compress="deflate", tiled=True)
    source = raster(path="a.tif")
    source.check_values(source.acquire(Place(place.root, place.cache, grid)).assets, grid)


def test_an_address_is_fetched_to_the_shelf_and_named_without_its_query(place: Place) -> None:
    save(place, "dem.tif", plane())
    handler = partial(SimpleHTTPRequestHandler, directory=str(place.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            source = raster(path=f"http://127.0.0.1:{server.server_address[1]}/dem.tif?signature=secret")
            (asset,) = source.acquire(place).assets
        finally:
            server.shutdown()
            thread.join()
    assert asset.id.endswith("/dem.tif") and asset.version == raster(path="dem.tif").acquire(place).assets[0].version
    assert Path(asset.path).parent == place.cache / "downloads" and Path(asset.path).suffix == ".tif"
    assert np.array_equal(source.read((asset,), "", WHOLE), plane())
    refused(place, r"http://data.example/dem.tif: only https addresses are fetched", path="http://data.example/dem.tif")
