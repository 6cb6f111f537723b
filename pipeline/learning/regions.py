"""Learning on one region and being asked on another: sample tables of several regions as one, and the test that leaves a region out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints, derive
from pipeline.learning.fitted import fitted
from pipeline.learning.heldout import MODEL, HeldOut
from pipeline.learning.importance import positive_share
from pipeline.learning.nulls import NULLS
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable

Tables = Mapping[str, SampleTable]
ACROSS = ("random", "best_layer")  # nulls that mean something in a region that was never seen: it has no place in common with the others


def joined(tables: Tables) -> SampleTable:
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


def region_of(tables: Tables) -> Ints:
    """The place of each row's region in the order given; (n,)."""
    return np.repeat(np.arange(len(tables)), [len(table) for table in tables.values()])


def units(tables: Tables) -> Ints:
    """The pieces of ground of all rows, squares of 25 km with deposit groups whole, none of two regions; (n,)."""
    found, first = list[Ints](), 0
    for table in tables.values():
        own = np.unique(Split(kind="nearest").units(table), return_inverse=True)[1] if len(table) else np.empty(0, np.int64)
        found.append(own + first)
        first += int(own.max(initial=-1)) + 1
    return np.concatenate(found)


def balanced(label: Any, weight: Floats, region: Ints) -> Floats:
    """Weights by which the background of each region counts in proportion to its deposits; (n,), 0 for that of a region without any.

    So which region a row is from says nothing of its label, and a model gains nothing by telling regions apart. The background's sum stays
    that of the regions with deposits; those of one region alone are left as they are.
    """
    found, ground = np.array(weight, np.float64), np.asarray(label) != 1
    known = {int(r): float(weight[(region == r) & ~ground].sum()) for r in np.unique(region)}
    spread = {r: float(weight[(region == r) & ground].sum()) for r in known}
    taking = [r for r in known if known[r] > 0 and spread[r] > 0]
    if len(taking) > 1:
        per_deposit = sum(spread[r] for r in taking) / sum(known[r] for r in taking)
        for r in taking:
            found[(region == r) & ground] *= per_deposit * known[r] / spread[r]
    if taking:
        found[ground & (np.isin(region, [r for r in known if known[r] == 0]))] = 0.0
    return found


def left_out(
    tables: Tables, *, make_model: Callable[[int], BaseEstimator], seeds: tuple[int, ...], shown: Callable[[str], Tables] | None = None
) -> HeldOut:
    """Scores of each region's scored rows by models fitted to the others, and by the nulls of `ACROSS`, the layer chosen on those that teach.

    Rows are those of `joined`, folds the places of the regions. Models learn from rows that train, `balanced`. `shown`, given the region that
    is left out, gives the tables as they teach it; `tables` when None. A region without a positive or without background, or whose
    others have none, is skipped and says so. DataError when the regions have other layers.
    """
    whole, region = joined(tables), region_of(tables)
    scores = {name: np.full((len(seeds), len(whole)), np.nan) for name in (MODEL, *ACROSS)}
    skipped = dict[tuple[int, int], str]()
    for number, name in enumerate(tables):
        others = {other: table for other, table in (shown(name) if shown else tables).items() if other != name}
        rows = (region == number) & whole.scored
        test = whole.subset(rows)
        learn = taught(others) if others else whole.subset(whole.label < 0)
        train, blocks = learn.subset(learn.trains), units(others)[learn.trains] if others else None
        reason = _why_not(train, test)
        for row, seed in enumerate(seeds):
            if reason is not None:
                skipped[row, number] = reason
                continue
            with threadpool_limits(1):
                own = fitted(make_model(derive(seed, MODEL, number)), train, blocks)
                scores[MODEL][row, rows] = positive_share(own, test.values)
            for null in ACROSS:
                scores[null][row, rows] = NULLS[null](train, test, seed=derive(seed, null, number))
    return HeldOut(np.tile(region, (len(seeds), 1)), scores, skipped)


def taught(tables: Tables) -> SampleTable:
    """The rows of all regions (see `joined`), weighed as they teach (see `balanced`); of those that teach nothing none trains."""
    whole = joined(tables)
    weight = balanced(whole.label, np.where(whole.trains, whole.weight, 0.0), region_of(tables))
    return replace(whole, weight=np.where(weight > 0, weight, 1.0), trains=weight > 0)


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
