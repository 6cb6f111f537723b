"""Samples to cells by ordinary kriging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.recipe import Array, Cells, Fit, Vector, feature
from pipeline.recipe import reach_m as stated_reach
from pipeline.spatial import tables

EPOCH = 1


def variogram(
    *, of: Vector, column: str, reach_m: float, detection: Literal["half", "as_is"], transform: Literal["none", "log"],
    model: Literal["spherical", "exponential"], survey: str | None, level_within_m: float,
) -> dict[str, Array]:  # fmt: skip
    """Fit: `variogram` (3,), nugget, partial sill, length in metres, of all samples of the table, and the experimental one; with a
    `survey` column also the `shift` that levels each."""
    from pipeline.spatial import assays, kriging

    values = assays.measured(of, column, detection=detection, transform=transform)
    shift = assays.shifts(of, values, survey, within_m=level_within_m) if survey else {}
    values = assays.levelled(of, values, survey, shift) if survey else values
    return kriging.variogram(assays.located(of, values), model=model, reach_m=reach_m) | shift


def _with_variance(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, f"{name}_variance")


@feature(
    summary="Kriged samples",
    units="the column's",
    reference="Matheron (1963), Cressie, Hawkins (1980)",
    reach=stated_reach,
    outputs=_with_variance,
    fit=variogram,
    check=tables.columns_are_there,
    units_of=tables.assay_and_variance_units,
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
    unit: str = "1",
    survey: str | None = None,
    level_within_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2000,
) -> tuple[Array, ...]:
    """Ordinary kriging of a column of the samples from the nearest `neighbours` within `reach_m`, and its variance: two blocks (y, x)
    float32, `<name>` in the column's units (their natural logarithm with `transform: log`) and `<name>_variance` in their square.

    NaN beyond `reach_m` of any sample: no map is invented where nobody sampled. The variogram is fitted to the pairs of all
    samples, 30 at least; kriging honours it where a mean would smooth, and its variance tells where the map rests on little. It
    is 0 at a sample's own place, where the sample's value stands. Concentrations are usually skewed: take `transform: log`.
    Below detection (`<0.5`, or -0.5 as surveys write it) `half` the limit stands; `as_is` takes text at its limit and lets
    negative numbers be. Samples at one place count as their mean. No direction is preferred.

    Where several campaigns were sampled or analysed differently, `survey` names the column that tells them apart: each is shifted to the
    largest by the median difference of samples of both within `level_within_m` (with `transform: log` the shift is a factor).
    """
    del level_within_m, unit  # the fit reads the one, whoever reads the layer the other
    from pipeline.spatial import assays, kriging

    values = assays.measured(of, column, detection=detection, transform=transform)
    values = assays.levelled(of, values, survey, structure.value) if survey else values
    points = assays.located(of, values)
    return kriging.surface(points, at, structure.value["variogram"], model=model, neighbours=neighbours, reach_m=reach_m)
