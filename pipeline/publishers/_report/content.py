"""What the page says, from the bundle: words, rows of tables and charts; the template only lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.publishers import _targets
from pipeline.publishers._report import cells, charts, words
from pipeline.publishers._report.words import readable

if TYPE_CHECKING:
    import geopandas as gpd
    from bokeh.model import Model

    from pipeline.bundle import Bundle
    from pipeline.cube import Cube

MOST_ROWS = 500  # targets in the page; the files hold all
MOST_FEATURES = 15  # bars of importance
MOST_CURVES = 9  # charts of partial dependence, those of the features the score rests on most
NUMBERS = ("merit", "area_km2", "max_prospectivity", "p_at_least_one", "mean_applicability")  # in the table for all to see, where a map has them
MAIN = ("rank", "status", "districts", "nearest_known", "nearest_known_km", *NUMBERS)
RISK = ("ground_to_search", "first_targets", "discovery_curve")  # tables told of beside the risk, not among those of areas
REASONS = ("for_1", "for_2", "for_3", "against_1")


def system(bundle: Bundle) -> str:
    """The mineral system by its title in config, or by its name."""
    said = yaml.safe_load(bundle.config_yaml)
    held = said.get("system") if isinstance(said, dict) else None
    title = held.get("title") if isinstance(held, dict) else None
    return str(title) if title else readable(bundle.system)


def summary(bundle: Bundle, found: gpd.GeoDataFrame) -> dict[str, Any]:
    """The first screen: the verdict, and where to look, why, how sure, and where the map is blind, each in a sentence or two."""
    card = bundle.scorecard
    deciding = next(iter(card["protocols"].values()))
    tone, headline = words.headline(deciding)
    return {
        "tone": tone, "headline": headline, "verdict": card["verdict"], "hidden": words.hidden(deciding), "where": _where(found),
        "why": _why(card.get("importance")),
        "sure": " ".join(said for said in (words.odds(deciding), words.found(deciding)) if said) or headline, "blind": blind(bundle),
    }  # fmt: skip


def _where(found: gpd.GeoDataFrame) -> str:
    new = found[found["status"] == "new"]
    if not len(new):
        return "There is no target: no new ground stands out."
    first = new.iloc[0]
    held = str(first["districts"]) if "districts" in found.columns else ""
    near = f", {first['nearest_known_km']:.0f} km from {first['nearest_known']}" if first["nearest_known"] and first["nearest_known_km"] < float("inf") else ""
    place = f" in {held}" if held else ""
    return (
        f"{len(new):,} target{'s' if len(new) > 1 else ''}, {new['area_km2'].sum():,.0f} km² together. The first is {first['area_km2']:,.0f} km²{place}{near}."
    )


def _why(found: Mapping[str, Any] | None) -> str:
    if not found or found["untested"] is not None or not found["features"]:
        return "What the map rests on could not be measured."
    most = sorted(found["features"], key=lambda one: -one["drop"])
    named = [readable(one["name"]) for one in most if one["drop"] > 0][:3]
    return f"The score rests most on {words.listed(named)}." if named else "The score rests on no single feature: each is stood in for by others."


def blind(bundle: Bundle) -> str:
    """Over how much of the map its answer may be believed."""
    share, inferred = bundle.scorecard.get("applicable_share"), bundle.scorecard.get("inferred_share")
    said = (
        "Where the map may be believed is not known." if share is None else
        f"{words.percent(share)} of the ground scored is like the ground that taught the map. On the rest, under the grey veil, it should not be believed."
    )  # fmt: skip
    return said if inferred is None else f"{said} The rock is inferred and not measured over {words.percent(inferred)}."


def protocols(bundle: Bundle, roots: dict[str, Model]) -> list[dict[str, Any]]:
    """Each protocol with its sentences, its table of model and baselines, and its charts, put into `roots` by name; the deciding one first."""
    made = []
    for number, (name, card) in enumerate(bundle.scorecard["protocols"].items()):
        rows, drawn = [], []
        if card.get("scores"):
            rows = _scores(card)
            roots[f"auc-{number}"] = charts.auc(rows)
            drawn.append((f"auc-{number}", "", (
                "How well each tells a hidden deposit from ordinary ground: the dot is the mean over folds, the bar its 90 % interval."
            )))  # fmt: skip
            model = card["scores"]["model"]
            if model.get("prediction_rate"):
                roots[f"capture-{number}"] = charts.capture(model, {name: one for name, one in card["scores"].items() if name != "model"})
                drawn.append((f"capture-{number}", "tall", (
                    "Hidden deposits found as more ground is searched, best ground first. Dashed lines are baselines: the higher a line, the less ground "
                    "has to be searched. Bars are 90 % intervals."
                )))  # fmt: skip
        if (card.get("reliability") or {}).get("classes"):  # none of a model whose answers are no density
            roots[f"reliability-{number}"] = charts.reliability(card["reliability"])
            drawn.append((f"reliability-{number}", "", (
                "Whether the map's numbers can be taken at their word: deposits seen beside deposits expected, on hidden ground, before calibration. "
                "Dots should lie on the bars."
            )))  # fmt: skip
        key = charts.key({name: words.BASELINES.get(name, readable(name)) for name in card["scores"] if name != "model"}) if rows else []
        made.append({
            "name": readable(name), "key": key, "title": card.get("title", name), "hidden": words.hidden(card), "verdict": card["verdict"],
            "said": [s for s in (words.odds(card), words.found(card)) if s], "rows": rows, "charts": drawn, "facts": _facts(card), "ranks": _ranks(card),
        })  # fmt: skip
    return made


def _scores(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The model first, then the baselines from best to worst."""
    scores, apart = card["scores"], card.get("difference") or {}
    order = sorted((name for name in scores if name != "model"), key=lambda name: -(scores[name]["fold_mean"] or 0))
    rows = []
    for name in ("model", *order):
        one = scores[name]
        low, high = one.get("interval") or (None, None)
        less, captured = apart.get(name) or {}, one.get("capture") or {"area": [], "captured": []}
        rows.append({
            "name": name, "label": "The map" if name == "model" else words.BASELINES.get(name, readable(name)), "auc": one["fold_mean"], "low": low,
            "high": high, "interval": words.between(one.get("interval")), "ahead": less.get("mean"), "ahead_interval": words.between(less.get("interval"), "+.2f"),
            "captured": [(words.percent(area), words.percent(share)) for area, share in zip(captured["area"], captured["captured"], strict=True)],
            "pooled": one.get("pooled_auc"), "precision": one.get("average_precision"), "chance": one.get("chance_average_precision"),
        })  # fmt: skip
    return rows


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a specialist asks of a protocol first."""
    protocol = card.get("protocol")
    if not protocol:
        return []
    said = [
        ("Split", protocol["split"]), ("Deposits", f"{protocol['positives']} cells in {protocol['groups']} groups"),
        ("Background", f"{protocol['background']:,} cells"),
    ]  # fmt: skip
    if protocol.get("apart_km") is not None:
        met = {True: "further than the evidence reaches", False: "less far than the evidence reaches", None: ""}[protocol.get("floors_met")]
        said.append(("Hidden deposits lie from those that teach", f"{protocol['apart_km']:g} km{f', {met}' if met else ''}"))
    optimism = card.get("optimism")
    if optimism and optimism.get("auc", {}).get("model") is not None:
        said.append(("A random split would have said", f"AUC {optimism['auc']['model']:.2f}"))
    without = card.get("without_suspect")
    if without:
        left = "not tested" if without["fold_mean"] is None else f"AUC {without['fold_mean']:.2f}"
        said.append((f"Without {words.listed([readable(name) for name in without['layers']])}", left))
    worst = (card.get("reliability") or {}).get("worst_ratio")
    if worst is not None:
        said.append(("Largest ratio of deposits seen to expected, either way up", f"{worst:.2f}"))
    power = card.get("calibration")
    if power:
        asked = f"; hidden deposits ask for {power['exponent']:.2f}" + (" ({:.2f} to {:.2f})".format(*power["interval"]) if power["interval"] else "")
        said.append(("Power to raise predictions to before they are shared out", f"{power['use']:.2f}{asked}"))
        said.append(("Before that, no ground is taken to hold less than", f"{1 / power['finds']:.1%} of the mean"))
    return said


def _ranks(card: Mapping[str, Any]) -> str:
    """Where held-out deposits stand when so few cannot carry an AUC."""
    if not words.few(card):
        return ""
    found = sorted((one["percentile"] for one in card.get("ranks") or () if one["percentile"] is not None), reverse=True)
    return f"Hidden one after another, they stand above {words.listed([f'{p:.0f} %' for p in found])} of the ground around them." if found else ""


def evidence(bundle: Bundle, roots: dict[str, Model]) -> dict[str, Any]:
    """What the score rests on: importance and partial dependence, with what is not shown said."""
    found = bundle.scorecard.get("importance")
    if not found or found["untested"] is not None:
        return {"untested": (found or {}).get("untested") or "it was not measured", "sets": [], "curves": [], "importance": None, "left_out": 0}
    most = sorted(found["features"], key=lambda one: -one["drop"])
    roots["importance"] = charts.importance([{**one, "label": readable(one["name"])} for one in most[:MOST_FEATURES]])
    curves = {one["feature"]: one for one in (found.get("dependence") or {}).get("curves", ())}
    chosen = [one["name"] for one in most if one["name"] in curves][:MOST_CURVES]
    top = 1.08 * max((max(curves[name]["high"]) for name in chosen), default=1.0)
    for number, name in enumerate(chosen):
        roots[f"dependence-{number}"] = charts.dependence(curves[name], readable(name), top)
    sets = [(words.listed([readable(name) for name in one["features"]]), one["drop"]) for one in found.get("sets", ())]
    return {
        "untested": None, "importance": "importance", "sets": sorted(sets, key=lambda one: -one[1]), "protocol": found["protocol"],
        "curves": [(f"dependence-{number}", readable(name), _means(bundle.cube, name)) for number, name in enumerate(chosen)],
        "left_out": max(len(most) - MOST_FEATURES, 0), "curves_left_out": len(curves) - len(chosen),
    }  # fmt: skip


def _means(cube: Cube, name: str) -> str:
    """What a layer is and in which unit, as it says itself; empty where the cube has no layer of a feature's name."""
    if not (cube.path / name / "zarr.json").is_file():
        return ""
    said = cube.said(name)
    unit = cells.UNITS.get(str(said.get("units", "")), str(said.get("units", "")))
    return f"{readable(str(said.get('long_name', '')))}{f', {unit}' if unit else ''}"


def targets(bundle: Bundle, found: gpd.GeoDataFrame) -> dict[str, Any]:
    """The rows of the table of targets: a few columns for all to see, every other one behind a button."""
    columns = {name: column for name, column in _targets.columns(bundle).items() if name in found.columns}
    shown = found.head(MOST_ROWS)
    rows = cells.rows(shown.drop(columns=shown.geometry.name), columns)
    for row, bounds, one in zip(rows, shown.geometry.bounds.to_numpy().round().tolist(), bundle.targets, strict=False):
        row["bounds"] = bounds
        row["best"] = one["best"]
    others = [name for name in columns if name not in (*MAIN, *REASONS)]
    flags = [name for name in bundle.columns if name in columns and not cells.is_number(columns[name])]
    sortable = [name for name in columns if cells.is_number(columns[name])]
    numbers = [name for name in NUMBERS if name in columns]
    return {"columns": columns, "rows": rows, "others": others, "flags": flags, "numbers": numbers, "sortable": sortable, "all": len(found),
            "known": int((found["status"] != "new").sum())}  # fmt: skip


def risk(bundle: Bundle, roots: dict[str, Model]) -> dict[str, Any] | None:
    """What a search in the map's order may find, in sentences and a curve; None where a scorecard says nothing of it."""
    found = bundle.scorecard.get("risk")
    if not found:
        return None
    if found.get("curve"):
        roots["searched"] = charts.searched(found["curve"])
    return {
        "note": found.get("note", ""), "search": [said for one in found.get("search") or () if (said := words.searched(one))],
        "first": [words.together(one) for one in found.get("first_targets") or ()], "chart": "searched" if found.get("curve") else None,
        # of targets one number is told: that of the map's intensity, where a prior gives one (docs/measured.md says how the two compare)
        "foretold": words.foretold(bundle.scorecard.get("foretold"), targets=not found.get("first_targets")),
        "foretold_words": (bundle.scorecard.get("foretold") or {}).get("words", ""),
        "sheets": [(name, bundle.tables[name]) for name in RISK if name in bundle.tables],
    }  # fmt: skip


def inputs(bundle: Bundle) -> list[dict[str, Any]]:
    """Each source with its licence, citation, files and their checksums."""
    by_source: dict[str, dict[str, Any]] = {}
    for one in bundle.provenance.get("inputs", ()):
        first = {"source": readable(one["source"]), "licence": one["licence"], "citation": one["citation"], "files": [], "closed": False}
        held = by_source.setdefault(one["source"], first)
        held["files"].append((one["asset"], one["sha256"]))
    for name, shown in sorted(bundle.vectors.items()):
        if name in by_source and not shown.redistribute:
            by_source[name]["closed"] = True
    return [*by_source.values()]
