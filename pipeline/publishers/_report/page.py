"""The page: words, charts and the map put into one file that asks for nothing from outside."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from pipeline import cog
from pipeline.errors import StoreError
from pipeline.publishers import _targets
from pipeline.publishers._report import canvas, cells, content, embed, picture, words
from pipeline.publishers._report.picture import Picture

if TYPE_CHECKING:
    import geopandas as gpd
    from bokeh.model import Model

    from pipeline.bundle import Bundle

MOST_BYTES = 15_000_000  # of the whole file: what still goes by mail
PICTURE_BYTES = 5_000_000  # of the layers in it, as numbers; as text they take a third more


def page(bundle: Bundle) -> str:
    """The whole file as text; StoreError when even the coarsest picture does not bring it under MOST_BYTES."""
    found = _targets.targets(bundle)
    for most in (PICTURE_BYTES, PICTURE_BYTES // 8, 100_000):
        said = _rendered(bundle, found, most)
        if len(said.encode()) <= MOST_BYTES:
            return said
    raise StoreError(
        f"report.html would take {len(said.encode()) / 1e6:.0f} MB, over {MOST_BYTES / 1e6:.0f}: the tables of this map are too long for one page; "
        "ask for fewer or larger targets with --set targets.min_area_km2=..."
    )


def _rendered(bundle: Bundle, found: gpd.GeoDataFrame, most_bytes: int) -> str:
    step = picture.step_for(bundle, most_bytes)
    shown = picture.pictures(bundle, step)
    veil = picture.not_believed(shown)
    roots: dict[str, Model] = {}
    roots["map"], about = canvas.canvas(bundle, shown, veil, step, found.head(content.MOST_ROWS), _districts(bundle))
    said = {
        "summary": content.summary(bundle, found), "protocols": content.protocols(bundle, roots), "evidence": content.evidence(bundle, roots),
        "risk": content.risk(bundle, roots), "sheets": {name: sheet for name, sheet in bundle.tables.items() if name not in (*content.RISK, "changes")},
        "targets": content.targets(bundle, found), "inputs": content.inputs(bundle), "layers": [_legend(one) for one in shown], "blind": content.blind(bundle),
        "veiled": veil is not None, "system": content.system(bundle), "step": step, "cell_m": bundle.cube.grid.cell_m, "stamp": cog.SYNTHETIC,
    }  # fmt: skip
    code, style, library = _text("page.js"), _text("page.css"), embed.script()
    # a browser runs these two scripts and no other, and asks no address for anything
    scripts = f"'{embed.digest(library)}' '{embed.digest(code)}'"
    own = {
        "policy": f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:",
        "style": Markup(style), "library": Markup(library), "code": Markup(code),  # noqa: S704 files of ours and of the library, no text from data
        "drawn": htmlsafe_json_dumps(embed.items(roots), dumps=_dumps), "about": htmlsafe_json_dumps(about, dumps=_dumps),
    }  # fmt: skip
    return _environment().get_template("page.html").render(bundle=bundle, card=bundle.scorecard, provenance=bundle.provenance, **said, **own)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"readable": words.readable, "percent": words.percent, "cells": cells.rows}
    made.tests |= {"numeric": cells.is_number}
    return made


@cache
def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _dumps(said: Any, **_: Any) -> str:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _districts(bundle: Bundle) -> gpd.GeoDataFrame | None:
    """The districts, unless their licence forbids copies: a drawing is one."""
    import geopandas as gpd

    if bundle.districts is None:
        return None
    shown = next((one for one in bundle.vectors.values() if one.table.name == bundle.districts.name), None)
    return None if shown is not None and not shown.redistribute else gpd.read_file(bundle.districts.path, engine="pyogrio")


def _legend(shown: Picture) -> dict[str, Any]:
    """How the colours of a layer are told below the map."""
    colours = canvas.ramp(shown)
    base = {"name": shown.name, "title": shown.title, "what": shown.what, "kind": shown.kind}
    if shown.kind == "class":
        return base | {"classes": [(shown.colours[code], shown.names[code]) for code in sorted(shown.names)]}
    if shown.steps:
        return base | {"classes": list(shown.steps[::-1])}
    stops = ", ".join(colours[round(i * (len(colours) - 1) / 10)] for i in range(11))
    return base | {"stops": stops, "high": f"{shown.high:.3g}"}
