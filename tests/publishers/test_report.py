"""The report as a file: what it says, that it is the same every time, and that it stays small; tests/opened opens it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import cog
from pipeline.bundle import Bundle, Column, Sheet
from pipeline.cube import Cube, LayerMeta
from pipeline.errors import StoreError
from pipeline.grid import Grid
from pipeline.learning import verdict as verdicts
from pipeline.publishers._report import canvas, cells, charts, content, embed, page, picture, words
from pipeline.publishers.report import report
from pipeline.recipe import MISSING
from tests import tiny
from tests.publishers import bundles, cards

ROOT = Path(__file__).parents[2]


def bundle(folder: Path, **changes: Any) -> Bundle:
    return bundles.bundle(folder, **({"scorecard": cards.scorecard(), "provenance": cards.provenance(), "config_yaml": "region: here\n"} | changes))


def words_of(text: str) -> str:
    """What the page says, without scripts, styles and tags."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL)
    return " ".join(plain.split())


def test_it_says_the_verdict_first_in_plain_words_and_every_part_of_the_answer(tmp_path: Path) -> None:
    said = words_of(page.page(bundle(tmp_path)))
    order = [
        "Synthetic data.", "The map finds deposits it was not shown, and clearly better than the single best layer does.", "Beats its nulls: AUC 0.80",
        "Where to look", "1 target, 32 km² together. The first is 32 km² in Chagai, Kech, 12 km from Old Mine.", "The score rests most on halo wide and slope.",
        "tells which is which 80 times in 100 (90 % interval 70 to 90); the single best layer does 70 times in 100.",
        "The best 5 % of the ground holds 40 % of the hidden deposits (90 % interval 30 to 50).", "40 % of the ground scored is like the ground that taught the map",
        "It is not a mineral resource", "something to know", "Layer Classes", "Targets", "How far to trust it", "What it rests on", "Where it is blind",
        "25.0 % of the region", "Data and licences", "Someone (2020)", "What was run", "region: here",
    ]  # fmt: skip
    at = 0
    for text in order:
        assert text in said[at:], text
        at = said.index(text, at)
    assert "CC BY 4.0" in said and "a" * 64 in said and "numpy 2.0" in said and "k" * 64 in said


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_bundle_gives_the_same_bytes_in_any_process(tmp_path: Path, hash_seed: str) -> None:
    here = bundle(tmp_path / "here")
    report(bundle=here)
    first = (here.folder / "report.html").read_bytes()
    report(bundle=here)  # Bokeh counts its models through the life of a process
    assert (here.folder / "report.html").read_bytes() == first
    code = (
        "import hashlib, sys\nfrom pathlib import Path\nfrom pipeline.publishers._report import page\nfrom tests.publishers import test_report\n"
        "print(hashlib.sha256(page.page(test_report.bundle(Path(sys.argv[1]))).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "there")], capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": hash_seed}
    )
    assert done.stdout.strip() == hashlib.sha256(first).hexdigest()


def test_what_changed_is_a_layer_of_the_map_and_a_list_of_targets_with_their_causes(tmp_path: Path) -> None:
    made = bundles.shown(tmp_path, scorecard=cards.scorecard(), provenance=cards.provenance(), config_yaml="region: here\n")
    said = words_of(page.page(made))
    for told in ("What changed", "new survey: halo", "appeared", "went", "rose by more than 0.16", "fell by less than 0.08", "Where the map itself rose or fell"):
        assert told in said, told
    (shown,) = (one for one in picture.pictures(made, 1) if one.name == "change")
    assert np.isnan(shown.cells[:, :40]).all() and (shown.low, shown.high) == (-0.24, 0.24)
    mapper = canvas._colours(shown)
    assert mapper.nan_color == "rgba(0, 0, 0, 0.0)" and (mapper.low, mapper.high) == (-0.24, 0.24) and len(mapper.palette) == 6


def test_text_from_data_is_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    made = bundle(tmp_path)
    held = {**made.deposits, "name": [evil, evil]}
    targets = [{**made.targets[0], "nearest_known": evil, "for_1": evil}]
    card = cards.scorecard(cards.protocol(title=evil, verdict=evil), notices=[evil])
    sheet = Sheet(evil, evil, pd.DataFrame({"a": [evil]}), {"a": Column("str", evil, "", evil)})
    inputs = [{"source": evil, "asset": evil, "sha256": "0", "bytes": 1, "licence": evil, "citation": evil}]
    text = page.page(
        bundle(
            tmp_path, deposits=held, targets=targets, title=evil, region=evil, config_yaml=evil, scorecard=card, tables={"t": sheet},
            provenance=cards.provenance(inputs=inputs, seed=evil, versions={evil: evil}, layers={evil: evil}),
        )
    )  # fmt: skip
    ours = text.replace(embed.script(), "")
    assert "alert(1)" in ours and "<script>alert" not in ours and "<img" not in ours
    assert ours.count("<script") == ours.count("</script>") == 4


def test_it_asks_for_nothing_outside_and_runs_only_its_own_scripts(tmp_path: Path) -> None:
    text = page.page(bundle(tmp_path))
    ours = text.replace(embed.script(), "")
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", ours) == [] and "@import" not in ours
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    allowed = re.findall(r"sha256-[\w+/=]+", policy[1].replace("&#39;", "'"))
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert [embed.digest(script) for script in scripts] == allowed and policy[1].startswith("default-src &#39;none&#39;")


def big(folder: Path, tile: int) -> Bundle:
    """A region of 70 x 90 cells with values that tell each cell apart."""
    grid = Grid.covering((0, -70_000, 90_000, 0), crs=bundles.CRS, cell_m=1000, tile=tile)
    cube = Cube.at(folder / "cache", "big", grid)
    numbers = np.arange(70 * 90, dtype=np.float32).reshape(70, 90)
    share, classes = numbers / numbers.size, 1 + numbers.astype(np.int32) % 5
    layers = {"prospectivity": share.copy(), "classes": classes, "amount": numbers * 1.7, "applicability": share}
    layers["prospectivity"][:3] = np.nan
    layers["classes"][:3] = MISSING
    cube.prepare([LayerMeta(f"systems/x/{n}", str(v.dtype), "1", n, "s", "CC0", 1000) for n, v in layers.items()])
    for index in grid.tiles():
        w = grid.window(index)
        for name, values in layers.items():
            cube.write(f"systems/x/{name}", index, np.ascontiguousarray(values[w.r0 : w.r1, w.c0 : w.c1]))
    tiny.everywhere(cube)
    named = {"expected_deposits" if n == "amount" else n: f"systems/x/{n}" for n in layers}
    return bundle(folder, cube=cube, rasters=named, targets=[])


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("tile", [16, 32, 128])
def test_a_cell_shown_is_a_cell_of_the_raster_for_any_tile(tmp_path: Path, step: int, tile: int) -> None:
    made = big(tmp_path, tile)
    rows, cols = picture.middles(70, step), picture.middles(90, step)
    shown = {one.name: one for one in picture.pictures(made, step)}
    for name in ("prospectivity", "applicability"):
        whole = np.concatenate([block.values for block in cog.blocks(made.cube, made.rasters[name])])
        expected = whole[np.ix_(rows, cols)]
        found = shown[name].cells
        assert ((found == picture.NOT_KNOWN) == np.isnan(expected)).all()
        known = ~np.isnan(expected)
        assert [f"{n / picture.PARTS:.4f}" for n in found[known].tolist()] == [f"{v:.4f}" for v in expected[known].astype(float).tolist()]
    classes = np.concatenate([block.values for block in cog.blocks(made.cube, "systems/x/classes")])[np.ix_(rows, cols)]
    assert (shown["classes"].cells == np.where(classes == MISSING, 0, classes)).all()
    assert (shown["classes"].cells.shape[0] - 1) * step < 70 <= shown["classes"].cells.shape[0] * step


def test_the_step_grows_until_the_layers_fit_and_no_further(tmp_path: Path) -> None:
    made = bundle(tmp_path)
    cell = sum(picture.BYTES[one.kind] for one in picture.pictures(made, 1)) + 1
    whole = bundles.ROWS * bundles.COLS * cell
    assert picture.step_for(made, whole) == 1 and picture.step_for(made, whole - 1) == 2
    for most in (5000, 500):
        step = picture.step_for(made, most)
        size = [len(picture.middles(bundles.ROWS, s)) * len(picture.middles(bundles.COLS, s)) * cell for s in (step, step - 1)]
        assert size[0] <= most < size[1]


def test_ground_not_to_be_believed_is_what_is_scored_and_below_the_threshold(tmp_path: Path) -> None:
    shown = picture.pictures(big(tmp_path, 32), 1)
    veil = picture.not_believed(shown)
    assert veil is not None
    belief = np.arange(6300).reshape(70, 90) / 6300
    expected = np.rint(belief * picture.PARTS) < picture.PARTS / 2
    expected[:3] = False
    assert (veil == expected).all() and veil.any() and not veil.all()
    assert picture.not_believed([one for one in shown if one.name != "applicability"]) is None


def test_a_page_too_long_is_drawn_coarser_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle(tmp_path)
    whole = len(page.page(made).encode())
    monkeypatch.setattr(page, "MOST_BYTES", whole - 1)
    monkeypatch.setattr(page, "PICTURE_BYTES", 60_000)
    coarser = page.page(made)
    assert len(coarser.encode()) < whole and "The map shows one cell of every" in words_of(coarser)
    monkeypatch.setattr(page, "MOST_BYTES", 1000)
    with pytest.raises(StoreError, match=r"report\.html would take \d+ MB, over 0: the tables of this map are too long for one page"):
        page.page(made)


def test_many_targets_are_cut_and_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_ROWS", 1)
    text = page.page(bundle(tmp_path))
    assert text.count("<tbody data-row=") == 1 and "The first 1 of 2 are listed" in words_of(text)


def test_a_map_without_ground_scores_or_targets_says_so(tmp_path: Path) -> None:
    said = "No permissive ground: the rock this system needs is not mapped in the region, so there is nothing to rank and no target."
    empty = importance_of_nothing(said)
    made = bundle(
        tmp_path, targets=[], districts=None, deposits={"name": [], "x": [], "y": [], "group": []}, synthetic=False,
        scorecard=cards.scorecard(cards.untested(said), importance=empty, applicable_share=None, inferred_share=None, permissive_share=0.0, notices=[]),
    )  # fmt: skip
    for name, missing in (("prospectivity", np.float32(np.nan)), ("uncertainty", np.float32(np.nan)), ("classes", MISSING)):
        made.cube.open(f"systems/x/{name}")[:] = missing
    text = words_of(page.page(made))
    for part in (said, "No rock is mapped in this region", "There is no target", "Where the map may be believed is not known", "could not be measured"):
        assert part in text
    assert "Synthetic data" not in text and "To know before using it" not in text


def importance_of_nothing(why: str) -> dict[str, Any]:
    return {"protocol": {"title": "t", "split": "s", "seed": 1, "shuffles": 3}, "measure": "m", "untested": why, "features": [], "sets": [], "dependence": None}


def test_too_few_deposits_give_ranks_and_no_odds(tmp_path: Path) -> None:
    few = "Too few to tell: 3 deposit groups, where 10 or more are needed to judge a model; held out, they rank above 90 % of the ground around them."
    card = cards.protocol(verdict=few, ranks=[{"group": i, "cells": 1, "percentile": p} for i, p in enumerate((40.0, 90.0, None))])
    text = words_of(page.page(bundle(tmp_path, scorecard=cards.scorecard(card))))
    assert "Too few deposits are known here to tell whether the map is right." in text
    assert "they stand above 90 % and 40 % of the ground around them" in text
    assert "times in 100" not in text and "of the hidden deposits" not in text


def test_each_protocol_has_its_baselines_its_sentence_and_its_charts(tmp_path: Path) -> None:
    hidden = cards.protocol("Near chance: AUC 0.55 (blocks).", auc=0.55, hidden=["geology"], protocol={**cards.protocol()["protocol"], "kind": "nearest"})
    pairs = {**cards.protocol(), "protocol": {**cards.protocol()["protocol"], "kind": "leave_pair_out"}, "reliability": None, "optimism": None}
    pairs["scores"] = {name: {k: one[k] for k in ("fold_mean", "interval", "per_seed")} for name, one in pairs["scores"].items()}  # what leave-pair-out gives
    text = page.page(bundle(tmp_path, scorecard=cards.scorecard(hidden, cards.protocol(), pairs)))
    said = words_of(text)
    assert "The map is little better than a guess." in said and "geology was taken away too" in said
    assert "whole squares of ground, 2 times over" in said and "one deposit and one ordinary place at a time" in said
    assert said.count("Nearness to known deposits") == said.count("The single best layer") == 3 + 2  # three tables, two curves
    drawn = json.loads(re.search(r'id="drawn" type="application/json">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    names = {*drawn["places"][0]["roots"].values()}
    assert names >= {"map", "auc-0", "capture-0", "reliability-0", "auc-1", "capture-1", "auc-2", "importance", "dependence-0"}
    assert not names & {"capture-2", "reliability-2"}
    assert all(f'id="{name}"' in text for name in names)


def test_a_prior_is_told_with_its_source_and_that_it_is_invented(tmp_path: Path) -> None:
    prior = {"n90": 1, "n50": 3, "n10": 6, "tract": "permissive", "model": "any", "depth_m": 500.0, "source": "Smith", "page": "4", "date": "2020", "invented": True}
    text = words_of(page.page(bundle(tmp_path, scorecard=cards.scorecard(prior=prior))))
    assert "Invented. at least 1, 3 and 6 with 90, 50 and 10 % confidence, any, down to 500 m; Smith, 4, 2020" in text


def test_tables_for_people_are_shown_with_their_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"district": ["Kech", "Chagai"], "area_km2": [1234.0, None]})
    columns = {"district": Column("str", "District", "", "Its name."), "area_km2": Column("float64", "Area", "km2", "How large.")}
    sheet = Sheet("By district", "Who has what.", frame, columns)
    text = page.page(bundle(tmp_path, tables={"by_district": sheet}))
    assert "By district Who has what." in words_of(text) and "Kech 1,234 km² Chagai —" in words_of(text)
    assert 'title="How large."' in text and 'data-value="1234.0"' in text


def test_what_a_search_may_find_is_told_in_sentences_a_curve_and_tables(tmp_path: Path) -> None:
    first = {"targets": 10, "area_km2": 120.0, "expected_share": 0.25}
    found = {
        "note": "Held-out deposits.", "curve": {"area": [0.0, 0.1, 1.0], "area_km2": [0.0, 500.0, 5000.0], "captured": [0.0, 0.5, 1.0], "interval": None},
        "search": [{"captured": 0.5, "area": 0.1, "area_km2": 500.0, "interval_km2": [300.0, 900.0]}, {"captured": 0.9, "area": None, "area_km2": None}],
        "first_targets": [first, first | {"targets": 1, "expected_deposits": 1.5, "deposits_low": 0, "deposits_high": 4, "p_at_least_one": 0.7}],
    }  # fmt: skip
    sheets = {
        name: Sheet(f"Title of {name}", "What.", pd.DataFrame({"a": [1.0]}), {"a": Column("float64", "A", "", "A.")}) for name in ("ground_to_search", "by_district")
    }
    text = page.page(bundle(tmp_path, scorecard=cards.scorecard(risk=found), tables=sheets))
    said = words_of(text)
    for part in (
        "50 % of the discoveries: the best 500 km² (10.0 % of the ground, 90 % interval 300 to 900 km²)",
        "The first 10 targets, 120 km², hold 25.0 % of what is still to be found The first target",
        "The first target, 120 km², holds 25.0 % of what is still to be found: 1.5 deposits expected (0 to 4 with 90 %), and one or more with a chance of 70 %",
        "Title of ground_to_search, as a table", "Who holds what Title of by_district",
    ):
        assert part in said, part
    assert '"searched"' in text and "90 % of the discoveries" not in said
    assert "What a search may find" not in words_of(page.page(bundle(tmp_path / "b")))


def test_what_is_foretold_is_told_with_its_interval_and_nothing_where_nothing_is() -> None:
    best = {"area": 0.05, "share": 0.4, "deposits": [0, 6], "design_effect": 1.0}
    found = {"further": 3.2, "capture": [best, best | {"deposits": None}], "targets": {"first": 5, "deposits": [1, 2]}}
    assert words.foretold(found) == ["In the best 5 % of the ground: 0 to 6", "In the first 5 targets: 1 to 2"]
    assert words.foretold(found, targets=False) == ["In the best 5 % of the ground: 0 to 6"]
    assert words.foretold({**found, "targets": {"first": 0, "deposits": [0, 0]}}) == ["In the best 5 % of the ground: 0 to 6"]
    assert words.foretold({"reason": "nothing is foretold: x", "capture": None, "targets": None}) == words.foretold(None) == []


def test_a_curve_that_rises_at_once_still_has_an_axis() -> None:
    places = 51
    area = [i / 50 for i in range(places)]
    plot = charts.searched({"area": area, "area_km2": [100 * a for a in area], "captured": [1.0] * places, "interval": [[1.0, 1.0]] * places})
    assert plot.x_range.end == 100 * area[charts.LEAST_PLACES - 1]


@pytest.mark.parametrize(("said", "told"), [("system: {title: Porphyry copper}\n", "Porphyry copper"), ("system: {}\n", "x"), ("", "x")])
def test_the_system_is_named_by_its_title(tmp_path: Path, said: str, told: str) -> None:
    assert content.system(bundle(tmp_path, config_yaml=said)) == told


def test_flags_of_a_target_stand_beside_where_it_is(tmp_path: Path) -> None:
    made = bundle(tmp_path)
    flagged = [{**made.targets[0], "licence": "held by Someone until 2030"}, {**made.targets[1], "licence": None}]
    text = words_of(page.page(bundle(tmp_path / "b", targets=flagged, columns={"licence": Column("str", "Licence", "", "Who holds it.")})))
    assert text.count("Licence: held by Someone until 2030") == 1


def test_lines_of_the_curve_are_told_apart_by_colour_and_by_dashes() -> None:
    told = charts.key(words.BASELINES)
    assert len({dash for _, _, dash in told}) == len({colour for _, colour, _ in told}) + 1 == len(told) == 6  # the map's own two share a colour


def test_a_layer_whose_licence_forbids_copies_is_not_drawn(tmp_path: Path) -> None:
    made = bundle(tmp_path)
    closed = {**made.vectors, "districts": type(made.vectors["districts"])(made.vectors["districts"].table, "closed", False)}
    inputs = [{"source": "districts", "asset": "d", "sha256": "0", "bytes": 1, "licence": "closed", "citation": "c"}]
    free, held = page.page(made), page.page(bundle(tmp_path / "b", vectors=closed, provenance=cards.provenance(inputs=inputs)))
    assert '"name":"districts"' in free and '"name":"districts"' not in held
    assert "no copies: named here, not given away" in words_of(held)


def test_every_kind_of_verdict_has_plain_words() -> None:
    result = {**cards.protocol(), "ranks": []}
    told = {verdicts.verdict(_result(result, groups=3)), verdicts.verdict(_result(result, auc=0.55)), verdicts.verdict(_result(result, auc=0.9))}
    told |= {verdicts.verdict(_result(result, auc=0.71)), verdicts.verdict(_result(result, auc=0.65))}
    begun = {said.partition(":")[0] for said in told}
    assert begun == {"Too few to tell", "Near chance", "Beats its nulls", "Does not clearly beat its nulls", "Does not beat its nulls"}
    for said in [*told, "No permissive ground: x", "Not tested: x"]:
        tone, plain = words.headline({"verdict": said, "scores": result["scores"]})
        assert plain != said and tone in {"good", "caution", "bad"} and "{" not in plain
    assert words.headline({"verdict": "Something new."}) == ("caution", "Something new.")


def _result(base: dict[str, Any], *, groups: int = 20, auc: float = 0.8) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    apart = {name: 0.005 * rng.normal(size=(2, 5)) for name in base["scores"]}
    apart["model"] *= 12  # folds differ more than 0.01 and less than 0.2
    scored = {
        name: {**one, "fold_mean": auc if name == "model" else one["fold_mean"], "per_seed": [
            {"folds": [{"auc": (auc if name == "model" else one["fold_mean"]) + float(d)} for d in row]} for row in apart[name] - apart[name].mean()
        ]} for name, one in base["scores"].items()
    }  # fmt: skip
    return {**base, "protocol": {**base["protocol"], "groups": groups}, "scores": scored}


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (1234.5, Column("float64", "", "km2", ""), "1,234 km²"), (0.12345, Column("float64", "", "1", ""), "0.123"), (3, Column("Int64", "", "", ""), "3"),
        (0.004, Column("float64", "", "km", ""), "0.004 km"), (None, Column("str", "", "", ""), "—"), (float("nan"), Column("float64", "", "m", ""), "—"),
        (pd.NA, Column("Int64", "", "", ""), "—"), (True, Column("bool", "", "", ""), "yes"), ("a", Column("str", "", "", ""), "a"),
        (0.0, Column("float64", "", "km", ""), "0.0 km"),
    ],
)  # fmt: skip
def test_values_are_written_with_their_units(value: Any, column: Column, text: str) -> None:
    assert cells.cell(value, column).text == text


def test_shares_that_are_not_nothing_are_not_written_as_nothing() -> None:
    assert [words.percent(s) for s in (0.0, 0.001, 0.5, None)] == ["0 %", "under 1 %", "50 %", "—"]
    assert words.percent(0.0001, 1) == "under 0.1 %" and words.listed(["a"]) == "a" and words.listed(["a", "b", "c"]) == "a, b and c"


def test_the_lattice_tells_longitude_and_latitude_closely(tmp_path: Path) -> None:
    from pyproj import Transformer

    bounds = (-600_000.0, -400_000.0, 700_000.0, 500_000.0)
    crs = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
    held, n = canvas._lattice(crs, bounds), canvas.LATTICE - 1
    rng = np.random.default_rng(1)
    u, v = rng.uniform(0, n, 200), rng.uniform(0, n, 200)
    x, y = bounds[0] + u / n * (bounds[2] - bounds[0]), bounds[1] + v / n * (bounds[3] - bounds[1])
    i, j = np.minimum(u.astype(int), n - 1), np.minimum(v.astype(int), n - 1)
    p, q = u - i, v - j
    for name, true in zip(("lon", "lat"), Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y), strict=True):
        z = np.array(held[name]).reshape(n + 1, n + 1)
        told = (1 - q) * ((1 - p) * z[j, i] + p * z[j, i + 1]) + q * ((1 - p) * z[j + 1, i] + p * z[j + 1, i + 1])
        assert np.abs(told - true).max() < 0.002  # some 200 m over a region of 1,300 km


def test_outlines_are_drawn_without_what_the_cells_shown_cannot_tell() -> None:
    """A speckled piece of ground is one ring and the holes a cell of the picture would show; and no target is too small to be drawn."""
    side, speckles = 100.0, [shapely.box(x, y, x + 10, y + 10).exterior for x in range(50, 9000, 200) for y in range(50, 9000, 200)]
    wide = shapely.box(9300, 9300, 9300 + side, 9350).exterior
    crooked = shapely.segmentize(shapely.box(0, 0, 10_000, 10_000), 20).exterior
    tiny = shapely.box(0, 0, 30, 30)
    drawn = canvas._rings([shapely.Polygon(crooked, [*speckles, wide]), tiny, shapely.MultiPolygon([tiny, shapely.box(500, 0, 900, 400)])], side)
    (first,), (second,), third = drawn["xs"]
    assert [sorted(set(ring)) for ring in first] == [[0, 10_000], [9300, 9400]]
    assert len(second) == 1 and sorted(set(second[0])) == [0, 30] and len(second[0]) >= 3
    assert [len(part) for part in third] == [1, 1]


def test_a_specialist_is_told_what_calibrates_the_map() -> None:
    protocol = {"split": "5 folds", "positives": 40, "groups": 30, "background": 1000}
    said = dict(content._facts({"protocol": protocol, "calibration": {"exponent": 1.2, "interval": [1.0, 1.4], "use": 1.0, "finds": 8.0}}))
    assert said["Power to raise predictions to before they are shared out"] == "1.00; hidden deposits ask for 1.20 (1.00 to 1.40)"
    assert said["Before that, no ground is taken to hold less than"] == "12.5% of the mean"
