"""Two maps beside each other, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import yaml
from typer.testing import CliRunner, Result

from pipeline.cli import app
from tests import tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`less`, which does not know the alteration that the deposits follow, and `more`, which adds it."""
    root = tiny.make(tmp_path_factory.mktemp("comparison"))
    halo = yaml.safe_load((root / "configs" / "regions" / "tiny.yaml").read_text())["features"]["halo"]
    for name, below, feature in (("less", "tiny", None), ("more", "less", halo)):
        said = {"based_on": below, "region": {"name": name}, "features": {"halo": feature}}
        (root / "configs" / "regions" / f"{name}.yaml").write_text(yaml.safe_dump(said))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for region in ("less", "more"):
            done = CliRunner().invoke(app, ["map", region])
            assert done.exit_code == 0, done.output
    return root


def compared(root: Path, one: str, other: str) -> Result:
    return CliRunner().invoke(app, ["compare", one, other, "--outputs", str(root / "outputs")], env={"COLUMNS": "200"})


def test_both_scores_are_printed_with_their_difference(root: Path) -> None:
    done = compared(root, "less", "more")
    assert done.exit_code == 0, done.output
    cards = [json.loads((root / "outputs" / name / "scorecard.json").read_text())["protocols"]["default"] for name in ("less", "more")]
    means = [card["scores"]["model"]["fold_mean"] for card in cards]
    assert means[1] > means[0] + 0.1
    said = " ".join(done.stdout.split())
    assert f"more scores {means[1] - means[0]:.3f} more than less" in said
    assert f"{means[0]:.2f}" in said and f"{means[1]:.2f}" in said
    assert "not scored on the same" not in said


def test_first_targets_that_lie_on_the_same_ground_are_counted(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "outputs", tmp_path / "outputs")
    held = gpd.read_parquet(root / "outputs" / "less" / "targets.parquet")
    squares = [shapely.box(x, 0, x + 1000, 1000) for x in range(0, 24_000, 2000)]
    for name, first in (("less", 0), ("more", 4)):
        frame = gpd.GeoDataFrame({"rank": range(1, 9)}, geometry=squares[first : first + 8], crs=held.crs)
        frame.to_parquet(tmp_path / "outputs" / name / "targets.parquet")
    assert "4 of the first 8 targets of less are among the first 8 of more as well" in compared(tmp_path, "less", "more").stdout


def test_a_gain_within_the_width_of_the_intervals_is_called_no_evidence(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "outputs", tmp_path / "outputs")
    path = tmp_path / "outputs" / "more" / "scorecard.json"
    card = json.loads((tmp_path / "outputs" / "less" / "scorecard.json").read_text())
    model = card["protocols"]["default"]["scores"]["model"]
    width = (model["interval"][1] - model["interval"][0]) / 2
    for gain, told in ((0.5 * width, True), (1.5 * width, False)):
        changed = json.loads(json.dumps(card))
        changed["protocols"]["default"]["scores"]["model"]["fold_mean"] += gain
        path.write_text(json.dumps(changed))
        assert ("no evidence" in compared(tmp_path, "less", "more").stdout) is told


def test_a_map_that_is_not_there_is_one_line_that_names_those_that_are(root: Path) -> None:
    done = compared(root, "less", "kech")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: no map 'kech' in outputs/ (there: less, more)")
    assert len(done.stderr.splitlines()) == 1


def test_maps_scored_by_different_protocols_do_not_compare(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "outputs", tmp_path / "outputs")
    path = tmp_path / "outputs" / "more" / "scorecard.json"
    card = json.loads(path.read_text())
    card["protocols"] = {"blocks": card["protocols"]["default"]}
    path.write_text(json.dumps(card))
    done = compared(tmp_path, "less", "more")
    assert done.exit_code == 2 and "different protocols" in done.stderr
