"""Rock groups of a geological map, by the words of its legend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Cells, Ground, Vector, feature, point
from pipeline.spatial import rocknames, tables

EPOCH = 1
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Groups = Annotated[dict[Word, tuple[str, ...]], Field(min_length=1)]


def _groups(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{word}" for word in (*(parameters["groups"] or rocknames.GROUPS), rocknames.OTHER))


def _refuse_unknown_column(parameters: Mapping[str, Any], ground: Ground) -> None:
    tables.columns_are_there(parameters, ground)
    if rocknames.OTHER in (parameters["groups"] or ()):
        raise ConfigError("a group is called other, as the output for names without a keyword is; give it another name")


@feature(
    summary="Rock group by the words of the legend",
    units="1",
    reference="Bonham-Carter (1994)",
    reach=point,
    outputs=_groups,
    check=_refuse_unknown_column,
    membership=True,
)
def class_by_keywords(*, of: Vector, column: str, groups: Groups | None = None, at: Cells) -> tuple[Array, ...]:
    """For each rock group 1 where the map unit at the cell's centre is of it and 0 where it is of another: blocks (y, x) float32, one per
    group and `<name>_other` for names without a keyword; NaN where no polygon lies, or its name is empty.

    `column` holds the names of the units. `groups` is a table from group to keywords (`carbonate: [limestone, dolomite]`); without one the
    groups are felsic, intermediate and mafic intrusive and volcanic, ultramafic, carbonate, clastic, evaporite, metamorphic, melange, cover and
    water, with the words English legends use. The keyword that comes first in a name decides ("limestone and shale" is carbonate), of two
    that begin together the longer. Case, accents and plurals do not count. Where polygons overlap the smallest counts.
    """
    from pipeline.spatial import polygons

    table = rocknames.table_of(groups or rocknames.GROUPS)
    words = [word for word, _ in table] + [rocknames.OTHER]
    named = [name.strip() if isinstance(name, str) else "" for name in of.columns[column]]
    code = np.array([words.index(rocknames.group(name, table)) if name else -1 for name in named] + [-1], np.int64)
    found = code[polygons.number(of.geometry, at)]
    return tuple(np.where(found < 0, np.nan, found == i).astype(np.float32) for i in range(len(words)))
