"""Believe: how like the ground the model was taught with each cell is, in the evidence the model rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import registry
from pipeline.config import Loaded
from pipeline.cube import LayerMeta
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Grid
from pipeline.learning import draws
from pipeline.learning.draws import Ints
from pipeline.node import Call, FitNode, LayerNode, Node, Table
from pipeline.recipe import MISSING, Array, Fit, Layer, Layers, Vector
from pipeline.spatial.squares import batches
from pipeline.stages import explain, making, validate

if TYPE_CHECKING:
    from pipeline.learning.split import Split
    from pipeline.learning.table import SampleTable

EPOCH = 5
STAGE = "predict"
SPACE_BYTES = 300_000_000  # all pairs of the reference rows, and the table
FEW = 30  # rows of explored background with fewer of which the space says little of barren ground
APPLICABLE = 0.5  # the threshold of dissimilarity lies here
MEASURED, INFERRED = 1, 2
OWN = 1  # the number of the region itself among those that taught its map


def nodes(
    loaded: Loaded, grid: Grid, *, prefix: str, evidence: tuple[str, ...], counts: tuple[int, ...], occurrences: Table,
    layers: Mapping[str, LayerMeta], synthetic: bool, taught: Mapping[str, str], taught_by: tuple[str, ...],
) -> list[Node]:  # fmt: skip
    """`<prefix>/space`, the layers made of it, `<prefix>/evidence_kind` where config says what is measured, and counts of both.

    `taught` names the fit of what the regions `taught_by` teach; where there are some, `<prefix>/taught_by` says which region's ground a cell is
    most like. ConfigError for a layer that is not there or holds no classes.
    """
    said, config = loaded.config.applicability, loaded.config
    named = [(str(i), "of", cover.of) for i, cover in enumerate(said.cover)]
    for *place, name in [("cover", *one) for one in named] + ([("measured", said.measured)] if said.measured else []):
        where = loaded.where("applicability", *place)
        if name not in layers:
            raise ConfigError(f"{where}: {registry.unknown('layer', name, layers)}")
        if layers[name].dtype != "int32":
            raise ConfigError(f"{where}: {name!r} holds no classes; `applicability` reads categorical layers such as geology")
    protocol = config.protocols[config.validation.protocols[0]]
    space = FitNode(
        f"{prefix}/space", STAGE,
        Call(
            reference, {
                "split": protocol.split.model_dump(), "bounds": list(grid.bounds), "seed": validate.repeats(config.seed, protocol)[0],
                "counts": list(counts), "explored_m": said.explored_km * 1000,
            },
            vectors={"occurrences": occurrences}, fits={"table": f"{prefix}/table", "importance": f"{prefix}/importance", **taught},
        ), None, SPACE_BYTES,
    )  # fmt: skip

    def meta(name: str, long_name: str, dtype: str = "float32") -> LayerMeta:
        return LayerMeta(f"{prefix}/{name}", dtype, "1", long_name, "prospect", "see provenance.json", grid.cell_m, synthetic)

    scored = f"{prefix}/prospectivity"
    map_ = LayerNode(
        f"{prefix}/applicability", STAGE,
        Call(
            believe, {"covers": [cover.model_dump(mode="json") for cover in said.cover]},
            {"evidence": evidence, "prospectivity": (scored,), "cover": tuple(cover.of for cover in said.cover)}, fits={"space": space.name},
        ),
        (
            meta("applicability", "Applicability: 1 like what the model was taught with, below 0.5 not to be believed"),
            meta("dissimilarity_to_ore", "Distance in evidence to the nearest positive, in mean distances of the reference"),
            meta("outside_range", "Share of features beyond the range the model was taught with"),
        ),
    )  # fmt: skip
    made: list[Node] = [space, map_]
    if taught_by:
        regions = (config.region.name, *taught_by)  # its source are those regions, in the order of their numbers
        like = replace(meta("taught_by", "Region whose explored ground the cell is most like in evidence", "int32"), source=", ".join(regions))
        made.append(LayerNode(like.name, STAGE, Call(most_like, {}, {"evidence": evidence, "prospectivity": (scored,)}, fits={"space": space.name}), (like,)))
    if said.measured:
        kind = meta("evidence_kind", f"Evidence of the rock: 1 measured ({said.measured}), 2 inferred from coarser maps, 0 not scored", "int32")
        made.append(LayerNode(kind.name, STAGE, Call(kinds, {}, {"measured": (said.measured,), "prospectivity": (scored,)}), (kind,)))
    counted = Call(tally, {}, {"applicability": (map_.name,), "prospectivity": (scored,), "kind": (f"{prefix}/evidence_kind",) if said.measured else ()})
    return [*made, FitNode(f"{prefix}/believed", STAGE, Call(added), counted, 1_000_000, of_map=True)]


def reference(
    *, table: Fit, importance: Fit, occurrences: Vector, split: Mapping[str, Any], bounds: list[float], seed: int, counts: list[int],
    explored_m: float, taught: Fit | None = None,
) -> dict[str, Array]:  # fmt: skip
    """The space of `applicability.learnt`: positives where they were reported, and background learnt from within `explored_m` of any occurrence,
    of this region and of those that teach; `region` is 1 for a row of this one and counts up for theirs.

    A region's folds are its own. Never background of the whole region: that would make every cell like some reference row. With no more than a `reason` where there
    is nothing to compare with; `notice` is empty or says why the answer is weak.
    """
    import shapely
    from scipy.spatial import cKDTree

    from pipeline.learning import applicability as area
    from pipeline.learning import regions as several
    from pipeline.learning.table import SampleTable

    held = SampleTable.from_bytes(table.value)
    lessons = making.lessons_of(taught, held.names)
    at = shapely.get_coordinates(occurrences.geometry)
    tables, near = {"": held}, {"": np.asarray(cKDTree(at).query(np.column_stack([held.x, held.y]))[0])}
    if lessons is not None:
        tables, near = tables | {**lessons.tables}, near | {**lessons.nearest_m}
    teach = {name: one.trains & (one.scored | ~one.positive) for name, one in tables.items()}
    tables = {name: one.subset(teach[name]) for name, one in tables.items()}
    held, region = several.joined(tables), several.region_of(tables)
    known = len(np.unique(held.group[held.positive]))
    if known < 2:
        of = "one known deposit of this kind lies" if known else "no known deposit of this kind lies"
        return {"reason": np.array(f"{of} on the ground mapped, and two are needed to tell what is like the ground that taught the map")}
    explored = ~held.positive & (np.concatenate([near[name][teach[name]] for name in tables]) <= explored_m)
    rows = _bounded(held, explored, seed)
    weight = explain.weights(importance.value)
    try:
        fold = _folds(tables, validate.division(split, bounds), seed)
        space = area.learnt(
            held.values[rows], counts=tuple(counts), importance=np.ones(len(counts)) if weight is None else weight, fold=fold[rows],
            positive=held.positive[rows],
        )  # fmt: skip
    except DataError as error:
        return {"reason": np.array(str(error))}
    few = int(explored.sum())
    notice = (
        f"applicability knows {few} background cells of explored ground (within {explored_m / 1000:g} km of an occurrence), fewer than {FEW}: it tells "
        "little of what barren ground looks like; raise applicability.explored_km or add occurrences of other types"
    )
    return {**space, "region": (region[rows] + OWN).astype(np.int32), "notice": np.array(notice if few < FEW else "")}


def _folds(tables: Mapping[str, SampleTable], split: Split, seed: int) -> Ints:
    """The fold of each row, those of a region its own; one fold for a region with too few deposits to deal, unless it is alone."""
    found, first = list[Ints](), 0
    for name, table in tables.items():
        own = np.zeros(len(table), np.int64)
        if len(tables) == 1 or len(np.unique(table.group[table.positive])) > 1:
            own = (split if name == "" else replace(split, bounds=None)).assign(table, seed=seed)
        found.append(own + first)
        first += int(own.max(initial=-1)) + 1
    return np.concatenate(found)


def believe(
    *, evidence: Layers, prospectivity: Layer, cover: Layers, space: Fit, covers: list[dict[str, Any]]
) -> tuple[Array, Array, Array]:
    """Applicability, dissimilarity to the nearest positive, and the share of features out of range; (y, x) float32, NaN where not scored.

    Cover multiplies applicability by its factor; the first of the maps that has a value says whether there is cover. NaN everywhere
    without a reference.
    """
    from pipeline.learning import applicability as area

    scored = ~np.isnan(prospectivity.values)
    made = tuple(np.full(scored.shape, np.nan, np.float32) for _ in range(3))
    if not scored.any() or "points" not in space.value:
        return made[0], made[1], made[2]
    flat = [layer.reshape(-1) for layer in made]  # views
    for part, columns in batches(scored, [layer.values for layer in evidence]):  # neighbours are alike, and the nearest of what is alike is found together
        values = columns.T
        factor = seen_through(len(part), [layer.values.ravel()[part] for layer in cover], covers)
        nearest, ore = area.dissimilarity(values, space.value)
        flat[0][part], flat[1][part] = area.believed(nearest, values, space.value) * factor, ore
        flat[2][part] = area.outside(values, space.value)
    return made[0], made[1], made[2]


def most_like(*, evidence: Layers, prospectivity: Layer, space: Fit) -> Array:
    """The number of the region (`region` of `reference`) whose reference row is nearest in evidence; (y, x) int32, missing where not scored."""
    from pipeline.learning import applicability as area

    scored = ~np.isnan(prospectivity.values)
    found = np.full(scored.shape, MISSING, np.int32)
    if scored.any() and "points" in space.value:
        flat = found.reshape(-1)  # a view
        for part, columns in batches(scored, [layer.values for layer in evidence]):
            flat[part] = space.value["region"][area.nearest_row(columns.T, space.value)]
    return found


def kinds(*, measured: Layer, prospectivity: Layer) -> Array:
    """1 where the detailed map has a value, 2 where it has none, missing where not scored; (y, x) int32."""
    found = np.where(measured.values == MISSING, np.int32(INFERRED), np.int32(MEASURED))
    return np.where(np.isnan(prospectivity.values), MISSING, found)


def tally(*, applicability: Layer, prospectivity: Layer, kind: Layers) -> dict[str, Array]:
    """How many cells of the tile are scored, how many of those applicable, and how many rest on inferred evidence."""
    found = {"scored": ~np.isnan(prospectivity.values), "compared": ~np.isnan(applicability.values), "applicable": applicability.values >= APPLICABLE}
    if kind:
        found["inferred"] = kind[0].values == INFERRED
    return {name: np.array(np.count_nonzero(mask)) for name, mask in found.items()}


def added(*, parts: list[dict[str, Array]]) -> dict[str, float | None]:
    """Shares of the scored area: `applicable_share`, None where there was nothing to compare with, and `inferred_share`, None where unknown."""
    total = {name: sum(int(part[name]) for part in parts) for name in parts[0]}
    scored = total["scored"]
    return {
        "applicable_share": round(total["applicable"] / scored, 6) if total["compared"] else None,
        "inferred_share": round(total["inferred"] / scored, 6) if scored and "inferred" in total else None,
    }


def notices(space: Mapping[str, Array], believed: Mapping[str, float | None]) -> list[str]:
    """What a reader must know before believing the map."""
    if "reason" in space:
        return [f"applicability is not known: {space['reason']}"]
    share = believed["applicable_share"]
    told = [str(space["notice"])] if str(space["notice"]) else []
    if share is not None and share < 0.5:
        told.append(
            f"only {share:.1%} of the area scored is like the ground the map was taught with (applicability {APPLICABLE} or more): "
            "elsewhere it should not be believed"
        )
    return told


def seen_through(count: int, maps: list[Array], covers: list[dict[str, Any]]) -> Array:
    """What applicability is multiplied by for cover; (n,)."""
    factor, silent = np.ones(count), np.ones(count, bool)
    for codes, said in zip(maps, covers, strict=True):
        factor[silent & np.isin(codes, said["classes"])] = said["factor"]
        silent &= codes == MISSING
    return factor


def _bounded(held: SampleTable, explored: Array, seed: int) -> Ints:
    """The reference rows: all positives, then the background with the lowest draws, as many as a space may hold."""
    from pipeline.learning import applicability as area

    positive, background = np.flatnonzero(held.positive), np.flatnonzero(explored)
    lowest = np.argsort(draws.uniform(held.cell[background], seed=seed, stream="reference"), kind="stable")
    kept = background[lowest[: max(area.MOST_REFERENCE - len(positive), 0)]]
    return np.sort(np.concatenate([positive, kept]))
