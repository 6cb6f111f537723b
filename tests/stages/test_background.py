"""Background of every kind: the same cells for any tile size, the ground it says, and errors that name the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from pipeline.config import load
from pipeline.errors import ConfigError, DataError
from pipeline.flow import make, run
from pipeline.learning.table import SampleTable
from pipeline.planning import Plan, plan
from pipeline.recipe import Cells, Layer, Vector
from pipeline.stages import background, label
from tests import tiny

ROWS, COLS, CELL_M = 60, 80, 100.0
DEPOSITS = {"name": ["a", "b", "c"], "x": [1250.0, 4050.0, 7950.0], "y": [-1250.0, -4950.0, -50.0], "group": [0, 1, 2], "weight": [1.0, 0.5, 1.0]}
NOT_SPREAD: dict[str, list[int]] = {"cell": [], "of": []}
PLACES = [12 * COLS + 12, 49 * COLS + 40, 79]
GROUND = np.ones((ROWS, COLS), np.float32)
GROUND[:, 70:78] = 0  # not permissive
GROUND[:5, :5] = np.nan  # not of the region
BIAS = np.linspace(0, 4, ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS)
SITES = list(range(0, ROWS * COLS, 37))


def gathered(function: Callable[..., Any], *, tile: int, bias: bool = False, **more: Any) -> list[dict[str, Any]]:
    number = np.arange(ROWS * COLS).reshape(ROWS, COLS)
    x, y = (np.arange(COLS) + 0.5) * CELL_M, -(np.arange(ROWS) + 0.5) * CELL_M
    parts = []
    for r in range(0, ROWS, tile):
        for c in range(0, COLS, tile):
            here = slice(r, r + tile), slice(c, c + tile)
            at = Cells(x[here[1]], y[here[0]], number[here], CELL_M, 0, ROWS * COLS)
            layers = {"ground": Layer.of(GROUND[here])} | ({"bias": Layer.of(BIAS[here], name="roads")} if bias else {})
            parts.append(function(at=at, share=0.5, seeds=(1, 2), deposits=PLACES, **layers, **more))
    return parts


def drawn(function: Callable[..., Any], kind: str, *, tile: int, at_least: int = 200, spread: Any = NOT_SPREAD, **more: Any) -> dict[str, Any]:
    corner = {"x_m": 0.0, "y_m": 0.0, "cell_m": CELL_M, "rows": ROWS, "cols": COLS}
    return label.samples(
        parts=gathered(function, tile=tile, **more), deposits=DEPOSITS, corner=corner, at_least=at_least, per_positive=2, exclude_cells=3,
        seeds=(1, 2), labelled=True, kind=kind, spread=spread,
    )  # fmt: skip


BARREN = Vector(np.array([shapely.box(2000, -3000, 4000, -2000), shapely.Point(5310, -5310), shapely.Point(7500, -2000)]), {})
ASKED: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "target_group": (background.candidates_of_sites, {"sites": SITES}),
    "biased": (background.candidates_by_bias, {"bias": True, "count": 200, "exclude_cells": 3, "cols": COLS}),
    "explored": (background.candidates_explored, {"explored": BARREN}),
}


@pytest.mark.parametrize("kind", ASKED)
def test_any_tile_size_draws_the_same_background(kind: str) -> None:
    function, more = ASKED[kind]
    whole = drawn(function, kind, tile=100, **more)
    for tile in (7, 16, 33):
        parts = drawn(function, kind, tile=tile, **more)
        assert whole.keys() == parts.keys()
        for name in whole:
            np.testing.assert_array_equal(whole[name], parts[name], name)


@pytest.mark.parametrize("kind", ASKED)
def test_scores_are_against_the_uniform_background_whatever_a_model_learns_from(kind: str) -> None:
    plain = drawn(background.candidates, "uniform", tile=16)
    function, more = ASKED[kind]
    found = drawn(function, kind, tile=16, **more)
    assert found["cell"][found["scored"]].tolist() == plain["cell"].tolist()
    assert plain["trains"].all()
    assert plain["scored"].all()
    ground = found["label"] == 0
    assert not (found["trains"] & found["scored"])[ground].any()
    assert (found["trains"] & found["scored"])[~ground].all()
    assert (found["group"][ground] < 0).all()
    assert len(np.unique(found["group"][ground])) == ground.sum()


def taught(found: dict[str, Any]) -> Any:
    return found["cell"][found["trains"] & (found["label"] == 0)]


def test_a_target_group_is_the_sites_on_permissive_ground_away_from_positives() -> None:
    found = set(taught(drawn(*_of("target_group"), tile=16)).tolist())
    row, col = np.divmod(np.array(SITES), COLS)
    near = [np.maximum(abs(row - p // COLS), abs(col - p % COLS)) <= 3 for p in PLACES]
    allowed = (GROUND[row, col] > 0) & ~np.any(near, axis=0)
    assert found == set(np.array(SITES)[allowed].tolist())
    assert len(found) >= 50


def _of(kind: str) -> tuple[Callable[..., Any], str]:
    function, more = ASKED[kind]
    return (lambda **rest: function(**more, **rest)), kind


def test_a_target_group_of_few_sites_on_the_ground_is_refused() -> None:
    with pytest.raises(DataError, match=r"4\d sites of other types lie on the permissive ground .* needs 50: so few would tell terranes apart"):
        drawn(background.candidates_of_sites, "target_group", tile=16, sites=SITES[:55])


def test_a_biased_draw_takes_cells_in_proportion_to_the_layer() -> None:
    function, more = ASKED["biased"]
    cells = taught(drawn(function, "biased", tile=16, **more))
    assert not (cells == 0).any()  # the bias is 0 there
    # a density that rises in proportion to the cell's place from 0 has its mean at two thirds, against a half for a uniform draw
    assert cells.mean() / (ROWS * COLS) == pytest.approx(2 / 3, abs=0.05)


def test_a_negative_bias_is_refused() -> None:
    bias = Layer.of(np.full((2, 2), -1.0, np.float32), name="roads")
    at = Cells(np.arange(2.0), np.arange(2.0), np.arange(4).reshape(2, 2), 1.0, 0, 4)
    ground = Layer.of(np.ones((2, 2), np.float32))
    with pytest.raises(DataError, match=r"background\.bias 'roads' holds -1; a draw is in proportion to it, so it must be 0 or more"):
        background.candidates_by_bias(ground=ground, bias=bias, at=at, share=1, seeds=(1,), deposits=[], count=2, exclude_cells=0, cols=2)


def test_a_bias_of_nothing_is_refused() -> None:
    nothing = [{"taught": np.empty(0, np.int64), "bias": np.empty(0)}]
    with pytest.raises(DataError, match=r"background\.bias is 0 or missing on all the ground"):
        _taught("biased", nothing)


def test_explored_ground_without_a_permissive_cell_is_refused() -> None:
    with pytest.raises(DataError, match="no cell of the explored, barren ground lies on the permissive ground"):
        _taught("explored", [{"taught": np.empty(0, np.int64)}])


def _taught(kind: str, parts: list[dict[str, Any]]) -> None:
    empty = np.empty(0, np.int64)
    background.taught(kind, parts, empty, positives=empty, ncols=9, count=5, at_least=5, exclude_cells=0, seed=1)


def test_every_explored_cell_is_background_and_uniform_ground_makes_up_the_rest() -> None:
    # the box holds 20 x 10 cell centres; (53, 53) holds a point, the other point lies on ground that is not permissive
    box = {row * COLS + col for row in range(20, 30) for col in range(20, 40)} | {53 * COLS + 53}
    found = drawn(background.candidates_explored, "explored", tile=16, at_least=300, explored=BARREN)
    for draw in (0, 1):
        cells = set(found["cell"][found["trains"] & (found["label"] == 0) & found["drawn"][:, draw]].tolist())
        assert box < cells
        assert len(cells) == 300
    assert "201 cells are explored and barren; 99 uniform ones make up 300" in str(found["warning"])
    enough = drawn(background.candidates_explored, "explored", tile=16, at_least=100, explored=BARREN)
    assert set(taught(enough).tolist()) == box


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tiny region, whose occurrences are said to be of two types, and drilled ground in its south."""
    tiny.make(tmp_path)
    table = pd.read_csv(tmp_path / "occurrences.csv")
    rng = np.random.default_rng(3)
    lon, lat = tiny.to_lonlat(rng.uniform(1000, 59_000, 90), rng.uniform(1000, 49_000, 90))
    more = pd.DataFrame({"name": [f"showing {i}" for i in range(90)], "lon": lon, "lat": lat, "deposit_type": "vein"})
    pd.concat([table.assign(deposit_type="porphyry"), more]).to_csv(tmp_path / "occurrences.csv", index=False)
    gpd.GeoDataFrame(geometry=[shapely.box(5000, 2000, 25_000, 9000)], crs=tiny.CRS).to_file(tmp_path / "drilled.gpkg", layer="drilled")
    return tmp_path


def planned(root: Path, *settings: str) -> Plan:
    return plan(load("tiny", settings=settings, root=root))


PORPHYRY = "label.deposit_type=[porphyry]"


def test_a_map_may_learn_from_each_kind_of_background(root: Path) -> None:
    from rasterio.transform import from_origin

    shape = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))
    roads = np.where(np.arange(shape[1]) < 60, 0, 2.0) * np.ones(shape)  # none in the west
    tiny.save(root / "roads.tif", roads.astype("float32"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=None)
    found = {}
    for kind, more in {
        "target_group": ["background.kind=target_group"],
        "biased": ["background.kind=biased", "background.bias=roads", "sources.roads={use: raster, path: roads.tif, units: '1'}"],
        "explored": ["background.kind=explored", "background.explored=drilled", "sources.drilled={use: vector, path: drilled.gpkg}"],
    }.items():
        made = planned(root, PORPHYRY, f"run.outputs=out_{kind}", *more)
        run(made)
        table = SampleTable.from_bytes(made.cube.load_fit("systems/as_published/table", made.fit_keys["systems/as_published/table"]))
        found[kind] = table.subset(table.trains & ~table.positive)
        assert np.isfinite(table.values).any(axis=1).all()
        assert (table.scored & ~table.positive).sum() == 300
    assert 50 <= len(found["target_group"]) <= 90
    assert found["biased"].x.min() > 30_000
    explored = found["explored"]
    inside = (explored.x > 5000) & (explored.x < 25_000) & (explored.y > 2000) & (explored.y < 9000)
    assert inside.sum() >= 40 * 14 - tiny.DEPOSITS


def test_samples_know_which_ground_was_measured_where_the_background_is_evened(root: Path) -> None:
    from rasterio.transform import from_origin

    shape = (int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M))
    sheet = np.where(np.arange(shape[1]) < 40, 7, 0) * np.ones(shape)  # mapped in the west
    tiny.save(root / "sheet.tif", sheet.astype("uint8"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=0)
    source = "sources.sheet={use: raster, path: sheet.tif, units: '1', kind: categorical}"
    fit, found = "systems/as_published/table", []
    for evened in ("true", "false"):
        made = planned(root, PORPHYRY, source, "applicability.measured=sheet", f"background.evened={evened}")
        found.append(SampleTable.from_bytes(make(made, (fit,)).fits[fit]))
    assert np.array_equal(found[0].measured, found[0].x < 40 * tiny.CELL_M) and 0 < found[0].measured.mean() < 1
    assert not found[1].measured.any() and np.array_equal(found[1].evened(), found[1].weight)
    assert not np.array_equal(found[0].evened(), found[0].weight)
    fits = make(made, ("systems/as_published/foretold", "systems/as_published/measured_at")).fits  # what is foretold asks it, where the table does not say
    assert np.array_equal(SampleTable.from_bytes(fits["systems/as_published/measured_at"]).measured, found[0].measured)
    assert "but on mapped ground and off it in proportion" in fits["systems/as_published/foretold"]["words"]


def test_a_map_that_leaves_out_ground_like_its_deposits_is_surer_of_them_and_scored_on_the_same_ground(root: Path) -> None:
    cards = {}
    for kind in ("uniform", "similarity"):
        made = planned(root, PORPHYRY, f"run.outputs=by_{kind}", f"background.kind={kind}", *(["background.leave_out=0.4"] if kind == "similarity" else []))
        run(made)
        cards[kind] = made.cube.load_fit("systems/as_published/protocols/default/scorecard", made.fit_keys["systems/as_published/protocols/default/scorecard"])
        with rasterio.open(made.outputs / "prospectivity.tif") as file:
            cards[kind]["mean"] = float(np.nanmean(file.read(1)))
    assert cards["similarity"]["protocol"]["background"] == cards["uniform"]["protocol"]["background"] == 300
    nulls = [card["scores"]["random"]["fold_mean"] for card in cards.values()]
    assert nulls[0] == nulls[1]
    # the ground most like deposits is no longer taught to be barren, so the map rises
    assert cards["similarity"]["mean"] > cards["uniform"]["mean"] + 0.02


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["background.kind=target_group"], "target_group draws on sites of other types, and `label:` takes every type"),
        (["background.kind=target_group", "label.deposit_type=[vein]"], "target_group needs 50 sites of other types and the occurrences hold 24"),
        (["background.kind=biased"], "background.kind biased needs `bias:`"),
        (["background.bias=halo"], "background.bias is read by kind biased only, and kind is uniform"),
        (["background.leave_out=0.2"], "background.leave_out is read by kind similarity only, and kind is uniform"),
        (["background.kind=biased", "background.bias=hallo"], "unknown layer 'hallo'; did you mean 'halo'"),
        (["background.kind=explored", "background.explored=drilled"], "unknown vector 'drilled'"),
        (["background.kind=explored", "background.explored=occurrences"], "names 'occurrences', the occurrences sought"),
    ],
)  # fmt: skip
def test_a_background_that_cannot_be_drawn_is_refused_at_plan(root: Path, settings: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        planned(root, *settings)


def test_a_bias_of_category_codes_is_refused_at_plan(root: Path) -> None:
    rock = "sources.rock={use: raster, path: alteration.tif, units: '1', kind: categorical}"
    with pytest.raises(ConfigError, match=r"background\.bias 'rock' is a category code, and a draw needs a quantity"):
        planned(root, rock, "background.kind=biased", "background.bias=rock")
