"""A recipe whose code changed says so by its EPOCH, or its author says that the answer is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import registry
from tests.house import epochs

FEATURE = '''"""Words."""
from pipeline.recipe import feature
EPOCH = {epoch}

@feature(summary="x", units="1")
def twice(*, of):
    """{docstring}"""
    {comment}
    from pipeline.spatial import factor
    return of.values * factor.times(2)
'''
NUMERICS = "from pipeline.spatial.deep import half\n\ndef times(n):\n    return half * n\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("features", "spatial"):
        (tmp_path / "pipeline" / folder).mkdir(parents=True)
    (tmp_path / "pipeline" / "recipe.py").write_text("feature = 1\n")
    (tmp_path / "pipeline" / "spatial" / "factor.py").write_text(NUMERICS)
    (tmp_path / "pipeline" / "spatial" / "deep.py").write_text("half = 0.5\n")
    write(tmp_path)
    return tmp_path


def write(root: Path, *, epoch: int = 1, docstring: str = "Doubles.", comment: str = "# why") -> None:
    (root / "pipeline" / "features" / "twice.py").write_text(FEATURE.format(epoch=epoch, docstring=docstring, comment=comment))


def test_no_recipe_computes_with_other_code_than_its_epoch_was_recorded_for() -> None:
    assert epochs.complaints(epochs.recorded(), epochs.now()) == {}


def test_every_plugin_has_an_epoch() -> None:
    named = {f"{kind}.{word}" for kind in registry.KINDS for word in registry.words(kind)}
    assert named <= epochs.recipes().keys()


def test_docstrings_and_comments_change_no_hash(tree: Path) -> None:
    before = epochs.now(tree)
    write(tree, docstring="Two times.", comment="# because")
    assert epochs.complaints(before, epochs.now(tree)) == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("features/twice.py", "times(2)", "times(3)"), ("spatial/factor.py", "half * n", "n * half"), ("spatial/deep.py", "0.5", "0.25")],
)
def test_a_change_of_code_however_deep_is_noticed(tree: Path, file: str, old: str, new: str) -> None:
    before = epochs.now(tree)
    path = tree / "pipeline" / file
    path.write_text(path.read_text().replace(old, new))
    assert "computes with other code" in epochs.complaints(before, epochs.now(tree))["features.twice"]


def test_a_change_of_what_a_page_is_laid_out_by_is_noticed(tree: Path) -> None:
    page = tree / "pipeline" / "spatial" / "page.html"
    page.write_text("<p>once")
    before = epochs.now(tree)
    page.write_text("<p>twice")
    assert "computes with other code" in epochs.complaints(before, epochs.now(tree))["features.twice"]


def test_the_shell_does_not_count(tree: Path) -> None:
    before = epochs.now(tree)
    (tree / "pipeline" / "recipe.py").write_text("feature = 2\n")
    assert epochs.complaints(before, epochs.now(tree)) == {}


def test_a_raised_epoch_asks_to_be_recorded_and_a_lowered_one_is_refused(tree: Path) -> None:
    before = epochs.now(tree)
    write(tree, epoch=2)
    raised = epochs.now(tree)
    assert "new EPOCH" in epochs.complaints(before, raised)["features.twice"]
    assert "only rises" in epochs.complaints(raised, before)["features.twice"]


def test_recording_takes_raised_epochs_and_leaves_silent_changes_alone(tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(epochs, "RECORD", tree / "epochs.json")
    found = epochs.now(tree)
    monkeypatch.setattr(epochs, "now", lambda: found)
    assert epochs.main(same_answer=False) == 0
    found = {"features.twice": {**found["features.twice"], "hash": "changed"}}
    assert epochs.main(same_answer=False) == 1
    assert "computes with other code" in capsys.readouterr().out
    assert epochs.recorded()["features.twice"]["hash"] != "changed"
    assert epochs.main(same_answer=True) == 0
    assert epochs.recorded() == found
    found = {"features.twice": {"epoch": 2, "hash": "again"}}
    assert epochs.main(same_answer=False) == 0
    assert epochs.recorded() == found


def test_a_new_recipe_and_a_gone_one_are_asked_to_be_recorded(tree: Path) -> None:
    here = epochs.now(tree)
    assert "is new" in epochs.complaints({}, here)["features.twice"]
    assert "gone" in epochs.complaints({**here, "features.old": {"epoch": 1, "hash": "x"}}, here)["features.old"]
