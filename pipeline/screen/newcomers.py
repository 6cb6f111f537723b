"""A new region, and what to do with it next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline import regions
from pipeline.config import home
from pipeline.errors import ConfigError
from pipeline.screen import console


def add(name: str, boundary: Path | None, country: str | None, province: str | None, *, title: str | None, **said: Any) -> None:
    """Write the region and print where it stands. ConfigError when neither a boundary nor a country says where it is, or both do."""
    if boundary is None and country is None:
        raise ConfigError("where is it? give --boundary FILE, or --country ISO and --province NAME")
    if boundary is not None and province is not None:
        raise ConfigError("--boundary and --province both say where it is; give one")
    root, licence, layer, service = home(), said.pop("licence"), said.pop("layer"), said.pop("service")
    if boundary is not None:
        outline = regions.from_file(boundary, layer=layer, title=title, licence=licence, country=country)
    else:
        assert country is not None
        outline = regions.from_country(country, province, root / "cache", url=service)
    outline = outline if title is None else regions.retitled(outline, title)
    path, kept = regions.write(root, name, outline, **said)
    screen = console()
    screen.print(f"wrote {path.relative_to(root)}" + (f" and {kept.relative_to(root)}" if kept else ""), highlight=False)
    screen.print(f"outline: {outline.source} (licence: {outline.licence})", highlight=False, markup=False)
    screen.print(f"next: prospect plan {name}", highlight=False)
