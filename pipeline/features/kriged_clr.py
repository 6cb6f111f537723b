"""One part of a composition against all, to cells by ordinary kriging."""

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
    *, of: Vector, columns: tuple[str, ...], component: str, reach_m: float, detection: Literal["half", "as_is"],
    model: Literal["spherical", "exponential"],
) -> dict[str, Array]:  # fmt: skip
    """Fit: `variogram` (3,), nugget, partial sill, length in metres, of the log-ratio, and the experimental one."""
    from pipeline.spatial import kriging

    return kriging.variogram(_points(of, columns, component, detection), model=model, reach_m=reach_m)


def _with_variance(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name, f"{name}_variance")


def _reach(parameters: Mapping[str, Any], _: float) -> float:
    """The stated reach; refuses, at plan time, a component that is no part and a part named twice."""
    columns, component = parameters["columns"], parameters["component"]
    if component not in columns:
        raise ConfigError(f"component {component!r} is none of the columns {', '.join(columns)}; name one of them")
    if len(set(columns)) < len(columns):
        raise ConfigError(f"the columns {', '.join(columns)} name a part twice; name each once")
    return float(parameters["reach_m"])


@feature(
    summary="Kriged centred log-ratio",
    units="1",
    reference="Aitchison (1986), Matheron (1963)",
    reach=_reach,
    outputs=_with_variance,
    fit=variogram,
    check=tables.columns_are_there,
)
def kriged_clr(
    *,
    of: Vector,
    columns: Annotated[tuple[str, ...], Field(min_length=2)],
    component: str,
    reach_m: Annotated[float, Field(gt=0)],
    at: Cells,
    structure: Fit,
    detection: Literal["half", "as_is"] = "half",
    model: Literal["spherical", "exponential"] = "spherical",
    neighbours: Annotated[int, Field(ge=1, le=64)] = 16,
) -> tuple[Array, ...]:
    """Logarithm of the part `component` over the geometric mean of all parts `columns`, kriged from the nearest `neighbours` samples within
    `reach_m`, and its variance: two blocks (y, x) float32, `<name>` and `<name>_variance`; NaN beyond `reach_m` of any sample.

    Concentrations share one whole: when silica falls everything else rises, and their plain correlations mislead. The centred
    log-ratio (Aitchison 1986) frees a part of that. Units may be mixed, percent and ppm: a factor only adds a constant. Samples that
    lack a part are left out. Below detection (`<0.5`, or -0.5) `half` the limit stands, the other parts keeping their
    ratios; a bare 0 is refused. Two parts give half the log of their ratio. Kriging as in `kriged`.
    """
    from pipeline.spatial import kriging

    points = _points(of, columns, component, detection)
    return kriging.surface(points, at, structure.value["variogram"], model=model, neighbours=neighbours, reach_m=reach_m)


def _points(of: Vector, columns: tuple[str, ...], component: str, detection: Literal["half", "as_is"]) -> Points:
    from pipeline.spatial import assays, compositions

    ratios = compositions.clr(assays.parts(of, columns, detection=detection))
    return assays.located(of, ratios[:, columns.index(component)])
