"""What people see in a terminal: tables, bars, sketches. It reads what others computed."""

from __future__ import annotations

from rich.console import Console

PIPED_WIDTH = 200  # a file or pipe has no width; 80 columns would cut tables that a program or an editor will read


def console() -> Console:
    """Standard output: as wide as the terminal, wide and plain when it goes elsewhere."""
    # names and reasons may hold brackets, which markup would swallow
    screen = Console(highlight=False, markup=False)
    return screen if screen.is_terminal else Console(highlight=False, markup=False, width=PIPED_WIDTH)


def shown_bytes(count: float) -> str:
    """A size as people read it: 820 kB, 4.1 MB, 2.3 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
