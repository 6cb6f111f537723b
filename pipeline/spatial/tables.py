"""What a recipe may ask of a table before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import ConfigError
from pipeline.recipe import Ground

NAMING = ("column", "columns", "oldest", "survey")  # parameters that name columns of the table `of`


def columns_are_there(parameters: Mapping[str, Any], ground: Ground) -> None:
    """ConfigError for a column that the vector source `of` does not have, with the nearest that it has.

    Lines that a feature draws are not looked at: their columns are known only once they are drawn.
    """
    there = ground.columns.get(parameters["of"])
    if there is None:
        return
    for word in NAMING:
        said = parameters.get(word)
        for name in (said,) if isinstance(said, str) else said or ():
            if name not in there:
                raise ConfigError(f"{parameters['of']!r} has no column {name!r}; it has {', '.join(there) or 'none'}")


def assay_units(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The unit of a gridded column as config says it, that of its logarithm where that is taken."""
    unit = str(parameters["unit"])
    return (f"ln({unit})" if parameters.get("transform") == "log" else unit,)


def assay_and_variance_units(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The same, and the square of it for a variance."""
    (unit,) = assay_units(parameters)
    return unit, "1" if unit == "1" else f"({unit})2"
