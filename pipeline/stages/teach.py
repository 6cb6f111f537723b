"""Teach: what a region gives to a map of another, its samples with their evidence, and how the other takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.learning import draws
from pipeline.node import Call, Elsewhere, FitNode, Table
from pipeline.recipe import Array, Cells, Fit, Layer, Layers, Vector
from pipeline.terms import Source

if TYPE_CHECKING:
    from pipeline.learning.alignment import Evidence
    from pipeline.learning.table import SampleTable

EPOCH = 1
STAGE = "label"
GROUND_CELLS = 20_000  # cells that stand for the ground of a region, whatever its size
LESSON_BYTES = 200_000_000  # a table of samples, twice
_ROWS = ("label", "group", "cell", "x", "y", "weight", "trains", "scored")


@dataclass(frozen=True)
class Teacher:
    """A region that teaches: its name and title, why it is held to be an analogue, its lesson, and what must be said of it."""

    region: str
    title: str
    reason: str
    lesson: Elsewhere
    synthetic: bool
    notices: tuple[str, ...] = ()
    inputs: tuple[dict[str, Any], ...] = ()
    sources: tuple[Source, ...] = ()


def ground_node(grid: Grid, *, prefix: str, evidence: tuple[str, ...], ground: str) -> FitNode:
    """`<prefix>/ground`: the evidence of the ground a map is made on, where the layer `ground` is above 0."""
    share = min(1.0, GROUND_CELLS / (grid.rows * grid.cols))
    gather = Call(ground_cells, {"share": share}, {"evidence": evidence, "ground": (ground,)})
    return FitNode(f"{prefix}/ground", STAGE, Call(ground_values, {"names": evidence}), gather, 3 * GROUND_CELLS * 4 * (len(evidence) + 2))


def lesson_node(*, prefix: str, occurrences: Table) -> FitNode:
    """`<prefix>/lesson`: all a region gives to others."""
    fits = {"table": f"{prefix}/table", "samples": f"{prefix}/samples", "ground": f"{prefix}/ground"}
    return FitNode(f"{prefix}/lesson", STAGE, Call(lesson, {}, vectors={"occurrences": occurrences}, fits=fits), None, LESSON_BYTES)


def lesson_nodes(*, prefix: str, evidence: tuple[str, ...], teachers: tuple[Teacher, ...]) -> list[FitNode]:
    """`<prefix>/lessons/<region>`: what each teacher gave, kept here."""
    return [
        FitNode(f"{prefix}/lessons/{t.region}", STAGE, Call(taken, {"names": evidence, "region": t.region}, elsewhere={"lesson": t.lesson}), None, LESSON_BYTES)
        for t in teachers
    ]


def taught_node(*, prefix: str, teachers: tuple[Teacher, ...], aligned: bool) -> FitNode:
    """`<prefix>/taught`: all lessons as one; with `aligned`, by what `<prefix>/alignment` says (see `stages.regions`)."""
    fits = lessons_read(prefix, teachers) | ({"alignment": f"{prefix}/alignment", "ground": f"{prefix}/ground"} if aligned else {})
    return FitNode(f"{prefix}/taught", STAGE, Call(taught, {"regions": [t.region for t in teachers]}, fits=fits), None, LESSON_BYTES)


def lessons_read(prefix: str, teachers: tuple[Teacher, ...]) -> dict[str, str]:
    """The fits of what each teacher gave, as parameters lesson0, lesson1, ..."""
    return {f"lesson{place}": f"{prefix}/lessons/{t.region}" for place, t in enumerate(teachers)}


def ground_cells(*, evidence: Layers, ground: Layer, at: Cells, share: float) -> dict[str, Array]:
    """This tile's part of a seeded choice of cells of the ground, any tile size giving the same one; no look at deposits."""
    low = draws.uniform(at.number.ravel(), seed=0, stream="ground").reshape(at.number.shape) < share
    chosen = low & (ground.values > 0)  # NaN outside the region is not
    if not chosen.any():
        return {"cell": np.empty(0, np.int64), "values": np.empty((0, len(evidence)), np.float32)}
    return {"cell": at.number[chosen], "values": np.stack([layer.values[chosen] for layer in evidence], axis=1).astype(np.float32)}


def ground_values(*, parts: list[dict[str, Array]], names: tuple[str, ...]) -> dict[str, Array]:
    """`values` (n, layers) in the order of the cells' numbers, and the `names` of the columns."""
    order = np.argsort(np.concatenate([part["cell"] for part in parts]), kind="stable")
    return {"values": np.concatenate([part["values"] for part in parts])[order], "names": np.array(names, dtype=str)}


def lesson(*, table: Fit, samples: Fit, ground: Fit, occurrences: Vector) -> dict[str, Array]:
    """The samples of a region: their evidence `values`, `names`, and all else a sample table holds; `nearest_m` (n,) to any recorded
    occurrence; the evidence of its ground, and how much ground that is."""
    import shapely
    from scipy.spatial import cKDTree

    from pipeline.learning.table import SampleTable

    held = SampleTable.from_bytes(table.value)
    places = np.column_stack([held.x, held.y])
    at = shapely.get_coordinates(occurrences.geometry)
    nearest = cKDTree(at).query(places)[0] if len(at) and len(held) else np.full(len(held), np.inf)
    return {
        "values": held.values, "names": np.array(held.names, dtype=str), **{name: getattr(held, name) for name in _ROWS}, "nearest_m": nearest,
        "ground": ground.value["values"], "ground_km2": np.array(float(samples.value["cells"] * samples.value["cell_km2"])),
    }  # fmt: skip


def taken(*, lesson: Fit, names: tuple[str, ...], region: str) -> dict[str, Array]:
    """What a region gave, with the layers of this one in its order; DataError when it teaches nothing."""
    held = lesson.value
    if not (held["label"] == 1).any():
        raise DataError(
            f"region {region} holds no deposit of this kind on the ground such a map is made on, so it teaches nothing; take it out of training.regions"
        )
    columns = [held["names"].tolist().index(name) for name in names]
    return {**held, "values": held["values"][:, columns], "ground": held["ground"][:, columns], "names": np.array(names, dtype=str)}


def taught(*, regions: list[str], alignment: Fit | None = None, ground: Fit | None = None, **lessons: Fit) -> dict[str, Array]:
    """The lessons of all regions as one (see `Lessons.packed`), aligned where that was asked for."""
    from pipeline.learning.lessons import Lessons

    held = read(regions, lessons)
    layers = alignment.value["layers"] if alignment else []
    here = evidence_of(ground.value) if ground else None
    tables = {region: table_of(one) if here is None else as_here(one, here, layers) for region, one in held.items()}
    nearest, km2 = ({region: one[name] for region, one in held.items()} for name in ("nearest_m", "ground_km2"))
    return Lessons(tables, nearest, {region: float(value) for region, value in km2.items()}).packed()


def read(regions: list[str], lessons: Mapping[str, Fit]) -> dict[str, Mapping[str, Array]]:
    """What each region gave, by its name."""
    return {region: lessons[f"lesson{place}"].value for place, region in enumerate(regions)}


def table_of(lesson: Mapping[str, Array]) -> SampleTable:
    """The samples of a lesson."""
    from pipeline.learning.table import SampleTable

    return SampleTable(values=lesson["values"], names=tuple(lesson["names"].tolist()), **{name: lesson[name] for name in _ROWS})


def evidence_of(ground: Mapping[str, Array]) -> Evidence:
    """The ground of `ground_values`."""
    from pipeline.learning.alignment import Evidence

    return Evidence(ground["values"], tuple(ground["names"].tolist()))


def ground_of(lesson: Mapping[str, Array]) -> Evidence:
    """The ground of a lesson."""
    from pipeline.learning.alignment import Evidence

    return Evidence(lesson["ground"], tuple(lesson["names"].tolist()))


def as_here(lesson: Mapping[str, Array], here: Evidence, layers: list[str]) -> SampleTable:
    """The samples of a lesson with `layers` aligned to the ground `here`."""
    from pipeline.learning import alignment

    return alignment.aligned(table_of(lesson), there=ground_of(lesson), here=here, layers=layers)
