"""The shelf of downloads on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from pipeline import inventory
from pipeline.config import home
from pipeline.screen import console

WORDS = {"file": "whole file", "blocks": "by pieces", "unpacked": "unpacked", "layer": "kept answer", "leftover": "left over"}


def shelf_of(cache: str) -> Path:
    """The shelf of a cache folder, which like `run.cache` starts where configs/ lies."""
    return home() / cache / "downloads"


def show(cache: str) -> None:
    """List what is on the shelf."""
    held = inventory.listed(shelf_of(cache))
    table = Table("what", "from", "MB", "fetched", "last used", "sha256", box=None, pad_edge=False, header_style="bold")
    for one in held:
        size = f"{one.size / 1e6:,.1f}" + (f" of {one.whole / 1e6:,.1f}" if one.size < one.whole else "")
        table.add_row(WORDS[one.kind], one.name, size, one.fetched[:10] or "-", one.day, one.sha256[:16] or "-")
    screen = console()
    if held:
        screen.print(table)
    screen.print(f"{len(held)} things, {sum(one.size for one in held) / 1e6:,.1f} MB, in {cache}/downloads, shared by all regions")


def verify(cache: str) -> bool:
    """Hold all against its checksums and tell; whether all was well."""
    damaged = inventory.verified(shelf_of(cache))
    for one in damaged:
        console().print(f"damaged: {one.name} ({WORDS[one.kind]}); taken off, the next run fetches it again", highlight=False)
    if not damaged:
        console().print("all is as it was fetched")
    return not damaged


def prune(cache: str, unused_days: float | None, everything: bool) -> None:
    """Clear away and tell what went."""
    went = inventory.pruned(shelf_of(cache), unused_days=unused_days, everything=everything)
    for one in went:
        console().print(f"gone: {one.name} ({WORDS[one.kind]})", highlight=False)
    console().print(f"{len(went)} things, {sum(one.size for one in went) / 1e6:,.1f} MB")
