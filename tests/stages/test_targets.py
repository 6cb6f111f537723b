"""Constraints and merit, end to end on the tiny region: what is forbidden, flagged, reached and ranked is what can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.config import load
from pipeline.errors import ConfigError, DataError, ProspectError, ResourceError
from pipeline.flow import run
from pipeline.planning import plan
from pipeline.recipe import Cells, Vector
from pipeline.stages import delineate
from tests import tiny

PARK, TOWN = shapely.box(10_300, 10_300, 31_100, 21_900), shapely.Point(45_130, 30_270)
LICENCES = [shapely.box(0, 0, 20_000, 50_000), shapely.box(20_000, 0, 30_000, 50_000)]
HALF_H, GROUND_KM_H = 2.0, 10.0
SOURCES = tuple(f"sources.{name}={{use: vector, path: {name}.gpkg}}" for name in ("parks", "towns", "licences", "smelters", "rail"))
GRADES = "metal: Cu, grade_percent: {p90: 0.1, p50: 0.3, p10: 0.9}, source: here, page: none"
TARGETS = {
    "area_share": 0.3, "min_area_km2": 1, "known_within_m": 0, "elevation": "dem",
    "exclude": ["parks", {"of": "towns", "within_m": 2000}],
    "access": {"step_m": 500, "ground_km_h": GROUND_KM_H, "to": {"smelter": {"of": "smelters", "half_h": HALF_H}}},
    "observations": {"look": {"title": "Look again", "cost": 1, "features": ["halo"]}, "visit": {"title": "Go there", "cost": 5, "visits": True}},
}  # fmt: skip
PRIOR = "priors.as_published={n90: 2, n50: 5, n10: 12, tract: permissive, model: m, depth_m: 1000, source: s, page: '1', date: '2026', invented: true}"
METAL = (
    "grade_tonnage.as_published={metal: Cu, tonnage_mt: {p90: 20, p50: 100, p10: 900}, grade_percent: {p90: 0.3, p50: 0.5, p10: 0.9}, source: s, page: p}"
)


def save(root: Path, name: str, shapes: list[Any], **columns: Any) -> None:
    gpd.GeoDataFrame({"name": [f"{name} {i}" for i in range(len(shapes))], **columns}, geometry=shapes, crs=tiny.CRS).to_file(root / f"{name}.gpkg", layer=name)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("targets"), targets={**TARGETS, "elevation": None})
    save(root, "parks", [PARK])
    save(root, "towns", [TOWN])
    save(root, "licences", LICENCES, holder=["A", "B"], expires=["2030-01-01", "2028-06-01"])
    save(root, "smelters", [shapely.Point(10_250, 40_250)])
    save(root, "rail", [shapely.LineString([(30_000, 25_000), (90_000, 25_000)])])
    return root


def mapped(root: Path, *settings: str) -> tuple[gpd.GeoDataFrame, Path]:
    outputs = run(plan(load("tiny", settings=(*SOURCES, *settings), root=root))).outputs
    return gpd.read_parquet(outputs / "targets.parquet"), outputs


@pytest.fixture(scope="module")
def first(root: Path) -> gpd.GeoDataFrame:
    return mapped(root)[0]


def new(targets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return targets[targets["status"] == "new"].set_index("nearest_known_km", drop=False).sort_values("rank")


def places(root: Path, targets: gpd.GeoDataFrame) -> Any:
    """The best cell of each target, from its polygon and the map."""
    made = plan(load("tiny", settings=SOURCES, root=root))
    pieces = made.cube.load_fit("systems/as_published/pieces", made.fit_keys["systems/as_published/pieces"])
    by_shape = {piece["wkb"]: piece["best"] for piece in pieces}
    return np.array([by_shape[shapely.to_wkb(shapely.normalize(_single(shape)), byte_order=1)] for shape in targets.geometry])


def _single(shape: Any) -> Any:
    return shape.geoms[0] if len(shape.geoms) == 1 else shape


def test_no_target_holds_a_square_metre_of_excluded_ground_and_each_is_large_enough(first: gpd.GeoDataFrame) -> None:
    assert (first.intersects(PARK.buffer(1500)) & ~first.intersects(PARK)).any()  # there was ground to cut
    assert first.intersection(shapely.union_all([PARK, TOWN.buffer(2000)])).area.max() < 1e-3
    assert first["area_km2"].to_numpy() == pytest.approx(first.geometry.area / 1e6, abs=1e-6)
    assert first["area_km2"].min() > 0.8
    assert first.geometry.is_valid.all()
    pairs = first.sindex.query(first.geometry, predicate="intersects")
    for a, b in pairs.T:
        assert a == b or first.geometry.iloc[a].intersection(first.geometry.iloc[b]).area == 0


def test_a_licence_added_in_config_flags_the_targets_it_touches_and_moves_none(root: Path, first: gpd.GeoDataFrame) -> None:
    flagged, outputs = mapped(root, "targets.flag={licence: {of: licences, by: holder, until: expires}, road_zone: {of: rail, within_m: 3000}}")
    assert flagged.geometry.geom_equals(first.geometry).all()
    assert flagged["rank"].equals(first["rank"]) and flagged["merit"].equals(first["merit"])
    assert "licence" not in first.columns
    touched = 0
    for row in flagged.itertuples():
        shares = [row.geometry.intersection(block).area for block in LICENCES]
        held = [name for _, name in sorted((-share, name) for share, name in zip(shares, "AB", strict=True) if share > 0)]
        assert (row.licence or "") == ", ".join(held) if held else row.licence is None or row.licence != row.licence
        assert row.licence_share == pytest.approx(sum(shares) / row.geometry.area, abs=1e-5)
        ends = [end for share, end in zip(shares, ("2030-01-01", "2028-06-01"), strict=True) if share > 0]
        assert not ends or row.licence_until == max(ends)
        assert row.licence_km == pytest.approx(min(row.geometry.distance(block) for block in LICENCES) / 1000, abs=1e-3)
        rail = row.geometry.distance(shapely.LineString([(30_000, 25_000), (90_000, 25_000)]))
        assert row.road_zone_km == pytest.approx(rail / 1000, abs=1e-3)
        assert (row.road_zone == "rail 0") == (rail <= 3000)
        touched += bool(held)
    assert 0 < touched < len(flagged)
    assert "licence" in gpd.read_file(outputs / "targets.gpkg", layer="targets").columns


def test_moving_the_smelter_reorders_the_targets_by_what_can_be_worked_out_by_hand(root: Path, first: gpd.GeoDataFrame) -> None:
    before = new(first)
    assert len(before) > 3
    save(root, "smelters", [shapely.Point(55_250, 5_250)])
    after = new(mapped(root)[0])
    best = dict(zip(before.geometry.to_wkb(), places(root, before), strict=True))
    weights = {"prospectivity": 0.5, "confidence": 0.2, "access": 0.2, "footprint": 0.1}
    for targets, smelter in ((before, (10_250, 40_250)), (after, (55_250, 5_250))):
        assert set(targets.geometry.to_wkb()) == set(best)
        x, y = np.abs(np.array([best[wkb] for wkb in targets.geometry.to_wkb()]) - smelter).T / 1000
        # flat ground, both ends at centres of cells: steps to one of eight neighbours
        hours = (np.maximum(x, y) + (np.sqrt(2) - 1) * np.minimum(x, y)) / GROUND_KM_H
        access = 0.5 ** (hours / HALF_H)
        assert targets["smelter_h"].to_numpy() == pytest.approx(hours, abs=1e-3)
        assert targets["merit_access"].to_numpy() == pytest.approx(access, abs=1e-3)
        parts = {name: targets[f"merit_{name}"].to_numpy() for name in weights if name != "access"} | {"access": access}
        merits = sum(weight * parts[name] for name, weight in weights.items())
        assert targets["merit"].to_numpy() == pytest.approx(merits, abs=1e-3)
        assert targets["rank"].tolist() == list(range(1, len(targets) + 1))
        assert (np.diff(targets["merit"]) <= 0).all()
    shift = dict(zip(after.geometry.to_wkb(), after["merit"], strict=True))
    moved = [shift[w] - m for w, m in zip(before.geometry.to_wkb(), before["merit"], strict=True)]
    assert np.ptp(moved) > 0.02
    assert list(before.geometry.to_wkb()) != list(after.geometry.to_wkb())
    assert before.sort_values("rank_by_prospectivity").geometry.to_wkb().tolist() == after.sort_values("rank_by_prospectivity").geometry.to_wkb().tolist()
    save(root, "smelters", [shapely.Point(10_250, 40_250)])


def test_a_planned_railway_is_one_line_and_brings_a_port_beyond_the_region_nearer(root: Path) -> None:
    save(root, "ports", [shapely.Point(90_000, 25_000)])
    port = ("sources.ports={use: vector, path: ports.gpkg}", "targets.access.to.port={of: ports, half_h: 5}", "targets.access.to.smelter=null")
    without, _ = mapped(root, *port)
    assert without["port_h"].isna().all() and (without["merit_access"] == 0).all()  # no way leads off the ground
    with_rail, _ = mapped(root, *port, "targets.access.network.rail={km_h: 60, join_h: 1}")
    assert with_rail["port_h"].between(1 + 30 / 60, 12).all()
    assert new(with_rail).geometry.to_wkb().tolist() != new(without).geometry.to_wkb().tolist()


def test_any_tile_size_and_worker_count_give_the_same_targets(root: Path) -> None:
    said = ("targets.elevation=dem", PRIOR, METAL, "targets.flag={licence: {of: licences, by: holder}}")
    whole = mapped(root, *said)[0]
    assert set(whole.columns) >= {"slope_high_degree", "elevation_low_m", "metal_t", "licence", "next_observation", "expected_share"}
    for settings in (("region.tile=17",), ("region.tile=48", "run.workers=2")):
        other = mapped(root, *said, *settings, "run.cache=other", "run.outputs=others")[0]
        assert other.drop(columns="geometry").equals(whole.drop(columns="geometry"))
        assert other.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()


def test_ground_may_be_cut_where_deposits_are_so_many_times_as_dense_as_in_the_mean(root: Path) -> None:
    import rasterio

    few, outputs = mapped(root, "targets.times_mean_density=8", "targets.exclude=[]", "run.outputs=dense")
    with rasterio.open(outputs / "prospectivity.tif") as file:
        values = file.read(1).astype(np.float64)
        y, x = (np.mgrid[: values.shape[0], : values.shape[1]] + 0.5) * tiny.CELL_M
    odds = np.clip(values, 0, 0.999) / (1 - np.clip(values, 0, 0.999))
    inside = shapely.contains_xy(shapely.union_all(few.geometry.to_numpy()), x, tiny.BOUNDS[3] - y)
    least = 8 * np.nanmean(odds)
    assert inside.any() and odds[inside].min() > least * 0.999
    from scipy import ndimage

    labels, count = ndimage.label(odds > least)
    large = [(labels == i).sum() * 0.25 for i in range(1, count + 1)]
    assert len(few) == sum(area >= 1 for area in large)


def test_the_next_observation_is_the_one_with_most_places_at_stake_for_its_cost(first: gpd.GeoDataFrame) -> None:
    ranked = new(first)
    told = ranked[ranked["next_observation"].notna()]
    assert len(told) and set(told["next_observation"]) <= {"Look again", "Go there"}
    assert (told["next_rank_change"] > 0).all() and (told["next_rank_change"] < len(ranked)).all()
    assert first[first["status"] != "new"]["next_observation"].isna().all()


@pytest.mark.parametrize(
    ("setting", "error", "words"),
    [
        ("targets.flag={held: {of: licenses}}", ConfigError, "unknown vector 'licenses'; did you mean 'licences'"),
        ("targets.flag={held: {of: licences, by: owner}}", ConfigError, r"unknown column 'owner'.*\(known: name, holder, expires\)"),
        ("targets.flag={merit: {of: licences}}", ConfigError, "targets have a column 'merit' of their own; give the flag or goal another name"),
        ("targets.access.network.rial={km_h: 5}", ConfigError, "unknown vector 'rial'; did you mean 'rail'"),
        ("targets.access.step_m=20", ResourceError, None),
        ("targets.elevation=den", ConfigError, "unknown continuous layer 'den'; did you mean 'dem'"),
        ("targets.observations.aster={title: ASTER, cost: 1, features: [haloo]}", ConfigError, "unknown evidence 'haloo'; did you mean 'halo'"),
        ("targets.observations.none={title: None, cost: 1}", ConfigError, "an observation settles something"),
        ("targets.merit={prospectivity: 0, confidence: 0, footprint: 0}", ConfigError, "access alone says nothing of ore"),
        ("targets.exclude=[{oof: parks}]", ConfigError, "unknown key 'oof'; did you mean 'of'"),
        ("system.words={hallo: hydroxyl}", ConfigError, "unknown evidence 'hallo'; did you mean 'halo'"),
        (f"grade_tonnage.as_published={{tonnage_mt: {{p90: 9, p50: 2, p10: 1}}, {GRADES}}}", ConfigError, "larger amounts are rarer, so expected p90 <= p50 <= p10"),
    ],
)  # fmt: skip
def test_words_that_bind_to_nothing_are_refused_at_plan(root: Path, setting: str, error: type[ProspectError], words: str | None) -> None:
    if words is None:  # a finer step than the cell is the cell, and a vast region is too much
        words = "squares of 30 m is more than can be held .* give targets.access.step_m of 55 or more"
        settings = (setting, "region.cell_m=30", "region.tile=512", "features.slope=null")
    else:
        settings = (setting,)
    with pytest.raises(error, match=words):
        plan(load("tiny", settings=(*SOURCES, *settings), root=root))


def test_density_is_no_threshold_for_a_map_of_knowledge(tmp_path: Path) -> None:
    features = {"halo": {"use": "focal_mean", "of": "alteration", "radius_m": 1500}, "altered": {"use": "logistic_membership", "of": "halo"}}
    tiny.make(tmp_path, features=features, system={"name": "sought", "title": "Sought", "inputs": ["halo"]}, model={"use": "fuzzy_overlay"})
    with pytest.raises(ConfigError, match=r"tells how dense they are; use targets\.area_share"):
        plan(load("tiny", settings=("targets.times_mean_density=5",), root=tmp_path))


def test_lines_without_a_width_exclude_nothing_and_are_refused() -> None:
    at = Cells(np.array([50.0]), np.array([50.0]), np.zeros((1, 1), np.int64), 100.0, 0, 1)
    road = Vector(np.array([shapely.LineString([(0, 0), (9, 9)])], object), {})
    with pytest.raises(DataError, match="targets exclude points or lines, which have no ground of their own"):
        delineate.inside(at=at, areas=road, within_m=0)
    assert delineate.inside(at=at, areas=road, within_m=70)[0, 0] == 1


def test_metal_that_is_invented_or_has_no_number_to_be_multiplied_by_is_told_of(root: Path) -> None:
    lonely, invented = METAL, METAL.replace("page: p}", "page: p, invented: true}")
    told = [json.loads((mapped(root, *said)[1] / "scorecard.json").read_text()) for said in ((lonely,), (PRIOR, invented))]
    assert any("grade_tonnage is not used: without a prior" in notice for notice in told[0]["notices"])
    assert told[0]["grade_tonnage"] is None and told[1]["grade_tonnage"]["tonnage_mt"]["p50"] == 100
    assert any("the metal of targets rests on INVENTED grades and tonnages" in notice for notice in told[1]["notices"])


def test_the_scorecard_says_which_targets_stay_on_top(root: Path, first: gpd.GeoDataFrame) -> None:
    outputs = mapped(root)[1]
    card = json.loads((outputs / "scorecard.json").read_text())["merit"]
    ranked = new(first)
    assert card["weights"] == {"prospectivity": 0.5, "confidence": 0.2, "access": 0.2, "footprint": 0.1}
    stays = {row.rank: row.in_top_ten for row in ranked.itertuples() if row.in_top_ten > 0}
    assert {one["rank"]: one["share"] for one in card["top_ten"]} == stays
