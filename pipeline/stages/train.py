"""Train: the model of the map, on all samples. It is never seen by validate."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.errors import ConfigError
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit
from pipeline.stages import making

EPOCH = 2
STAGE = "train"
ALONE = frozenset(("align", "derive", "label", "train", "predict"))  # of these only this one, and infill where a system asks for it, imports what learns
MODEL_BYTES = 400_000_000  # 500 trees of some hundred leaves and their file


def node(*, prefix: str, told: Mapping[str, Any], seed: int, block_km: float, taught: Mapping[str, str] | None = None) -> FitNode:
    """The fit of the map's model (see `making.said`), `<prefix>/model`: the bytes of a skops file.

    A model with inner folds holds out squares of `block_km`. `taught` names the fit of what other regions teach, where some do.
    """
    if not making.has_bags(told):
        raise ConfigError(f"model {told['use']!r} has no bags, so it gives no uncertainty: it serves validation only; use random_forest for the map")
    said: dict[str, Any] = {"told": told, "seed": seed} | ({"block_km": block_km} if making.fits_blocks(told) else {})
    call = Call(train, said, fits={"table": f"{prefix}/table", "samples": f"{prefix}/samples", **(taught or {})})
    return FitNode(f"{prefix}/model", STAGE, call, None, MODEL_BYTES)


def train(
    *, table: Fit, samples: Fit, told: Mapping[str, Any], seed: int, block_km: float | None = None, taught: Fit | None = None
) -> bytes:  # fmt: skip
    """Fit the model to all of the table that trains, and to what other regions teach; no bytes where there is no ground to learn or predict on."""
    from pipeline.learning import model_files, trees
    from pipeline.learning.fitted import fitted
    from pipeline.learning.split import Split
    from pipeline.learning.table import SampleTable

    held = SampleTable.from_bytes(table.value)
    if not len(held):
        return b""
    lessons = making.lessons_of(taught, held.names)
    model: Any = making.maker(told, background_km2=making.background_km2(samples.value, lessons), lessons=lessons)(seed)
    if not getattr(model, "needs_labels", True):
        return model_files.dump(model.fit(held.values, np.resize(np.array([0, 1], np.int8), len(held))))  # it notes that there are two classes
    held = held.subset(held.trains)
    held = held.checked() if lessons is None else held
    if "numba" in sys.modules:  # in a process that is to walk trees too: a quarter of a second that the first tile of the map would wait for
        threading.Thread(target=trees.ready).start()
    blocks = None if block_km is None else Split(block_m=block_km * 1000).blocks(held)
    return model_files.dump(making.kept(fitted(model, held, blocks)))


def learned() -> None:
    """Import what the fit of the map's model needs."""
    from pipeline.learning import lessons, model_files, split  # noqa: F401  # what they bring is all that is wanted
    from pipeline.learning.trusting import skops_io

    skops_io()


def walked() -> None:
    """Import what a forest's map needs."""
    from pipeline.learning import grown, trees  # noqa: F401  # what it brings is all that is wanted

    trees.ready()


def warmed() -> None:
    """Import what fits and the maps of models need: a second or two, better spent beside the first tiles than before the last."""
    from pipeline.learning import near  # noqa: F401  # what it brings is all that is wanted

    learned()
    walked()
