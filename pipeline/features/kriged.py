"""Samples to cells by ordinary kriging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Vector, feature
from pipeline.recipe import reach_m as stated_reach

if TYPE_CHECKING:
    from pipeline.spatial.assays import Points

EPOCH = 1


def variogram(
    *, of: Vector, column: str, reach_m: float, detection: Literal["half", "as_is"], transform: Literal["none", "log"],
    model: Literal["spherical", "exponential"],
) -> dict[str, Array]:  # fmt: skip
    """Fit: `variogram` (3,), nugget, partial sill, length in metres, of all samples of the table, and the experimental one."""
    from pipeline.spatial import kriging

    return kriging.variogram(_points(of, column, detection, transform), model=model, reach_m=reach_m)


def _with_variance(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, f"{name}_variance")


@feature(
    summary="Kriged samples",
    units="1",
    reference="Matheron (1963), Cressie, Hawkins (1980)",
    reach=stated_reach,
    outputs=_with_variance,
    fit=variogram,
)
def kriged(
    *,
    of: Vector,
    column: str,
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    structure: Fit,
    detection: Literal["half", "as_is"] = "half",
    transform: Literal["none", "log"] = "none",
    model: Literal["spherical", "exponential"] = "spherical",
    neighbours: Annotated[int, Field(ge=1, le=64)] = 16,
) -> tuple[Array, ...]:
    """Ordinary kriging of a column of the samples from the nearest `neighbours` within `reach_m`, and its variance: two blocks (y, x)
    float32, `<name>` in the column's units (their natural logarithm with `transform: log`) and `<name>_variance` in their square.

    NaN beyond `reach_m` of any sample: no map is invented where nobody sampled. The variogram is fitted to the pairs of all
    samples, 30 at least; kriging honours it where a mean would smooth, and its variance tells where the map rests on little. It
    is 0 at a sample's own place, where the sample's value stands. Concentrations are usually skewed: take `transform: log`.
    Below detection (`<0.5`, or -0.5 as surveys write it) `half` the limit stands; `as_is` takes text at its limit and lets
    negative numbers be. Samples at one place count as their mean. No direction is preferred.
    """
    from pipeline.spatial import kriging

    points = _points(of, column, detection, transform)
    return kriging.surface(points, at, structure.value["variogram"], model=model, neighbours=neighbours, reach_m=reach_m)


def _points(of: Vector, column: str, detection: Literal["half", "as_is"], transform: Literal["none", "log"]) -> Points:
    from pipeline.spatial import assays

    return assays.located(of, assays.measured(of, column, detection=detection, transform=transform))
