"""What was measured beside what was asked of it."""

from __future__ import annotations


def asked(found: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """The number, what it was to reach or not to pass, and whether it does: what is not rounded decides."""
    bound = at_least if at_least is not None else at_most
    if bound is None or (at_least is not None and at_most is not None):
        raise TypeError("asked: one of at_least and at_most")
    held = found >= bound if at_least is not None else found <= bound
    return f"{found:.3g} (asked: at {'least' if at_least is not None else 'most'} {bound:g}; {'held' if held else 'NOT HELD'})"
