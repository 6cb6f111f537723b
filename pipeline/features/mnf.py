"""Minimum noise fraction components of several layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Array, Fit, Ground, Layers, Samples, Shifts, feature

EPOCH = 1


def clearest_axes(*, of: Samples, apart: Shifts) -> dict[str, Array]:
    """Fit: `mean` (n,), `weights` (n, n), the axes as rows, and `variance` (n,) on them, that of noise being 1.

    The noise is taken from the differences of neighbouring cells: half their covariance, for each holds the noise of two.
    """
    from pipeline.spatial import components

    mean, covariance = components.moments([sample.values for sample in of], names="the layers of mnf")
    _, twice = components.moments([sample.values for sample in apart], names="the neighbours in the layers of mnf")
    weights, variance = components.by_noise(covariance, twice / 2)
    spread = np.sqrt(np.diag(covariance))
    signs = np.sign((components.upright(weights * spread) * (weights * spread)).sum(axis=1))
    return {"mean": mean, "weights": weights * signs[:, None], "variance": variance}


def _numbered(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{rank}" for rank in range(1, parameters["components"] + 1))


def _refuse_more_than_layers(parameters: Mapping[str, Any], _: Ground) -> None:
    layers, components = len(parameters["of"]), parameters["components"]
    if components > layers:
        raise ConfigError(f"{components} components of {layers} layers do not exist; give at most {layers}, or more layers")


@feature(
    summary="Minimum noise fraction component",
    units="1",
    reference="Green and others (1988)",
    check=_refuse_more_than_layers,
    outputs=_numbered,
    fit=clearest_axes,
    of_region=True,
)
def mnf(*, of: Layers, axes: Fit, components: Annotated[int, Field(ge=1, le=32)] = 3) -> tuple[Array, ...]:
    """Scores on the first `components` minimum noise fraction axes of layers `of`, in standard deviations of the noise: that many blocks
    (y, x) float32, `<name>_1` the clearest; 0 at the sample's mean; NaN where any layer is missing.

    Unlike principal components they are ordered by signal over noise, not by variance, so a weak but clear pattern comes before a
    strong but noisy one (Green and others 1988). Noise is what differs between neighbouring cells: meant for bands at their own
    resolution; layers resampled to finer cells or smoothed look less noisy than they are, and sharp edges look like noise. The sign:
    the first layer with at least half the largest weight counts positive.
    """
    from pipeline.spatial import components as principal

    mean, weights = axes.value["mean"], axes.value["weights"]
    values = [layer.values for layer in of]
    return tuple(principal.score(values, weight, mean) for weight in weights[:components])
