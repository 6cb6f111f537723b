"""Printing: a page as PDF by the browser that is there. Its charts are drawn by a script, which no library without a browser runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pipeline.errors import ResourceError, StoreError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "microsoft-edge-stable")
SECONDS = 300  # for a slow machine; a page takes a few
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-pdf-header-footer", "--virtual-time-budget=20000", "--window-size=730,1100",
)  # fmt: skip


def browser() -> str:
    """The first of BROWSERS on the path; ResourceError when there is none."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        raise ResourceError(
            "printing needs Chromium, Chrome or Edge, and none is on the path; install one (on Debian: apt install chromium), or open report.html in "
            "any browser and print it there"
        )
    return found


def pdf(page: Path, to: Path) -> None:
    """Write `page`, an HTML file, to `to` as PDF, whole or not at all. ResourceError without a browser, StoreError when it prints nothing."""
    command = browser()
    # a browser run by root has no sandbox to stand in, and the page is ours
    outside = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="prospect-print-") as folder:
        made = Path(folder) / "printed.pdf"
        words = [command, *FLAGS, *outside, f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.resolve().as_uri()]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 a browser, and a file of ours
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreError(f"{Path(command).name} could not print {page.name} ({error}); open it in a browser and print it there") from error
        if done.returncode or not made.is_file() or made.read_bytes()[:5] != b"%PDF-":
            said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise StoreError(f"{Path(command).name} could not print {page.name} ({said}); open it in a browser and print it there")
        try:
            beside = to.with_name(f".{to.name}.partial")
            shutil.copyfile(made, beside)
            beside.replace(to)
        except OSError as error:
            raise StoreError(f"cannot write {to.name} ({error.strerror}); give another file with --to") from error
