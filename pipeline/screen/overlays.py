"""The words a command line may name: regions, systems, data, protocols."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from pipeline.config import home, names
from pipeline.config.loading import region_document
from pipeline.config.reading import read
from pipeline.screen import console

KINDS = {"systems": ("system", "title"), "data": ("", ""), "validation": ("", "title")}


def show() -> None:
    """Print the regions and what they may be mapped for and from."""
    screen = console()
    table = Table("region", "title", "system", "data", "cell_m", box=None, pad_edge=False, header_style="bold")
    for name in names("regions"):
        said = _section(region_document(name, home()).data, "region")
        table.add_row(name, *(str(said.get(key) or "-") for key in ("title", "system", "data", "cell_m")))
    screen.print(table)
    for kind, (section, word) in KINDS.items():
        screen.print(f"\n{kind}", style="bold")
        for name in names(kind):
            title = _section(_document(kind, name), section).get(word, "")
            screen.print(f"  {name}{f': {title}' if title else ''}")


def _document(kind: str, name: str) -> dict[str, Any]:
    return read(home() / "configs" / kind / f"{name}.yaml", shown=f"configs/{kind}/{name}.yaml").data


def _section(document: dict[str, Any], section: str) -> dict[str, Any]:
    said = document.get(section, {}) if section else document
    return said if isinstance(said, dict) else {}
