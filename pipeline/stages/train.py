"""Train: the model of the map, on all samples. It is never seen by validate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.errors import ConfigError
from pipeline.learning import model_files
from pipeline.learning.importance import fitted
from pipeline.learning.table import SampleTable
from pipeline.node import Call, FitNode
from pipeline.recipe import Fit
from pipeline.stages import making

EPOCH = 1
STAGE = "train"
MODEL_BYTES = 400_000_000  # 500 trees of some hundred leaves and their file


def node(*, prefix: str, told: Mapping[str, Any], seed: int) -> FitNode:
    """The fit of the map's model (see `making.said`), `<prefix>/model`: the bytes of a skops file."""
    if not hasattr(making.bare(told)(seed), "predict_both"):
        raise ConfigError(f"model {told['use']!r} has no bags, so it gives no uncertainty: it serves validation only; use random_forest for the map")
    return FitNode(f"{prefix}/model", STAGE, Call(train, {"told": told, "seed": seed}, fits={"table": f"{prefix}/table"}), None, MODEL_BYTES)


def train(*, table: Fit, told: Mapping[str, Any], seed: int) -> bytes:
    """Fit the model to all of the table that trains; no bytes where there is no ground to learn or predict on."""
    held = SampleTable.from_bytes(table.value)
    if not len(held):
        return b""
    model: Any = making.maker(told)(seed)
    if not getattr(model, "needs_labels", True):
        return model_files.dump(model.fit(held.values, np.resize(np.array([0, 1], np.int8), len(held))))  # it notes that there are two classes
    held = held.subset(held.trains).checked()
    found = fitted(model, held)
    return model_files.dump(getattr(found, "model_", found))  # what chose the background is not part of the model
