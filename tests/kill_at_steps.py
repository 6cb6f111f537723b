"""With config A done, kill config B at its n-th step, revert to A, compare; for every n, or every so many. Prints JSON.

    python tests/kill_at_steps.py ROOT FIRST EVERY

A step is every write to the store or the outputs: a chunk, a fit, a ledger object, a rename. Each run is a forked child, so
SIGKILL is real and the imports are paid once.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas  # noqa: F401 - paid once, before the forks
import numpy as np

import pipeline.cube
import pipeline.flow
import pipeline.ledger
import pipeline.stages.publish
from pipeline import registry
from pipeline.config import load
from pipeline.learning import applicability, contributions, crossval, dependence, importance  # noqa: F401 - likewise
from pipeline.models.random_forest import random_forest
from pipeline.planning import plan
from pipeline.recipe import Cells
from pipeline.spatial import focal, linework, proximity, terrain  # noqa: F401 - likewise

NAMES = ("prospectivity.tif", "uncertainty.tif", "classes.tif", "scorecard.json", "config.yaml")
A = ("region.tile=64",)  # four tiles: every kind of step, some dozens in all
B = (*A, "features.halo.radius_m=2500", "sources.dem.scale=1.5")
RESULT = "steps"


def warm() -> None:
    """Import and compile in the parent, once, what every child needs. Nothing here starts a thread, so forking stays safe."""
    for kind in registry.KINDS:
        for word in registry.words(kind):
            registry.find(kind, word)
    values = np.random.default_rng(1).normal(size=(60, 3)).astype("float32")
    forest = random_forest(bags=2, trees_per_bag=2, seed=1).fit(values, (values[:, 0] > 0).astype("int8"))
    forest.predict_both(values)
    contributions.of_trees(forest.trees_, values)
    focal.moments(np.ones((8, 8), "float32"), Cells(np.arange(8.0), np.arange(8.0), np.zeros((8, 8), "int64"), 1.0, 1, 64), radius_m=1)


def main(root: Path, first: int, every: int) -> None:
    """Kill at the steps `first`, `first` + `every` and so on."""
    warm()
    assert child(lambda: (mapped(root, A), (root / "loaded.json").write_text(json.dumps(list(sys.modules))))) == 0
    for name in json.loads((root / "loaded.json").read_text()):  # what a run imports where it is used, once for all children
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    wanted = digests(root)
    killed, different, step = 0, [], first - every
    while True:
        step += every
        ended = child(lambda at=step: mapped(root, B, die_at=at))  # type: ignore[misc]
        if ended == 0:
            assert child(lambda: mapped(root, A)) == 0
            break
        assert ended == -signal.SIGKILL, ended
        killed += 1
        assert child(lambda: mapped(root, A)) == 0, f"the run after a kill at step {step} failed"
        if digests(root) != wanted:
            different.append(step)
    print(json.dumps({RESULT: step - every, "killed": killed, "different": different}))


def digests(root: Path) -> list[str]:
    """The bundle's bytes."""
    return [hashlib.sha256((root / "outputs" / "tiny" / name).read_bytes()).hexdigest() for name in NAMES]


def child(work: Callable[[], object]) -> int:
    """Run in a forked process; its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def mapped(root: Path, settings: tuple[str, ...], die_at: int = 0) -> None:
    """One run; with `die_at`, killed before its n-th step."""
    if die_at:
        count = 0

        def counted(function: Callable[..., Any]) -> Callable[..., Any]:
            def step(*args: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count == die_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **named)

            return step

        pipeline.cube.Cube.write = counted(pipeline.cube.Cube.write)  # type: ignore[method-assign]
        pipeline.cube.Cube.save_fit = counted(pipeline.cube.Cube.save_fit)  # type: ignore[method-assign]
        pipeline.cube.Cube.prepare = counted(pipeline.cube.Cube.prepare)  # type: ignore[method-assign]
        pipeline.ledger.write_atomically = counted(pipeline.ledger.write_atomically)
        pipeline.stages.publish._swap = counted(pipeline.stages.publish._swap)
        pipeline.stages.publish.os.replace = counted(os.replace)
    pipeline.flow.SAVE_SECONDS = 0.0  # every finished job is a ledger step of its own
    pipeline.flow.run(plan(load("tiny", settings=settings, root=root)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
