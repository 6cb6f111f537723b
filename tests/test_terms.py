"""What a map may be used for, read from the names of licences; checked against what the licences themselves say."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import registry
from pipeline.cli import app
from pipeline.terms import Source, attribution, known, uses
from tests import tiny


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("CC BY 4.0", ["CC-BY"]), ("CC-BY-SA-4.0", ["CC-BY-SA"]), ("cc by-nc 3.0 igo", ["CC-BY-NC"]), ("CC BY-NC-ND 4.0", ["CC-BY-NC-ND"]),
        ("CC0 (synthetic)", ["CC0-1.0"]), ("CC0 (synthetic), real records public domain (USGS)", ["CC0-1.0", "public domain"]),
        ("ODbL 1.0", ["ODbL-1.0"]), ("CC BY-SA 4.0 (GEM), ODC-By (HimaTibetMap)", ["CC-BY-SA", "ODC-By-1.0"]), ("Apache-2.0", ["Apache-2.0"]),
        ("Copernicus DEM, attribution", ["Copernicus DEM licence"]), ("Copernicus, attribution", ["Copernicus Sentinel legal notice"]),
        ("WDPA terms of use: no redistribution, no commercial use without permission", ["WDPA terms of use"]),
        ("as supplied", []), ("not stated", []), ("", []), ("see cc board", []), ("permit", []),
    ],
)  # fmt: skip
def test_licences_are_known_by_their_names_and_others_are_not_guessed(said: str, names: list[str]) -> None:
    assert [terms.name for terms in known(said)] == names


def test_the_strictest_words_come_first_and_name_who_asks() -> None:
    sources = [
        Source("dem", "Copernicus DEM", "ESA"), Source("roads", "ODbL 1.0", "OpenStreetMap contributors"), Source("titles", "as supplied", "cadastre"),
        Source("parks", "WDPA terms of use", "UNEP-WCMC", redistribute=False), Source("mrds", "public domain", "USGS"),
        Source("mine", "confidential", "", redistribute=False), Source("survey", "CC BY 4.0", "", redistribute=False),
    ]  # fmt: skip
    said = uses(sources)
    assert [line.split(":")[0] for line in said] == [
        "unknown licences", "no derived works", "no commercial use", "no redistribution", "share-alike", "attribution",
    ]  # fmt: skip
    assert said[0].endswith("nothing is promised here: titles (as supplied)")
    assert said[2].endswith(": parks (WDPA terms of use), mine (proprietary)")
    assert said[3].endswith(": parks (WDPA terms of use), mine (proprietary), survey (redistribute: false)")
    assert said[4].endswith(": roads (ODbL-1.0)") and "mrds" not in said[5]
    lines = attribution(sources)
    assert lines[0].startswith("ESA; produced using Copernicus WorldDEM-30 (c) DLR") and "cadastre (as supplied)" in lines
    assert not any("USGS" in line for line in lines) and "survey (CC-BY)" in lines


def test_two_share_alike_licences_in_one_map_are_told_of() -> None:
    both = [Source("roads", "ODbL", "OSM"), Source("faults", "CC BY-SA 4.0", "GEM")]
    assert uses(both)[0].startswith("two share-alike licences meet: a map under one of them breaks the other")
    assert uses([Source("a", "CC0", "")]) == ["any use: no source asks for anything"] and attribution([Source("a", "CC0", "x")]) == []


def test_every_public_source_names_a_licence_that_is_known_or_says_that_it_is_not() -> None:
    own = {"licences", "lab_depth"}  # as supplied, per model
    for word in registry.words("sources"):
        default = registry.parameters(registry.find("sources", word)).model_fields.get("licence")
        if default is not None and default.default and word not in own:
            assert known(default.default), f"{word}: {default.default}"


def test_the_command_needs_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tiny.make(tmp_path)
    (root / "dem.tif").unlink()
    monkeypatch.chdir(root)
    said = CliRunner().invoke(app, ["licences", "tiny", "--set", "sources.dem.licence=CC BY-SA 4.0", "--set", "sources.dem.citation=Somebody (2020)"])
    assert said.exit_code == 0, said.output
    flat = " ".join(said.output.split())
    assert "share-alike: a map that is passed on must be under the same licence: dem (CC-BY-SA)" in flat
    assert "unknown licences: find out" in flat and "faults (not stated)" in flat and "Somebody (2020) (CC-BY-SA)" in flat
