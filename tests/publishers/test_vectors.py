"""The published vectors: rows, schema, licences, and the same bytes twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from pipeline.bundle import Column, Sheet
from pipeline.config.targets import Merit
from pipeline.publishers._targets import columns, targets
from pipeline.publishers.geopackage import geopackage
from pipeline.publishers.geoparquet import geoparquet
from pipeline.recipe import Fit, Vector
from pipeline.stages import ranking, reasons
from tests.publishers import bundles


def test_targets_are_written_in_rank_order_with_their_reasons_and_districts(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    found = gpd.read_file(made.folder / "targets.gpkg", layer="targets")
    assert found["rank"].tolist()[0] == 1
    assert np.isnan(found["rank"].tolist()[1])
    assert found["status"].tolist() == ["new", "known ground"]
    assert found["districts"].tolist() == ["Chagai, Kech", "Kech"]
    assert found["area_km2"].tolist() == [32.0, 8.0]
    assert shapely.area(found.geometry.to_numpy()).tolist() == [32e6, 8e6]
    assert found.crs.to_epsg() == 6933


def test_every_column_of_the_layer_is_told_of_and_no_other(tmp_path: Path) -> None:
    more = {"owner": Column("str", "Owner", "", "Who owns the ground.")}
    made = bundles.bundle(tmp_path, targets=[bundles.target(1, (0, -2000, 3000, 0), owner="Nobody")], columns=more)
    told, frame = columns(made), targets(made)
    assert list(told) == [c for c in frame.columns if c != "geometry"]
    assert frame["owner"].tolist() == ["Nobody"]
    for name, column in told.items():
        assert frame[name].dtype == column.dtype, name
        assert column.title and column.what.endswith("."), name
    assert "owner" not in columns(bundles.bundle(tmp_path / "b"))
    assert list(columns(bundles.bundle(tmp_path / "c", districts=None))) == [n for n in told if n not in ("owner", "districts")]


def test_districts_are_named_by_the_share_of_the_target_they_hold(tmp_path: Path) -> None:
    mostly_east = bundles.target(1, (39_000, -12_000, 50_000, -10_000))
    touching = bundles.target(2, (40_000, -22_000, 42_000, -20_000))
    made = bundles.bundle(tmp_path, targets=[mostly_east, touching])
    geopackage(bundle=made)
    assert gpd.read_file(made.folder / "targets.gpkg", layer="targets")["districts"].tolist() == ["Kech, Chagai", "Kech"]


def test_no_target_gives_an_empty_layer_with_every_column(tmp_path: Path) -> None:
    full, empty = bundles.bundle(tmp_path / "full"), bundles.bundle(tmp_path / "empty", targets=[])
    for made in (full, empty):
        geopackage(bundle=made)
        geoparquet(bundle=made)
    said = [pyogrio.read_info(made.folder / "targets.gpkg", layer="targets") for made in (full, empty)]
    assert said[1]["features"] == 0
    for word in ("crs", "geometry_type"):
        assert said[0][word] == said[1][word]
    for word in ("fields", "dtypes"):
        assert list(said[0][word]) == list(said[1][word])
    tables = [gpd.read_parquet(made.folder / "targets.parquet") for made in (full, empty)]
    assert len(tables[1]) == 0
    assert list(tables[0].dtypes) == list(tables[1].dtypes)
    assert tables[1].crs.to_epsg() == 6933


def test_parquet_holds_the_rows_of_the_geopackage(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    geoparquet(bundle=made)
    one, other = gpd.read_file(made.folder / "targets.gpkg", layer="targets"), gpd.read_parquet(made.folder / "targets.parquet")
    assert list(one.columns) == list(other.columns)
    assert one["mean_prospectivity"].tolist() == other["mean_prospectivity"].tolist()
    assert one["districts"].tolist() == other["districts"].tolist()
    assert shapely.equals(one.geometry.to_numpy(), other.geometry.to_numpy()).all()


def test_targets_without_districts_have_no_such_column(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path, districts=None)
    geopackage(bundle=made)
    assert "districts" not in gpd.read_file(made.folder / "targets.gpkg", layer="targets").columns


def test_the_deposits_learnt_from_are_the_layer_occurrences(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    found = gpd.read_file(made.folder / "targets.gpkg", layer="occurrences")
    assert found["name"].tolist() == ["Old Mine", "New Mine"]
    assert found["group"].tolist() == [4, 9]
    assert found.geometry.x.tolist() == [62_000.0, 1000.0]


def test_a_vector_whose_licence_forbids_copies_is_named_and_not_copied(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    layers = [str(name) for name, _ in pyogrio.list_layers(made.folder / "targets.gpkg")]
    assert layers == ["targets", "occurrences", "districts", "faults", "ridges", "contents"]
    contents = pyogrio.read_dataframe(made.folder / "targets.gpkg", layer="contents").set_index("layer")
    assert not contents.loc["parks", "included"]
    assert "only named here" in contents.loc["parks", "what"]
    assert contents.loc["parks", "licence"] == "WDPA terms"
    assert contents.loc["faults", "included"]
    assert b"WDPA terms" in (made.folder / "targets.gpkg").read_bytes()
    assert b'"Park"' not in (made.folder / "targets.gpkg").read_bytes()


def test_lines_a_feature_drew_are_a_layer_with_their_columns(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    found = gpd.read_file(made.folder / "targets.gpkg", layer="ridges")
    assert found["azimuth_deg"].tolist() == [135.0]
    assert found.geometry[0].equals(shapely.LineString([(0, 0), (5000, -5000)]))
    assert found.crs == made.cube.grid.crs


def test_a_table_for_people_is_a_table_without_geometry_listed_in_contents(tmp_path: Path) -> None:
    columns = {"district": Column("str", "District", "", "Its name."), "area_km2": Column("float64", "Area", "km2", "Its area.")}
    frame = pd.DataFrame({"district": ["Chagai", "Kech"], "area_km2": [44.5, 22.5]})
    made = bundles.bundle(tmp_path, tables={"by_district": Sheet("By district", "Who has what.", frame, columns)})
    geopackage(bundle=made)
    found = pyogrio.read_dataframe(made.folder / "targets.gpkg", layer="by_district")
    assert found.to_dict("list") == frame.to_dict("list")
    geoparquet(bundle=made)
    assert pd.read_parquet(made.folder / "by_district.parquet").to_dict("list") == frame.to_dict("list")
    contents = pyogrio.read_dataframe(made.folder / "targets.gpkg", layer="contents").set_index("layer")
    assert contents.loc["by_district", "what"] == "By district. Who has what."


def test_columns_the_format_cannot_tell_apart_are_renamed_and_kept(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    found = gpd.read_file(made.folder / "targets.gpkg", layer="faults")
    assert found[["kind", "KIND_", "fid_"]].iloc[0].tolist() == ["old", "OLD", "a"]


def test_a_source_named_like_a_layer_of_ours_takes_another_name(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    clash = bundles.bundle(tmp_path / "b", vectors={"occurrences": made.vectors["faults"]})
    geopackage(bundle=clash)
    assert "occurrences_source" in [name for name, _ in pyogrio.list_layers(clash.folder / "targets.gpkg")]
    assert len(gpd.read_file(clash.folder / "targets.gpkg", layer="occurrences")) == 2


def test_the_same_rows_give_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    made = bundles.bundle(tmp_path)
    held = []
    for _ in range(2):
        geopackage(bundle=made)
        geoparquet(bundle=made)
        held.append([(made.folder / name).read_bytes() for name in ("targets.gpkg", "targets.parquet")])
        (made.folder / "targets.gpkg").unlink()
        time.sleep(1.1)  # the format keeps whole seconds
    assert held[0] == held[1]


def test_the_time_written_is_source_date_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundles.bundle(tmp_path)
    for epoch, written in (("", "1980-01-01T00:00:00.000Z"), ("1700000000", "2023-11-14T22:13:20.000Z")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        geopackage(bundle=made)
        with sqlite3.connect(made.folder / "targets.gpkg") as db:
            assert {row[0] for row in db.execute("select last_change from gpkg_contents")} == {written}
        (made.folder / "targets.gpkg").unlink()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_a_synthetic_map_says_so_in_every_layer(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    geopackage(bundle=made)
    for name, _ in pyogrio.list_layers(made.folder / "targets.gpkg"):
        assert pyogrio.read_info(made.folder / "targets.gpkg", layer=name)["layer_metadata"]["SYNTHETIC"].startswith("YES")


def test_what_is_ranked_is_what_the_layer_holds() -> None:
    deposits = {"name": ["Old Mine"], "x": [2500.0], "y": [-2500.0]}
    piece = {
        "area_km2": 1.0, "mean_prospectivity": 0.8, "max_prospectivity": 0.9, "mean_uncertainty": 0.05, "amount": 0.0, "cells": 4, "mean_applicability": 0.7,
        "best": [0.5, 0.5], "wkb": shapely.to_wkb(shapely.box(0, 0, 1, 1), byte_order=1),
    }  # fmt: skip
    there = Vector(np.array([shapely.Point(0, 5)], object), {"name": np.array(["Here"], object), "deposit_type": np.array(["VMS"], object)})
    found = ranking.ranked(
        pieces=Fit([piece]), known_within_m=100, deposits=deposits, flags={}, goals={}, weights=Merit().model_dump(), seed=1, numbers=None, metal=None,
        occurrences=there,
    )  # fmt: skip
    held = found[0].keys() | set(reasons.REASONS)
    assert held - {"merit_access"} == bundles.target(1, (0, 0, 1, 1)).keys()


ROOT = Path(__file__).parents[2]
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from pipeline.errors import StoreError
from pipeline.publishers.geopackage import geopackage
from tests.publishers import bundles
made = bundles.bundle(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    geopackage(bundle=made)
except StoreError as error:
    print(f"told: {error}")
"""


@pytest.mark.parametrize("limit", [2_000, 60_000, 110_000])
def test_a_disk_that_fills_up_under_the_geopackage_is_one_error(tmp_path: Path, limit: int) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "told: cannot write targets.gpkg (" in done.stdout, done.stderr
