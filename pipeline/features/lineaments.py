"""Lineaments of a terrain or of a magnetic grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pipeline.errors import ConfigError
from pipeline.recipe import Ground, Vector, Whole, drawing

EPOCH = 1
Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _refuse_scales_of_nothing(parameters: Mapping[str, Any], ground: Ground) -> None:
    step = max(parameters["step_m"] or 0.0, ground.cell_m)
    if min(parameters["scales_m"]) < step / 2:
        raise ConfigError(f"a scale of {min(parameters['scales_m']):g} m is finer than half a square of {step:g} m; take coarser scales_m or a smaller step_m")


@drawing(
    summary="Lineaments",
    reference="Canny (1986), Douglas, Peucker (1973), O'Leary and others (1976)",
    columns={"azimuth_deg": "degree", "length_m": "m", "scale_m": "m"},
    check=_refuse_scales_of_nothing,
)
def lineaments(
    *,
    of: Whole,
    scales_m: Annotated[tuple[Length, ...], Field(min_length=1)],
    least_m: Length,
    strongest: Annotated[float, Field(gt=0, lt=1)] = 0.15,
    step_m: Length | None = None,
) -> Vector:
    """Straight edges of a surface: LineStrings with `azimuth_deg` (clockwise from grid north, 0 to below 180), `length_m`, and `scale_m`, the width
    of the Gaussian they were seen at.

    Edges are crests of the gradient at each of `scales_m`, whatever their direction: no light falls on the surface, so none is favoured as in
    a hillshade. Of all crests of a scale the `strongest` share starts an edge; edges are cut where they bend, and those of `least_m` and
    more are kept. A coarser scale adds what the finer ones missed. None within three scales of a gap or of the border. On a magnetic grid take
    the tilt or the reduced field. Ridges, roads and flight lines make lineaments too (O'Leary and others 1976): not every one is a fault.

    Works on squares of about `step_m`, at most 2500 a side. Read it like a vector source: `{use: density_of, of: lineaments, radius_m: 5000}`,
    `orientation_of`, `intersection_density`, `distance_to`.
    """
    from pipeline.spatial.lineaments import segments

    del step_m  # the shell has put `of` on it
    return segments(of, scales_m=scales_m, strongest=strongest, least_m=least_m)
