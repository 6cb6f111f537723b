"""The plug-ins there are, from what each says of itself."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from pydantic.fields import FieldInfo
from rich.table import Table

from pipeline import registry
from pipeline.recipe import Bands, Layer, Layers, Vector, Whole, one_cell, point, radius, reach_m
from pipeline.screen import console

REACHES = {point: "own cell", one_cell: "3 x 3 cells", radius: "radius_m", reach_m: "reach_m"}
READ = {Layer: "a layer", Whole: "a layer", Layers: "layers", Vector: "a vector source or drawn lines", Bands: "a source's bands"}


def show(kind: str, word: str | None) -> None:
    """Print all plug-ins of a kind in a table, or one with its text and parameters."""
    if word is not None:
        _tell(registry.find(kind, word))
    elif kind == "features":
        console().print(_features())
    else:
        table = Table("name", "what it is", "parameters", box=None, pad_edge=False, header_style="bold")
        for name in registry.words(kind):
            function = registry.find(kind, name)
            table.add_row(name, _first_line(function), ", ".join(registry.parameters(function).model_fields))
        console().print(table)


def _features() -> Table:
    table = Table("feature", "what it is", "unit", "reads", "looks", "after", box=None, pad_edge=False, header_style="bold")
    for name in registry.words("features"):
        table.add_row(name, *told(name))
    return table


def told(name: str) -> tuple[str, str, str, str, str]:
    """What a feature is, its unit, what it reads, how far it looks, after whom."""
    function = registry.find("features", name)
    recipe = registry.declared(function)
    reads = ", ".join(f"{p}: {READ[k]}" for p, k in registry.dependencies(function).items() if k in READ)
    if recipe.bands:
        reads += f" ({', '.join(recipe.sensors)})"
    fields = registry.parameters(function).model_fields
    reach = REACHES.get(recipe.reach) or next((word for word in ("radius_m", "reach_m") if word in fields), "own cell")
    drawn = recipe.columns and f"lines with {', '.join(recipe.columns)}"
    return recipe.summary, drawn or recipe.units.replace("input", "the input's"), reads, "everywhere" if drawn else reach, recipe.reference


def taken(function: Callable[..., Any]) -> list[tuple[str, str, str]]:
    """The parameters of a plug-in: name, what it takes, its default."""
    reads = registry.dependencies(function)
    return [
        (
            name,
            READ.get(reads.get(name, str)) or _type(field.annotation) + _bounds(field),
            "must be given" if field.is_required() else repr(field.default),
        )
        for name, field in registry.parameters(function).model_fields.items()
    ]


def _tell(function: Callable[..., Any]) -> None:
    screen = console()
    screen.print(f"{function.__name__}\n", style="bold")
    screen.print(inspect.getdoc(function) or "")
    table = Table("parameter", "takes", "default", box=None, pad_edge=False, header_style="bold")
    for row in taken(function):
        table.add_row(*row)
    screen.print()
    screen.print(table)


def _type(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(annotation)))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return " or ".join(_type(part) for part in typing.get_args(annotation) if part is not type(None))
    return annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else str(annotation)


def _bounds(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    said = [f"{sign} {getattr(bound, word):g}" for bound in field.metadata for word, sign in signs.items() if hasattr(bound, word)]
    return f" ({', '.join(said)})" if said else ""


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]
