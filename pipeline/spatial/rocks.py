"""Ground on which a mineral system can be at all, by what the maps say of its rock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from pipeline.recipe import MISSING, Array


def permissive(maps: Sequence[Array], criteria: Sequence[Any], *, cell_m: float) -> Array:
    """1 where the rock allows the system, 0 where it does not; (y, x) float32.

    `maps` are blocks (y, x) of codes, MISSING where nothing is mapped, the one to believe first. Each has a criterion: `classes`, the
    codes that allow; `within_m`, how far from them is near enough (misplaced contacts, rock at depth); `silent`, codes that say nothing
    of the rock, such as cover. The first map that says something of a cell decides it. Where none does it is 1: unknown ground is not
    barren ground.
    """
    answer = np.ones(maps[0].shape, np.float32)
    for values, said in reversed(list(zip(maps, criteria, strict=True))):
        speaks = (values != MISSING) & ~np.isin(values, said["silent"])
        near = _within(np.isin(values, said["classes"]), said["within_m"] / cell_m + 1e-9)
        answer = np.where(speaks, near, answer).astype(np.float32)
    return answer


def _within(rock: Array, cells: float) -> Array:
    """Cells whose centre lies within so many cells of one of the rock's."""
    if cells < 1 or not rock.any():
        return rock
    return np.asarray(ndimage.distance_transform_edt(~rock) <= cells)
