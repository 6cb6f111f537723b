"""PyQGIS of the machine, in a process and an environment of its own."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PYTHON = Path("/usr/bin/python3")  # Debian's: no environment made by pip holds QGIS
SCRIPT = Path(__file__).with_name("open_project.py")


@cache
def installed() -> bool:
    """Whether there is a PyQGIS to open projects with."""
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", "import qgis.core"], env=_environment(Path("/tmp")), capture_output=True, check=False).returncode == 0


needed = pytest.mark.skipif("not __import__('tests.opened.pyqgis', fromlist=['installed']).installed()", reason="no PyQGIS here; .ci/tools installs it")


def opened(project: Path, to: Path) -> dict[str, Any]:
    """What PyQGIS found in a project; pictures of its themes and pages go to the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([PYTHON, SCRIPT, project, to], env=_environment(to), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(home)}
