"""The JSON schema of the YAML files, for editors: the frame, and under `use` the parameters of every plug-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from pipeline import registry
from pipeline.config.frame import Config, Protocol
from pipeline.config.loading import BASED_ON

REF = "#/$defs/{model}"
PLUGINS = {"sources": "source", "features": "feature", "models": "model"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def schema() -> Schema:
    """The schema of a region, system or data file, and under `$defs/Protocol` that of a file of configs/validation.

    Nothing is required at the top: each file says a part of the whole, which is checked when the parts are joined.
    """
    _, generated = models_json_schema([(Config, "validation"), (Protocol, "validation")], ref_template=REF)
    found: Schema = generated["$defs"]
    for unused in ("Use", "Parameters"):
        found.pop(unused, None)
    for kind, thing in PLUGINS.items():
        words = registry.words(kind)
        found |= {f"{thing}.{word}": _parameters(kind, word) for word in words}
        found[thing] = {"oneOf": [_ref(f"{thing}.{word}") | {"required": ["use"]} for word in words]}
    properties = found.pop("Config")["properties"]
    del properties["protocols"]  # files of their own, named under `validation`
    properties[BASED_ON] = {"type": "string", "description": "Of a region: another one, whose words are taken over where this file says none."}
    properties |= {"sources": _named("sources"), "features": _named("features"), "model": _ref("model")}
    found["Protocol"]["properties"]["model"] = _ref("model")
    for part in ("Region", "Label"):
        del found[part]["required"]  # an overlay may say the rest
    return {
        "$schema": DIALECT, "title": "A region, system or data file of prospect", "type": "object",
        "properties": properties, "additionalProperties": False, "$defs": dict(sorted(found.items())),
    }  # fmt: skip


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(model=name)}


def _named(kind: str) -> Schema:
    """A mapping of names to uses. A name that is a plug-in's own needs no `use`; null takes the key of another file away."""
    thing = PLUGINS[kind]
    own = {word: {"anyOf": [_ref(thing), _ref(f"{thing}.{word}"), {"type": "null"}]} for word in registry.words(kind)}
    return {
        "type": "object", "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 60},
        "properties": own, "additionalProperties": {"anyOf": [_ref(thing), {"type": "null"}]},
    }  # fmt: skip


def _parameters(kind: str, word: str) -> Schema:
    """One plug-in: its parameters laid flat beside `use`."""
    function = registry.find(kind, word)
    said = registry.parameters(function).model_json_schema()
    properties = {name: {k: v for k, v in told.items() if k != "title"} for name, told in said.get("properties", {}).items()}
    return {
        "description": (function.__doc__ or "").strip().partition("\n")[0], "type": "object",
        "properties": {"use": {"const": word}, **properties}, "required": said.get("required", []), "additionalProperties": False,
    }  # fmt: skip


def text() -> str:
    """The schema as it stands in configs/schema.json."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path("configs/schema.json").write_text(text(), encoding="utf-8")
