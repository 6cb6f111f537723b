"""Prospect: from public data to an honest mineral prospectivity map.

    from pipeline import load, plan, run, open_cube
    done = run(plan(load("balochistan")))
    cube = open_cube("balochistan")
"""

from __future__ import annotations

import importlib
import time
from typing import Any

__version__ = "0.1.0"
BEGUN = time.monotonic()  # what a profile of a process counts from
_DOORS = {"load": "pipeline.config", "plan": "pipeline.planning", "run": "pipeline.flow", "open_cube": "pipeline.look"}
__all__ = ["load", "open_cube", "plan", "run"]


def __getattr__(name: str) -> Any:
    # imported when first asked for: the command line must answer --help at once
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
