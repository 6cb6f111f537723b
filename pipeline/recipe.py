"""What a plug-in says of itself, and the values it is handed: blocks of layers, geometries, cells, fits.

A plug-in is one function in a file of the same name. Its keyword-only parameters are its config schema, and those
typed `Layer`, `Layers`, `Vector`, `Whole`, `Fit` or `Cells` are its dependencies: the shell reads them, the function computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
REFLECTANCE = ("reflectance", "relative reflectance")  # what ratios of bands may be made of
MISSING = np.int32(-(2**31))  # the fill of a categorical layer: NaN has no integer
Function = TypeVar("Function", bound=Callable[..., Any])


class Layer:
    """One layer over a window: `values` (y, x) with the declared halo, read when first asked for.

    Continuous layers are float32 with NaN for missing; categorical ones int32 with MISSING. Cells outside the
    grid are missing. `cell_m` is the side of a cell in metres, `halo` the cells added on each side.
    """

    def __init__(self, read: Callable[[], Array], *, name: str, cell_m: float, halo: int) -> None:
        self._read, self.name, self.cell_m, self.halo = read, name, cell_m, halo

    @cached_property
    def values(self) -> Array:
        """The block, read-only."""
        values = self._read()
        values.flags.writeable = False
        return values

    @classmethod
    def of(cls, values: Array, *, cell_m: float = 1.0, halo: int = 0, name: str = "layer") -> Layer:
        """A layer over an array at hand, as tests and notebooks need it."""
        held = np.array(values)
        return cls(lambda: held, name=name, cell_m=cell_m, halo=halo)


class Layers(tuple[Layer, ...]):
    """Several layers over one window, in the order config names them."""


class Bands(dict[str, Layer]):
    """The bands of one sensor over one window, by the role they play: blue green red ... nir swir16 swir22 tir1 ...

    Config names the source; the feature declares which sensors can tell what it claims and which roles it reads of each,
    in an order of its own: `top, bottom = of.values()` is red and blue of one sensor, red and green of another. The band
    that plays a role is the layer `<source>_<role>`; a role holds no underscore.
    """


@dataclass(frozen=True)
class Vector:
    """Geometries (shapely, in the grid's CRS, metres) that touch the window grown by the reach, and their columns."""

    geometry: Array
    columns: Mapping[str, Array]


@dataclass(frozen=True)
class Cells:
    """Where the window is: centres `x` (columns,), `y` (rows,) in metres, global cell `number` (y, x) int64.

    `halo` cells on each side are included in all three; a number outside the grid is -1. `grid_cells` is the count
    of cells of the whole grid.
    """

    x: Array
    y: Array
    number: Array
    cell_m: float
    halo: int
    grid_cells: int


class Fit:
    """The artefact of a fit: arrays by name, plain JSON, or the bytes of a model."""

    def __init__(self, value: Any) -> None:
        self.value = value


@dataclass(frozen=True)
class Sample:
    """Values of a layer at a bounded, seeded, tile-independent choice of cells of the region, in the order of their numbers: `values` (n,).

    Missing values are kept, so that the samples of several layers stay aligned. What the feature reads as `Layers` or
    `Bands` its fit takes as `Samples`.
    """

    values: Array


class Samples(tuple[Sample, ...]):
    """Samples of several layers at the same cells, in the order config or the feature's roles name them."""


class Shifts(tuple[Sample, ...]):
    """For each layer of `Samples`, in their order, the value less that of the cell to the east; NaN where either is missing."""


@dataclass(frozen=True)
class Places:
    """Where the cells of the samples lie: centres `x`, `y` (n,) in metres, and the global `number` (n,) int64 of each."""

    x: Array
    y: Array
    number: Array


@dataclass(frozen=True)
class Whole:
    """A whole layer on its own step: `values` (y, x) float64, NaN missing, means over squares near what the source resolves.

    `x` (columns,), `y` (rows,) are the centres in metres of `crs` (the grid's), `cell_m` the side of a square. Bounded: `plan` refuses
    what is too large.
    """

    values: Array
    x: Array
    y: Array
    cell_m: float
    crs: str


@dataclass(frozen=True)
class Ground:
    """Where a map will be, as a recipe's own check sees it at plan time: `crs`, `bounds` (xmin, ymin, xmax, ymax, metres), `cell_m`,
    and the columns of each vector source by its name."""

    crs: str
    bounds: tuple[float, float, float, float]
    cell_m: float
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Columns:
    """The evidence a model is given: `names` of the layers, for each its `signs` (1 more is better, -1 less is better, 0 either way), and
    `counts`, how many layers each feature gave, in order."""

    names: tuple[str, ...]
    signs: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, names: Iterable[str], signs: Mapping[str, int], counts: Iterable[int]) -> Columns:
        """Signs by name; a layer that is not named counts either way."""
        names = tuple(names)
        return cls(names, tuple(signs.get(name, 0) for name in names), tuple(counts))


Scale = Literal["ratio", "share", "interval", "input"]
Reach = Callable[[Mapping[str, Any], float], float]
Check = Callable[[Mapping[str, Any], Ground], None]


def unchecked(_: Mapping[str, Any], __: Ground) -> None:
    """The check of a recipe that can be asked for anywhere."""


@dataclass(frozen=True)
class Recipe:
    """What a plug-in declares beside its signature.

    `reads`: which kind of layers it takes, "continuous", "categorical" or "any". `units` and `dtype` name the output's ("input":
    those of the first layer it reads). `reach` gives how far it looks, in metres, from its parameters and the cell. `outputs` gives
    the names of its layers from its own name and parameters (default: its own name). `bands`: the roles a parameter typed `Bands`
    must offer; `sensors`: those that can resolve what the feature claims, others being refused (empty: any). `fit`: a function of
    `Sample`s and parameters to a dict of arrays, made once before any tile; `windowed` says that it takes a survey of any size, by
    windows. `membership`: its values are degrees of belonging, 0 to 1, which fuzzy overlay combines. `carries_sensor`: its outputs, named by role,
    are bands of the sensor it reads. `check` may refuse, at plan time,
    what the ground or the parameters make meaningless. `units_of` gives the units of each output from the parameters, where one word
    does not serve all. `columns`, the columns and their units of the lines it draws: then it gives no layer, but lines that other
    features read. `scale`: what a 0 means, for saying a value in words: none of it (ratio), a share of 0 to 1, nothing in particular (interval), or
    what it means in the first layer it reads (input). `of_region`: what its values mean is the region's own, such as axes or the
    commonest classes, so a model taught with them in one region can say nothing of another.
    """

    summary: str
    units: str
    reference: str
    reach: Reach
    reads: Literal["continuous", "categorical", "any"]
    dtype: str
    outputs: Callable[[str, Mapping[str, Any]], tuple[str, ...]]
    fit: Callable[..., dict[str, Array]] | None
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    band_units: tuple[str, ...] = REFLECTANCE
    evidence: bool = True
    windowed: bool = False
    membership: bool = False
    carries_sensor: bool = False
    check: Check = unchecked
    units_of: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    columns: Mapping[str, str] | None = None
    scale: Scale = "interval"
    of_region: bool = False

    @property
    def sensors(self) -> tuple[str, ...]:
        """The sensors that can tell it; empty where no `Bands` are read."""
        return tuple(self.roles)

    @property
    def bands(self) -> tuple[str, ...]:
        """Every role it reads of any sensor, once."""
        return tuple(dict.fromkeys(role for roles in self.roles.values() for role in roles))


def point(_: Mapping[str, Any], __: float) -> float:
    """Reach of a recipe that looks at its own cell only."""
    return 0.0


def one_cell(_: Mapping[str, Any], cell_m: float) -> float:
    """Reach of a recipe over the 3 x 3 cells."""
    return cell_m


def radius(parameters: Mapping[str, Any], _: float) -> float:
    """Reach of a recipe over a window of `radius_m`."""
    return float(parameters["radius_m"])


def reach_m(parameters: Mapping[str, Any], _: float) -> float:
    """Reach of a recipe that states it as `reach_m`."""
    return float(parameters["reach_m"])


def _own_name(name: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    return (name,)


def feature(
    *,
    summary: str,
    units: str,
    reference: str = "",
    reach: Reach = point,
    reads: Literal["continuous", "categorical", "any"] = "continuous",
    dtype: str = "float32",
    outputs: Callable[[str, Mapping[str, Any]], tuple[str, ...]] = _own_name,
    fit: Callable[..., dict[str, Array]] | None = None,
    bands: Mapping[str, tuple[str, ...]] | None = None,
    band_units: tuple[str, ...] = REFLECTANCE,
    evidence: bool = True,
    windowed: bool = False,
    membership: bool = False,
    carries_sensor: bool = False,
    check: Check = unchecked,
    units_of: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None,
    scale: Scale = "interval",
    of_region: bool = False,
) -> Callable[[Function], Function]:
    """Declare a feature: a pure function from blocks to one block of the same shape (halo included; the shell trims),
    or to a tuple of them in the order of `outputs`."""

    def declare(function: Function) -> Function:
        recipe = Recipe(
            summary, units, reference, reach, reads, dtype, outputs, fit, bands or {}, band_units, evidence, windowed, membership,
            carries_sensor, check, units_of, scale=scale, of_region=of_region,
        )  # fmt: skip
        function.recipe = recipe  # type: ignore[attr-defined]
        return function

    return declare


def drawing(
    *, summary: str, reference: str = "", columns: Mapping[str, str], windowed: bool = False, check: Check = unchecked
) -> Callable[[Function], Function]:
    """Declare a feature that draws lines: a pure function from `Whole` layers (named in config) and parameters to a `Vector`.

    Its geometries are LineStrings in the grid's CRS, and it has the declared columns, given with their units. It runs once, as a fit;
    its lines are read like those of a vector source, under its name, and published with the targets.
    """

    def declare(function: Function) -> Function:
        recipe = Recipe(summary, "", reference, point, "continuous", "", _no_layer, None, windowed=windowed, check=check, columns=columns)
        function.recipe = recipe  # type: ignore[attr-defined]
        return function

    return declare


def _no_layer(_: str, __: Mapping[str, Any]) -> tuple[str, ...]:
    return ()
