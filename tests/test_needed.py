"""Tiles off the region: not made but where something looks at them, and nobody can tell."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import yaml

from pipeline import graph, needed, updating
from pipeline.config import load
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError, StoreError
from pipeline.flow import run
from pipeline.grid import Grid, Index
from pipeline.learning.table import SampleTable
from pipeline.node import Call, FitNode, LayerNode, Node
from pipeline.planning import Plan, plan
from pipeline.screen import quicklook
from tests import tiny
from tests.test_flow import EXACT, RASTERS, digests

GRID = Grid.covering((0.0, 0.0, 800.0, 800.0), crs=tiny.CRS, cell_m=10, tile=10)  # eight by eight tiles
CORNER = frozenset({(0, 0), (0, 1)})
OUTLINE = shapely.Polygon([(1000, 1000), (38_000, 1000), (38_000, 9000), (17_000, 40_000), (1000, 40_000)])  # the south-west of its rectangle
BEYOND = 2  # known deposits outside it
FEATURES = {
    "elevation": {"use": "value", "of": "dem"},
    "slope": {"of": "dem"},
    "halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500},
    "smooth": {"use": "focal_mean", "of": "halo", "radius_m": 4000},
    "unusual": {"use": "anomaly_mad", "of": "alteration"},
    "edge": {"use": "total_horizontal_gradient", "of": "alteration"},
    "distance_to_faults": {"use": "distance_to", "of": "faults", "reach_m": 10_000},
}
TARGETS = {"min_area_km2": 1, "elevation": "dem"}


def layer(name: str, reads: Sequence[str] = (), reach_m: float = 0.0) -> LayerNode:
    meta = LayerMeta(name, "float32", "1", name, "made", "CC0", 10.0)
    return LayerNode(name, "derive", Call(layer, {}, {"of": tuple(reads)} if reads else {}, reach_m=reach_m), (meta,))


def fit(name: str, reads: Sequence[str], tiles: frozenset[Index] | None = None) -> FitNode:
    return FitNode(name, "derive", Call(fit), Call(fit, {}, {"of": tuple(reads)}), 1, tiles=tiles)


def test_a_layer_is_made_where_it_is_wanted_and_where_those_who_read_it_look() -> None:
    nodes: list[Node] = [layer("far"), layer("base"), layer("near", ["base"], 100.0), layer("wide", ["near", "base"], 50.0)]
    nodes.append(fit("whole", ["far"], frozenset(GRID.tiles())))
    tiles = {node.name: node.tiles for node in needed.where_needed(nodes, GRID, CORNER)}
    assert tiles["wide"] == CORNER
    assert tiles["near"] == {(r, c) for r in range(2) for c in range(3)}
    assert tiles["base"] == {(r, c) for r in range(3) for c in range(4)}
    assert tiles["far"] == frozenset(GRID.tiles())  # a fit of the whole survey


def test_every_tile_that_is_made_has_all_it_reads() -> None:
    random = np.random.default_rng(4)
    reads = [[str(one) for one in random.choice(i, min(i, 2), replace=False)] for i in range(1, 12)]
    nodes = [layer("0"), *(layer(str(i), of, float(random.choice([0, 30, 120]))) for i, of in enumerate(reads, 1))]
    made = {node.name: node for node in needed.where_needed(nodes, GRID, frozenset({(6, 3)}))}
    for node in made.values():
        assert isinstance(node, LayerNode) and node.tiles and (6, 3) in node.tiles
        for tile in node.tiles:
            for name in node.call.read_layers():
                tiles = made[name].tiles
                assert isinstance(tiles, frozenset) and tiles >= {*GRID.near(tile, node.call.halo(10))}


def test_a_region_that_touches_every_tile_changes_nothing_and_named_tiles_stay() -> None:
    nodes: list[Node] = [layer("base"), fit("asks", ["base"], CORNER)]
    assert needed.where_needed(nodes, GRID, frozenset(GRID.tiles())) == nodes
    assert [node.tiles for node in needed.where_needed(nodes, GRID, frozenset({(5, 5)}))] == [CORNER | {(5, 5)}, CORNER]


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


def node_of(made: Plan, name: str) -> Node:
    return next(node for node in made.nodes if node.name == name)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region within an outline that touches few of its tiles, mapped."""
    root = tiny.make(tmp_path_factory.mktemp("odd"))
    deposits = pd.read_csv(root / "occurrences.csv")
    within = shapely.contains_xy(OUTLINE, *tiny.from_lonlat(deposits["lon"].to_numpy(), deposits["lat"].to_numpy()))
    pd.concat([deposits[within], deposits[~within][:BEYOND]]).to_csv(root / "occurrences.csv", index=False)
    gpd.GeoDataFrame({"name": ["odd"]}, geometry=[OUTLINE], crs=tiny.CRS).to_file(root / "odd.gpkg", layer="odd")
    region = {"name": "tiny", "title": "An odd region", "crs": tiny.CRS, "cell_m": tiny.CELL_M, "tile": 16, "bounds": list(tiny.BOUNDS), "boundary": "odd.gpkg"}
    said = yaml.safe_load((root / "configs" / "regions" / "tiny.yaml").read_text())
    sources = {name: said | {"licence": "CC0"} for name, said in said["sources"].items()}  # else no copies of them are published
    tiny.write(root, region=region, sources=sources, features=FEATURES, publish={"evidence": ["smooth", "elevation"]}, targets=TARGETS)
    run(planned(root))
    return root


def test_tiles_off_the_region_are_made_only_where_something_looks_at_them(odd: Path) -> None:
    made = planned(odd)
    every, tiles = len(list(made.grid.tiles())), {node.name: made.asked(node) or [] for node in made.nodes}
    assert len(tiles["systems/as_published/prospectivity"]) < len(tiles["halo"]) < every
    assert len(tiles["alteration"]) == every  # the gradient is that of the whole survey
    assert {f"{r}/{c}" for r, c in tiles["dem"]} == {"/".join(path.parts[-2:]) for path in (odd / "cache" / "tiny").glob("*.zarr/dem/c/*/*")}
    assert made.stale == {}


def test_the_map_is_that_of_every_tile_made(odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shutil.copytree(odd, tmp_path / "every", ignore=shutil.ignore_patterns("cache", "outputs"))
    monkeypatch.setattr(graph.needed, "where_needed", lambda nodes, grid, wanted: [*nodes])
    made = planned(root)
    assert all(len(tiles) == len(list(made.grid.tiles())) for node, tiles in made.stale.items() if node in ("dem", "halo", "slope"))
    run(made)
    names = (*EXACT, "evidence/smooth.tif", "evidence/elevation.tif", "targets.parquet", "model.skops")
    assert digests(root / "outputs" / "tiny", names) == digests(odd / "outputs" / "tiny", names)


@pytest.mark.parametrize("tile", [17, 64, 128])
def test_any_tile_size_gives_the_same_rasters_within_an_outline(odd: Path, tmp_path: Path, tile: int) -> None:
    root = shutil.copytree(odd, tmp_path / "other", ignore=shutil.ignore_patterns("cache", "outputs"))
    run(planned(root, f"region.tile={tile}"))
    names = (*RASTERS, "scorecard.json", "evidence/smooth.tif", "evidence/elevation.tif")
    assert digests(root / "outputs" / "tiny", names) == digests(odd / "outputs" / "tiny", names)


def test_evidence_is_shown_of_the_region_alone(odd: Path) -> None:
    with rasterio.open(odd / "outputs" / "tiny" / "evidence" / "elevation.tif") as file:
        known = ~np.isnan(file.read(1))
        x, y = np.meshgrid(*(np.array(axis) for axis in (file.xy(0, range(file.width))[0], file.xy(range(file.height), 0)[1])))
    assert (known == shapely.contains_xy(OUTLINE, x, y)).mean() > 0.999 and known.any()


def test_deposits_beyond_the_border_are_learnt_from(odd: Path) -> None:
    made = planned(odd)
    held = made.graph.deposits
    beyond = [(x, y) for x, y in zip(held["x"], held["y"], strict=True) if not OUTLINE.contains(shapely.Point(x, y))]
    assert len(beyond) == BEYOND
    table = SampleTable.from_bytes(made.cube.load_fit("systems/as_published/table", made.fit_keys["systems/as_published/table"]))
    assert np.isfinite(table.values[table.positive]).all() and table.positive.sum() == len(held["x"])


SOUTH = shapely.intersection(OUTLINE, shapely.box(0, 0, 60_000, 24_000))


def outlined(root: Path, outline: shapely.Geometry) -> None:
    (root / "odd.gpkg").unlink()
    gpd.GeoDataFrame({"name": ["odd"]}, geometry=[outline], crs=tiny.CRS).to_file(root / "odd.gpkg", layer="odd")


@pytest.mark.parametrize("outline", [shapely.union(OUTLINE, shapely.box(40_000, 2000, 58_000, 12_000)), SOUTH])
def test_an_outline_that_moved_gives_the_map_of_an_empty_cache(odd: Path, tmp_path: Path, outline: shapely.Geometry) -> None:
    root = shutil.copytree(odd, tmp_path / "moved")
    outlined(root, outline)
    made = planned(root)
    assert len(made.stale.get("slope", ())) < len(made.asked(node_of(made, "slope")) or ())
    run(made)
    again = shutil.copytree(root, tmp_path / "anew", ignore=shutil.ignore_patterns("cache", "outputs"))
    run(planned(again))
    names = (*EXACT, "evidence/smooth.tif", "evidence/elevation.tif")
    assert digests(root / "outputs" / "tiny", names) == digests(again / "outputs" / "tiny", names)
    assert planned(root).stale == {}


def test_a_store_that_was_deleted_is_not_believed_off_a_smaller_outline(odd: Path, tmp_path: Path) -> None:
    root = shutil.copytree(odd, tmp_path / "deleted")
    shutil.rmtree(next((root / "cache" / "tiny").glob("*.zarr")))  # what an error about a damaged one advises
    outlined(root, SOUTH)
    run(planned(root))
    outlined(root, OUTLINE)
    run(planned(root))
    names = (*EXACT, "evidence/smooth.tif", "evidence/elevation.tif")
    assert digests(root / "outputs" / "tiny", names) == digests(odd / "outputs" / "tiny", names)


def test_what_is_shown_of_one_layer_ends_where_the_region_ends_now(odd: Path, tmp_path: Path) -> None:
    root = shutil.copytree(odd, tmp_path / "shown")
    outside = shapely.Point(20_000, 14_000).buffer(4000)  # no tile comes or goes
    quicklook.only(planned(root), "dem", say=print)
    path = root / "outputs" / "tiny.dem.tif"
    before = known_cells(path)
    outlined(root, shapely.difference(OUTLINE, outside))
    with pytest.raises(StoreError, match=r"the region itself is not up to date \(changed: vector boundary\)"):
        quicklook.export(planned(root), "dem", root / "dem.tif")
    quicklook.only(planned(root), "dem", say=print)
    assert 0 < before - known_cells(path) == pytest.approx(shapely.area(outside) / tiny.CELL_M**2, rel=0.05)
    quicklook.export(planned(root), "dem", root / "dem.tif")
    assert known_cells(root / "dem.tif") == known_cells(path)


def known_cells(path: Path) -> int:
    with rasterio.open(path) as file:
        return int(np.isfinite(file.read(1)).sum())


def test_an_update_within_a_smaller_outline_leaves_no_target_off_it(odd: Path, tmp_path: Path) -> None:
    root = shutil.copytree(odd, tmp_path / "smaller")
    outlined(root, SOUTH)
    updating.run(updating.planned(load("tiny", root=root)))
    targets = gpd.read_parquet(root / "outputs" / "tiny" / "targets.parquet")
    assert len(targets) and shapely.intersects(targets.geometry.to_numpy(), SOUTH).all()
    with rasterio.open(root / "outputs" / "tiny" / "prospectivity.tif") as small, rasterio.open(odd / "outputs" / "tiny" / "prospectivity.tif") as whole:
        here, then = small.read(1), whole.read(1)
    both = np.isfinite(here) & np.isfinite(then)
    assert 0 < both.sum() < np.isfinite(then).sum() and (here == then)[both].all()
    outlined(root, OUTLINE)
    updating.run(updating.planned(load("tiny", root=root)))
    names = (*RASTERS, "targets.parquet")
    assert digests(root / "outputs" / "tiny", names) == digests(odd / "outputs" / "tiny", names)


def with_deposits(root: Path, odd: Path, *places: tuple[float, float]) -> Path:
    rows = pd.read_csv(odd / "occurrences.csv")
    more = [{"name": f"found {x:g}", **dict(zip(("lon", "lat"), tiny.to_lonlat(x, y), strict=True))} for x, y in places]
    pd.concat([rows, pd.DataFrame(more)]).to_csv(root / "occurrences.csv", index=False)
    return root


def test_deposits_off_the_region_leave_the_features_of_the_region_as_they_are(odd: Path, tmp_path: Path) -> None:
    root = with_deposits(shutil.copytree(odd, tmp_path / "more"), odd, (57_000.0, 47_000.0))
    made = planned(root)
    assert "unusual_fit" not in made.stale and "edge_fit" not in made.stale
    assert set(made.stale["unusual"]) == {*made.grid.holding(np.array([57_000.0]), np.array([47_000.0]))}


def test_a_deposit_that_comes_and_goes_and_comes_again_is_no_lost_map(odd: Path, tmp_path: Path) -> None:
    root = with_deposits(shutil.copytree(odd, tmp_path / "again"), odd, (57_000.0, 47_000.0))
    run(planned(root))
    run(planned(with_deposits(root, odd)))
    updating.run(updating.planned(load("tiny", root=with_deposits(root, odd, (57_000.0, 47_000.0)))))
    assert digests(root / "outputs" / "tiny", RASTERS) == digests(odd / "outputs" / "tiny", RASTERS)


def test_an_outline_off_the_bounds_is_refused(odd: Path, tmp_path: Path) -> None:
    root = shutil.copytree(odd, tmp_path / "off", ignore=shutil.ignore_patterns("cache", "outputs"))
    outlined(root, shapely.box(90_000, 0, 99_000, 9000))
    with pytest.raises(ConfigError, match="do not meet"):
        planned(root)


def test_an_update_with_a_deposit_far_beyond_the_border_leaves_the_map_as_it_is(odd: Path, tmp_path: Path) -> None:
    root = with_deposits(shutil.copytree(odd, tmp_path / "updated"), odd, (57_000.0, 47_000.0))
    made = updating.planned(load("tiny", root=root))
    assert made.grid.holding(np.array([57_000.0]), np.array([47_000.0])) <= {*made.stale["slope"]}  # made for whoever fits again
    updating.run(made)
    assert digests(root / "outputs" / "tiny", RASTERS) == digests(odd / "outputs" / "tiny", RASTERS)
    again = updating.planned(load("tiny", root=root))
    assert not again.stale
