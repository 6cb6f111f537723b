"""Debian's Chromium, driven by Playwright: a page that remembers what it logged, what it asked for, and whether anything popped up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed; apt-get install chromium, as .ci/tools does")


@dataclass
class Opened:
    """A page and what happened in it."""

    page: Page
    logged: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    popped: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, *, width: int = 1400, height: int = 1000, ready: str = "html[data-ready]") -> Iterator[Opened]:
    """A page of that width, once its script says it is drawn."""
    context = browser.new_context(viewport={"width": width, "height": height})
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.logged.append(f"{message.type}: {message.text}"))
    found.page.on("pageerror", lambda error: found.logged.append(f"error: {error}"))
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.on("dialog", lambda dialog: (found.popped.append(dialog.message), dialog.dismiss()))
    found.page.goto(address)
    found.page.wait_for_selector(ready, timeout=120_000, state="attached")
    yield found
    context.close()
