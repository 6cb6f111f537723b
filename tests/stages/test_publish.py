"""The order publishers run in."""

from __future__ import annotations

import graphlib
import sys
from types import ModuleType
from typing import Any

import pytest

from pipeline import registry
from pipeline.errors import ConfigError
from pipeline.stages import publish


@pytest.fixture
def publishers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that puts publishers, by name with their AFTER, in place of those there are."""

    def stand_in(**after: tuple[str, ...]) -> None:
        found = {}
        for word, names in after.items():
            module = ModuleType(f"made_up_{word}")
            module.AFTER = names  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, module.__name__, module)
            exec(f"def {word}(*, bundle): pass", module.__dict__)
            found[word] = module.__dict__[word]
        real = registry.find
        monkeypatch.setattr(registry, "words", lambda kind: tuple(sorted(found)))
        monkeypatch.setattr(registry, "find", lambda kind, word: found[word] if word in found else real(kind, word))

    return stand_in


def test_publishers_run_by_name_but_after_those_they_read(publishers: Any) -> None:
    publishers(a=("c",), b=(), c=("d",), d=())
    assert publish.order() == ("b", "d", "c", "a")


def test_a_publisher_that_reads_every_other_runs_last(publishers: Any) -> None:
    publishers(a=(publish.ALL,), b=("c",), c=())
    assert publish.order() == ("c", "b", "a")


def test_a_circle_or_a_name_that_is_none_is_an_error(publishers: Any) -> None:
    publishers(a=("b",), b=("a",))
    with pytest.raises(graphlib.CycleError):
        publish.order()
    publishers(a=("geopakage",))
    with pytest.raises(ConfigError, match="unknown publisher 'geopakage'"):
        publish.order()


def test_every_publisher_there_is_has_its_place() -> None:
    assert sorted(publish.order()) == sorted(registry.words("publishers"))
    assert publish.steps() == len(publish.order())
