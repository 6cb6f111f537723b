"""A survey's own services as evidence: real servers on this machine, spoken to by the public command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner, Result

from pipeline import open_cube, registry
from pipeline.asset import Place
from pipeline.cli import app
from pipeline.errors import ConfigError, DataError, MissingError
from pipeline.grid import Grid
from tests import tiny
from tests.fakes.ground import EAST, NORTH, SOUTH, WEST
from tests.servers import postgis as databases
from tests.servers.folder import Folder, serving
from tests.servers.wfs import Survey

GRID = Grid.covering(tiny.BOUNDS, crs=tiny.CRS, cell_m=tiny.CELL_M, tile=32)
LAYER = "survey:faults"


def faults(count: int = 23) -> gpd.GeoDataFrame:
    """Lines over the region and, the last, far away."""
    rng = np.random.default_rng(3)
    ends = rng.uniform((WEST, SOUTH), (EAST, NORTH), (count, 2, 2))
    shapes = [shapely.LineString(pair) for pair in ends] + [shapely.LineString([(10, 10), (11, 11)])]
    kind = ["old" if i % 2 else "active" for i in range(count + 1)]
    return gpd.GeoDataFrame({"kind": kind, "length": np.arange(count + 1) / 8}, geometry=shapes, crs="EPSG:4326")


@pytest.fixture
def survey() -> Survey:
    return Survey({LAYER: faults(), "survey:none": faults().iloc[-1:]}, count_default=10)


@pytest.fixture
def server(survey: Survey, tmp_path: Path) -> Iterator[Folder]:
    with serving(tmp_path, {"wfs": survey}) as of:
        yield of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "cache", GRID)


def read(place: Place, use: str, **said: Any) -> gpd.GeoDataFrame:
    function = registry.find("sources", use)
    source = function(**registry.parameters(function).model_validate(said).model_dump())
    return source.table(source.acquire(place).assets, place)[0]


def prospect(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def with_faults(source: dict[str, Any]) -> dict[str, Any]:
    """The sources of the tiny region, its faults from elsewhere."""
    columns = {"name": "name", "lon": "lon", "lat": "lat"}
    dem, alteration = ({"use": "raster", "path": f"{name}.tif", "units": unit} for name, unit in (("dem", "m"), ("alteration", "1")))
    return {"dem": dem, "alteration": alteration, "faults": source, "occurrences": {"use": "points", "path": "occurrences.csv", "columns": columns}}


def same(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> None:
    """The same lines with the same columns."""
    assert len(one) == len(other)
    wanted, found = (sorted(zip(shapely.to_wkt(f.geometry.array, 3), f["kind"], f["length"].astype(float), strict=True)) for f in (one, other))
    assert wanted == found


@pytest.mark.parametrize("form", ["json", "gml"])
def test_a_wfs_layer_is_read_page_by_page_near_the_region(survey: Survey, server: Folder, place: Place, form: str) -> None:
    survey.json = form == "json"
    frame = read(place, "wfs", url=server.url("wfs?map=survey"), layer=LAYER, page=10)
    same(frame, faults().iloc[:-1].to_crs(tiny.CRS))
    pages = [query for query in survey.asked if query["request"] == "GetFeature" and query.get("resulttype") != "hits"]
    assert [query["startindex"] for query in pages] == ["0", "10", "20"]
    assert all(query["map"] == "survey" for query in survey.asked), "what the address asks stays"
    assert set(frame.columns) == {"kind", "length", "geometry"}, "no number a server makes up anew"


def test_a_wfs_that_does_not_tell_how_many_is_read_to_its_end(survey: Survey, server: Folder, place: Place) -> None:
    survey.tells = False
    assert len(read(place, "wfs", url=server.url("wfs"), layer=LAYER, page=10)) == 23
    with pytest.raises(DataError, match="holds more than 15 features near the region"):
        read(place, "wfs", url=server.url("wfs"), layer=LAYER, page=10, max_features=15)


def test_the_same_features_are_the_same_version_whatever_the_answers_say_beside_them(survey: Survey, server: Folder, place: Place) -> None:
    function = registry.find("sources", "wfs")
    source = function(url=server.url("wfs"), layer=LAYER)
    first, second = (source.acquire(place).assets[0].version for _ in range(2))
    survey.layers[LAYER] = survey.layers[LAYER].iloc[::-1]
    assert first == second == source.acquire(place).assets[0].version
    survey.layers[LAYER] = faults(24)
    assert source.acquire(place).assets[0].version != first


def test_offline_the_last_answer_is_used_and_without_one_it_is_missing(server: Folder, place: Place, tmp_path: Path) -> None:
    source = registry.find("sources", "wfs")(url=server.url("wfs"), layer=LAYER)
    offline = Place(tmp_path, place.cache, GRID, offline=True)
    with pytest.raises(MissingError, match="survey:faults"):
        source.acquire(offline)
    version, asked = source.acquire(place).assets[0].version, len(server.asked)
    assert source.acquire(offline).assets[0].version == version and len(server.asked) == asked


@pytest.mark.parametrize(
    ("changes", "said", "match"),
    [
        ({}, {"layer": "survey:fault"}, "offers no layer 'survey:fault'; did you mean 'survey:faults'"),
        ({}, {"max_features": 20}, "holds 23 features near the region, the limit is 20; raise `max_features:`"),
        ({"pages": False}, {"page": 10}, "sends the same page again; it does not page"),
        ({"lies_by": 4}, {}, "told of 27 features and sent 23; it changed while it was read, or limits its answers"),
        ({"version": "1.0.0"}, {}, "speaks WFS 1.0.0, 2.0.0 was asked for"),
    ],
)
def test_what_is_wrong_with_a_wfs_is_one_clear_error(
    survey: Survey, server: Folder, place: Place, changes: dict[str, Any], said: dict[str, Any], match: str
) -> None:
    for word, value in changes.items():
        setattr(survey, word, value)
    with pytest.raises(DataError, match=match):
        read(place, "wfs", **{"url": server.url("wfs"), "layer": LAYER, "page": 10} | said)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"<a/>", "answers with a in place of WFS_Capabilities: no words"),
        (b"<a", "its answer is no XML"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><WFS_Capabilities>&e;</WFS_Capabilities>', "declares a document type, which may hide entities"),
        (b"<!--" + b" " * 20_000_001 + b"--><a/>", "its WFS_Capabilities holds 20,000,012 bytes, the limit is 20,000,000"),
        (b"<r><x>token expired</x></r>", "answers with r in place of WFS_Capabilities: token expired"),
    ],
)
def test_what_is_no_wfs_is_told_from_one(server: Folder, place: Place, body: bytes, match: str) -> None:
    server.services["odd"] = lambda *_: (200, "text/xml", body)
    with pytest.raises(DataError, match=match):
        read(place, "wfs", url=server.url("odd"), layer=LAYER)


def test_a_wfs_that_turns_ill_in_the_middle_keeps_its_own_words(survey: Survey, server: Folder, place: Place) -> None:
    def ill(path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        if query.get("startindex") == "10":
            return survey(path, query | {"typenames": "survey:gone"})
        return survey(path, query)

    server.services["ill"] = ill
    with pytest.raises(DataError, match="answers with ExceptionReport in place of FeatureCollection: unknown type survey:gone"):
        read(place, "wfs", url=server.url("ill"), layer=LAYER, page=10)
    with pytest.raises(DataError, match="its answer cannot be read as features"):
        _cut(server, survey, place)


def _cut(server: Folder, survey: Survey, place: Place) -> None:
    def cut(path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        return (200, "application/json", b'{"type": "FeatureCollection", "features": [{]') if "startindex" in query else survey(path, query)

    server.services["cut"] = cut
    read(place, "wfs", url=server.url("cut"), layer=LAYER)


def test_a_wfs_layer_is_evidence(survey: Survey, server: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer of the service maps as a file of the same features does, to the last bit; a change there remakes what it reaches."""
    tiny.make(tmp_path)
    faults().iloc[:-1].to_file(tmp_path / "faults.gpkg", layer="faults")
    monkeypatch.chdir(tmp_path)
    assert prospect("map", "tiny").exit_code == 0
    by_file = open_cube("tiny")["distance_to_faults"].to_numpy()
    tiny.write(tmp_path, sources=with_faults({"use": "wfs", "url": server.url("wfs"), "layer": LAYER}))
    done = prospect("map", "tiny", "--set", "run.cache=other")
    assert done.exit_code == 0, done.output
    assert np.array_equal(open_cube("tiny", settings=("run.cache=other",))["distance_to_faults"].to_numpy(), by_file, equal_nan=True)
    assert "nothing changed" in " ".join(prospect("map", "tiny", "--set", "run.cache=other").stdout.split())


def test_a_wms_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = prospect("plan", "tiny", "--set", "sources.magnetics={use: wms, url: 'https://survey.example/wms?key=1', layer: tmi}")
    told = " ".join(done.stderr.split())
    assert done.exit_code == 2
    assert "tmi of https://survey.example/wms is a WMS, which draws pictures: colours are no measurements; ask the survey for its WCS" in told
    assert "key=1" not in told


# --- PostGIS ---------------------------------------------------------------------------------------------------------------------------------------

needs_postgis = pytest.mark.skipif(bool(databases.missing()), reason=databases.missing() or "there")
TABLE = """
CREATE SCHEMA geology;
CREATE TABLE geology.faults (id serial PRIMARY KEY, kind text, "Length" double precision, seen timestamptz DEFAULT now(), geom geometry(LineString, 32641));
CREATE TABLE geology.two (a geometry(Point, 4326), b geometry(Point, 4326));
CREATE TABLE geology.nowhere (geom geometry(LineString));
CREATE TABLE plain (x int);
CREATE VIEW geology.old AS SELECT kind, geom FROM geology.faults WHERE kind = 'old';
CREATE VIEW geology.broken AS SELECT 1 / (length(kind) - length(kind)) AS bad, geom FROM geology.faults;
CREATE USER reader PASSWORD 'read; only';
GRANT USAGE ON SCHEMA geology TO reader;
GRANT SELECT ON geology.faults, geology.old, geology.broken TO reader;
"""


@pytest.fixture(scope="module")
def database() -> Iterator[databases.Database]:
    if databases.missing():
        pytest.skip(databases.missing())
    with databases.running() as held:
        held.run(TABLE)
        for row in faults().to_crs("EPSG:32641").itertuples(index=False):
            held.run(f"INSERT INTO geology.faults (kind, \"Length\", geom) VALUES ('{row.kind}', {row.length}, ST_GeomFromText('{row.geometry.wkt}', 32641))")
        yield held


@pytest.fixture
def said(database: databases.Database, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How to reach the table, with the reader's password where libpq looks for it."""
    monkeypatch.setenv("PGPASSWORD", "read; only")
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    return {"host": database.host, "port": database.port, "database": database.name, "user": "reader", "table": "geology.faults"}


@needs_postgis
def test_a_postgis_table_is_read_near_the_region(said: dict[str, Any], place: Place) -> None:
    frame = read(place, "postgis", **said, columns=["kind", "Length"]).rename(columns={"Length": "length"})
    same(frame, faults().iloc[:-1].to_crs("EPSG:32641").to_crs(tiny.CRS))
    old = read(place, "postgis", **said | {"table": "geology.old"})
    assert len(old) == 11 and set(old["kind"]) == {"old"}
    assert len(read(place, "postgis", **said, where={"kind": ["old"]})) == 11
    assert {"id", "kind", "Length", "seen"} < set(read(place, "postgis", **said).columns)


@needs_postgis
@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"table": "geology.fault"}, "no table of geometry there that this user may read; did you mean 'geology.faults'"),
        ({"columns": ["Kind"]}, "has no column 'Kind'; did you mean 'kind'"),
        ({"where": {"sort": ["x"]}}, "has no column 'sort'"),
        ({"table": "geology.two", "user": "surveyor"}, r"has 2 geometry columns \(a, b\), and `geometry:` says none; name one of them"),
        ({"table": "geology.nowhere", "user": "surveyor"}, r"column 'geom' says no CRS \(SRID 0\); add `crs: EPSG:...`"),
        ({"crs": "EPSG:nowhere"}, "its CRS 'EPSG:nowhere' is not understood by PROJ"),
        ({"max_features": 22}, "holds 23 features near the region, the limit is 22"),
        ({"user": "nobody_here"}, "the database cannot be reached as nobody_here"),
        ({"port": 1}, "the database cannot be reached as reader"),
        ({"table": "geology.two"}, "no table of geometry there that this user may read; did you mean 'geology.old'"),
        ({"table": "geology.broken"}, r"the database refuses \(division by zero\); may this user read the table"),
    ],
)
def test_what_is_wrong_with_a_database_is_one_clear_error_without_the_password(
    said: dict[str, Any], place: Place, changes: dict[str, Any], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if changes.get("user") == "surveyor":
        monkeypatch.setenv("PGPASSWORD", databases.PASSWORD)
    with pytest.raises(DataError, match=match) as told:
        read(place, "postgis", **said | changes)
    assert "read; only" not in str(told.value) and databases.PASSWORD not in str(told.value)


@needs_postgis
def test_words_of_the_config_are_never_sql(said: dict[str, Any], place: Place, database: databases.Database) -> None:
    assert len(read(place, "postgis", **said, where={"kind": ["old'; DROP TABLE geology.faults; --", "old"]})) == 11
    for table in ('geology.faults"; DROP TABLE geology.faults; --', "a.b.c"):
        with pytest.raises(ValueError, match="String should match pattern"):
            read(place, "postgis", **said | {"table": table})
    database.run("SELECT 1 FROM geology.faults")


@needs_postgis
def test_a_postgis_table_is_evidence_and_its_password_is_nowhere(said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.make(tmp_path)
    faults().iloc[:-1].to_crs("EPSG:32641").to_file(tmp_path / "faults.gpkg", layer="faults")
    monkeypatch.chdir(tmp_path)
    assert prospect("map", "tiny").exit_code == 0
    by_file = open_cube("tiny")["distance_to_faults"].to_numpy()
    tiny.write(tmp_path, sources=with_faults({"use": "postgis", **said}))
    served = ("--set", "run.cache=other", "--set", "run.outputs=maps")
    done = prospect("map", "tiny", *served)
    assert done.exit_code == 0, done.output
    by_table = open_cube("tiny", settings=("run.cache=other",))["distance_to_faults"].to_numpy()
    assert np.array_equal(by_table, by_file, equal_nan=True), "the same features by file and by database give the same bits"
    assert "nothing changed" in " ".join(prospect("map", "tiny", *served).stdout.split())
    for path in [*(tmp_path / "maps").rglob("*"), *(tmp_path / "other").rglob("*")]:
        assert not path.is_file() or b"read; only" not in path.read_bytes(), path
    contents = gpd.read_file(tmp_path / "maps" / "tiny" / "targets.gpkg", layer="contents").set_index("layer")
    assert contents.loc["faults", "included"] == 0, "a survey's data are not handed on unless config says they may be"


def test_a_password_in_a_config_is_an_unknown_word_and_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    for words in ("password: hush", "host: 'me:hush@db'"):
        given = {"host": "db", "database": "d", "table": "t"} | dict([words.split(": ", 1)])
        done = prospect("plan", "tiny", "--set", "sources.pg={use: postgis, " + ", ".join(f"{k}: {v}" for k, v in given.items()) + "}")
        assert done.exit_code == 2
        if "password" in words:
            assert "unknown key 'password'" in done.stderr and "hush" not in done.stderr


def test_a_source_that_cannot_be_made_is_told_with_its_line() -> None:
    with pytest.raises(ConfigError, match="is a WMS, which draws pictures"):
        registry.find("sources", "wms")(url="https://x.example")
