"""A forest as a map walks it: its trees, read from its model file without the libraries that grew them.

To import scikit-learn and skops takes more than a second of a process, and cells need neither: the kernel walks plain arrays. The file is the model's own
(see `model_files`), of which only the trees are read and checked: what is not exactly a forest of bags of two classes, whole, is left to it.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.learning.draws import Floats
from pipeline.learning.trees import Trees

FORESTS = {"pipeline.learning.forests.BaggedForest", "pipeline.learning.extra_trees.BaggedExtraTrees"}  # whose answer is that of their trees
LARGEST_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Grown:
    """Trees that were checked, and how many columns they read."""

    trees: Trees
    columns: int

    def predict_both(self, values: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """As `BaggedForest.predict_both` for two classes, to the last bit; `values` (n, columns), NaN missing. ValueError on another number of columns."""
        if values.shape[1] != self.columns:
            raise ValueError(f"the model reads {self.columns} columns, not {values.shape[1]}")
        mean, spread = self.trees.mean_and_spread(values, 1)
        return mean[:, 0], spread[:, 0]


def grown(data: bytes) -> Grown | None:
    """The trees in a model file; None where it holds another model, or is not written as this program writes one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_BYTES:
                return None
            said = json.loads(archive.read("schema.json"))
            if _name(said) not in FORESTS:
                return None
            held = said["content"]["content"]
            if _name(held["trees_"]) != f"{Trees.__module__}.{Trees.__qualname__}" or len(_array(archive, held["classes_"])) != 2:
                return None
            arrays = {name: _array(archive, node) for name, node in held["trees_"]["content"]["content"].items()}
        found = Grown(Trees(**arrays), int(json.loads(held["n_features_in_"]["content"])))
        found.trees.checked(features=found.columns, classes=2)
    except Exception:  # noqa: BLE001 - what a damaged file raises is not to be listed; `model_files.load` says what is wrong with it
        return None
    return found


def _name(node: Any) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _array(archive: zipfile.ZipFile, node: Any) -> npt.NDArray[Any]:
    if node["__loader__"] != "NdArrayNode":
        raise ValueError("no plain array")
    found: npt.NDArray[Any] = np.lib.format.read_array(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
    return found
