"""Square windows in whole cells, from a radius in metres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.errors import ConfigError

ROUNDING = 1e-9  # a radius of whole cells on paper is one here too, as in the halo the shell derives


def half_cells(radius_m: float, cell_m: float) -> int:
    """Cells on each side of the centre whose centres lie within `radius_m` along a row or column.

    ConfigError when the radius holds no neighbour: such a window is the cell itself and tells nothing.
    """
    if not math.isfinite(radius_m):
        raise ConfigError(f"radius_m {radius_m} is no length; give metres")
    half = math.floor(radius_m / cell_m + ROUNDING)
    if half < 1:
        raise ConfigError(
            f"radius_m {radius_m:g} is smaller than one cell of {cell_m:g} m, so its window holds no "
            f"neighbour; give at least {cell_m:g}, or a grid with smaller cells"
        )
    return half


def window_reach(parameters: Mapping[str, Any], cell_m: float) -> float:
    """Reach in metres of a recipe over a square window of `radius_m`; refuses, at plan time, one with no
    neighbour."""
    return half_cells(float(parameters["radius_m"]), cell_m) * cell_m
