"""Learning on one region and being asked on another: sample tables of several regions as one, and the test that leaves a region out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning.fitted import fitted
from pipeline.learning.nulls import best_layer, random
from pipeline.learning.scores import roc_auc
from pipeline.learning.table import SampleTable


@dataclass(frozen=True)
class LeftOut:
    """How one region is ranked by what the others teach.

    `positives` and `background` are its scored rows; `auc` is the model's, `random` and `best_layer` are those of the nulls, the layer
    chosen on the regions that teach. All three are None where `skipped` says why the region was not scored.
    """

    positives: int
    background: int
    auc: float | None = None
    random: float | None = None
    best_layer: float | None = None
    skipped: str | None = None


def joined(tables: Mapping[str, SampleTable]) -> SampleTable:
    """The rows of all regions, in the order given, with the columns of the first.

    Groups and cells of different regions stay distinct; those of the first keep their numbers. `x` and `y` are NaN: the regions have their
    own coordinate systems, and a distance between them would mean nothing. DataError when no region is given, or when a layer of one
    region is not a layer of another.
    """
    if not tables:
        raise DataError("joined sample table: no region; give the table of at least one")
    first = next(iter(tables))
    names = tables[first].names
    parts, cells, groups = [], 0, 0
    for region, table in tables.items():
        if {*table.names} != {*names}:
            lacks = [f"{r} has no {', '.join(gone)}" for r, gone in _lacking(first, names, region, table.names)]
            raise DataError(f"regions {first} and {region} have other layers: {'; '.join(lacks)}. Both need the same evidence, made the same way")
        columns = [table.names.index(name) for name in names]
        # Positives have groups from 0 up; a background cell has a negative one of its own, and goes down as its cell goes up.
        group = np.where(table.group >= 0, table.group + groups, table.group - cells)
        parts.append((table, table.values[:, columns], group, table.cell + cells))
        cells += int(table.cell.max(initial=-1)) + 1
        groups += int(table.group.max(initial=-1)) + 1
    nowhere = np.full(sum(len(table) for table, *_ in parts), np.nan)
    rest = {name: np.concatenate([getattr(table, name) for table, *_ in parts]) for name in ("label", "weight", "trains", "scored")}
    return SampleTable(
        values=np.concatenate([values for _, values, _, _ in parts]), names=names, group=np.concatenate([group for _, _, group, _ in parts]),
        cell=np.concatenate([cell for *_, cell in parts]), x=nowhere, y=nowhere, **rest,
    )  # fmt: skip


def leave_one_region_out(tables: Mapping[str, SampleTable], *, model: Any, seed: int) -> dict[str, LeftOut]:
    """Each region scored by the `model`, a classifier that is cloned, fitted to all the others; `seed` is that of the random null.

    Models learn from rows that train and are scored on rows that are scored. A region without a positive or without background, or whose
    others have none, is skipped and says so. DataError when the regions have other layers.
    """
    whole = joined(tables)
    of = np.repeat(np.arange(len(tables)), [len(table) for table in tables.values()])
    scored = {}
    for number, region in enumerate(tables):
        train, test = whole.subset((of != number) & whole.trains), whole.subset((of == number) & whole.scored)
        positives = int(test.positive.sum())
        background = len(test) - positives
        skipped = _why_not(train, test)
        if skipped is not None:
            scored[region] = LeftOut(positives, background, skipped=skipped)
            continue
        with threadpool_limits(1):
            own = fitted(clone(model), train)
            score = np.asarray(own.predict_proba(test.values)[:, list(own.classes_).index(1)], np.float64)
        blind, single = (roc_auc(test.label, null(train, test, seed=seed)) for null in (random, best_layer))
        scored[region] = LeftOut(positives, background, auc=roc_auc(test.label, score), random=blind, best_layer=single)
    return scored


def _why_not(train: SampleTable, test: SampleTable) -> str | None:
    if not test.positive.any():
        return "it has no deposit to score"
    if test.positive.all():
        return "it has no background to score against"
    if not train.positive.any():
        return "no other region has a deposit to learn from"
    return "no other region has background to learn from" if train.positive.all() else None


def _lacking(one: str, ones: tuple[str, ...], other: str, others: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    lacks = ((one, sorted({*others} - {*ones})), (other, sorted({*ones} - {*others})))
    return [(region, gone) for region, gone in lacks if gone]
