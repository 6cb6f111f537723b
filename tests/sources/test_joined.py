"""Several lists of occurrences as one table, through the public command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from typer.testing import CliRunner, Result

from pipeline.cli import app
from tests import tiny
from tests.fakes import usgs_mrds, usgs_porphyry
from tests.servers.folder import Folder, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    root = tmp_path_factory.mktemp("lists")
    usgs_mrds.make(root)
    usgs_porphyry.make(root)
    with serving(root) as of:
        yield of


def region(root: Path, server: Folder, **joined: Any) -> None:
    """The tiny region learning from three lists at once."""
    tiny.make(root)
    own = {"use": "points", "path": "occurrences.csv", "licence": "mine", "redistribute": False}
    sources = {
        "dem": {"use": "raster", "path": "dem.tif", "units": "m"},
        "own": own,
        "mrds": {"use": "usgs_mrds", "url": server.url(usgs_mrds.NAME)},
        "porphyries": {"use": "usgs_porphyry", "url": server.url(usgs_porphyry.NAME)},
        "occurrences": {"use": "joined", "of": ["own", "mrds", "porphyries"]} | joined,
    }
    tiny.write(root, sources=sources, features={"elevation": {"use": "value", "of": "dem"}, "slope": {"of": "dem"}})


def prospect(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_what_two_lists_hold_of_one_deposit_is_one_group(server: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    region(tmp_path, server)
    monkeypatch.chdir(tmp_path)
    done = prospect("map", "tiny")
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "cache" / "vectors").glob("occurrences-*.fgb")
    frame = gpd.read_file(path)
    assert len(frame) == tiny.DEPOSITS + 4 + 2
    koh = frame[frame["name"] == "Koh-i-Sar"]
    assert sorted(koh["list"]) == ["mrds", "porphyries"] and koh["group"].nunique() == 1
    folder = tmp_path / "outputs" / "tiny"
    contents = gpd.read_file(folder / "targets.gpkg", layer="contents").set_index("layer")
    assert contents.loc["own", "included"] == 0 and contents.loc["mrds", "licence"] == "public domain (USGS)"
    inputs = json.loads((folder / "provenance.json").read_text())["inputs"]
    assert sorted(said["source"] for said in inputs) == ["dem", "mrds", "own", "porphyries"]
    again = prospect("map", "tiny")
    assert "nothing changed" in " ".join(again.stdout.split()), again.output


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"occurrences": {"of": ["own", "mrd"]}}, "unknown table 'mrd'; did you mean 'mrds'"),
        ({"occurrences": {"of": ["faults"]}}, "joins 'faults', which is no table of occurrences"),
        ({"occurrences": {"of": []}}, "should have at least 1 item"),
    ],
)
def test_what_cannot_be_joined(server: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], told: str) -> None:
    region(tmp_path, server, **changes["occurrences"])
    monkeypatch.chdir(tmp_path)
    done = prospect("plan", "tiny", "--set", "sources.faults={use: vector, path: faults.gpkg}")
    assert done.exit_code == 2 and told in " ".join(done.stderr.split()), done.output


def test_evidence_made_of_a_part_of_what_is_learnt_from_is_refused(server: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    region(tmp_path, server)
    monkeypatch.chdir(tmp_path)
    done = prospect("plan", "tiny", "--set", "features.near={use: distance_to, of: mrds, reach_m: 5000}")
    assert done.exit_code == 2 and "near is made of 'mrds', the occurrences the map learns from" in " ".join(done.stderr.split())
