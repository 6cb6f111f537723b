"""The report of a whole run, opened in a real browser and used as a reader would."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio

pytest.importorskip("playwright", reason="playwright is not installed; make test installs it")

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser

from pipeline import load, plan, printing, run
from pipeline.publishers._report import page as pages
from pipeline.stages import publish
from tests import tiny
from tests.opened.browser import Opened, chromium, needs_chromium, opened

pytestmark = needs_chromium
EVIL = "<script>alert(1)</script>"
SETTLED_MS = 400  # charts follow their containers a frame or two later


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny region mapped; one of its deposits has a name that is a program."""
    root = tmp_path_factory.mktemp("report")
    prior = {
        "n90": 1, "n50": 3, "n10": 6, "tract": "permissive", "model": "any", "depth_m": 500, "source": "made up", "page": "none", "date": "2026", "invented": True,
    }  # fmt: skip
    tiny.make(root, priors={"as_published": prior}, targets={"min_area_km2": 1, "area_share": 0.2})
    known = pd.read_csv(root / "occurrences.csv")
    known["name"] = [EVIL, *known["name"][1:]]
    known.to_csv(root / "occurrences.csv", index=False)
    made = plan(load("tiny", root=root))
    folder = run(made).outputs
    (folder.parent / "coarse").mkdir()
    (folder.parent / "coarse" / "report.html").write_text(_coarse(made), encoding="utf-8")
    return folder


def _coarse(made: Any) -> str:
    """The same report with room for a tenth of the cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PICTURE_BYTES", 20_000)
        return pages.page(publish._bundle(made.graph, made.cube, made.outputs, made.bundle_key, made.keys, made.fit_keys))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as held:
        yield held


@pytest.fixture
def report(browser: Browser, outputs: Path) -> Iterator[Opened]:
    with opened(browser, (outputs / "report.html").as_uri()) as held:
        yield held


def view(shown: Opened) -> list[float]:
    """West, east, south, north of what the map shows, in metres."""
    return shown.page.evaluate("((p) => [p.x_range.start, p.x_range.end, p.y_range.start, p.y_range.end])(Bokeh.documents[0].get_model_by_name('map'))")


def spot(shown: Opened, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a place of the map lies."""
    shown.page.locator("#map").scroll_into_view_if_needed()
    box, (west, east, south, north) = shown.page.locator("#map").bounding_box(), view(shown)
    assert box is not None
    return box["x"] + (x - west) / (east - west) * box["width"], box["y"] + (north - y) / (north - south) * box["height"]


def values(shown: Opened) -> dict[str, str]:
    return {e.get_attribute("data-value") or "": e.inner_text() for e in shown.page.locator("[data-value]").all()}


def test_it_opens_without_an_error_and_asks_for_nothing(report: Opened, outputs: Path) -> None:
    report.page.mouse.wheel(0, 20_000)
    report.page.wait_for_timeout(SETTLED_MS)
    assert [line for line in report.logged if not line.startswith("log:")] == []
    assert [address for address in report.asked if not address.startswith(("data:", "blob:"))] == [(outputs / "report.html").as_uri()]
    assert (outputs / "report.html").stat().st_size < 15_000_000


def test_the_map_pans_by_hand_by_keys_and_by_buttons(report: Opened) -> None:
    before = view(report)
    x, y = spot(report, (before[0] + before[1]) / 2, (before[2] + before[3]) / 2)
    report.page.mouse.move(x, y)
    report.page.mouse.down()
    report.page.mouse.move(x + 120, y + 60, steps=5)
    report.page.mouse.up()
    dragged = view(report)
    width = report.page.locator("#map").bounding_box()["width"]  # type: ignore[index]
    assert before[0] - dragged[0] == pytest.approx(120 / width * (before[1] - before[0]), rel=0.05)
    assert dragged[2] > before[2] and dragged[1] - dragged[0] == pytest.approx(before[1] - before[0])
    report.page.locator("#map").focus()
    report.page.keyboard.press("ArrowRight")
    assert view(report)[0] > dragged[0]
    report.page.keyboard.press("+")
    assert view(report)[1] - view(report)[0] == pytest.approx((before[1] - before[0]) / 2)
    report.page.get_by_role("button", name="Whole map").click()
    whole = view(report)
    report.page.get_by_role("button", name="Zoom in").click()
    assert view(report)[1] - view(report)[0] == pytest.approx((whole[1] - whole[0]) / 2)


@pytest.mark.parametrize("which", ["tiny", "coarse"])
def test_what_is_told_under_the_pointer_is_what_the_raster_holds_there(browser: Browser, outputs: Path, which: str) -> None:
    rng = np.random.default_rng(3)
    names = ("prospectivity", "uncertainty", "applicability")
    with opened(browser, (outputs.parent / which / "report.html").as_uri()) as shown, rasterio.open(outputs / "prospectivity.tif") as file:
        side = shown.page.evaluate("JSON.parse(document.getElementById('about').textContent).side")
        step = round(side / tiny.CELL_M)
        assert step == (1 if which == "tiny" else 3)
        held = {name: rasterio.open(outputs / f"{name}.tif").read(1) for name in names}
        classes = rasterio.open(outputs / "classes.tif")
        codes, told = classes.read(1), classes.tags(1)
        shown.page.get_by_role("button", name="Whole map").click()
        for row, col in zip(rng.integers(4, file.height - 4, 12), rng.integers(4, file.width - 4, 12), strict=True):
            x, y = file.xy(int(row), int(col))
            shown.page.mouse.move(*spot(shown, x, y))
            middle = [int(at // step * step + step // 2) for at in (row, col)]
            found = values(shown)
            for name in names:
                value = held[name][middle[0], middle[1]]
                assert found[name] == ("none" if np.isnan(value) else f"{float(value):.4f}"), (name, row, col)
            code = codes[middle[0], middle[1]]
            assert found["classes"] == (told[f"CLASS_{code}"] if code else "none")
            expected = rasterio.open(outputs / "expected_deposits.tif").read(1)[middle[0], middle[1]]
            assert float(found["expected_deposits"]) == pytest.approx(float(expected), rel=1e-4)
        place = shown.page.locator("[data-place]").inner_text()
    lon, lat = (float(part.split("°")[0]) for part in reversed(place.split(", ")))
    west, north = tiny_lonlat(x, y)
    assert lon == pytest.approx(west, abs=0.01) and lat == pytest.approx(north, abs=0.01)


def tiny_lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat = tiny.to_lonlat(x, y)
    return float(lon), float(lat)


def test_a_row_of_the_table_zooms_the_map_to_its_target_by_click_and_by_key(report: Opened) -> None:
    rows = report.page.locator("#targets tbody")
    assert rows.count() > 1
    for number, act in ((1, "click"), (0, "key")):
        report.page.get_by_role("button", name="Whole map").click()
        whole, row = view(report), rows.nth(number)
        left, bottom, right, top = map(float, str(row.get_attribute("data-bounds")).split())
        if act == "click":
            row.locator(".main td").first.click()
        else:
            row.locator(".go").focus()
            report.page.keyboard.press("Enter")
        west, east, south, north = view(report)
        assert east - west < (whole[1] - whole[0]) / 2
        assert west < left and right < east and south < bottom and top < north
        assert "chosen" in str(row.get_attribute("class"))


def test_columns_sort_both_ways_and_what_is_missing_stays_last(report: Opened) -> None:
    def told(name: str) -> list[float | None]:
        rows = report.page.locator("#targets tbody").all()
        return [float(v) if (v := row.get_attribute(f"data-{name.replace('_', '-')}")) else None for row in rows]

    for name in ("area_km2", "max_prospectivity", "mean_applicability", "rank"):
        heading = report.page.locator(f"[data-sort={name}]")
        for expected in ("descending", "ascending") if name != "rank" else ("ascending", "descending"):
            heading.click()
            assert heading.locator("..").get_attribute("aria-sort") == expected
            known = [value for value in told(name) if value is not None]
            assert known == sorted(known, reverse=expected == "descending") and len(set(known)) > 1
            assert told(name) == [*known, *[None] * (len(told(name)) - len(known))]
    report.page.locator("#sort").select_option("mean_prospectivity")
    means = [value for value in told("mean_prospectivity") if value is not None]
    assert means == sorted(means, reverse=True)  # the box for largest first was left ticked


def test_the_rest_of_a_target_is_behind_a_button(report: Opened) -> None:
    row = report.page.locator("#targets tbody").first
    assert not row.locator(".rest").is_visible()
    row.locator(".open").click()
    assert row.locator(".rest").is_visible() and "Expected deposits" in row.locator(".rest").inner_text()
    assert row.locator(".open").get_attribute("aria-expanded") == "true"


def test_a_layer_is_chosen_and_what_is_drawn_over_it_is_taken_away(report: Opened) -> None:
    seen = "['layer classes', 'layer applicability', 'targets'].map((name) => Bokeh.documents[0].get_model_by_name(name).visible)"
    assert report.page.evaluate(seen) == [True, False, True]
    report.page.get_by_label("Applicability", exact=True).check()
    report.page.get_by_role("checkbox", name="Targets").uncheck()
    assert report.page.evaluate(seen) == [False, True, False]
    assert report.page.locator(".legend[data-layer=applicability]").is_visible() and not report.page.locator(".legend[data-layer=classes]").is_visible()


def test_a_deposit_named_as_a_program_is_shown_as_text(report: Opened, outputs: Path) -> None:
    known = pd.read_csv(outputs.parents[1] / "occurrences.csv")
    drawn = "((held) => [...held.name].map((name, i) => [name, held.x[i], held.y[i]]))(Bokeh.documents[0].get_model_by_name('deposits source').data)"
    held = report.page.evaluate(drawn)
    (x, y), *others = [(x, y) for name, x, y in held if name == EVIL]
    assert others == []
    assert tiny_lonlat(x, y) == pytest.approx((known["lon"][0], known["lat"][0]), abs=1e-6)
    report.page.get_by_role("button", name="Whole map").click()
    report.page.mouse.move(*spot(report, x, y))
    tip = report.page.get_by_text(EVIL).first
    tip.wait_for(state="attached", timeout=10_000)
    assert report.page.get_by_text(EVIL).count() >= 1
    assert report.popped == []
    assert report.page.evaluate("Array.from(document.scripts).filter((script) => script.textContent.trim() === 'alert(1)').length") == 0
    assert EVIL not in (outputs / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1400, 390])
def test_it_is_accessible_and_fits_its_screen(browser: Browser, outputs: Path, width: int) -> None:
    with opened(browser, (outputs / "report.html").as_uri(), width=width) as shown:
        shown.page.locator("#targets .open").first.click()
        shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        shown.page.wait_for_timeout(SETTLED_MS)
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        cut_off = "[...document.querySelectorAll('#targets tbody:not([hidden]) .main > *')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length"
        assert shown.page.evaluate(cut_off) == 0
        found = Axe().run(shown.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in {"serious", "critical"}] == []
        picture = np.asarray(Image.open(io.BytesIO(shown.page.screenshot(full_page=True))).convert("RGB"))
        drawn = shown.page.locator("#map").screenshot()
    assert picture.shape[1] == width and len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert len(np.unique(np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).reshape(-1, 3), axis=0)) > 20


def test_a_page_of_this_machine_reads_a_raster_by_range_from_the_server(browser: Browser, outputs: Path) -> None:
    words = [sys.executable, "-u", "-m", "pipeline", "serve", "--outputs", str(outputs.parent), "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as running:
        try:
            assert running.stdout is not None
            address = f"http://127.0.0.1:{running.stdout.readline().split(' at http://127.0.0.1:')[1].split('/')[0]}/"
            with opened(browser, f"{address}tiny/report.html") as shown:
                assert [line for line in shown.logged if not line.startswith("log:")] == []
                shown.page.goto(address)
                read = "fetch('/tiny/classes.tif', { headers: { Range: 'bytes=0-3' } }).then(async (r) => [r.status, [...new Uint8Array(await r.arrayBuffer())]])"
                assert shown.page.evaluate(read) == [206, [*(outputs / "classes.tif").read_bytes()[:4]]]
                shown.page.get_by_role("link", name="tiny").click()
                assert shown.page.url == f"{address}tiny/report.html"
        finally:
            running.terminate()


def test_it_prints_to_pdf_with_its_map_and_charts(outputs: Path, tmp_path: Path) -> None:
    printing.pdf(outputs / "report.html", tmp_path / "report.pdf")
    paper = (tmp_path / "report.pdf").read_bytes()
    assert paper.startswith(b"%PDF-") and paper.rstrip().endswith(b"%%EOF")
    pages = paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page/") + paper.count(b"/Type/Page/")
    assert pages > 3 and len(paper) > 100_000


def test_every_chart_is_drawn(report: Opened) -> None:
    names = report.page.evaluate("Array.from(document.querySelectorAll('.chart .plot')).map((plot) => plot.id)")
    assert {"auc-0", "capture-0", "importance"} <= {*names}
    sizes = report.page.evaluate("Array.from(document.querySelectorAll('.chart .plot')).map((plot) => plot.getBoundingClientRect().height)")
    assert min(sizes) > 100
