"""The report as PDF, by the browser that is there; and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import printing
from pipeline.errors import ResourceError, StoreError
from tests import tiny

ROOT = Path(__file__).parents[1]


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_without_a_browser_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ResourceError, match=r"printing needs Chromium, Chrome or Edge, and none is on the path; install one"):
        printing.pdf(tmp_path / "page.html", tmp_path / "page.pdf")


@pytest.mark.parametrize("does", ["echo no display >&2; exit 3", "exit 0", 'for w in "$@"; do case $w in --print-to-pdf=*) echo hello > "${w#*=}";; esac; done'])
def test_a_browser_that_prints_nothing_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    script(tmp_path / "chromium", does)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "page.html").write_text("<p>page")
    with pytest.raises(StoreError, match=r"chromium could not print page\.html \((no display|it printed nothing)\); open it in a browser"):
        printing.pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chromium", "page.html"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "chromium", 'for w in "$@"; do case $w in --print-to-pdf=*) echo "%PDF-1.4" > "${w#*=}";; esac; done')
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    (tmp_path / "page.html").write_text("<p>page")
    with pytest.raises(StoreError, match=r"cannot write page\.pdf \(No such file or directory\); give another file with --to"):
        printing.pdf(tmp_path / "page.html", tmp_path / "none" / "page.pdf")
    printing.pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_text() == "%PDF-1.4\n"


def told(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pipeline", *words], cwd=root, capture_output=True, text=True, check=False)


def test_the_report_of_a_map_that_is_not_made_is_refused_and_one_that_is_lost_is_written_again(tmp_path: Path) -> None:
    tiny.make(tmp_path)
    early = told(tmp_path, "report", "tiny")
    assert early.returncode == 2 and "the map is not made or not up to date" in early.stderr and "run `prospect map tiny` first" in early.stderr
    assert told(tmp_path, "map", "tiny").returncode == 0
    page = tmp_path / "outputs" / "tiny" / "report.html"
    first = page.read_bytes()
    page.unlink()
    done = told(tmp_path, "report", "tiny")
    assert done.returncode == 0 and "the report is outputs/tiny/report.html" in done.stdout, done.stderr
    assert page.read_bytes() == first
