"""Bokeh's models as text that is the same in every run, and the scripts that show them, with the digests a browser checks them by."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from bokeh.document import Document
from bokeh.embed.util import standalone_docs_json_and_render_items
from bokeh.model import Model
from bokeh.resources import Resources


def items(roots: Mapping[str, Model]) -> dict[str, Any]:
    """What `Bokeh.embed.embed_items` takes: `documents` and `places`, each root in the element that bears its name.

    Ids are handed out anew in order: Bokeh counts models through the life of a process, and a file must not depend on what was drawn before.
    """
    document = Document(title="")
    for name, model in roots.items():
        model.name = name
        document.add_root(model)
    held, _ = standalone_docs_json_and_render_items(document, suppress_callback_warning=True)
    (said,) = held.values()
    said = _renamed(said)
    places = {root["id"]: root["attributes"]["name"] for root in said["roots"]}
    return {"documents": {"report": said}, "places": [{"docid": "report", "roots": places, "root_ids": [*places]}]}


@cache
def script() -> str:
    """BokehJS, the part that draws; it comes with the library and asks for nothing from outside."""
    return str(Resources(mode="inline", components=["bokeh"]).js_raw[0])


def digest(text: str) -> str:
    """What a content security policy calls an inline script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _renamed(said: Any) -> Any:
    ids: dict[str, str] = {}
    _collect(said, ids)
    return _replaced(said, ids)


def _collect(said: Any, ids: dict[str, str]) -> None:
    if isinstance(said, dict):
        if isinstance(said.get("id"), str):
            ids.setdefault(said["id"], f"m{len(ids) + 1}")
        for value in said.values():
            _collect(value, ids)
    elif isinstance(said, list | tuple):
        for value in said:
            _collect(value, ids)


def _replaced(said: Any, ids: dict[str, str]) -> Any:
    if isinstance(said, dict):
        return {key: ids[value] if key == "id" and isinstance(value, str) else _replaced(value, ids) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [_replaced(value, ids) for value in said]
    return said
