"""Train: the model of the map, on all samples. It is never seen by validate."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline import registry
from pipeline.config.frame import Use
from pipeline.errors import ConfigError
from pipeline.learning import model_files
from pipeline.learning.table import SampleTable
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit

EPOCH = 1
STAGE = "train"
MODEL_BYTES = 400_000_000  # 500 trees of some hundred leaves and their file


def node(*, prefix: str, model: Use, seed: int) -> FitNode:
    """The fit of the map's model, `<prefix>/model`: the bytes of a skops file."""
    function = registry.find("models", model.use)
    if not hasattr(_made(model, seed), "predict_both"):
        raise ConfigError(f"model {model.use!r} has no bags, so it gives no uncertainty: it serves validation only; use random_forest for the map")
    said = {"use": model.use, "said": model.with_.model_dump(mode="json"), "seed": seed, "epoch": registry.epoch(function)}
    return FitNode(f"{prefix}/model", STAGE, Call(train, said, fits={"table": f"{prefix}/table"}), None, MODEL_BYTES)


def labelled(model: Use, seed: int) -> bool:
    """Whether the model learns from known deposits, and so cannot do without."""
    return bool(getattr(_made(model, seed), "needs_labels", True))


def _made(model: Use, seed: int) -> Any:
    return registry.find("models", model.use)(**model.with_.model_dump(mode="json"), seed=seed)


def train(*, table: Fit, use: str, said: dict[str, Any], seed: int, epoch: int) -> bytes:
    """Fit the model to the whole table; no bytes where there is no ground to learn or predict on."""
    del epoch  # only part of the key
    held = SampleTable.from_bytes(table.value)
    if not len(held):
        return b""
    model = registry.find("models", use)(**said, seed=seed)
    if not getattr(model, "needs_labels", True):
        return model_files.dump(model.fit(held.values, np.resize(np.array([0, 1], np.int8), len(held))))  # it notes that there are two classes
    held = held.checked()
    return model_files.dump(model.fit(held.values, held.label, groups=held.group))
