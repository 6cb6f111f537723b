"""Principal components of several layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Fit, Layers, Samples, feature

EPOCH = 1


def standardized_axes(*, of: Samples) -> dict[str, Array]:
    """Fit: `mean` (n,) and `weights` (n, n), the axes as rows, each weight divided by its layer's standard deviation.

    A layer without spread in the sample counts as of standard deviation 1.
    """
    from pipeline.spatial import components

    mean, covariance = components.moments([sample.values for sample in of], names="the layers of pca")
    spread = np.sqrt(np.diag(covariance))
    spread[spread == 0] = 1.0
    correlation = covariance / spread[:, None] / spread[None, :]
    return {"mean": mean, "weights": components.upright(components.axes(correlation)) / spread}


def _numbered(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{rank}" for rank in range(1, parameters["components"] + 1))


def _own_cell(parameters: Mapping[str, Any], _: float) -> float:
    """Reach 0; refuses, at plan time, more components than layers."""
    layers, components = len(parameters["of"]), parameters["components"]
    if components > layers:
        raise ConfigError(f"{components} components of {layers} layers do not exist; give at most {layers}, or more layers")
    return 0.0


@feature(
    summary="Principal component",
    units="1",
    reference="Singh, Harrison (1985)",
    reach=_own_cell,
    outputs=_numbered,
    fit=standardized_axes,
    of_region=True,
)
def pca(*, of: Layers, axes: Fit, components: Annotated[int, Field(ge=1, le=32)] = 3) -> tuple[Array, ...]:
    """Scores on the first `components` principal axes of layers `of`: that many blocks (y, x) float32, `<name>_1` of the
    largest variance; 0 at the sample's mean; NaN where any layer is missing.

    Each layer is divided by its standard deviation first, so units and contrast do not choose the axes (Singh and Harrison
    1985). The sign: the first layer, as config lists them, with at least half the largest weight counts positive. Axes of
    nearly equal variance are not stable: do not read meaning into them.
    """
    from pipeline.spatial import components as principal

    mean, weights = axes.value["mean"], axes.value["weights"]
    values = [layer.values for layer in of]
    return tuple(principal.score(values, weight, mean) for weight in weights[:components])
