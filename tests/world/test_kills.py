"""A run killed at one step in four, the config it came from made again: the bytes that were there. tests/test_flow.py kills at some steps only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny
from tests.test_flow import killed_at_steps, mapped

pytestmark = pytest.mark.world


@pytest.mark.timeout(1800)
def test_killed_at_many_steps_then_reverted_the_bytes_are_the_same(tmp_path: Path) -> None:
    whole = tiny.make(tmp_path / "whole")
    mapped(whole)
    killed_at_steps(whole, tmp_path / "killed", first=1, every=4)
