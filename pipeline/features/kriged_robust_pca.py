"""A robust principal component of a composition, to cells by ordinary kriging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Cells, Fit, Vector, feature
from pipeline.spatial import tables

if TYPE_CHECKING:
    from pipeline.spatial.assays import Points

EPOCH = 1


def axis_and_variogram(
    *, of: Vector, columns: tuple[str, ...], component: int, reach_m: float, detection: Literal["half", "as_is"],
    model: Literal["spherical", "exponential"],
) -> dict[str, Array]:  # fmt: skip
    """Fit: `centre` and `axis` (parts,) in centred log-ratios, and the `variogram` (3,) of the samples' scores."""
    from pipeline.spatial import assays, compositions, kriging

    centre, axes = compositions.robust_axes(assays.parts(of, columns, detection=detection))
    axis = axes[component - 1]
    found = kriging.variogram(_points(of, columns, axis, centre, detection), model=model, reach_m=reach_m)
    return {"centre": centre, "axis": axis, **found}


def _with_variance(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, f"{name}_variance")


def _reach(parameters: Mapping[str, Any], _: float) -> float:
    """The stated reach; refuses, at plan time, a component that does not exist and a part named twice."""
    columns, component = parameters["columns"], parameters.get("component", 1)
    if component >= len(columns):
        raise ConfigError(f"{len(columns)} parts have {len(columns) - 1} components, and {component} is none of them; give 1 to {len(columns) - 1}")
    if len(set(columns)) < len(columns):
        raise ConfigError(f"the columns {', '.join(columns)} name a part twice; name each once")
    return float(parameters["reach_m"])


@feature(
    summary="Kriged robust principal component",
    units="1",
    reference="Filzmoser, Hron, Reimann (2009)",
    reach=_reach,
    outputs=_with_variance,
    fit=axis_and_variogram,
    check=tables.columns_are_there,
    of_region=True,
)
def kriged_robust_pca(
    *,
    of: Vector,
    columns: Annotated[tuple[str, ...], Field(min_length=3)],
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    structure: Fit,
    component: Annotated[int, Field(ge=1)] = 1,
    detection: Literal["half", "as_is"] = "half",
    model: Literal["spherical", "exponential"] = "spherical",
    neighbours: Annotated[int, Field(ge=1, le=64)] = 16,
) -> tuple[Array, ...]:
    """The samples' scores on the robust principal component `component` (1 of the largest variance) of the parts `columns`, kriged from
    the nearest `neighbours` within `reach_m`, and the variance: two blocks (y, x) float32, `<name>` and `<name>_variance`; 0 at
    the robust centre, NaN beyond `reach_m` of any sample.

    The axes come from isometric log-ratios by the minimum covariance determinant, so that neither closure nor a few ore-grade
    samples make them (Filzmoser, Hron and Reimann 2009); such samples then score far out. Axis and sign: the first part, as
    config lists them, with at least half the largest loading counts positive. It needs 5 whole samples a part. Below detection (`<0.5`, or
    -0.5) `half` the limit stands; a bare 0 is refused. Kriging as in `kriged`.
    """
    from pipeline.spatial import kriging

    del component  # only the fit reads it
    points = _points(of, columns, structure.value["axis"], structure.value["centre"], detection)
    return kriging.surface(points, at, structure.value["variogram"], model=model, neighbours=neighbours, reach_m=reach_m)


def _points(of: Vector, columns: tuple[str, ...], axis: Array, centre: Array, detection: Literal["half", "as_is"]) -> Points:
    from pipeline.spatial import assays, compositions

    return assays.located(of, compositions.score(assays.parts(of, columns, detection=detection), axis, centre))
