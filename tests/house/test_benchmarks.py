"""A benchmark that goes over all features knows those there are."""

from __future__ import annotations

from pathlib import Path

from benchmarks import features
from pipeline import load, plan, registry


def test_the_benchmark_of_features_can_ask_for_every_feature(tmp_path: Path) -> None:
    words = list(registry.words("features"))
    features.make_region(tmp_path, 512, words)
    asked = {node.name for node in plan(load("features", root=tmp_path)).nodes}
    assert {f"f_{word}" for word in words} <= asked
