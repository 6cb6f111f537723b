"""Making models: from the word in config, and the evidence it will be given, to an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import BaseEstimator

from pipeline import registry
from pipeline.config.frame import Background, Use
from pipeline.learning.least_alike import LeastAlike
from pipeline.recipe import Columns

EPOCH = 1


def said(use: Use, columns: Columns, background: Background) -> dict[str, Any]:
    """A model as plain values: its word, parameters and EPOCH, if it asks for it what evidence it is given, and the share of its background
    it is not to learn from. Part of the key of its fits.
    """
    function = registry.find("models", use.use)
    told: dict[str, Any] = {"use": use.use, "said": use.with_.model_dump(mode="json"), "epoch": registry.epoch(function)}
    if Columns in registry.dependencies(function).values():
        told["columns"] = {"names": list(columns.names), "signs": list(columns.signs), "counts": list(columns.counts)}
    if background.left_out and labelled(told):
        told["leave_out"] = background.left_out
    return told


def maker(told: Mapping[str, Any], *, background_km2: float | None = None) -> Callable[[int], BaseEstimator]:
    """What makes the unfitted model of `said` from a seed, as it is to be fitted and scored; one that counts unit cells is told what ground
    a background row stands for."""
    made = bare(told, background_km2=background_km2)
    if "leave_out" in told:
        return lambda seed: LeastAlike(model=made(seed), share=told["leave_out"])
    return made


def bare(told: Mapping[str, Any], *, background_km2: float | None = None) -> Callable[[int], BaseEstimator]:
    """What makes the model itself, as it is kept."""
    function = registry.find("models", told["use"])
    more = {}
    if "columns" in told:
        parameter = next(name for name, kind in registry.dependencies(function).items() if kind is Columns)
        more[parameter] = Columns(**{name: tuple(values) for name, values in told["columns"].items()})

    def made(seed: int) -> BaseEstimator:
        model: BaseEstimator = function(**told["said"], **more, seed=seed)
        return model.set_params(background_km2=background_km2) if "background_km2" in model.get_params(deep=False) else model

    return made


def background_km2(samples: Mapping[str, Any]) -> float:
    """The ground that each background row a model learns from stands for: that of the map, divided among those of a draw."""
    rows = samples["drawn"][(samples["label"] == 0) & samples["trains"], 0].sum()
    return float(samples["cells"] * samples["cell_km2"] / max(rows, 1))


def labelled(told: Mapping[str, Any]) -> bool:
    """Whether the model learns from known deposits, and so cannot do without."""
    return bool(getattr(bare(told)(0), "needs_labels", True))
