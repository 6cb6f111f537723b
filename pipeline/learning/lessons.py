"""Lessons: the sample rows of teaching regions, as one table, and the model that learns from them beside its own region's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone

from pipeline.learning import regions
from pipeline.learning.draws import Floats, Ints
from pipeline.learning.fitted import given
from pipeline.learning.table import SampleTable

Array = npt.NDArray[Any]
_TABLE = ("values", "label", "group", "cell", "x", "y", "weight", "trains", "scored")


@dataclass(frozen=True, eq=False)
class Lessons:
    """The rows of teaching regions by region, their evidence in the own region's order and, where asked for, aligned to it.

    `tables` have the coordinates of their own regions; `nearest_m` (by region, (n,)) is the distance of each row to the nearest recorded
    occurrence there, `ground_km2` the ground the map of a region would be made on.
    """

    tables: Mapping[str, SampleTable]
    nearest_m: Mapping[str, Floats]
    ground_km2: Mapping[str, float]

    def columns(self, names: tuple[str, ...]) -> Lessons:
        """With the named layers alone, in that order."""
        return replace(self, tables={region: _showing(table, names) for region, table in self.tables.items()})

    def packed(self) -> dict[str, Array]:
        """As arrays a fit can keep."""
        whole = {name: np.concatenate([getattr(table, name) for table in self.tables.values()]) for name in _TABLE}
        return whole | {
            "names": np.array(next(iter(self.tables.values())).names, dtype=str), "regions": np.array([*self.tables], dtype=str),
            "rows": np.array([len(table) for table in self.tables.values()]), "nearest_m": np.concatenate([*self.nearest_m.values()]),
            "ground_km2": np.array([*self.ground_km2.values()], np.float64),
        }  # fmt: skip

    @classmethod
    def of(cls, packed: Mapping[str, Array]) -> Lessons:
        """What `packed` gave."""
        names, ends = tuple(packed["names"].tolist()), np.cumsum(packed["rows"])
        parts = {region: slice(end - rows, end) for region, rows, end in zip(packed["regions"].tolist(), packed["rows"], ends, strict=True)}
        return cls(
            {region: SampleTable(names=names, **{name: packed[name][part] for name in _TABLE}) for region, part in parts.items()},
            {region: packed["nearest_m"][part] for region, part in parts.items()},
            dict(zip(parts, packed["ground_km2"].tolist(), strict=True)),
        )

    def ground(self) -> tuple[int, float]:
        """Of the regions that have deposits: the background rows a model learns from, and the ground in km2 they stand for."""
        known = [(self.ground_km2[region], table.subset(table.trains)) for region, table in self.tables.items() if table.positive.any()]
        return sum(int((~table.positive).sum()) for _, table in known), sum(km2 for km2, _ in known)


class TaughtToo(BaseEstimator):
    """`model`, fitted to the rows it is given, those of the own region, and to those of `lessons` that train.

    The background of each region counts in proportion to its deposits (see `regions.balanced`), so that the model gains nothing by telling
    regions apart; where the rows given hold no deposit their background teaches nothing. Labels 0 and 1.
    """

    model_: Any
    classes_: Array

    def __init__(self, *, model: Any, lessons: Lessons) -> None:
        self.model = model
        self.lessons = lessons

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None, blocks: Any = None) -> TaughtToo:
        """Fit to `X` (n, p), NaN missing, labels `y` (n,), and what of `groups`, `sample_weight` and `blocks` (n,) the model takes."""
        more, ground = regions.joined(self.lessons.tables), regions.units(self.lessons.tables)
        own = np.arange(len(X)) if groups is None else np.asarray(groups)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        label = np.concatenate([np.asarray(y), more.label])
        weight = regions.balanced(
            label, np.concatenate([weight, np.where(more.trains, more.weight, 0.0)]),
            np.concatenate([np.zeros(len(X), np.int64), 1 + regions.region_of(self.lessons.tables)]),
        )  # fmt: skip
        rows = weight > 0
        offered: dict[str, Any] = {"sample_weight": weight[rows]}
        offered["groups"] = np.concatenate([own, _apart(more.group, own)])[rows]
        if blocks is not None:
            offered["blocks"] = np.concatenate([np.asarray(blocks), ground + int(np.max(blocks, initial=-1)) + 1])[rows]
        values = np.concatenate([np.asarray(X, np.float32), more.values])[rows]
        self.model_ = clone(self.model).fit(values, label[rows], **given(self.model, **offered))
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Floats:
        """The model's; (n, 2)."""
        return np.asarray(self.model_.predict_proba(X), np.float64)


def _apart(group: Ints, own: Ints) -> Ints:
    """Groups of other regions, moved away from the own ones: those of deposits above, those of background below."""
    return np.where(group >= 0, group + int(own.max(initial=-1)) + 1, group + min(int(own.min(initial=0)), 0))


def _showing(table: SampleTable, names: tuple[str, ...]) -> SampleTable:
    return replace(table, values=table.values[:, [table.names.index(name) for name in names]], names=names)
