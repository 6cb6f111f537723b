"""A new region from a name and a boundary, through the public command; and the regions that come with the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import yaml
from pyproj import Geod
from typer.testing import CliRunner, Result

from pipeline import load
from pipeline.cli import app
from pipeline.config import names
from pipeline.spatial import projections
from pipeline.stages.acquire import ground
from tests import tiny
from tests.fakes import boundaries
from tests.fakes.ground import box
from tests.servers.folder import Folder, serving

SYSTEM = {"system": {"name": "plain", "title": "Plain"}, "features": {"elevation": {"use": "value", "of": "dem"}}, "model": {"use": "random_forest"},
          "label": {"occurrences": "occurrences"}}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with one system, data of a dem and occurrences, and no region but the tiny one."""
    tiny.make(tmp_path)
    for kind, name, said in [("systems", "plain", SYSTEM), ("data", "here", {"sources": {
        "dem": {"use": "raster", "path": "dem.tif"}, "occurrences": {"use": "points", "path": "occurrences.csv"}}})]:  # fmt: skip
        (tmp_path / "configs" / kind).mkdir(exist_ok=True)
        (tmp_path / "configs" / kind / f"{name}.yaml").write_text(yaml.safe_dump(said))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(root: Path) -> Iterator[Folder]:
    boundaries.make(root)
    with serving(root) as of:
        of.services[boundaries.ADDRESS] = boundaries.service(of.url)
        yield of


def new(name: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["region", "new", name, "--system", "plain", "--data", "here", *words])


def saved(root: Path, *shapes: Any, crs: str | None = "EPSG:4326", name: str = "ground.geojson") -> str:
    gpd.GeoDataFrame({"i": range(len(shapes))}, geometry=list(shapes), crs=crs).to_file(root / name)
    return name


def told(done: Result) -> str:
    assert done.exit_code == 2, done.output
    return " ".join(done.stderr.split())


def test_a_boundary_and_a_name_make_a_region_that_plans(root: Path) -> None:
    done = new("west", "--boundary", saved(root, box(0.2, 0.2, 0.5, 0.8), box(0.5, 0.4, 0.7, 0.8)), "--licence", "CC0", "--title", "The west: part 1")
    assert done.exit_code == 0, done.output
    text = (root / "configs" / "regions" / "west.yaml").read_text()
    assert "# Licence of the outline: CC0." in text and "# equal-area: " in text
    said = yaml.safe_load(text)["region"]
    assert said["title"] == "The west: part 1" and said["boundary"] == "configs/regions/west.geojson"
    kept = json.loads((root / said["boundary"]).read_text())["features"][0]
    assert kept["properties"] == {"name": "west", "source": "outline from ground.geojson", "licence": "CC0"}
    grid = ground(load("west"))
    assert grid.area_distortion() < 1e-6
    whole = Geod(ellps="WGS84").geometry_area_perimeter(shapely.union_all([box(0.2, 0.2, 0.5, 0.8), box(0.5, 0.4, 0.7, 0.8)]))[0]
    there = CliRunner().invoke(app, ["plan", "west"])
    assert there.exit_code == 0, there.output
    assert abs(whole) < grid.rows * grid.cols * grid.cell_m**2 < 2 * abs(whole)
    assert "prospect plan west" in " ".join(done.stdout.split())


def test_a_province_is_found_whatever_the_spelling_and_its_licence_is_noted(root: Path, server: Folder) -> None:
    words = ("--country", "PAK", "--service", server.url(boundaries.ADDRESS))
    done = new("west", *words, "--province", "west-PROVINCE")
    assert done.exit_code == 0, done.output
    text = (root / "configs" / "regions" / "west.yaml").read_text()
    assert "# Licence of the outline: Creative Commons Attribution 4.0." in text
    assert "geoBoundaries PAK ADM1, PAK-ADM1-1: a survey" in text
    assert CliRunner().invoke(app, ["plan", "west"]).exit_code == 0
    assert "has no province 'Wst Province'; did you mean 'West Province'?" in told(new("other", *words, "--province", "Wst Province"))
    assert "country 'Pakistan' is no ISO code of three letters" in told(new("other", "--country", "Pakistan"))


def test_an_outline_that_may_not_be_copied_is_not(root: Path, server: Folder) -> None:
    def closed(path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        status, kind, body = boundaries.service(server.url)(path, query)
        return status, kind, body.replace(b"Creative Commons Attribution 4.0", b"Creative Commons Attribution-NonCommercial 3.0")

    server.services = {boundaries.ADDRESS: closed}
    done = new("west", "--country", "PAK", "--service", server.url(boundaries.ADDRESS), "--province", "West Province")
    assert done.exit_code == 0, done.output
    text = (root / "configs" / "regions" / "west.yaml").read_text()
    assert "does not let it be copied: the region is the rectangle around it" in text
    assert "bounds" in yaml.safe_load(text)["region"] and not (root / "configs" / "regions" / "west.geojson").exists()
    assert CliRunner().invoke(app, ["plan", "west"]).exit_code == 0


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([shapely.Point(65, 28)], "ground.geojson: holds Point; a boundary is one polygon or several"),
        ([shapely.LineString([(65, 28), (66, 29)])], "holds LineString"),
        ([], "holds no shape; a boundary is one polygon or several"),
        ([shapely.box(65, 28, 65.01, 28.01)], "is 1.09 km2; a region is 10 km2 or more"),
        ([shapely.box(-179, 10, -170, 20), shapely.box(170, 10, 179, 20)], r"crosses the antimeridian (-179.0 to 179.0 E); cut it there"),
        ([shapely.box(175, 10, 190, 20)], r"crosses the antimeridian (175.0 to 190.0 E)"),
        ([shapely.box(0, 80, 90, 89)], "reaches 89.0 degrees of latitude; so near a pole an outline in longitude and latitude is none"),
    ],
)
def test_ground_no_region_can_be_made_of(root: Path, shapes: list[Any], match: str) -> None:
    assert match in told(new("odd", "--boundary", saved(root, *shapes)))
    assert not list((root / "configs" / "regions").glob("odd.*"))


def test_other_mistakes_are_one_clear_error_and_nothing_is_written(root: Path) -> None:
    name = saved(root, box(0.2, 0.2, 0.5, 0.8))
    assert "is there already and is not written over" in told(new("tiny", "--boundary", name))
    assert "expected small letters, digits and _" in told(new("West", "--boundary", name))
    assert "where is it? give --boundary FILE, or --country ISO" in told(new("west"))
    assert "--boundary and --province both say where it is" in told(new("west", "--boundary", name, "--province", "Sindh"))
    assert "configs/systems has no 'porphyry' (known: plain)" in told(CliRunner().invoke(app, ["region", "new", "west", "--boundary", name, "--system", "porphyry"]))
    assert "cannot be read as a boundary" in told(new("west", "--boundary", "dem.tif"))
    saved(root, box(0, 0, 1, 1), crs=None, name="no_crs.shp")
    assert "no_crs.shp: says no CRS; save it with one" in told(new("west", "--boundary", "no_crs.shp"))
    gpd.GeoDataFrame(geometry=[shapely.box(1e8, 1e8, 2e8, 2e8)], crs="EPSG:32641").to_file(root / "far.gpkg")
    assert "has no place on Earth" in told(new("west", "--boundary", "far.gpkg"))
    assert sorted(path.name for path in (root / "configs" / "regions").iterdir()) == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("bounds", "kind"),
    [
        ((60.9, 24.9, 70.2, 32.0), "aea"),  # wide, middle latitudes
        ((-70, -35, -60, -28), "aea"),  # and south of the equator
        ((69.2, 31.1, 74.1, 36.9), "laea"),  # tall
        ((10, -5, 30, 5), "laea"),  # on the equator
        ((20, 62, 40, 70), "laea"),  # towards a pole
    ],
)
def test_the_crs_is_equal_area_and_bends_little(bounds: tuple[float, float, float, float], kind: str) -> None:
    from pyproj import Proj

    crs = projections.equal_area(bounds)
    assert f"+proj={kind} " in crs
    west, south, east, north = bounds
    factors = Proj(crs).get_factors([west, (west + east) / 2, east], [south, (south + north) / 2, north])
    assert max(abs(value - 1) for value in factors.areal_scale) < 1e-6
    assert max(factors.angular_distortion) < 2.5  # degrees


@pytest.mark.parametrize(("side_km", "cell"), [(30, 30), (90, 50), (190, 100), (390, 200), (900, 500), (1900, 1000), (3900, 2000), (30_000, 5000)])
def test_the_cell_is_the_finest_that_makes_four_million(side_km: float, cell: int) -> None:
    assert projections.cell_m((0, 0, side_km * 1000, side_km * 1000)) == cell
    assert cell in (30, 5000) or (side_km * 1000 / cell) ** 2 <= 4e6 < (side_km * 1000 / projections.CELLS_M[projections.CELLS_M.index(cell) - 1]) ** 2


def test_elsewhere_the_live_data_are_told_the_place(root: Path) -> None:
    (root / "configs" / "data" / "live.yaml").write_text("sources: {}\n")
    done = CliRunner().invoke(app, ["region", "new", "andes", "--system", "plain", "--boundary", saved(root, shapely.box(-70, -25, -68, -23)), "--country", "CHL"])
    assert done.exit_code == 0, done.output
    said = yaml.safe_load((root / "configs" / "regions" / "andes.yaml").read_text())
    assert said["sources"] == {"geology_coarse": {"use": "macrostrat"}, "roads": None, "railways": None, "settlements": None,
                               "districts": {"use": "boundaries", "country": "CHL"}}  # fmt: skip
    CliRunner().invoke(app, ["region", "new", "where", "--system", "plain", "--boundary", saved(root, shapely.box(65, 25, 67, 26))])
    assert yaml.safe_load((root / "configs" / "regions" / "where.yaml").read_text())["targets"] == {"districts": None}


SHIPPED = [name for name in names("regions", Path(__file__).parents[1]) if name not in ("cloncurry", "dawadimi")]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_region_loads_on_an_equal_area_grid_with_its_system(name: str) -> None:
    repo = Path(__file__).parents[1]
    loaded = load(name, root=repo)
    grid = ground(loaded)
    assert grid.area_distortion() < 1e-6
    assert 1e3 < grid.rows * grid.cols < 5e6
    region = loaded.config.region
    if name != "balochistan":
        assert region.data == "live" and region.boundary == f"configs/regions/{name}.geojson"
        outline = json.loads((repo / region.boundary).read_text())["features"][0]
        assert outline["properties"]["licence"] and outline["properties"]["source"]


def test_every_province_of_pakistan_and_every_declared_analogue_is_shipped() -> None:
    repo = Path(__file__).parents[1]
    pakistan = {"balochistan", "sindh", "punjab", "khyber_pakhtunkhwa", "gilgit_baltistan", "azad_kashmir", "islamabad"}
    declared = {name for file in (repo / "configs" / "systems").glob("*.yaml") for name in yaml.safe_load(file.read_text())["system"].get("analogue_of", {})}
    assert {"kerman", "arasbaran_zangezur", "oman"} <= declared and "kabul_aynak" not in declared
    assert pakistan | declared | {"kabul_aynak"} <= set(SHIPPED)


def test_known_deposits_lie_in_the_analogues_drawn_for_them() -> None:
    repo = Path(__file__).parents[1]
    sites = {"kerman": [(55.862, 29.945), (55.167, 30.421)], "arasbaran_zangezur": [(46.371, 38.808), (46.188, 38.922)], "oman": [(56.44, 24.45), (58.21, 22.93)],
             "kabul_aynak": [(69.301, 34.266)]}  # fmt: skip  Sar Cheshmeh, Meiduk; Sungun, Agarak; Lasail, Washil; Aynak (USGS lists)
    for name, places in sites.items():
        shape = shapely.from_geojson((repo / "configs" / "regions" / f"{name}.geojson").read_text())
        assert all(shape.contains(shapely.Point(place)) for place in places), name
