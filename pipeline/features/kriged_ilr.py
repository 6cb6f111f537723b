"""One isometric log-ratio of a composition, to cells by ordinary kriging."""

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


def variogram(
    *, of: Vector, columns: tuple[str, ...], component: int, reach_m: float, detection: Literal["half", "as_is"],
    model: Literal["spherical", "exponential"],
) -> dict[str, Array]:  # fmt: skip
    """Fit: `variogram` (3,), nugget, partial sill, length in metres, of the coordinate, and the experimental one."""
    from pipeline.spatial import kriging

    return kriging.variogram(_points(of, columns, component, detection), model=model, reach_m=reach_m)


def _with_variance(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, f"{name}_variance")


def _reach(parameters: Mapping[str, Any], _: float) -> float:
    """The stated reach; refuses, at plan time, a coordinate that does not exist and a part named twice."""
    columns, component = parameters["columns"], parameters.get("component", 1)
    if component >= len(columns):
        raise ConfigError(
            f"{len(columns)} parts have {len(columns) - 1} coordinates, and component {component} is none of them; give 1 to {len(columns) - 1}"
        )
    if len(set(columns)) < len(columns):
        raise ConfigError(f"the columns {', '.join(columns)} name a part twice; name each once")
    return float(parameters["reach_m"])


@feature(
    summary="Kriged isometric log-ratio",
    units="1",
    reference="Egozcue and others (2003), Fišerová, Hron (2011)",
    reach=_reach,
    outputs=_with_variance,
    fit=variogram,
    check=tables.columns_are_there,
)
def kriged_ilr(
    *,
    of: Vector,
    columns: Annotated[tuple[str, ...], Field(min_length=2)],
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    structure: Fit,
    component: Annotated[int, Field(ge=1)] = 1,
    detection: Literal["half", "as_is"] = "half",
    model: Literal["spherical", "exponential"] = "spherical",
    neighbours: Annotated[int, Field(ge=1, le=64)] = 16,
) -> tuple[Array, ...]:
    """The pivot coordinate `component` (1 the first) of the parts `columns`, kriged from the nearest `neighbours` samples within
    `reach_m`, and its variance: two blocks (y, x) float32, `<name>` and `<name>_variance`; NaN beyond `reach_m` of any sample.

    Coordinate i is sqrt(n / (n + 1)) ln of part i over the geometric mean of the n parts listed after it: the order of the
    columns is the choice of basis (Egozcue and others 2003). Put the metal first and what it is to be judged against after it;
    with two parts it is their log-ratio over sqrt 2. Samples that lack a part are left out. Below detection (`<0.5`, or -0.5)
    `half` the limit stands; a bare 0 is refused. Kriging as in `kriged`.
    """
    from pipeline.spatial import kriging

    points = _points(of, columns, component, detection)
    return kriging.surface(points, at, structure.value["variogram"], model=model, neighbours=neighbours, reach_m=reach_m)


def _points(of: Vector, columns: tuple[str, ...], component: int, detection: Literal["half", "as_is"]) -> Points:
    from pipeline.spatial import assays, compositions

    return assays.located(of, compositions.ilr(assays.parts(of, columns, detection=detection))[:, component - 1])
