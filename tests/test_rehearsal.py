"""What a rehearsal tells of a job, and that it counts what the job does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline import cog, rehearsal
from pipeline.config import load
from pipeline.flow import run
from pipeline.learning import applicability, nulls
from pipeline.learning.forests import BaggedForest
from pipeline.learning.predictive import FOLDS
from pipeline.planning import plan
from pipeline.rehearsal import Estimate, rehearse
from tests import tiny


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("rehearsal"))
    run(plan(load("tiny", root=root)))
    return root


def test_tiles_and_tests_are_shared_out_among_workers_but_for_the_longest_and_the_bundle() -> None:
    found = Estimate(longest_s=3.0)
    found.stages |= {"align": 40.0, "predict": 20.0, "train": 3.0, "validate": 5.0, "publish": 2.0}
    assert found.seconds(1) == 70.0
    assert found.seconds(4) == 10.0 + 5.0 + 3.0 + 3.0 + 2.0


def test_a_rehearsal_has_every_part_of_the_job_and_as_many_fits_as_the_job_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(load("tiny", root=tiny.make(tmp_path)))
    found = rehearse(made, seconds=2.0)
    assert {"align", "derive", "label", "train", "validate", "predict", "publish"} <= {stage for stage, seconds in found.stages.items() if seconds > 0}
    assert {name.rpartition("/")[2] for name in found.reckoned} >= {"applicability", "classes", "prospectivity"}
    assert found.fit_s and found.scored_per_s and 0 < found.packed <= 1
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").rglob("c/*/*"))
    fits, fit = list[int](), BaggedForest.fit

    def counted(self: BaggedForest, *given: Any, **more: Any) -> BaggedForest:
        fits.append(1)
        return fit(self, *given, **more)

    monkeypatch.setattr(BaggedForest, "fit", counted)
    run(made)
    assert len(fits) == found.fits + 1  # the map's own is not validation's


def slowed(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    def slow(*given: Any, **more: Any) -> Any:
        time.sleep(seconds)
        return function(*given, **more)

    return slow


@pytest.mark.parametrize(
    ("module", "name", "stage", "times"),
    [
        (nulls, "coordinates", "validate", 9),  # three folds, two seeds and once at random
        (applicability, "applicability", "predict", 120 * 100 / rehearsal.SCORED),
        (cog, "write", "publish", 7),  # rasters at least
    ],
)
def test_what_a_part_of_the_job_takes_is_in_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, stage: str, times: float
) -> None:
    made = plan(load("tiny", root=tiny.make(tmp_path)))
    monkeypatch.setattr(module, name, slowed(getattr(module, name), 0.5))
    assert rehearse(made, seconds=2.0).stages[stage] >= 0.5 * times


@pytest.mark.parametrize(
    ("said", "fits", "trained"),
    [("map.least_evidence=0.6", FOLDS, False), ("applicability.explored_km=3", FOLDS, False), ("seed=3", 2 * 3 + 3 + 3 + FOLDS, True)],
)
def test_what_is_made_already_is_not_foretold_again(mapped: Path, said: str, fits: int, trained: bool) -> None:
    found = rehearse(plan(load("tiny", settings=(said,), root=mapped)), seconds=2.0)
    assert found.fits == fits and (found.stages["train"] > 0) == trained
    assert found.stages["predict"] > 0 and found.stages["publish"] > 0


def test_cells_are_scored_of_a_tile_that_is_whole(mapped: Path) -> None:
    made = plan(load("tiny", root=mapped))
    assert rehearsal._largest(made, [(3, 3), (1, 2), (0, 0)]) == (1, 2)  # the last tiles are cut off
    assert made.grid.window((3, 3)).shape == (4, 24)


def test_of_a_map_that_is_made_nothing_is_foretold(mapped: Path) -> None:
    found = rehearse(plan(load("tiny", root=mapped)), seconds=2.0)
    assert found.seconds(1) == 0 and not found.reckoned and found.fit_s is None
