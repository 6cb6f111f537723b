"""What a rehearsal tells of a job, and that it counts what the job does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load
from pipeline.flow import run
from pipeline.learning.forests import BaggedForest
from pipeline.planning import plan
from pipeline.rehearsal import Estimate, rehearse
from tests import tiny


def test_tiles_are_shared_out_among_workers_and_fits_are_not() -> None:
    found = Estimate()
    found.stages |= {"align": 40.0, "predict": 20.0, "train": 3.0, "validate": 5.0, "publish": 2.0}
    assert found.seconds(1) == 70.0
    assert found.seconds(4) == 10.0 + 5.0 + 10.0


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


def test_of_a_map_that_is_made_nothing_is_foretold(tmp_path: Path) -> None:
    settings = load("tiny", root=tiny.make(tmp_path))
    run(plan(settings))
    found = rehearse(plan(settings), seconds=2.0)
    assert found.seconds(1) == 0 and not found.reckoned and found.fit_s is None
