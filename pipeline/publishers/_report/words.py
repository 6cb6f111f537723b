"""Scores in words a reader who knows no statistics can use; the numbers stay those of the scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BASELINES = {
    "coordinates": "Coordinates alone", "distance_to_known": "Nearness to known deposits", "best_layer": "The single best layer",
    "random": "A random ranking",
}  # fmt: skip
# by how a verdict begins, the longest first: how grave it is, and what it comes to
HEADLINES = (
    ("Does not clearly beat its nulls", "caution", "The map finds deposits it was not shown, but not clearly better than {best} does."),
    ("Does not beat its nulls", "bad", "The map finds hidden deposits no better than {best} does."),
    ("Beats its nulls", "good", "The map finds deposits it was not shown, and clearly better than {best} does."),
    ("Near chance", "bad", "The map is little better than a guess. It should not be used to choose ground."),
    ("Too few to tell", "caution", "Too few deposits are known here to tell whether the map is right."),
    ("Not tested", "caution", "This map has not been tested against known deposits."),
    ("No permissive ground", "bad", "No rock is mapped in this region that allows such a deposit. There is nothing to rank."),
)
HIDING = {
    "nearest": "groups of deposits as far from the others as the ground of the map is from known deposits",
    "square_blocks": "whole squares of ground", "extent_blocks": "whole rectangles of the region", "clusters": "one cluster of deposits at a time",
    "leave_pair_out": "one deposit and one ordinary place at a time, with all that lies near either",
    "random": "scattered places, which flatters a map because neighbours resemble each other",
}  # fmt: skip


def headline(card: Mapping[str, Any]) -> tuple[str, str]:
    """How grave the verdict of a protocol is (good, caution or bad) and what it comes to in plain words; one of no known kind speaks for itself."""
    verdict, best = str(card["verdict"]), best_baseline(card.get("scores") or {})
    for begins, tone, said in HEADLINES:
        if verdict.startswith(begins):
            return tone, said.format(best=lower_first(BASELINES.get(best, readable(best))) if best else "a simple rule")
    return "caution", verdict


def readable(name: str) -> str:
    """A name of config as a person writes it."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def percent(share: float | None, places: int = 0) -> str:
    """A share as a percentage; a dash for none. Small shares that are not none do not become 0."""
    if share is None:
        return "—"
    text = f"{100 * share:.{places}f}"
    return f"{text} %" if float(text) or not share else f"under {10**-places:g} %"


def between(ends: Sequence[float] | None, form: str = ".2f") -> str:
    """An interval as text; empty for none."""
    return f"{ends[0]:{form}} to {ends[1]:{form}}" if ends else ""


def hidden(card: Mapping[str, Any]) -> str:
    """What a protocol held out, in one sentence; empty where nothing was scored."""
    protocol = card.get("protocol")
    if not protocol:
        return ""
    what = HIDING.get(protocol["kind"], protocol["split"])
    times = len(protocol["seeds"])
    again = f", {times} times over" if times > 1 else ""
    layers = f" There, {listed([readable(name) for name in card['hidden']])} was taken away too, as where nobody has mapped." if card.get("hidden") else ""
    return f"The map was made again without {what}{again}, and asked to find what it had not been shown.{layers}"


def odds(card: Mapping[str, Any]) -> str:
    """AUC as a game of pairs, the model against its best baseline; empty where there is none, or where so few deposits cannot carry one."""
    scores = card.get("scores")
    if not scores or scores["model"]["fold_mean"] is None or few(card):
        return ""
    ends = between(scores["model"].get("interval"), ".0%").replace("%", "")
    wide = f" (90 % interval {ends})" if ends else ""
    said = f"Shown a hidden deposit and an ordinary place, the map tells which is which {100 * scores['model']['fold_mean']:.0f} times in 100{wide}"
    best = best_baseline(scores)
    return f"{said}; {lower_first(BASELINES.get(best, readable(best)))} does {100 * scores[best]['fold_mean']:.0f} times in 100." if best else f"{said}."


def found(card: Mapping[str, Any], area: float = 0.05) -> str:
    """The share of hidden deposits in the best ground; empty where none was measured, or where so few deposits cannot carry one."""
    captured = (card.get("scores") or {}).get("model", {}).get("capture")
    if not captured or few(card) or area not in captured["area"]:
        return ""
    place = captured["area"].index(area)
    share, ends = captured["captured"][place], (captured.get("interval") or [None] * (place + 1))[place]
    if share is None:
        return ""
    wide = f" (90 % interval {between(ends, '.0%').replace('%', '')})" if ends else ""
    return f"The best {percent(area)} of the ground holds {percent(share)} of the hidden deposits{wide}."


def searched(one: Mapping[str, Any]) -> str:
    """How much ground has to be searched for a share of the deposits; empty where held-out deposits never tell."""
    if one.get("area_km2") is None:
        return ""
    ends = one.get("interval_km2")
    wide = f", 90 % interval {ends[0]:,.0f} to {ends[1]:,.0f} km²" if ends else ""
    return f"{percent(one['captured'])} of the discoveries: the best {one['area_km2']:,.0f} km² ({percent(one['area'], 1)} of the ground{wide})"


def together(one: Mapping[str, Any]) -> str:
    """What the first so many targets hold together."""
    many = "The first target" if one["targets"] == 1 else f"The first {one['targets']} targets"
    verb = "holds" if one["targets"] == 1 else "hold"
    said = f"{many}, {one['area_km2']:,.0f} km², {verb} {percent(one['expected_share'], 1)} of what is still to be found"
    if one.get("expected_deposits") is None:
        return said
    return (
        f"{said}: {one['expected_deposits']:.1f} deposits expected ({one['deposits_low']} to {one['deposits_high']} with 90 %), and one or more with a "
        f"chance of {percent(one['p_at_least_one'])}"
    )


def foretold(found: Mapping[str, Any] | None, *, targets: bool = True) -> list[str]:
    """How many further deposits should lie in the best ground and, if asked, on the first targets, by what is foretold; empty where nothing is."""
    if not found or found.get("further") is None:
        return []
    told = [(f"the best {percent(one['area'])} of the ground", one) for one in found.get("capture") or ()]
    first = found.get("targets")
    if targets and first and first.get("first"):
        told.append((f"the first {first['first']} targets", first))
    return [f"In {where}: {one['deposits'][0]} to {one['deposits'][1]}" for where, one in told if one.get("deposits")]


def few(card: Mapping[str, Any]) -> bool:
    """Whether the scorecard itself says that too few deposits are known for an AUC to mean much."""
    return str(card.get("verdict", "")).startswith("Too few to tell")


def best_baseline(scores: Mapping[str, Any]) -> str | None:
    """The baseline with the highest AUC; of equal ones the first."""
    held = [name for name in scores if name != "model" and scores[name]["fold_mean"] is not None]
    return max(held, key=lambda name: scores[name]["fold_mean"]) if held else None


def lower_first(text: str) -> str:
    """A phrase for the middle of a sentence."""
    return text[:1].lower() + text[1:]
