"""skops, trusting nothing of its own accord.

As it is imported, skops makes lists of what it would load unasked: every estimator of scikit-learn, every universal function of numpy and scipy. To make
them it imports all of scikit-learn (and whatever that looks for, pytest and Dask's arrays among them) and looks each function up in every module there is:
two seconds of every process. Model files hold this program's own models alone, each named to skops, so here these lists are empty but for Python's own
plain types. That is stricter than skops, never laxer; who loads a model of his own by skops beside this names its types.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import ClassVar

_LISTS, _ONCE = "skops.io._trusted_types", threading.Lock()


class _OwnTypes(ModuleType):
    """In the place of skops's module of lists: Python's plain types, and no name of anything else."""

    PRIMITIVE_TYPE_NAMES: ClassVar = ["builtins.int", "builtins.float", "builtins.str", "builtins.bool"]
    CONTAINER_TYPE_NAMES: ClassVar = ["builtins.list", "builtins.set", "builtins.map", "builtins.tuple"]

    def __getattr__(self, name: str) -> list[str]:
        if name.startswith("__"):
            raise AttributeError(name)
        return []


def skops_io() -> ModuleType:
    """The module `skops.io`."""
    with _ONCE:
        if "skops.io" not in sys.modules:
            sys.modules.setdefault(_LISTS, _OwnTypes(_LISTS))
        import skops.io
    return skops.io  # type: ignore[no-any-return]
