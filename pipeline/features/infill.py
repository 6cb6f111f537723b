"""Rock classes told from what can be seen, mapped or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import MISSING, Array, Cells, Fit, Ground, Layer, Layers, Places, Sample, Samples, feature

if TYPE_CHECKING:
    from pipeline.learning.infill import How

EPOCH = 2
SEED = 0
Classes = Annotated[dict[str, tuple[int, ...]], Field(min_length=2)]


def taught(
    *, of: Sample, seen: Samples, where: Places, classes: Mapping[str, tuple[int, ...]], cover: tuple[int, ...], block_km: float, folds: int, trees: int
) -> dict[str, Array]:
    """Fit: a forest for each fold, and the mapped cells they learnt from as `taught.*`, so that validation can hide some and learn again."""
    from dataclasses import fields

    from pipeline.learning import infill as numbers

    code = numbered(of.values, classes, cover)
    mapped = code >= 0
    values = np.stack([layer.values[mapped] for layer in seen], axis=1).astype(np.float32)
    rows = numbers.chosen(numbers.Taught(values, code[mapped], where.x[mapped], where.y[mapped], where.number[mapped]), seed=SEED)
    held = numbers.learnt(rows, classes=numbers.classes_of(rows), how=how(block_km, folds, trees))
    return held | {f"taught.{field.name}": getattr(rows, field.name) for field in fields(rows)}


def _outputs(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return (*(f"{name}_{word}" for word in parameters["classes"]), f"{name}_entropy")


def _refuse_twice(parameters: Mapping[str, Any], _: Ground) -> None:
    codes = [code for group in (*parameters["classes"].values(), parameters["cover"]) for code in group]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice or "entropy" in parameters["classes"]:
        told = f"code {twice[0]} stands in two classes" if twice else "a class is called entropy, as the last output is"
        raise ConfigError(f"{told}; give each code one class, cover among them, and each class a name of its own")


@feature(
    summary="Rock class told from what can be seen",
    units="1",
    reference="Wolpert (1992), Breiman (2001)",
    reads="any",
    outputs=_outputs,
    fit=taught,
    check=_refuse_twice,
    membership=True,
    scale="share",
)
def infill(
    *,
    of: Layer,
    seen: Layers,
    rocks: Fit,
    at: Cells,
    classes: Classes,
    cover: tuple[int, ...] = (),
    block_km: Annotated[float, Field(gt=0)] = 20,
    folds: Annotated[int, Field(ge=2, le=10)] = 4,
    trees: Annotated[int, Field(ge=5)] = 25,
) -> tuple[Array, ...]:
    """The chance of each rock class at the surface, and how unsure that is (entropy, 0 sure to 1 blind); blocks (y, x) float32, one per
    class of `classes` (name to codes of the map `of`) and `<name>_entropy`.

    Learnt where the map is, in the region, from the layers that can be `seen` everywhere (satellite, terrain, geophysics, the classes of a coarse map);
    never from deposits. A mapped cell is told by the forest that did not see the map of its block (`block_km`, dealt to `folds`), an unmapped
    one by all forests: so what a model learns from is of the same kind as what it is asked about. With `cover`, the codes that hide
    the rock, cells under cover do not teach and are told like unmapped ones: with layers that see through cover (magnetics, gravity)
    this is the prior of the bedrock. A class with fewer than 30 sampled cells is left at 0. NaN where no seen layer has a value.
    """
    from pipeline.learning import infill as numbers

    values = np.stack([layer.values.ravel() for layer in seen], axis=1).astype(np.float32)
    x, y = (axis.ravel() for axis in np.meshgrid(at.x, at.y))
    mapped = numbered(of.values.ravel(), classes, cover) >= 0
    blocks = numbers.blocks(values, x, y, mapped, rocks.value, classes=len(classes), how=how(block_km, folds, trees))
    return tuple(blocks.reshape(-1, *of.values.shape))


def how(block_km: float, folds: int, trees: int) -> How:
    """How it is learnt, from the parameters."""
    from pipeline.learning.infill import How

    return How(block_m=block_km * 1000, folds=folds, trees=trees, seed=SEED)


def numbered(codes: Array, classes: Mapping[str, tuple[int, ...]], cover: tuple[int, ...]) -> Array:
    """The place of each code's class among `classes`; -1 where the map says nothing, cover, or a class that is not asked for."""
    found = np.full(codes.shape, -1, np.int64)
    for place, group in enumerate(classes.values()):
        found[np.isin(codes, group) & ~np.isin(codes, cover)] = place
    found[codes == MISSING] = -1
    return found
