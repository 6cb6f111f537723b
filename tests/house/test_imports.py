"""Imports go down the floors only; the command line answers before anything heavy is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "rasterio", "geopandas", "dask", "distributed", "sklearn", "numba", "zarr")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_contract_of_the_floors_is_kept() -> None:
    done = python("import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


def test_an_import_that_goes_up_would_be_noticed(tmp_path: Path) -> None:
    package = tmp_path / "pipeline"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "errors.py").write_text("from pipeline import grid\n")
    (package / "grid.py").touch()
    contract = "[importlinter]\nroot_package = pipeline\n[importlinter:contract:1]\nname = floors\ntype = layers\nlayers =\n  pipeline.grid\n  pipeline.errors\n"
    (tmp_path / "contract.ini").write_text(contract)
    code = f"import os, sys; os.chdir({str(tmp_path)!r}); sys.path.insert(0, ''); from importlinter import cli; "
    done = python(code + "sys.exit(cli.lint_imports(config_filename='contract.ini', no_cache=True))")
    assert done.returncode == 1
    assert "pipeline.errors is not allowed to import pipeline.grid" in done.stdout


@pytest.mark.parametrize("said", [["--help"], ["map", "--help"], ["version"]])
def test_help_loads_nothing_heavy(said: list[str]) -> None:
    code = f"import sys\nfrom typer.testing import CliRunner\nfrom pipeline.cli import app\nassert CliRunner().invoke(app, {said!r}).exit_code == 0\n"
    done = python(code + f"print([name for name in {HEAVY!r} if name in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_a_config_is_understood_before_tables_are_loaded() -> None:
    """Files are hashed while what reads tables is imported: not before the config is known, which names them."""
    done = python("import sys\nfrom pipeline.config import load\nload('balochistan')\nprint([name for name in ('pandas', 'pyogrio') if name in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_no_library_imported_beside_tiles_writes_the_environment() -> None:
    """In C nobody may ask the environment while another writes: the thread that imports libraries would bring down one that reads a raster."""
    code = """
import os
import pipeline.flow
from pipeline.stages import train
written = []
os.putenv = lambda name, value: written.append(name)
os.unsetenv = lambda name: written.append(name)
train.warmed()
import joblib, numba, sklearn, threadpoolctl
print(written)
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
