"""configs/schema.json is what the code says, and what editors need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.config import schema

ROOT = Path(__file__).parents[2]
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "configs").glob("*/*.yaml"))


def complaints(document: Any, *, part: str = "") -> list[str]:
    held = json.loads((ROOT / "configs" / "schema.json").read_text())
    asked = {"$defs": held["$defs"], "$ref": f"#/$defs/{part}"} if part else held
    return [error.message for error in jsonschema.Draft202012Validator(asked).iter_errors(document)]


def test_the_schema_has_not_drifted_from_the_code() -> None:
    held = (ROOT / "configs" / "schema.json").read_text()
    assert held == schema.text(), "configs/schema.json is stale; run `make schema`"


@pytest.mark.parametrize("file", FILES)
def test_every_file_of_configs_keeps_to_the_schema(file: str) -> None:
    part = "Protocol" if "validation" in file else ""
    assert complaints(yaml.safe_load((ROOT / file).read_text()), part=part) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"region": {"name": "x", "cell": 30}},
        {"region": {"name": "Not A Name"}},
        {"features": {"slope": {"of": "dem", "off": 1}}},
        {"features": {"steep": {"use": "slop", "of": "dem"}}},
        {"features": {"steep": {"of": "dem"}}},
        {"features": {"near": {"use": "distance_to", "of": "faults", "reach_m": -1}}},
        {"model": {"use": "random_forest", "bags": "many"}},
        {"modle": {"use": "random_forest"}},
    ],
)
def test_what_loading_would_refuse_an_editor_underlines(wrong: dict[str, Any]) -> None:
    assert complaints(wrong) != []


def test_a_plugins_own_name_needs_no_use_and_null_takes_a_key_away() -> None:
    assert complaints({"features": {"slope": {"of": "dem"}, "relief": None, "steep": {"use": "slope", "of": "dem"}}}) == []
