"""What the map of a region may be used for, and what it must say, by the licences of its sources."""

from __future__ import annotations

from rich.table import Table

from pipeline import terms
from pipeline.config import Loaded
from pipeline.screen import console


def show(loaded: Loaded) -> None:
    """Print each source with its licence, what follows for the map, and the text it must carry."""
    sources = terms.of(loaded.config)
    screen = console()
    table = Table("source", "licence", "known as", "citation", box=None, pad_edge=False, header_style="bold")
    for source in sources:
        known = ", ".join(one.name for one in source.terms) or "unknown"
        table.add_row(source.key, source.licence or "not stated", known, source.citation or "-")
    screen.print(table)
    screen.print(f"\nThe map of {loaded.config.region.name} may be used for", style="bold")
    for line in terms.uses(sources):
        screen.print(f"- {line}", highlight=False)
    if lines := terms.attribution(sources):
        screen.print("\nThe text it must carry", style="bold")
        for line in lines:
            screen.print(line, highlight=False)
    screen.print("\nEvery source of the config is counted, whether or not evidence is made of it. This reads licences and is no legal advice.")
