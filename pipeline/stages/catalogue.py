"""Catalogue: one static STAC catalogue over every map in the folder of outputs."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.cube import write_atomically
from pipeline.errors import StoreError

NAME, ITEM, VERSION = "catalog.json", "item.json", "1.1.0"


def keep(outputs: Path) -> None:
    """Make `catalog.json` say which maps there are now: those just made, and no longer those that were removed.

    Several runs may end at once. Each writes what it sees and looks again until the file says it, so the last to write has seen every map.
    StoreError when it cannot be written.
    """
    path = outputs / NAME
    try:
        while not path.is_file() or path.read_bytes() != _said(outputs):
            write_atomically(path, _said(outputs))
    except OSError as error:
        raise StoreError(f"cannot write {path.name} ({error.strerror}); free some space or give another folder with --set run.outputs=...") from error


def _said(outputs: Path) -> bytes:
    links = [{"rel": "root", "href": f"./{NAME}", "type": "application/json"}]
    for path in sorted(outputs.glob(f"*/{ITEM}")):
        if path.parent.name.startswith("."):
            continue  # a bundle half made or half swapped
        try:
            title = str(json.loads(path.read_bytes())["properties"]["title"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # removed since, or not ours
        links.append({"rel": "item", "href": f"./{path.parent.name}/{ITEM}", "type": "application/geo+json", "title": title})
    said = {
        "type": "Catalog", "stac_version": VERSION, "id": "prospect", "title": "Mineral prospectivity maps",
        "description": "The maps in this folder, each an item with its rasters, targets, scores and provenance.", "links": links,
    }  # fmt: skip
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()
