"""Making models: from the word in config, and the evidence it will be given, to an estimator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline import registry
from pipeline.config.frame import Background, Use
from pipeline.recipe import Columns, Fit

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from pipeline.learning.lessons import Lessons
    from pipeline.learning.reliability import Scale

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


def maker(told: Mapping[str, Any], *, background_km2: float | None = None, lessons: Lessons | None = None) -> Callable[[int], BaseEstimator]:
    """What makes the unfitted model of `said` from a seed, as it is to be fitted and scored; one that counts unit cells is told what ground
    a background row stands for. With `lessons` it learns from other regions too."""
    from pipeline.learning.least_alike import LeastAlike
    from pipeline.learning.lessons import TaughtToo

    made = bare(told, background_km2=background_km2)

    def whole(seed: int) -> BaseEstimator:
        model = made(seed)
        if "leave_out" in told:
            model = LeastAlike(model=model, share=told["leave_out"])
        return model if lessons is None else TaughtToo(model=model, lessons=lessons)

    return whole


def kept(found: Any) -> Any:
    """The fitted model itself: what chose its background or brought it the rows of other regions is not part of it."""
    from pipeline.learning.least_alike import LeastAlike
    from pipeline.learning.lessons import TaughtToo

    while isinstance(found, LeastAlike | TaughtToo):
        found = found.model_
    return found


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


def background_km2(samples: Mapping[str, Any], lessons: Lessons | None = None) -> float:
    """The ground that each background row a model learns from stands for: that of the map, divided among those of a draw; of all regions that
    have deposits, where there are `lessons`."""
    ground = float(samples["cells"] * samples["cell_km2"])
    drawn = samples["drawn"][:, 0] & (samples["label"] == 0) & samples["trains"]
    rows, km2 = int(drawn.sum()), ground
    if lessons is not None:
        more_rows, more_km2 = lessons.ground()
        known = bool((samples["label"] == 1).any())
        rows, km2 = (rows if known else 0) + more_rows, (ground if known else 0.0) + more_km2
    return km2 / max(rows, 1)


def lessons_of(taught: Fit | None, names: tuple[str, ...]) -> Lessons | None:
    """The lessons a fit holds, with the named layers alone."""
    from pipeline.learning.lessons import Lessons

    return None if taught is None else Lessons.of(taught.value).columns(names)


def enforces_signs(told: Mapping[str, Any]) -> bool:
    """Whether the model keeps to the signs of the system: it, or what it tunes, or all it is made of."""
    model = bare(told)(0)
    parts = getattr(model, "members", None) or [getattr(model, "model", model)]
    return all("signs" in part.get_params(deep=False) for part in parts)


def reports(told: Mapping[str, Any]) -> bool:
    """Whether a fitted model says in plain values what it rests on."""
    return hasattr(bare(told)(0), "report")


def scale(told: Mapping[str, Any]) -> Scale | None:
    """How the model's answer is turned into an intensity; None where it cannot be. Its file says so: a plan builds no model to ask it."""
    found: Scale | None = getattr(_file(told), "INTENSITY_SCALE", "odds")
    return found


def labelled(told: Mapping[str, Any]) -> bool:
    """Whether the model learns from known deposits, and so cannot do without; its file says so where it does not."""
    return bool(getattr(_file(told), "NEEDS_LABELS", True))


def has_bags(told: Mapping[str, Any]) -> bool:
    """Whether the model's answers vary between bags, which is what the map's uncertainty is."""
    return bool(getattr(_file(told), "HAS_BAGS", True))


def fits_blocks(told: Mapping[str, Any]) -> bool:
    """Whether the model holds out spatial blocks of its own when it is fitted."""
    return bool(getattr(_file(told), "FITS_BLOCKS", False))


def _file(told: Mapping[str, Any]) -> Any:
    return inspect.getmodule(registry.find("models", told["use"]))
