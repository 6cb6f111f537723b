"""Membership in classes that go by a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import MISSING, Array, Ground, Layer, feature

EPOCH = 1
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Codes = Annotated[tuple[int, ...], Field(min_length=1)]


def _named(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{word}" for word in parameters["classes"])


def _refuse_none(parameters: Mapping[str, Any], _: Ground) -> None:
    if not parameters["classes"]:
        raise ConfigError("no class is named; give `classes: {name: [codes]}`")


@feature(summary="Membership in a named class", units="1", reads="categorical", outputs=_named, check=_refuse_none, membership=True)
def class_named(*, of: Layer, classes: dict[Name, Codes]) -> tuple[Array, ...]:
    """For each name of `classes`, in order, 1 where the cell's code is one of its codes and 0 where it is another: blocks (y, x) float32,
    `<name>_<class>`. NaN where the class is missing. Unlike the ranks of `class_of`, a name means the same in every region, whatever the
    codes of its map: what a model learns of it can be carried from one to another.
    """
    missing = of.values == MISSING
    return tuple(np.where(missing, np.nan, np.isin(of.values, codes)).astype(np.float32) for codes in classes.values())
