"""The sample obeys its written rule: deposits follow it, nulls do not catch it, and every file says it is
synthetic.
"""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.ndimage import distance_transform_edt, gaussian_filter, minimum_filter, uniform_filter
from sklearn.ensemble import RandomForestClassifier

from sample_data.world import World, make_world
from sample_data.world.frame import Frame
from sample_data.world.physics import DECLINATION_DEG, FIELD_NT, INCLINATION_DEG, magnetics
from sample_data.world.write import write

FOLDER = Path(__file__).resolve().parents[2] / "sample_data" / "balochistan"
SEED = 20240
SYSTEMS = {
    "porphyry_copper": "porphyry Cu",
    "podiform_chromite": "podiform chromite",
    "sediment_hosted_zinc_lead": "sediment-hosted Zn-Pb",
}
DOUBTFUL = {"Khuzdar", "Lasbela", "Loralai", "Mineral Grinding Mills Co.Mgm", "Pakistan Chrome Mines"}
AEA = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +datum=WGS84 +units=m"
COVER_CODES = (1, 2, 3, 4)

Floats = NDArray[np.float64]


def read(name: str, band: int = 1) -> Floats:
    with rasterio.open(FOLDER / name) as file:
        values = file.read(band).astype(np.float64)
        nodata = file.nodata
    return np.where(values == nodata, np.nan, values) if nodata is not None else values


def committed(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name)


def of_type(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[(rows["deposit_type"] == kind) & (rows["confidence"] != "low")]


def cells(rows: pd.DataFrame, left: float, top: float, cell_m: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x, y = Transformer.from_crs("EPSG:4326", AEA, always_xy=True).transform(rows["lon"], rows["lat"])
    return np.floor((top - y) / cell_m).astype(np.intp), np.floor((x - left) / cell_m).astype(np.intp)


def at_committed(rows: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    with rasterio.open(FOLDER / "dem.tif") as file:
        return cells(rows, file.transform.c, file.transform.f, file.transform.a)


def captured(order: Floats, ground: NDArray[np.bool_], where: tuple[NDArray[np.intp], ...], area: float) -> float:
    """Share of the deposits in the `area` share of the ground with the largest values; ties at random."""
    tie = 1e-9 * (np.abs(order[ground]).max() + 1e-30)
    order = order + tie * np.random.default_rng(7).random(order.shape)
    limit = np.quantile(order[ground], 1.0 - area)
    return float((ground[where] & (order[where] >= limit)).mean())


def best_null(
    known: tuple[NDArray[np.intp], ...],
    unknown: tuple[NDArray[np.intp], ...],
    ground: NDArray[np.bool_],
    cell_m: float,
) -> float:
    """The best capture at 5 % of the ground by distance to known deposits, kernels, a coordinates forest, or
    chance.
    """
    spots = np.zeros(ground.shape)
    np.add.at(spots, known, 1.0)
    rankings = [-np.asarray(distance_transform_edt(spots == 0))]
    rankings += [gaussian_filter(spots, km * 1000.0 / cell_m, mode="constant") for km in (5, 10, 20, 40)]
    places = np.column_stack(np.nonzero(ground))
    background = places[np.random.default_rng(3).permutation(len(places))[: min(len(places) // 2, 1300)]]
    forest = RandomForestClassifier(150, min_samples_leaf=3, class_weight="balanced_subsample", random_state=0)
    forest.fit(
        np.vstack([np.column_stack(known), background]),
        np.r_[np.ones(len(known[0])), np.zeros(len(background))],
    )
    drawn = np.zeros(ground.shape)
    drawn[ground] = forest.predict_proba(places)[:, 1]
    return max(0.05, *(captured(ranking, ground, unknown, 0.05) for ranking in [*rankings, drawn]))


@pytest.fixture(scope="module")
def small() -> World:
    return make_world(SEED, 5000.0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_rule_captures_two_and_a_half_times_the_best_null_in_five_percent_of_permissive_ground(
    system: str,
) -> None:
    rate = np.nan_to_num(read(f"truth/intensity_{system}.tif"))
    unknown = at_committed(of_type(committed("truth/undiscovered.csv"), SYSTEMS[system]))
    known = at_committed(of_type(committed("occurrences.csv"), SYSTEMS[system]))
    null = best_null(known, unknown, rate > 0, 1000.0)
    assert captured(rate, rate > 0, unknown, 0.05) >= 2.5 * null


def test_the_rule_beats_the_nulls_as_well_in_worlds_of_five_kilometre_cells(small: World) -> None:
    """Mean of four seeds: cells are so few at 5 km that one world alone says little."""
    worlds = [small, *(make_world(SEED + i, 5000.0) for i in (1, 2, 3))]
    for system, kind in SYSTEMS.items():
        rule, null = [], []
        for world in worlds:
            frame, rate = world.frame, world.intensity[system]
            unknown = cells(of_type(world.undiscovered, kind), frame.left, frame.top, 5000.0)
            known = cells(of_type(world.occurrences, kind), frame.left, frame.top, 5000.0)
            rule.append(captured(rate, rate > 0, unknown, 0.05))
            null.append(best_null(known, unknown, rate > 0, 5000.0))
        assert np.mean(rule) >= 2.5 * np.mean(null), system


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_has_about_sixty_planted_known_and_sixty_undiscovered(system: str) -> None:
    known = committed("occurrences.csv").query("synthetic")
    unknown = committed("truth/undiscovered.csv")
    assert 55 <= (known["deposit_type"] == SYSTEMS[system]).sum() <= 65
    assert 55 <= (unknown["deposit_type"] == SYSTEMS[system]).sum() <= 65
    assert unknown["synthetic"].all()


def test_a_third_of_the_undiscovered_porphyries_lie_under_cover() -> None:
    surface = read("truth/geology_full.tif")
    unknown = of_type(committed("truth/undiscovered.csv"), "porphyry Cu")
    assert 0.27 <= np.isin(surface[at_committed(unknown)], COVER_CODES).mean() <= 0.40


def test_doubtful_real_records_are_low_in_confidence_and_shape_no_evidence() -> None:
    rows = committed("occurrences.csv").query("not synthetic").set_index("name")
    assert set(rows.index[rows["confidence"] == "low"]) == DOUBTFUL
    assert len(rows) == 22
    for name, kind in rows.loc[sorted(DOUBTFUL), "deposit_type"].items():
        system = next((system for system, each in SYSTEMS.items() if each == kind), None)
        if system is not None:
            rate = np.nan_to_num(read(f"truth/intensity_{system}.tif"))
            here = rate[at_committed(rows.loc[[name]])][0]
            assert here <= np.quantile(rate[rate > 0], 0.95), name


def test_real_records_carry_the_repairs_of_the_literature() -> None:
    rows = committed("occurrences.csv").query("not synthetic").set_index("name")
    assert tuple(rows.loc["Duddar", ["lon", "lat", "uncertainty_m"]]) == (66.83, 26.10, 2000)
    assert {"Koh-i-Dalil", "Reko Diq"} <= set(rows.index)
    assert (rows.loc[["Lasbela", "Loralai"], "deposit_type"] == "phosphate").all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_trusted_real_deposits_stand_where_the_rule_expects_them(system: str) -> None:
    rate = np.nan_to_num(read(f"truth/intensity_{system}.tif"))
    real = of_type(committed("occurrences.csv").query("not synthetic"), SYSTEMS[system])
    assert len(real) >= 3
    assert (rate[at_committed(real)] >= np.quantile(rate[rate > 0], 0.95)).all()


def test_known_deposits_are_biased_to_mapped_ground_and_to_roads() -> None:
    mapped = np.isfinite(read("geology_detailed.tif"))
    known, unknown = committed("occurrences.csv").query("synthetic"), committed("truth/undiscovered.csv")
    assert mapped[at_committed(known)].mean() > mapped[at_committed(unknown)].mean() + 0.15
    roads = gpd.read_file(FOLDER / "access.gpkg", layer="roads").to_crs(AEA).union_all()

    def median_m(rows: pd.DataFrame) -> float:
        points = gpd.GeoSeries(gpd.points_from_xy(rows["lon"], rows["lat"]), crs=4326).to_crs(AEA)
        return float(points.distance(roads).median())

    assert median_m(known) < 0.8 * median_m(unknown)


def test_two_fifths_are_mapped_in_detail_and_a_third_is_surveyed() -> None:
    outline = gpd.read_file(FOLDER / "boundary.geojson").to_crs(AEA).union_all().area / 1e6
    assert 0.35 <= np.isfinite(read("geology_detailed.tif")).sum() / outline <= 0.45
    assert 0.30 <= np.isfinite(read("magnetics_survey.tif")).sum() / outline <= 0.37
    assert np.isfinite(read("geology_coarse.tif")).sum() / outline == pytest.approx(1.0, abs=0.01)


def test_porphyry_magnetics_have_two_faces() -> None:
    """A stock's 3 km mean against the 11 km mean: neither highs nor lows are more than seven in ten."""
    field = read("magnetics_survey.tif")
    flown = np.isfinite(field)
    fill = np.where(flown, field, 0.0)
    local = uniform_filter(fill, 3) - uniform_filter(fill, 11)
    rows = pd.concat([committed("occurrences.csv"), committed("truth/undiscovered.csv")])
    here = at_committed(of_type(rows, "porphyry Cu"))
    seen = minimum_filter(flown, 11)[here]
    assert seen.sum() > 50
    assert 0.3 < (local[here][seen] > 0).mean() < 0.7


def test_the_volcano_looks_altered_and_hosts_no_porphyry() -> None:
    centre = at_committed(pd.DataFrame({"lon": [62.8], "lat": [29.1]}))
    ratio = read("sentinel2.tif", 9) / read("sentinel2.tif", 10)
    row, col = int(centre[0][0]), int(centre[1][0])
    cap = ratio[row - 3 : row + 4, col - 3 : col + 4]
    assert np.nanmedian(cap) > 1.25
    assert np.nanmedian(cap) > np.nanquantile(ratio[read("truth/terrane.tif") == 15], 0.9)
    assert read("truth/intensity_porphyry_copper.tif")[row, col] == 0.0


def test_makran_mudstone_is_a_clay_decoy() -> None:
    ratio = read("sentinel2.tif", 9) / read("sentinel2.tif", 10)
    terrane = read("truth/terrane.tif")
    assert np.nanmedian(ratio[terrane == 10]) > np.nanmedian(ratio[terrane == 15]) + 0.05


def test_the_unseen_body_is_on_no_detailed_sheet_and_in_no_legend() -> None:
    body = json.loads((FOLDER / "truth" / "unseen_terrane.json").read_text())
    surface, bedrock = read("truth/geology_full.tif", 1), read("truth/geology_full.tif", 2)
    rows, cols = np.nonzero(bedrock == 26)
    spot = at_committed(pd.DataFrame([body]))
    assert 10 <= len(rows) <= 32
    assert np.hypot(rows - spot[0], cols - spot[1]).max() <= 3.5
    assert np.isnan(read("geology_detailed.tif")[rows, cols]).all()
    assert (surface[rows, cols] == 26).mean() > 0.6
    assert "carbonatite" not in set(committed("geology_legend.csv")["name"])


def test_zinc_lies_on_jurassic_carbonate_by_old_faults_and_not_by_active_ones() -> None:
    unknown = of_type(committed("truth/undiscovered.csv"), "sediment-hosted Zn-Pb")
    bedrock = read("truth/geology_full.tif", 2)[at_committed(unknown)]
    assert (bedrock == 15).mean() > 0.7
    assert not (bedrock == 11).any()
    faults = gpd.read_file(FOLDER / "faults.gpkg", layer="faults").to_crs(AEA)
    points = gpd.GeoSeries(gpd.points_from_xy(unknown["lon"], unknown["lat"]), crs=4326).to_crs(AEA)
    old = points.distance(faults[faults["kind"] == "old"].union_all()).median()
    active = points.distance(faults[faults["kind"] == "active"].union_all()).median()
    assert old < 5_000.0 < active


def test_the_grid_starts_on_multiples_of_the_cell_and_leaves_twenty_kilometres() -> None:
    west, south, east, north = gpd.read_file(FOLDER / "boundary.geojson").to_crs(AEA).total_bounds
    for path in sorted(FOLDER.rglob("*.tif")):
        with rasterio.open(path) as file:
            if file.crs.is_geographic:
                assert file.transform.a == pytest.approx(1 / 30)
                continue
            assert file.transform.a == 1000.0 and file.bounds.left % 1000.0 == 0.0 and file.bounds.top % 1000.0 == 0.0
            assert file.bounds.left <= west - 20_000 and file.bounds.right >= east + 20_000
            assert file.bounds.bottom <= south - 20_000 and file.bounds.top >= north + 20_000


def test_every_file_says_that_it_is_synthetic() -> None:
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    assert len(files) >= 22
    for path in files:
        if path.suffix == ".tif":
            with rasterio.open(path) as file:
                assert file.tags()["SYNTHETIC"].startswith("YES"), path
                assert "SYNTHETIC" in file.tags()["TIFFTAG_IMAGEDESCRIPTION"], path
                assert file.nodata is not None, path
        elif path.suffix == ".gpkg":
            for layer in pyogrio.list_layers(path)[:, 0]:
                info = pyogrio.read_info(path, layer=layer)
                assert "synthetic" in info["fields"] and info["layer_metadata"]["SYNTHETIC"].startswith("YES"), layer
        elif path.suffix == ".csv":
            assert "synthetic" in pd.read_csv(path).columns, path
        else:
            assert "synthetic" in path.read_text().lower(), path


def test_the_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()) < 15e6


def test_one_seed_gives_one_world_and_another_seed_another(small: World) -> None:
    again, other = make_world(SEED, 5000.0), make_world(SEED + 1, 5000.0)
    for name in (
        "terrane",
        "bedrock",
        "surface",
        "dem",
        "sentinel2",
        "clear_looks",
        "magnetics_survey",
        "mapped",
    ):
        np.testing.assert_array_equal(getattr(small, name), getattr(again, name))
    np.testing.assert_array_equal(small.magnetics_global.values, again.magnetics_global.values)
    np.testing.assert_array_equal(small.gravity.values, again.gravity.values)
    pd.testing.assert_frame_equal(small.occurrences, again.occurrences)
    pd.testing.assert_frame_equal(small.undiscovered, again.undiscovered)
    np.testing.assert_array_equal(small.terrane, other.terrane)
    for name in ("bedrock", "dem", "sentinel2", "mapped"):
        assert (getattr(small, name) != getattr(other, name)).mean() > 0.02, name
    assert not small.undiscovered["lon"].equals(other.undiscovered["lon"])


def test_a_buried_prism_has_the_anomaly_of_a_column_of_dipoles() -> None:
    """Against summed point dipoles (Blakely, 1995, equation 4.13), the sensor 4 km above a 1 km column of
    rock.
    """
    frame = Frame(1000.0, -100_000.0, 100_000.0, 200, 200)
    rock = np.zeros(frame.shape)
    rock[100, 100] = 0.05
    bare = np.zeros(frame.shape)
    found = magnetics(frame, rock, bare, 1, height_m=4000.0) - magnetics(frame, bare, bare, 1, height_m=4000.0)
    x, y = frame.centres()
    east, north = x - x[100, 100], y - y[100, 100]
    dip, turn = np.radians(INCLINATION_DEG), np.radians(DECLINATION_DEG)
    expected = np.zeros(frame.shape)
    for depth in np.arange(4060.0 + 5.0, 7500.0, 10.0):
        r = np.sqrt(east**2 + north**2 + depth**2)
        # The vector runs from source to sensor: up, hence minus the depth along a downward axis.
        along = (np.cos(dip) * (np.sin(turn) * east + np.cos(turn) * north) - np.sin(dip) * depth) / r
        expected += 0.05 * FIELD_NT * 1e6 * 10.0 / (4.0 * np.pi) * (3.0 * along**2 - 1.0) / r**3
    middle = (slice(80, 121), slice(80, 121))
    assert np.abs(found - expected)[middle].max() < 0.04 * expected.max()
    assert np.unravel_index(found.argmax(), found.shape)[0] > 100 > np.unravel_index(found.argmin(), found.shape)[0]


@pytest.mark.world
def test_the_committed_files_are_what_the_script_writes(tmp_path: Path) -> None:
    write(make_world(SEED, 1000.0), tmp_path)
    for path in sorted(tmp_path.rglob("*")):
        if path.suffix == ".tif":
            with rasterio.open(path) as fresh, rasterio.open(FOLDER / path.relative_to(tmp_path)) as kept:
                assert fresh.transform == kept.transform and fresh.crs == kept.crs
                np.testing.assert_array_equal(fresh.read(), kept.read(), err_msg=path.name)
        elif path.suffix == ".gpkg":
            for layer in pyogrio.list_layers(path)[:, 0]:
                fresh_rows = gpd.read_file(path, layer=layer)
                kept_rows = gpd.read_file(FOLDER / path.relative_to(tmp_path), layer=layer)
                pd.testing.assert_frame_equal(fresh_rows.drop(columns="geometry"), kept_rows.drop(columns="geometry"))
                assert fresh_rows.geometry.geom_equals(kept_rows.geometry).all(), layer
        elif path.is_file():
            assert path.read_text() == (FOLDER / path.relative_to(tmp_path)).read_text(), path.name
