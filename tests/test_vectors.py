"""Aligned vector tables: what is asked for by bounds, in what order, and when a tile's digest changes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline import vectors
from pipeline.errors import StoreError
from pipeline.grid import Grid

AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
GRID = Grid(AEA, 100.0, 0.0, 10_000.0, 100, 100, 25)  # 4 x 4 tiles of 2.5 km


def lines(count: int, seed: int = 1, reach: float = 900) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    start = rng.uniform(-2000, 12_000, (count, 2))
    shapes = shapely.linestrings(np.stack([start, start + rng.uniform(-reach, reach, (count, 2))], axis=1))
    kind = rng.choice(["old", "active"], count)
    return gpd.GeoDataFrame({"kind": kind, "rank": np.arange(count), "open": rng.random(count) < 0.5}, geometry=shapes, crs=AEA)


def kept(frame: gpd.GeoDataFrame, folder: Path, name: str = "table") -> Path:
    path = folder / f"{name}.fgb"
    vectors.store(frame, path)
    return path


def test_bounds_give_exactly_the_features_that_touch_them(tmp_path: Path) -> None:
    frame = lines(300)
    path = kept(frame, tmp_path)
    for bounds in [(0, 0, 2500, 2500), (2600, 4000, 2700, 4100), (-2000, -2000, 12_000, 12_000), (50_000, 0, 60_000, 1)]:
        got = vectors.touching(path, bounds)
        want = {int(r) for r, shape in zip(frame["rank"], frame.geometry, strict=True) if shape.distance(shapely.box(*bounds)) == 0}
        assert set(got.columns["rank"].tolist()) == want
        by_rank = dict(zip(frame["rank"], frame.geometry, strict=True))
        assert all(shape.equals_exact(by_rank[r], 0) for shape, r in zip(got.geometry, got.columns["rank"], strict=True))


def test_a_feature_on_the_very_edge_counts(tmp_path: Path) -> None:
    edge = [shapely.LineString([(100, 0), (100, 50)]), shapely.Point(100.001, 20)]
    path = kept(gpd.GeoDataFrame({"n": [1, 2]}, geometry=edge, crs=AEA), tmp_path)
    assert vectors.touching(path, (0, 0, 100, 50)).columns["n"].tolist() == [1]


def test_a_line_whose_bounds_touch_but_which_passes_by_is_left_out(tmp_path: Path) -> None:
    path = kept(gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.LineString([(0, 0), (0, 100), (100, 100)])], crs=AEA), tmp_path)
    assert vectors.touching(path, (40, 40, 60, 60)).geometry.size == 0


def test_neither_order_nor_bytes_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    frame = lines(200)
    frame = gpd.GeoDataFrame(gpd.pd.concat([frame, frame.assign(rank=frame["rank"] + 1000)]), crs=AEA)  # twice the same shapes
    shuffled = frame.sample(frac=1, random_state=7)
    one, other = kept(frame, tmp_path, "one"), kept(shuffled, tmp_path / "b", "one")
    assert one.read_bytes() == other.read_bytes()
    first, second = (vectors.touching(path, (0, 0, 9000, 9000)) for path in (one, other))
    assert first.columns["rank"].tolist() == second.columns["rank"].tolist()
    few = vectors.touching(one, (0, 0, 3000, 3000)).columns["rank"].tolist()
    assert few == [r for r in first.columns["rank"].tolist() if r in set(few)]


def test_columns_come_back_as_they_were_and_missing_ones_missing(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["a", None], "km": [1.5, np.nan], "n": [3, 4], "is_open": [True, False]},
        geometry=[shapely.Point(1, 1), shapely.Point(2, 2)],
        crs=AEA,
    )
    got = vectors.touching(kept(frame, tmp_path), (0, 0, 10, 10)).columns
    assert got["name"].tolist() == ["a", None] and got["n"].tolist() == [3, 4] and got["is_open"].tolist() == [True, False]
    assert got["km"][0] == 1.5 and np.isnan(got["km"][1])


def test_points_lines_and_polygons_of_several_parts_are_kept(tmp_path: Path) -> None:
    for shapes in (
        [shapely.Point(1, 2), shapely.MultiPoint([(3, 4), (5, 6)])],
        [shapely.LineString([(0, 0), (1, 1)]), shapely.MultiLineString([[(2, 2), (3, 3)], [(4, 4), (5, 5)]])],
        [shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3), shapely.box(4, 4, 5, 5)])],
    ):
        path = kept(gpd.GeoDataFrame({"n": [0, 1]}, geometry=shapes, crs=AEA), tmp_path, shapes[0].geom_type)
        got = vectors.touching(path, (-9, -9, 9, 9))
        assert [shape.wkt for shape in got.geometry] == [shape.wkt for shape in shapes]


def test_an_empty_table_can_be_kept_and_asked(tmp_path: Path) -> None:
    path = kept(lines(5).iloc[:0], tmp_path)
    got = vectors.touching(path, (0, 0, 10_000, 10_000))
    assert got.geometry.size == 0 and set(got.columns) == {"kind", "rank", "open"}
    digests = vectors.window_digests(path, GRID, 500)
    assert len(digests) == 16 and len(set(digests.values())) == 1


@pytest.mark.parametrize("reach_m", [0.0, 400.0, 3000.0])
def test_a_digest_changes_exactly_where_a_changed_feature_reaches(tmp_path: Path, reach_m: float) -> None:
    frame = lines(400)
    before = vectors.window_digests(kept(frame, tmp_path, "before"), GRID, reach_m)
    assert set(before) == set(GRID.tiles())

    def near(shape: Any) -> set[tuple[int, int]]:
        boxes = {tile: shapely.box(*GRID.window(tile).bounds) for tile in GRID.tiles()}
        grown = {tile: shapely.box(*np.add(box.bounds, (-reach_m, -reach_m, reach_m, reach_m))) for tile, box in boxes.items()}
        return {tile for tile, box in grown.items() if shape.distance(box) == 0}

    at = int(np.argmin([shape.distance(shapely.Point(4000, 6000)) for shape in frame.geometry]))
    moved = frame.copy()
    moved.loc[at, "geometry"] = shapely.transform(frame.geometry[at], lambda xy: np.add(xy, (0, 0.25)))
    renamed = frame.copy()
    renamed.loc[at, "kind"] = "doubtful"
    for name, changed, shapes in (
        ("moved", moved, [frame.geometry[at], moved.geometry[at]]),
        ("renamed", renamed, [frame.geometry[at]]),
        ("gone", frame.drop(index=at), [frame.geometry[at]]),
        ("twice", gpd.GeoDataFrame(gpd.pd.concat([frame, frame.iloc[[at]]]), crs=AEA), [frame.geometry[at]]),
    ):
        after = vectors.window_digests(kept(changed, tmp_path, name), GRID, reach_m)
        assert {tile for tile in before if before[tile] != after[tile]} == set.union(*map(near, shapes))
    assert vectors.window_digests(kept(frame.sample(frac=1, random_state=3), tmp_path, "mixed"), GRID, reach_m) == before


def test_a_digest_stands_for_what_touching_gives(tmp_path: Path) -> None:
    frame = lines(60)
    digests = vectors.window_digests(kept(frame, tmp_path), GRID, 700)
    for tile in GRID.tiles():
        grown = np.add(GRID.window(tile).bounds, (-700, -700, 700, 700))
        ranks = vectors.touching(tmp_path / "table.fgb", tuple(grown)).columns["rank"]
        alone = kept(frame[frame["rank"].isin(ranks)], tmp_path, f"alone_{tile[0]}_{tile[1]}")
        assert vectors.window_digests(alone, GRID, 700)[tile] == digests[tile]


def test_a_large_table_is_digested_over_many_tiles(tmp_path: Path) -> None:
    grid = Grid(AEA, 100.0, 0.0, 10_000.0, 100, 100, 5)
    path = kept(lines(100_000, reach=60), tmp_path)
    start = time.perf_counter()
    digests = vectors.window_digests(path, grid, 300)
    print(f"100,000 features, {len(digests)} tiles: {time.perf_counter() - start:.1f} s")
    assert len(digests) == 400 and len(set(digests.values())) == 400


def test_a_table_that_cannot_be_written_or_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"table.fgb: the aligned table cannot be written .* --set run.cache"):
        vectors.store(lines(3), tmp_path / "file" / "table.fgb")
    (tmp_path / "broken.fgb").write_bytes(b"fgb no more")
    with pytest.raises(StoreError, match=r"broken.fgb: the aligned table cannot be read .* delete it from the cache"):
        vectors.touching(tmp_path / "broken.fgb", (0, 0, 1, 1))
    path = kept(lines(3), tmp_path)
    assert {left.name for left in tmp_path.iterdir()} == {"file", "broken.fgb", path.name}
