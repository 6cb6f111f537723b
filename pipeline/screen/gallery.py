"""The page of all features, docs/features.md, from what each says of itself. `python -m pipeline.screen.gallery` writes it anew."""

from __future__ import annotations

import inspect
from pathlib import Path

from pipeline import registry
from pipeline.screen import plugins

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
HEAD = """# Evidence layers

Every feature there is, as `prospect features` lists them; this page is generated from the same source (`make schema`). A feature is
one file in `pipeline/features/`; its parameters are its configuration.

| feature | what it is | unit | reads | looks | after |
|---|---|---|---|---|---|
"""


def text() -> str:
    """The page as it should be."""
    rows, parts = [], []
    for name in registry.words("features"):
        told = plugins.told(name)
        rows.append(f"| [{name}](#{name}) | " + " | ".join(map(_cell, told)) + " |")
        function = registry.find("features", name)
        lines = [f"- `{word}`: {_cell(takes)}, {default}" for word, takes, default in plugins.taken(function)]
        parts.append("\n".join([f"## {name}", "", inspect.getdoc(function) or "", "", *lines]))
    return HEAD + "\n".join(rows) + "\n\n" + "\n\n".join(parts) + "\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
