"""A scene that is served wrong, on purpose: one error that names scene and band, and not one pixel; served right again, it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError, MissingError
from pipeline.grid import Grid, Window
from pipeline.recipe import Array
from pipeline.sources import _scenes, _stored, sentinel2
from tests import tiny
from tests.fakes import sentinel2 as fake
from tests.servers import web as webs
from tests.servers.web import Fault, Handler, Web

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=1000, tile=32)
WHOLE = Window(GRID, 0, 0, *GRID.shape)


@pytest.fixture
def web() -> Iterator[Web]:
    with webs.serving() as web:
        yield web


def scene(web: Web, tmp_path: Path, *, offline: bool = False) -> _scenes.Scene:
    """One take, of 200 m pixels, its files on the server."""
    folder = tmp_path / "www"
    items = fake.write(folder, web.url(""), fake.takes(*tiny.to_lonlat(30_000, 25_000), 30_000, days=("2023-05-11",))[:1], keys=("red",))
    web.files |= {f"/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in folder.rglob("*.tif")}
    source = _scenes.From(("127.0.0.1",), "", str(tmp_path / "downloads"), offline)
    (found,) = _scenes.scenes(items, sentinel2.SENSOR.product, ("red",), GRID, source)
    return found


def read(of: _scenes.Scene) -> Array:
    return _stored.onto(of, "red", window=WHOLE, resampling="bilinear", dtype="uint16")


def truncated(web: Web, to: Handler, content: bytes) -> bool:
    web.serve(to, content[: len(content) // 2])
    return True


def damaged(web: Web, to: Handler, content: bytes) -> bool:
    """The right length, and noise where the pixels are."""
    web.serve(to, content[:4000] + np.random.default_rng(1).bytes(len(content) - 4000))
    return True


FAULTS: dict[str, tuple[Fault, str]] = {
    "truncated": (truncated, r"its header points to byte [\d,]+, the file ends at [\d,]+|cannot be (read to the end|opened as a raster) \(.*\)"),
    "damaged": (damaged, r"its header points to byte|cannot be (read to the end|opened as a raster) \(.*\)"),
    "gone": (webs.status(404), r"http://127.*: the server answers 404 Not Found; check the address"),
    "moved": (webs.status(302, Location="https://tracker.example/a.tif"), r"http://127.*: leads to https://tracker.example/a.tif, and host .* is not declared"),
    "a page": (webs.instead(b"<!DOCTYPE html><title>Sign in</title>"), r"http://127.*: the server sent a web page, not a file"),
    "empty": (webs.instead(b""), r"http://127.*: the server sent an empty file"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_scene_served_wrong_names_itself_gives_no_pixel_and_is_read_once_it_is_mended(tmp_path: Path, web: Web, what: str) -> None:
    fault, words = FAULTS[what]
    found = scene(web, tmp_path)
    path = next(path for path in web.files if path.endswith("red.tif"))
    web.faults[path] = [fault] * 50
    with pytest.raises(DataError, match=rf"^{found.id}: \S+red.tif: ({words})"):
        read(found)
    del web.faults[path]
    assert np.isfinite(read(found)).any()


def test_offline_a_scene_that_was_read_is_read_again_and_another_is_named(tmp_path: Path, web: Web) -> None:
    with pytest.raises(MissingError, match=r"offline, and not on the shelf: http://127.0.0.1:\d+/.*red.tif; run once without --offline"):
        read(scene(web, tmp_path, offline=True))
    assert web.asked == []
    values = read(scene(web, tmp_path))
    asked = len(web.asked)
    np.testing.assert_array_equal(read(scene(web, tmp_path, offline=True)), values)
    assert len(web.asked) == asked
