"""From a word in config to a function, and from a function's signature to its closed parameter model."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from pipeline.errors import ConfigError
from pipeline.grid import Window
from pipeline.recipe import Bands, Cells, Columns, Fit, Layer, Layers, Places, Recipe, Sample, Samples, Shifts, Vector, Whole

KINDS = ("features", "sources", "models", "publishers")
SEED = "seed"  # a parameter of this name is the config's seed
READ_BY_SHELL = (Fit, Cells, Sample, Samples, Shifts, Places, Window, Columns)  # parameters config never names: the shell supplies them
NAMED = (Layer, Vector, Bands, Whole)  # parameters for which config names one thing


class Parameters(BaseModel):
    """The closed, frozen parameters of one plug-in; layers and vectors stand in it by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def words(kind: str) -> tuple[str, ...]:
    """The words config may `use:` of a kind, sorted: the file stems of its folder."""
    package = importlib.import_module(f"pipeline.{kind}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


@cache
def find(kind: str, word: str) -> Callable[..., Any]:
    """The function behind a word; ConfigError with the nearest known word when there is none."""
    if word not in words(kind):
        raise ConfigError(unknown(kind.rstrip("s"), word, words(kind)))
    return getattr(importlib.import_module(f"pipeline.{kind}.{word}"), word)  # type: ignore[no-any-return]


def epoch(function: Callable[..., Any]) -> int:
    """The EPOCH of the file a recipe lives in: raised whenever its answer changes."""
    return int(inspect.getmodule(function).EPOCH)  # type: ignore[union-attr]


def declared(function: Callable[..., Any]) -> Recipe:
    """What a feature declared of itself."""
    return function.recipe  # type: ignore[attr-defined, no-any-return]


def unknown(thing: str, word: str, known: typing.Iterable[str]) -> str:
    """The sentence for an unknown word, with the nearest known one and the command that lists them all."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "?"
    listing = f" (prospect {thing}s lists all {len(known)})" if thing in ("feature", "source", "model") else f" (known: {', '.join(known)})"
    return f"unknown {thing} {word!r}{hint}{listing}"


@cache
def parameters(function: Callable[..., Any]) -> type[Parameters]:
    """The parameter model of a plug-in, built from its keyword-only signature."""
    fields: dict[str, Any] = {}
    for name, kind, default in _signature(function):
        if kind in READ_BY_SHELL or name == SEED:
            continue
        shown = str if kind in NAMED else tuple[str, ...] if kind is Layers else kind
        fields[name] = (shown, Field(default=... if default is inspect.Parameter.empty else default))
    return create_model(f"{function.__name__}_parameters", __base__=Parameters, **fields)


@cache
def dependencies(function: Callable[..., Any]) -> dict[str, type]:
    """Parameter name to Layer, Layers, Vector, Whole, Fit, Cells or Sample, for those the shell reads."""
    return {name: kind for name, kind, _ in _signature(function) if kind in (Layers, *NAMED, *READ_BY_SHELL)}


def _signature(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    offered = inspect.signature(function).parameters.values()
    # of what is taken alone: what a model's builder returns is imported by its body, when a model is built
    taken = types.SimpleNamespace(__annotations__={p.name: p.annotation for p in offered if p.annotation is not p.empty}, __globals__=_globals(function))
    hints = typing.get_type_hints(taken, include_extras=True)
    return [(p.name, hints[p.name], p.default) for p in offered]


def _globals(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(inspect.unwrap(function), "__globals__", {})
