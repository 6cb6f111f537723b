"""Which rows teach what ground looks like, what lowers applicability, and what is said of it; then through the whole shell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask
from rasterio.transform import from_origin

from pipeline import load, open_cube, plan, run
from pipeline.config.frame import Protocol
from pipeline.errors import ConfigError
from pipeline.learning.table import SampleTable
from pipeline.recipe import MISSING, Fit, Layer, Layers, Vector
from pipeline.stages import believe
from tests import tiny

ROWS, ORE = 300, 20
SPLIT = {**Protocol(title="").split.model_dump(), "kind": "square_blocks", "folds": 4, "block_km": 10}
UNTESTED = {"untested": "nothing to test with"}


def table(label: Any = None) -> SampleTable:
    """Places over 100 x 100 km, the first of them ore; the first layer is 0 to 1 west of x = 50 km and 10 to 11 east of it."""
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, 100_000, (2, ROWS))
    x[:ORE] /= 2
    values = rng.uniform(size=(ROWS, 2)) + np.column_stack([10 * (x > 50_000), np.zeros(ROWS)])
    cell = np.arange(ROWS)
    held = np.arange(ROWS) < ORE if label is None else label
    return SampleTable(values=values, names=("a", "b"), label=held, group=cell, cell=cell, x=x, y=y)


def space(of: SampleTable, occurrences: list[tuple[float, float]], explored_m: float) -> dict[str, Any]:
    return believe.reference(
        table=Fit(of.to_bytes()), importance=Fit(UNTESTED), occurrences=Vector(shapely.points(np.array(occurrences)), {}), split=SPLIT,
        bounds=[0, 0, 100_000, 100_000], seed=1, counts=[1, 1], explored_m=explored_m,
    )  # fmt: skip


WEST = [(x, y) for x in (10_000.0, 30_000.0) for y in (10_000.0, 40_000.0, 70_000.0, 95_000.0)]


def believed(of: dict[str, Any], first: list[list[float]], **more: Any) -> tuple[Any, Any, Any]:
    block = np.array(first, np.float32)
    evidence = Layers(Layer.of(layer) for layer in (block, np.full(block.shape, 0.5, np.float32)))
    given: dict[str, Any] = {"prospectivity": Layer.of(np.zeros(block.shape, np.float32)), "cover": Layers(()), "covers": []}
    return believe.believe(evidence=evidence, space=Fit(of), **(given | more))


def test_the_reference_holds_what_was_learnt_from_and_each_deposit_where_it_was_reported() -> None:
    held = table()
    plain = space(held, WEST, 15_000)
    ore, ground = np.arange(ORE), np.arange(ROWS - 50, ROWS)
    may = replace(held.subset(ore), values=held.values[ore] + 50, scored=np.zeros(ORE, bool), cell=ore + ROWS)
    only_scored = replace(held.subset(ground), values=held.values[ground] + 70, trains=np.zeros(50, bool), cell=ground + 2 * ROWS, group=ground + 2 * ROWS)
    names = ("values", "label", "group", "cell", "x", "y", "weight", "trains", "scored")
    more = SampleTable(names=held.names, **{name: np.concatenate([getattr(part, name) for part in (held, may, only_scored)]) for name in names})
    found = space(more, WEST, 15_000)
    assert found.keys() == plain.keys() and all(np.array_equal(found[name], plain[name]) for name in plain)


def test_the_reference_is_the_positives_and_the_background_near_any_occurrence() -> None:
    held = table()
    found = space(held, WEST, 15_000)
    near = np.min([np.hypot(held.x - x, held.y - y) for x, y in WEST], axis=0) <= 15_000
    assert len(found["points"]) == (near | held.positive).sum() < ROWS
    assert found["positive"].sum() == ORE
    assert found["high"][0] < 1.01  # no row of the east, which nobody looked at
    assert str(found["notice"]) == ""


def test_ground_nobody_looked_at_is_out_of_range_and_not_to_be_believed() -> None:
    here, ore, outside = believed(space(table(), WEST, 15_000), [[0.5, 10.5, 0.5]])
    assert here[0, 0] > 0.5
    assert here[0, 1] == 0.0
    assert ore[0, 1] > 5 * ore[0, 0]
    assert outside.tolist() == [[0.0, 0.5, 0.0]]


def test_few_explored_background_cells_are_said() -> None:
    found = space(table(), [(10_000.0, 10_000.0)], 5_000)
    assert "background cells of explored ground (within 5 km of an occurrence), fewer than 30" in str(found["notice"])
    told = believe.notices(found, {"applicable_share": 0.2, "inferred_share": None})
    assert told[1].startswith("only 20.0% of the area scored is like the ground the map was taught with")
    assert believe.notices({"notice": np.array("")}, {"applicable_share": 0.5, "inferred_share": None}) == []


def test_a_space_holds_no_more_rows_than_its_pairs_allow_and_every_positive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.learning.applicability.MOST_REFERENCE", 50)
    found = space(table(), WEST, 15_000)
    assert (len(found["points"]), found["positive"].sum()) == (50, ORE)


def test_without_ground_that_taught_anything_applicability_is_not_known_and_that_is_said() -> None:
    for label in (np.zeros(ROWS), np.arange(ROWS) == 3):
        found = space(table(label), WEST, 15_000)
        assert list(found) == ["reason"]
        assert all(np.isnan(layer).all() for layer in believed(found, [[0.5, 10.5]]))
        assert believe.notices(found, {"applicable_share": None, "inferred_share": None})[0].startswith("applicability is not known: ")


def test_cover_multiplies_applicability_where_the_first_map_with_a_value_shows_it() -> None:
    known = space(table(), WEST, 15_000)
    plain, _, _ = believed(known, [[0.5] * 4])
    detailed, coarse = np.array([[1, 7, MISSING, MISSING]], np.int32), np.array([[9, 5, 5, 9]], np.int32)
    covers = [{"of": "detailed", "classes": [1, 2], "factor": 0.5}, {"of": "coarse", "classes": [5], "factor": 0.25}]
    hidden, _, _ = believed(known, [[0.5] * 4], cover=Layers((Layer.of(detailed), Layer.of(coarse))), covers=covers)
    assert hidden / plain == pytest.approx(np.array([[0.5, 1.0, 0.25, 1.0]]))


def test_cells_not_scored_have_no_applicability_and_no_kind_of_evidence() -> None:
    scored = Layer.of(np.array([[0.2, np.nan, 0.3]], np.float32))
    found, _, _ = believed(space(table(), WEST, 15_000), [[0.5] * 3], prospectivity=scored)
    assert np.isnan(found).tolist() == [[False, True, False]]
    kind = believe.kinds(measured=Layer.of(np.array([[4, 4, MISSING]], np.int32)), prospectivity=scored)
    assert kind.tolist() == [[1, int(MISSING), 2]]
    part = believe.tally(applicability=Layer.of(np.array([[0.5, np.nan, 0.49]], np.float32)), prospectivity=scored, kind=Layers((Layer.of(kind),)))
    assert believe.added(parts=[part, part]) == {"applicable_share": 0.5, "inferred_share": 0.5}


def test_no_scored_cell_has_no_share() -> None:
    nothing = Layer.of(np.full((2, 2), np.nan, np.float32))
    part = believe.tally(applicability=nothing, prospectivity=nothing, kind=Layers(()))
    assert believe.added(parts=[part]) == {"applicable_share": None, "inferred_share": None}


SOURCES: dict[str, Any] = {
    "dem": {"use": "raster", "path": "dem.tif", "units": "m"},
    "alteration": {"use": "raster", "path": "alteration.tif", "units": "1"},
    "rock": {"use": "raster", "path": "rock.tif", "units": "1", "kind": "categorical"},
    "faults": {"use": "vector", "path": "faults.gpkg"},
    "occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}},
}
SAID = {"explored_km": 8, "measured": "rock", "cover": [{"of": "rock", "classes": [1]}]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region with cover (1) in the west, rock (2) in the middle, and no map east of x = 40 km."""
    made = tiny.make(tmp_path_factory.mktemp("believe"), sources=SOURCES, applicability=SAID)
    rows, cols = int(tiny.BOUNDS[3] / tiny.CELL_M), int(tiny.BOUNDS[2] / tiny.CELL_M)
    rock = np.where(np.arange(cols) < 40, 1, np.where(np.arange(cols) < 80, 2, -1)) * np.ones((rows, 1), int)
    tiny.save(made / "rock.tif", rock.astype("int16"), tiny.CRS, from_origin(0, tiny.BOUNDS[3], tiny.CELL_M, tiny.CELL_M), nodata=-1)
    return made


@pytest.fixture(scope="module")
def outputs(root: Path) -> Path:
    return run(plan(load("tiny", root=root))).outputs


def read(path: Path) -> Any:
    with rasterio.open(path) as file:
        return file.read(1)


def test_the_map_of_applicability_is_published_with_its_threshold_and_the_kind_of_evidence(root: Path, outputs: Path) -> None:
    found, kind, scored = (read(outputs / f"{name}.tif") for name in ("applicability", "evidence_kind", "prospectivity"))
    assert np.array_equal(np.isnan(found), np.isnan(scored))
    assert 0 <= np.nanmin(found) < np.nanmax(found) <= 1
    assert np.nanmax(found[:, :40]) <= 0.5  # cover halves it
    assert (kind[:, :80] == 1).all() and (kind[:, 80:] == 2).all()
    with rasterio.open(outputs / "applicability.tif") as file:
        said = file.tags(1)
        assert [said[word] for word in ("VALID_MIN", "VALID_MAX", "THRESHOLD")] == ["0", "1", "0.5"]
    with rasterio.open(outputs / "evidence_kind.tif") as file:
        assert [file.tags(1)[f"CLASS_{code}"] for code in range(3)] == ["not scored", "measured", "inferred"]
    card = json.loads((outputs / "scorecard.json").read_text())
    assert card["applicable_share"] == pytest.approx((found >= 0.5).mean(), abs=1e-6)
    assert card["inferred_share"] == pytest.approx(1 / 3, abs=1e-6)
    assert {one["name"] for one in card["importance"]["features"]} == {"elevation", "slope", "halo", "distance_to_faults"}
    assert max(card["importance"]["features"], key=lambda one: one["drop"])["name"] == "halo"  # it glows around the deposits
    cube = open_cube("tiny", root=root)
    assert float(cube["outside_range"].max()) <= 1
    assert float(cube["dissimilarity_to_ore"].min()) >= 0


def test_any_tile_gives_the_same_bytes(root: Path, outputs: Path) -> None:
    paths = (f"run.cache={root}/other", f"run.outputs={root}/wide")
    wide = run(plan(load("tiny", settings=("region.tile=64", *paths), root=root))).outputs
    for name in ("applicability", "evidence_kind"):
        assert (wide / f"{name}.tif").read_bytes() == (outputs / f"{name}.tif").read_bytes()


def test_targets_carry_their_applicability_and_the_share_that_rests_on_inferred_rock(outputs: Path) -> None:
    targets = gpd.read_parquet(outputs / "targets.parquet")
    found, kind = read(outputs / "applicability.tif"), read(outputs / "evidence_kind.tif")
    with rasterio.open(outputs / "applicability.tif") as file:
        for target in targets.itertuples():
            inside = geometry_mask([target.geometry], found.shape, file.transform, invert=True)
            assert target.mean_applicability == pytest.approx(found[inside].mean(dtype=float), abs=1e-6)
            assert target.inferred_share == pytest.approx((kind[inside] == 2).mean(), abs=1e-6)
    assert (targets["inferred_share"].max(), targets["inferred_share"].min()) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("applicability.measured=rok", "unknown layer 'rok'; did you mean 'rock'"),
        ("applicability.cover=[{of: dem, classes: [1]}]", "'dem' holds no classes; `applicability` reads categorical layers such as geology"),
    ],
)
def test_what_hides_the_rock_is_a_map_of_classes(root: Path, said: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plan(load("tiny", settings=(said,), root=root))
