"""Chunks lie in the store as zarr lays them, are held only as long as they are what lies there, and are refused when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from pipeline import chunks
from pipeline.cube import Cube, LayerMeta, stored
from pipeline.errors import StoreError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING

GRID = Grid.covering((0, 0, 4_000, 3_000), crs="EPSG:32642", cell_m=50, tile=32)


def meta(name: str, dtype: str = "float32") -> LayerMeta:
    return LayerMeta(name, dtype, "1", name, "test", "CC0-1.0", 50.0)


@pytest.fixture
def cube(tmp_path: Path) -> Cube:
    made = Cube.at(tmp_path, "here", GRID)
    made.prepare([meta("slope"), meta("rock", "int32"), meta("same")])
    return made


def filled(cube: Cube, layer: str, dtype: str) -> np.ndarray:
    whole = np.random.default_rng(0).normal(size=GRID.shape).round(1).astype(dtype)
    whole[:40, :40] = MISSING if dtype == "int32" else np.nan
    for tile in GRID.tiles():
        w = GRID.window(tile)
        cube.write(layer, tile, np.ascontiguousarray(whole[w.r0 : w.r1, w.c0 : w.c1]))
    return whole


@pytest.mark.parametrize(("layer", "dtype"), [("slope", "float32"), ("rock", "int32")])
def test_zarr_reads_what_was_written_and_would_have_written_the_same_bytes(cube: Cube, layer: str, dtype: str) -> None:
    whole = filled(cube, layer, dtype)
    np.testing.assert_array_equal(zarr.open_array(stored(cube.path / layer))[:], whole)
    ours = {p.relative_to(cube.path): p.read_bytes() for p in (cube.path / layer / "c").rglob("*") if p.is_file()}
    for path in ours:
        (cube.path / path).unlink()
    zarr.open_array(stored(cube.path / layer), mode="r+")[:] = whole
    assert ours == {p.relative_to(cube.path): p.read_bytes() for p in (cube.path / layer / "c").rglob("*") if p.is_file()}
    assert not (cube.path / layer / "c" / "0" / "0").exists()  # nothing but missing cells


@pytest.mark.parametrize("window", [(-3, -5, 40, 33), (10, 10, 11, 11), (55, 70, 63, 85), (200, 0, 210, 5), (0, 0, *GRID.shape), (32, 32, 60, 64)])
def test_any_window_is_read_as_of_the_whole(cube: Cube, window: tuple[int, int, int, int]) -> None:
    whole = filled(cube, "slope", "float32")
    around = np.pad(whole, 250, constant_values=np.nan)
    r0, c0, r1, c1 = window
    np.testing.assert_array_equal(cube.read("slope", Window(GRID, *window)), around[r0 + 250 : r1 + 250, c0 + 250 : c1 + 250])


def test_a_chunk_replaced_by_someone_else_is_read_anew(cube: Cube) -> None:
    filled(cube, "slope", "float32")
    tile = GRID.window((1, 1))
    before = cube.read("slope", tile)
    zarr.open_array(stored(cube.path / "slope"), mode="r+")[tile.r0 : tile.r1, tile.c0 : tile.c1] = 7
    assert not np.array_equal(before, cube.read("slope", tile))
    assert (cube.read("slope", tile) == 7).all()


def test_values_are_read_only_and_a_copy_is_a_name_of_the_same_file(cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(cube, "slope", "float32")
    packed = list[int]()
    monkeypatch.setattr(chunks, "_packed", lambda values, kind: packed.append(1) or b"")
    for tile in ((1, 1), (1, 2), (0, 1)):
        values = cube.read("slope", GRID.window(tile))
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1
        cube.write("same", tile, values)
        at = Path("c", *map(str, tile))
        assert (cube.path / "same" / at).samefile(cube.path / "slope" / at)
        cube.write("same", tile, values)  # once more: nothing is left beside it
        assert [path.name for path in (cube.path / "same" / at).parent.glob(f"{tile[1]}*")] == [str(tile[1])]
    assert not packed


def test_writing_a_chunk_leaves_the_one_it_was_copied_from(cube: Cube) -> None:
    whole = filled(cube, "slope", "float32")
    w = GRID.window((1, 1))
    cube.write("same", (1, 1), cube.read("slope", w))
    cube.write("same", (1, 1), np.zeros(w.shape, np.float32))
    np.testing.assert_array_equal(cube.read("slope", w), whole[w.r0 : w.r1, w.c0 : w.c1])
    np.testing.assert_array_equal(zarr.open_array(stored(cube.path / "slope"))[w.r0 : w.r1, w.c0 : w.c1], whole[w.r0 : w.r1, w.c0 : w.c1])


def test_without_links_it_is_packed_again(cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = filled(cube, "slope", "float32")
    w = GRID.window((1, 1))
    monkeypatch.setattr(chunks.os, "link", lambda *_: (_ for _ in ()).throw(OSError("not here")))
    cube.write("same", (1, 1), cube.read("slope", w))
    np.testing.assert_array_equal(cube.read("same", w), whole[w.r0 : w.r1, w.c0 : w.c1])
    assert not (cube.path / "same" / "c" / "1" / "1").samefile(cube.path / "slope" / "c" / "1" / "1")


def test_values_of_a_chunk_that_was_replaced_since_are_packed_anew(cube: Cube) -> None:
    filled(cube, "slope", "float32")
    tile = GRID.window((1, 1))
    values = cube.read("slope", tile)
    zarr.open_array(stored(cube.path / "slope"), mode="r+")[tile.r0 : tile.r1, tile.c0 : tile.c1] = 7
    cube.write("same", (1, 1), values)
    np.testing.assert_array_equal(cube.read("same", tile), values)


def test_no_more_is_held_than_stated(cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    held = chunks._Held()
    monkeypatch.setattr(chunks, "HELD_BYTES", 3 * 32 * 32 * 4)
    monkeypatch.setattr(chunks, "_HELD", held)
    whole = filled(cube, "slope", "float32")
    for tile in GRID.tiles():
        w = GRID.window(tile)
        np.testing.assert_array_equal(cube.read("slope", w), whole[w.r0 : w.r1, w.c0 : w.c1])
        assert held._bytes == sum(values.nbytes for _, values in held._chunks.values()) <= chunks.HELD_BYTES
        assert set(held._of) == {id(values) for _, values in held._chunks.values()}


def test_a_damaged_chunk_and_an_array_of_another_kind_are_named(cube: Cube) -> None:
    filled(cube, "slope", "float32")
    (cube.path / "slope" / "c" / "1" / "1").write_bytes(b"no chunk")
    with pytest.raises(StoreError, match=r"the chunk slope/c/1/1 of the store is damaged .*delete its cube"):
        cube.read("slope", GRID.window((1, 1)))
    with pytest.raises(StoreError, match="layer 'none' is not in"):
        cube.read("none", GRID.window((1, 1)))
    zarr.create_array(stored(cube.path / "same"), shape=GRID.shape, chunks=(32, 32), dtype="float32", overwrite=True)
    with pytest.raises(StoreError, match="made by another version"):
        cube.read("same", GRID.window((1, 1)))
