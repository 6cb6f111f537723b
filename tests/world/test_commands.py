"""Every command that README.md and the pages show is run, page after page, in a copy of the checkout, as a reader would run it.

The copy maps on coarser cells with a smaller model, so that this takes minutes. A block fenced as `sh fails` is one that the page says ends in an
error; a block fenced as `sh` must succeed. What only the outside world can show is named in ELSEWHERE, with the reason.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.servers import s3

pytestmark = pytest.mark.world
ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh( fails)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
# .ci/run does these itself: a clone inside the copy would be another checkout, and the tests would run themselves.
ELSEWHERE = ("git clone", "make test", "make ci")
STORE = "https://objects.example"
PAGES = ("README.md", *(f"docs/{page}" for entry in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"] for page in entry.values()))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("commands") / "prospect"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, tracked):
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, at / name)
    change(at / "configs" / "regions" / "balochistan.yaml", "cell_m: 1000", "cell_m: 3000")
    for name in ("porphyry_copper", "podiform_chromite", "sediment_hosted_zinc_lead"):  # the systems that learn; the others have no forest to make smaller
        change(at / "configs" / "systems" / f"{name}.yaml", "{use: random_forest}", "{use: random_forest, bags: 3, trees_per_bag: 8}")
    change(at / "configs" / "systems" / "podiform_chromite.yaml", "radius_m: 2000", "radius_m: 3000")  # a window holds more than one cell
    venv = Path(os.environ.get("VENV") or ROOT / ".venv").resolve()
    (at / ".venv").symlink_to(venv)
    return at


def change(file: Path, what: str, into: str) -> None:
    text = file.read_text()
    assert text.count(what) == 1, f"{file}: {what}"
    file.write_text(text.replace(what, into))


def run(page: str, copy: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    environment |= {"PYTHONPATH": str(copy), "COLUMNS": "120", "VENV": ".venv"}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=copy, env=environment, capture_output=True, text=True, timeout=1500, check=False)


def lines(text: str) -> str:
    """The commands of a block. A server is stopped after ten seconds, as a reader would with Ctrl-C; Dask's usual port may be another's on this
    machine, so a free one stands for it; and what a failed block leaves in the background ends with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        text = re.sub(r"\b8786\b", str(free.getsockname()[1]), text)
    kept = [line for line in text.splitlines() if not line.startswith(ELSEWHERE)]
    kept = [f"timeout -s INT 10 {line.partition('#')[0]} || [ $? -eq 124 ]" if "prospect serve" in line else line for line in kept]
    return "\n".join(["trap 'kill $(jobs -p) 2> /dev/null || true' EXIT", *kept])


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_page_do_what_it_says(page: str, copy: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page == "docs/raster.md":  # the file the page tells the reader to write
        (copy / "configs" / "regions" / "mine.yaml").write_text(re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[0])
    for fails, block in BLOCK.findall(text):
        with s3.serving("maps") if STORE in block else contextlib.nullcontext({}) as server:  # the object store of a page is one on this machine
            done = run(page, copy, lines(block).replace(STORE, server.get("AWS_ENDPOINT_URL", STORE)))
        shown = f"{page}:\n{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr, shown
        assert (done.returncode == 2) if fails else (done.returncode == 0), shown
        assert "dask worker" not in block or "nothing changed" not in done.stdout, f"the cluster had nothing to do: {shown}"
    assert not re.search(r"^```(bash|shell|console)\n", text, re.MULTILINE), "fence commands as `sh`, so that they are run"


def test_what_is_run_elsewhere_is_run_there() -> None:
    said = (ROOT / ".ci" / "run").read_text()
    assert "make --no-print-directory test" in said and "git clone" in said


def test_the_batch_job_maps_with_the_workers_it_starts(copy: Path, tmp_path: Path) -> None:
    """SLURM itself is not here: `srun` is replaced by a line that starts what it is told, once."""
    (tmp_path / "srun").write_text('#!/usr/bin/env bash\nshift\nexec "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    done = run("slurm", copy, f'PATH="{tmp_path}:$PATH" SLURM_JOB_ID=1 SLURM_NTASKS=2 docs/deploy/slurm.sh balochistan')
    assert done.returncode == 0, done.stdout + done.stderr
    assert "outputs are in outputs/balochistan/" in done.stdout
    assert not list(copy.glob(".dask-scheduler-*"))
