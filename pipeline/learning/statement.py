"""A value of evidence in plain words, against the ground at large."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pipeline.learning.draws import Floats

Scale = Literal["ratio", "share", "interval"]  # 0 means none of it; a share of 0 to 1; 0 means nothing in particular
MUCH = 1.5  # times the median, or one such part of it: less says little of how rare a value is


def plain(name: str) -> str:
    """A name of the configuration as words."""
    return name.replace("_", " ")


def said(name: str, value: float, ground: Floats, scale: Scale) -> str:
    """`name` and how its `value` stands to the background `ground` (n,), NaN missing.

    On a ratio scale as a multiple of the median, where that is at least 1.5 or at most two thirds (a band ratio of 1.1 times the median may be more than all
    ground has); a share beside the mean share; else by the share of background that lies below or above, or as most of it where neither is half.
    """
    ground = ground[np.isfinite(ground)]
    if not np.isfinite(value) or not len(ground):
        return f"{name} unknown here"
    if scale == "share":
        return f"{name} {value:.0%}, background {ground.mean():.0%}"
    median = float(np.median(ground))
    if scale == "ratio" and median > 0 and value >= 0 and not 1 / MUCH < value / median < MUCH:
        return f"{name} {_times(value / median)}x background"
    below, above = float(np.mean(ground < value)), float(np.mean(ground > value))
    if max(below, above) < 0.5:
        return f"{name} as most background"
    word, share = ("higher", below) if below >= above else ("lower", above)
    of = "all" if share == 1 else "nearly all" if share >= 0.995 else f"{share:.0%} of"
    return f"{name} {word} than {of} background"


def telling(values: Floats, grounds: Floats) -> int:
    """Of several layers of one feature, that whose value (n,) is furthest from the middle of its background (rows, n); the first of equals."""
    apart = []
    for value, ground in zip(values, grounds.T, strict=True):
        held = ground[np.isfinite(ground)]
        known = np.isfinite(value) and len(held)
        apart.append(abs(float(np.mean(held < value) - np.mean(held > value))) if known else -1.0)
    return int(np.argmax(apart))


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 0.1 else f"{ratio:.2f}"
