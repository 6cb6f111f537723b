"""Rasters read by pieces from a real server: only the bytes that are needed, once, whole, of one version."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from pipeline.blocks import BLOCK, GAP, Blocks
from pipeline.errors import DataError, MissingError, StoreError
from pipeline.footprint import opened
from pipeline.grid import Grid
from pipeline.pace import Patience
from pipeline.ranged import FIRST, Remote
from pipeline.warp import read_onto
from tests.servers import web as webs
from tests.servers.web import Web

GRID = Grid.covering((510_000, 3_170_000, 540_000, 3_200_000), crs="EPSG:32641", cell_m=60, tile=128)
SIDE = 1280


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bands of noise, tiled, with overviews: 20 m pixels of which GRID covers most."""
    path = tmp_path_factory.mktemp("cog") / "scene.tif"
    values = np.random.default_rng(3).integers(1, 4000, (2, SIDE, SIDE)).astype(np.uint16)
    profile = {"driver": "COG", "count": 2, "height": SIDE, "width": SIDE, "dtype": "uint16", "nodata": 0, "blocksize": 256, "compress": "deflate"}
    with rasterio.open(path, "w", crs="EPSG:32641", transform=from_origin(508_000, 3_201_000, 20, 20), **profile) as file:
        file.write(values)
    return path


@pytest.fixture
def web(cog: Path) -> Iterator[Web]:
    with webs.serving(Web({"/scene.tif": cog.read_bytes()})) as web:
        yield web


def remote(web: Web, shelf: Path, **more: object) -> Remote:
    patience = Patience(tries=3, pause=lambda _: None)
    said = {"hosts": ("127.0.0.1",), "shelf": shelf, "name": "sentinel2: S2A red", "patience": patience}
    return Remote(web.url("/scene.tif"), **(said | more))  # type: ignore[arg-type]


def blocks(far: Remote) -> Blocks:
    found = far.blocks()
    assert isinstance(found, Blocks)
    return found


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
@pytest.mark.parametrize("crs", ["EPSG:32641", "EPSG:32642"])
def test_a_remote_raster_is_read_to_the_same_bits_as_a_local_one(cog: Path, web: Web, tmp_path: Path, resampling: str, crs: str) -> None:
    grid = GRID if crs == GRID.crs else Grid.covering((-75_000, 3_190_000, -57_000, 3_205_000), crs=crs, cell_m=300, tile=64)
    for tile in list(grid.tiles())[:2]:
        for band in (1, 2):
            near, far = (read_onto(of, band=band, window=grid.window(tile), resampling=resampling) for of in (cog, remote(web, tmp_path)))  # type: ignore[arg-type]
            assert near[1].any()
            np.testing.assert_array_equal(near, far)


def test_only_what_a_window_needs_is_fetched_and_only_once(cog: Path, web: Web, tmp_path: Path) -> None:
    window = ((300, 500), (300, 500))  # inside one block of 256 x 256 pixels, where the two bands lie together
    with opened(remote(web, tmp_path)) as source:
        source.read(1, window=window)
        start, size = (int(source.get_tag_item(f"BLOCK_{word}_1_1", "TIFF", bidx=1)) for word in ("OFFSET", "SIZE"))
    sent = web.bytes_sent()
    assert FIRST * BLOCK + size <= sent <= FIRST * BLOCK + size + 2 * BLOCK and sent < 0.05 * cog.stat().st_size
    assert [one.status for one in web.sent] == [206, 206] and 0 <= start - web.sent[1].start < BLOCK
    for band in (1, 2):
        with opened(remote(web, tmp_path)) as source, rasterio.open(cog) as near:
            np.testing.assert_array_equal(source.read(band, window=window), near.read(band, window=window))
    assert web.bytes_sent() == sent == blocks(remote(web, tmp_path)).held()


def test_the_blocks_of_a_window_come_in_few_requests(web: Web, tmp_path: Path) -> None:
    with opened(remote(web, tmp_path)) as source:
        before = len(web.sent)
        source.read(1, window=((0, 256), (0, SIDE)))
    assert len(web.sent) - before <= 2


def test_several_processes_and_threads_fetch_nothing_twice(cog: Path, web: Web, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        sums = pool.starmap(_read_all, [(web.url("/scene.tif"), tmp_path)] * 4)
    threads = [threading.Thread(target=_read_all, args=(web.url("/scene.tif"), tmp_path / "threads")) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with rasterio.open(cog) as source:
        assert set(sums) == {int(source.read(1).sum())}
    assert web.bytes_sent() <= 2 * cog.stat().st_size + 2 * BLOCK * (GAP + 1)


def _read_all(url: str, shelf: Path) -> int:
    with opened(Remote(url, hosts=("127.0.0.1",), shelf=shelf, name="scene")) as source:
        return int(source.read(1).sum())


def test_a_connection_cut_mid_block_goes_on_where_it_broke(cog: Path, web: Web, tmp_path: Path) -> None:
    far = remote(web, tmp_path)
    far.blocks()
    web.faults["/scene.tif"] = [webs.cut(5 * BLOCK + 10), webs.status(503), webs.cut(BLOCK + 1)]
    blocks(far).bring(range(blocks(far).count))
    first = web.sent[0].size // BLOCK
    assert [one.start // BLOCK for one in web.sent if one.status == 206] == [0, first, first + 5, first + 6]
    assert (blocks(far).folder / "data").read_bytes() == cog.read_bytes()


def test_a_kill_between_two_blocks_costs_none_of_those_fetched(cog: Path, web: Web, tmp_path: Path) -> None:
    far = remote(web, tmp_path, patience=Patience(tries=1, pause=lambda _: None))
    far.blocks()
    web.faults["/scene.tif"] = [webs.cut(7 * BLOCK)]
    with pytest.raises(DataError, match=r"sentinel2: S2A red: http://127.0.0.1:\d+/scene.tif: gave up after 1 try \(cut off"):
        blocks(far).bring(range(blocks(far).count))
    before = web.bytes_sent()
    blocks(far).bring(range(blocks(far).count))
    assert web.bytes_sent() == before + cog.stat().st_size - before == cog.stat().st_size


def test_a_block_that_was_damaged_on_the_shelf_is_fetched_again(cog: Path, web: Web, tmp_path: Path) -> None:
    far = remote(web, tmp_path)
    with opened(far) as source:
        whole = source.read(1)
    data = blocks(far).folder / "data"
    body = bytearray(data.read_bytes())
    body[web.sent[-1].start + BLOCK + 100] ^= 255
    data.write_bytes(body)
    sent = web.bytes_sent()
    with opened(far) as source:
        np.testing.assert_array_equal(source.read(1), whole)
    assert web.bytes_sent() == sent + BLOCK


def test_a_file_that_changes_while_it_is_read_is_refused_and_read_anew_by_the_next_run(cog: Path, web: Web, tmp_path: Path) -> None:
    far = remote(web, tmp_path)
    with opened(far) as source:
        source.read(1, window=((0, 64), (0, 64)))
    web.files["/scene.tif"] = cog.read_bytes()[:-1] + b"\1"
    with pytest.raises(DataError, match=r"S2A red: .*/scene.tif: changed on the server while it was read; run again"), opened(far) as source:
        source.read(1)
    with opened(far) as source:
        assert source.read(1).all()


def test_a_new_version_of_the_catalogue_asks_anew(cog: Path, web: Web, tmp_path: Path) -> None:
    with opened(remote(web, tmp_path, version="1")):
        pass
    asked = len(web.asked)
    with opened(remote(web, tmp_path, version="1")):
        assert len(web.asked) == asked
    with opened(remote(web, tmp_path, version="2")):
        assert len(web.asked) == asked + 1


def test_offline_reads_what_is_there_and_names_what_is_not(web: Web, tmp_path: Path) -> None:
    off = remote(web, tmp_path, offline=True)
    with pytest.raises(MissingError, match=r"offline, and not on the shelf: http://127.0.0.1:\d+/scene.tif; run once without --offline"), opened(off):
        pass
    with opened(remote(web, tmp_path)) as source:
        part = source.read(1, window=((0, 64), (0, 64)))
    asked = len(web.asked)
    with opened(off) as source:
        np.testing.assert_array_equal(source.read(1, window=((0, 64), (0, 64))), part)
    with pytest.raises(MissingError), opened(off) as source:
        source.read(1)
    assert len(web.asked) == asked


@pytest.mark.parametrize("how", ["knows_ranges", "names_versions"])
def test_a_server_without_ranges_or_versions_sends_the_whole_file(cog: Path, web: Web, tmp_path: Path, how: str) -> None:
    setattr(web, how, False)
    with opened(remote(web, tmp_path)) as source, rasterio.open(cog) as near:
        np.testing.assert_array_equal(source.read(), near.read())
    assert list(tmp_path.glob("*-scene.tif")) and not list(tmp_path.glob("ranged/*/data"))


def test_a_truncated_file_gives_an_error_and_no_pixel(cog: Path, web: Web, tmp_path: Path) -> None:
    web.files["/scene.tif"] = cog.read_bytes()[: cog.stat().st_size * 3 // 4]
    with pytest.raises(DataError, match=r"sentinel2: S2A red: (its header points to|cannot be read to the end).*; it is damaged or cut short"):
        [read_onto(remote(web, tmp_path), band=1, window=GRID.window(tile), resampling="nearest") for tile in GRID.tiles()]


def test_what_is_no_raster_is_told_with_the_asset(web: Web, tmp_path: Path) -> None:
    web.files["/scene.tif"] = b"<!doctype html><p>log in" + bytes(50_000)
    with pytest.raises(DataError, match=r"sentinel2: S2A red: http://.*: the server sent a web page, not a file"), opened(remote(web, tmp_path)):
        pass
    web.files["/scene.tif"] = bytes(50_000)
    with pytest.raises(DataError, match=r"sentinel2: S2A red: cannot be opened as a raster"), opened(remote(web, tmp_path)):
        pass
    web.files["/scene.tif"] = b""
    with pytest.raises(DataError, match=r"S2A red: .*the server sent an empty file"), opened(remote(web, tmp_path, version="3")):
        pass
    del web.files["/scene.tif"]
    with pytest.raises(DataError, match=r"sentinel2: S2A red: .*scene.tif: the server answers 404 Not Found; check the address"):
        remote(web, tmp_path, version="4").blocks()


def test_hosts_and_sizes_are_limited(cog: Path, web: Web, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"S2A red: .*host '127.0.0.1' is not declared \(declared: a.example\)"), opened(remote(web, tmp_path, hosts=("a.example",))):
        pass
    web.faults["/scene.tif"] = [webs.status(302, Location=web.url("/scene.tif", "localhost"))]
    with pytest.raises(DataError, match=r"S2A red: .*leads to http://localhost:\d+/scene.tif, and host 'localhost' is not declared"):
        remote(web, tmp_path).blocks()
    with pytest.raises(DataError, match=rf"S2A red: .*holds {cog.stat().st_size:,} bytes, the limit is 1,000; fetch it by hand"):
        remote(web, tmp_path, max_bytes=1000).blocks()
    assert not list(tmp_path.glob("ranged/*/data"))


def test_an_expired_signature_is_renewed_in_the_middle_of_a_read(cog: Path, web: Web, tmp_path: Path) -> None:
    good, made = {"a"}, []
    web.needs_signature = lambda sig: sig in good

    def sign(url: str, fresh: bool) -> str:
        made.append(fresh)
        return f"{url}?sig={'b' if fresh or True in made else 'a'}"

    far = remote(web, tmp_path, sign=sign)
    with opened(far) as source:
        good.clear()
        good.add("b")
        with rasterio.open(cog) as near:
            np.testing.assert_array_equal(source.read(), near.read())
    assert made.count(True) == 1 and "sig=" not in "".join(p.read_text() for p in tmp_path.rglob("*.json"))
    good.clear()
    with pytest.raises(DataError, match=r"S2A red: .*answers 403 Forbidden; its signature is refused, a fresh one too"):
        replace(far, version="2").blocks()


def test_a_full_disk_is_told(web: Web, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"the cache cannot be written|downloads cannot be kept in file"):
        remote(web, tmp_path / "file").blocks()
