"""Charts of a scorecard: drawn as SVG, so that they print; each takes what the scorecard says and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d, Span, Whisker
from bokeh.plotting import figure

INK, MODEL, FAINT = "#1a2233", "#0b4f8a", "#d5dae3"
NULLS = {  # Okabe and Ito (2008), darkened where white paper asks for it: told apart by colour-blind eyes, and by their dashes
    "coordinates": ("#a6480a", [6, 4]), "distance_to_known": ("#8a3f6d", [2, 3, 7, 3]), "best_layer": ("#00694e", [12, 4]), "random": ("#5c6370", [2, 4]),
}  # fmt: skip
OTHER, SOLID, TAUGHT = ("#5c6370", [2, 4]), [1, 0], [2, 2]
LETTERS = "13px"
LEAST_PLACES = 12  # of a curve


def blank(*, height: int, x: str, y: str, **more: Any) -> Any:
    """An empty chart, as wide as the page lets it be."""
    plot = figure(
        height=height, sizing_mode="stretch_width", min_width=240, toolbar_location=None, tools=[], output_backend="svg", outline_line_color=None,
        background_fill_color="#ffffff", border_fill_color="#ffffff", x_axis_label=x, y_axis_label=y, **more,
    )  # fmt: skip
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = LETTERS
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color, axis.major_tick_line_color, axis.minor_tick_line_color = "#8a93a3", "#8a93a3", None
    plot.grid.grid_line_color = FAINT
    return plot


def auc(rows: Sequence[Mapping[str, Any]]) -> Any:
    """The AUC of the model and of each baseline with its interval, the model on top; `rows` hold label, name, auc, low and high."""
    held = [row for row in rows if row["auc"] is not None][::-1]
    plot = blank(height=46 * len(held) + 62, x="AUC (0.5 is blind, 1 perfect)", y="", y_range=[row["label"] for row in held])
    lows = [min(row["low"], row["auc"]) if row["low"] is not None else row["auc"] for row in held]
    highs = [max(row["high"], row["auc"]) if row["high"] is not None else row["auc"] for row in held]
    plot.x_range = Range1d(min(0.45, *(low - 0.03 for low in lows)), max(1.0, *highs) + 0.01)
    plot.ygrid.grid_line_color = None
    plot.xaxis.ticker.desired_num_ticks = 4
    plot.add_layout(Span(location=0.5, dimension="height", line_color="#5c6370", line_dash=[4, 4]))
    source = ColumnDataSource({
        "label": [row["label"] for row in held], "auc": [row["auc"] for row in held], "low": lows, "high": highs,
        "colour": [MODEL if row["name"] == "model" else NULLS.get(row["name"], OTHER)[0] for row in held],
    })  # fmt: skip
    plot.segment("low", "label", "high", "label", source=source, line_width=4, line_color="colour", line_alpha=0.55)
    dots = plot.scatter("auc", "label", source=source, size=13, fill_color="colour", line_color="#ffffff")
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("", "@label"), ("AUC", "@auc{0.00}"), ("90 %", "@low{0.00} to @high{0.00}")]))
    return plot


def capture(model: Mapping[str, Any], nulls: Mapping[str, Mapping[str, Any]]) -> Any:
    """Deposits captured against area searched: the model on hidden ground and on what it was taught, and the nulls by name; `key` tells the lines."""
    plot = blank(height=520, x="Area searched, best ground first (%)", y="Hidden deposits found (%)")
    plot.x_range, plot.y_range = Range1d(0, 50), Range1d(0, 101)
    for name, scores in nulls.items():
        if curve := scores.get("prediction_rate"):
            colour, dash = NULLS.get(name, OTHER)
            plot.line(*_percent(curve), line_width=2, line_color=colour, line_dash=dash)
    taught = model.get("success_rate")
    if taught and taught["captured"]:
        plot.line(*_percent(taught), line_width=1.5, line_color=MODEL, line_dash=TAUGHT)
    x, y = _percent(model["prediction_rate"])
    plot.line(x, y, line_width=3.5, line_color=MODEL)
    known = [(100 * area, [100 * end for end in ends]) for area, ends in zip(model["capture"]["area"], model["capture"].get("interval") or [], strict=False) if ends]
    if known:
        source = ColumnDataSource({"at": [at for at, _ in known], "low": [ends[0] for _, ends in known], "high": [ends[1] for _, ends in known]})
        plot.add_layout(Whisker(base="at", lower="low", upper="high", source=source, line_color=MODEL, line_width=2))
    dots = plot.scatter(x, y, size=5, fill_color=MODEL, line_color=None)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("Area searched", "@x{0.0} %"), ("Deposits found", "@y{0.0} %")], mode="vline"))
    return plot


def searched(curve: Mapping[str, Any]) -> Any:
    """Deposits found against ground searched in km2, with the interval where it is known at every place."""
    plot = blank(height=360, x="Ground searched, best first (km²)", y="Hidden deposits found (%)")
    nearly = next((i for i, share in enumerate(curve["captured"]) if share >= 0.9), len(curve["captured"]) - 1) + 1
    most = max(nearly, LEAST_PLACES)  # the last tenth of deposits may take half the ground, and would squeeze the rest into a corner
    area, captured = curve["area_km2"][:most], [100 * share for share in curve["captured"][:most]]
    plot.x_range, plot.y_range = Range1d(0, max(area[-1], 1e-9)), Range1d(0, 101)
    ends = (curve.get("interval") or [])[:most]
    if ends and all(ends):
        plot.varea(area, [100 * low for low, _ in ends], [100 * high for _, high in ends], fill_color=MODEL, fill_alpha=0.18)
    plot.line(area, captured, line_width=3, line_color=MODEL)
    dots = plot.scatter(area, captured, size=5, fill_color=MODEL, line_color=None)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("Ground searched", "@x{0,0} km²"), ("Deposits found", "@y{0.0} %")], mode="vline"))
    plot.xaxis.ticker.desired_num_ticks = 4
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    return plot


def key(labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """How the lines of `capture` are told apart, (label, colour, dashes), for nulls by name and label; on the page it prints and is read aloud."""
    lines = [("The map, on hidden deposits", MODEL, SOLID), ("The map, on what it was taught with", MODEL, TAUGHT)]
    lines += [(label, *NULLS.get(name, OTHER)) for name, label in labels.items()]
    return [(label, colour, " ".join(map(str, dash))) for label, colour, dash in lines]


def reliability(found: Mapping[str, Any]) -> Any:
    """Deposits observed beside those expected, by tenths of the prediction on hidden ground."""
    classes = found["classes"]
    plot = blank(height=320, x="Tenth of the ground, by prospectivity", y="Deposits")
    at = [one["class"] for one in classes]
    plot.x_range = Range1d(0.4, len(at) + 0.6)
    plot.xaxis.ticker = FixedTicker(ticks=at)
    plot.xgrid.grid_line_color = None
    plot.y_range = Range1d(0, 1.25 * max(1.0, *(max(one["interval"][1], one["expected"]) for one in classes)))
    plot.vbar(x=at, top=[one["expected"] for one in classes], width=0.72, fill_color="#c9d7e8", line_color="#7d93ad", legend_label="Expected by the map")
    ends = ColumnDataSource({
        "at": at, "observed": [one["observed"] for one in classes], "low": [one["interval"][0] for one in classes],
        "high": [one["interval"][1] for one in classes], "expected": [one["expected"] for one in classes],
    })  # fmt: skip
    plot.add_layout(Whisker(base="at", lower="low", upper="high", source=ends, line_color=INK, line_width=1.6))
    dots = plot.scatter("at", "observed", source=ends, size=10, fill_color=INK, line_color="#ffffff", legend_label="Observed, with its 90 % interval")
    said = [("Tenth", "@at"), ("Observed", "@observed{0.0}"), ("90 %", "@low{0.0} to @high{0.0}"), ("Expected", "@expected{0.0}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=said))
    plot.legend.location, plot.legend.label_text_font_size, plot.legend.border_line_color = "top_left", "12px", None
    return plot


def importance(rows: Sequence[Mapping[str, Any]]) -> Any:
    """What the score loses without each feature, most first, with its spread over folds; `rows` hold label, drop and spread."""
    held = [*rows][::-1]
    plot = blank(height=30 * len(held) + 70, x="AUC lost", y="", y_range=[row["label"] for row in held])
    plot.ygrid.grid_line_color = None
    plot.xaxis.ticker.desired_num_ticks = 4
    source = ColumnDataSource({
        "label": [row["label"] for row in held], "drop": [row["drop"] for row in held],
        "low": [row["drop"] - (row["spread"] or 0) for row in held], "high": [row["drop"] + (row["spread"] or 0) for row in held],
    })  # fmt: skip
    bars = plot.hbar(y="label", right="drop", height=0.62, source=source, fill_color=MODEL, line_color=None)
    plot.segment("low", "label", "high", "label", source=source, line_color=INK, line_width=1.6)
    plot.add_tools(HoverTool(renderers=[bars], tooltips=[("", "@label"), ("AUC lost", "@drop{0.000}"), ("Spread over folds", "@low{0.000} to @high{0.000}")]))
    return plot


def dependence(curve: Mapping[str, Any], label: str, top: float) -> Any:
    """The map's mean answer as one feature changes, with its interval; `top` is the end of the answer's axis, one for all charts."""
    plot = blank(height=210, x=label, y="Prospectivity")
    plot.y_range = Range1d(0, top)
    plot.varea(curve["at"], curve["low"], curve["high"], fill_color=MODEL, fill_alpha=0.2)
    line = plot.line(curve["at"], curve["mean"], line_color=MODEL, line_width=2.5)
    plot.add_tools(HoverTool(renderers=[line], tooltips=[(label, "@x{0.[000]}"), ("Prospectivity", "@y{0.000}")], mode="vline"))
    plot.xaxis.ticker.desired_num_ticks = 4
    plot.yaxis.ticker.desired_num_ticks = 4
    return plot


def _percent(curve: Mapping[str, Sequence[float]]) -> tuple[list[float], list[float]]:
    return [100 * a for a in curve["area"]], [100 * c for c in curve["captured"]]
