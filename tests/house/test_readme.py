"""What README.md shows works as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import yaml
from typer.testing import CliRunner

from pipeline import load, plan, registry
from pipeline.cli import app
from pipeline.recipe import Array, Layer, Recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, holding: str = "") -> str:
    return next(text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text)


def curvature(surface: Array, cell_m: float) -> tuple[Array, Recipe]:
    held: dict[str, object] = {}
    exec(compile(block("python"), "README.md", "exec"), held)
    function = held["curvature"]
    return function(of=Layer.of(surface, cell_m=cell_m)), registry.declared(function)  # type: ignore[operator, arg-type]


def test_the_feature_it_shows_finds_the_curvature_of_a_paraboloid() -> None:
    x, y = np.meshgrid(np.arange(-10, 11) * 500.0, np.arange(-10, 11) * 500.0)
    bent, recipe = curvature((3e-5 * x**2 + 1e-5 * y**2).astype(np.float32), 500.0)
    assert np.allclose(bent[1:-1, 1:-1], 2 * (3e-5 + 1e-5) * 1e6, rtol=1e-3)
    assert np.isnan(bent[0]).all()
    assert recipe.reach({}, 500.0) == 500.0


def test_the_line_it_shows_names_the_file_it_shows() -> None:
    assert yaml.safe_load(block("yaml", "curvature")) == {"curvature": {"of": "dem"}}
    assert "pipeline/features/curvature.py" in README
    assert "curvature" not in registry.words("features")


def test_the_constraints_it_shows_bind_to_the_sample_and_so_does_the_railway() -> None:
    said = yaml.safe_load(block("yaml", "targets:"))["targets"]
    railway = re.search(r"--set (targets\.access\.network\.\w+)='(\{.*\})'", README)
    assert railway is not None
    settings = [f"targets.{name}={json.dumps(value)}" for name, value in said.items()]
    made = plan(load("balochistan", settings=(*settings, f"{railway[1]}={railway[2]}"), root=ROOT))
    targets = made.loaded.config.targets
    assert targets.access is not None and targets.access.network["rail_to_gwadar"].km_h == 60
    assert {node.name.rpartition("/")[2] for node in made.nodes} >= {"pieces", "access", "targets", "by_licence", "by_district", "risk"}
    assert {"licence", "licence_until", "border_zone_km", "port_h", "smelter_h", "merit_access"} <= set(made.graph.target_columns)


def test_the_commands_it_shows_are_commands_with_those_options() -> None:
    lines = [line.partition("#")[0].split()[1:] for line in README.splitlines() if line.startswith(".venv/bin/prospect ")]
    assert len(lines) >= 11
    for command, *words in lines:
        told = CliRunner().invoke(app, [command, *words[: command in ("region", "cache")], "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert told.exit_code == 0, command
        assert [word for word in words if word.startswith("--") and word not in told.stdout] == []


def test_every_file_it_points_to_is_there() -> None:
    named = re.findall(r"`((?:configs|pipeline|tests|notebooks|docs|sample_data)/[\w./]+)`|\]\(([\w./]+)\)", README)
    missing = [path for pair in named for path in pair if path and not (ROOT / path).exists()]
    assert missing == ["pipeline/features/curvature.py"]
