"""Two maps beside each other: what each is worth on the protocols both were scored by, and whether their first targets are the same ground."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from pipeline.errors import StoreError
from pipeline.screen import console

FIRST = 10  # targets of each map that are compared


def show(outputs: Path, one: str, other: str) -> None:
    """Print the comparison of two bundles of the folder `outputs`; StoreError when one is not there or they share no protocol."""
    cards = {name: _scorecard(outputs, name) for name in (one, other)}
    shared = [name for name in cards[one]["protocols"] if name in cards[other]["protocols"]]
    if not shared:
        raise StoreError(f"{one} and {other} were scored by different protocols, so their scores do not compare; give both the same validation.protocols")
    screen = console()
    for protocol in shared:
        found = {name: card["protocols"][protocol] for name, card in cards.items()}
        table = Table("map", "AUC, mean over folds", "90 %", "best null", "its AUC", "deposits", "captured in 5 % of the area", box=None, header_style="bold")
        for name, card in found.items():
            table.add_row(name, *_row(card))
        screen.print(f"\n{protocol}: {found[one]['title']}", style="bold")
        screen.print(table)
        screen.print(_said(one, other, found[one], found[other]), soft_wrap=True)
    screen.print(f"\n{_targets(outputs, one, other)}", soft_wrap=True)


def _scorecard(outputs: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((outputs / name / "scorecard.json").read_bytes())
    except (OSError, ValueError) as error:
        there = sorted(path.parent.name for path in outputs.glob("*/scorecard.json"))
        raise StoreError(f"no map {name!r} in {outputs.name}/ (there: {', '.join(there) or 'none'}); make it first: prospect map {name}") from error
    return found


def _row(card: dict[str, Any]) -> tuple[str, ...]:
    model = card["scores"].get("model", {})
    nulls = {name: score["fold_mean"] for name, score in card["scores"].items() if name != "model" and score.get("fold_mean") is not None}
    best = max(nulls, key=lambda name: nulls[name]) if nulls else None
    captured = (model.get("capture") or {}).get("captured") or [None, None]
    return (
        _number(model.get("fold_mean")), _interval(model), (best or "-").replace("_", " "), _number(nulls[best] if best else None),
        str(card["protocol"].get("positives", "-")), _number(captured[1]),
    )  # fmt: skip


def _said(one: str, other: str, first: dict[str, Any], second: dict[str, Any]) -> str:
    """The difference in words; within the width of the intervals it is said to be nothing to build on."""
    scores = [card["scores"].get("model", {}) for card in (first, second)]
    means = [score.get("fold_mean") for score in scores]
    if None in means:
        return "at least one of them has no AUC, so there is nothing to compare"
    gain = means[1] - means[0]
    words = f"{other} scores {abs(gain):.3f} {'more' if gain >= 0 else 'less'} than {one}"
    widths = [(score["interval"][1] - score["interval"][0]) / 2 for score in scores if score.get("interval")]
    if len(widths) == 2 and abs(gain) < max(widths):
        words += f", less than half the width of an interval ({max(widths):.3f}): no evidence that one is better than the other"
    same = all(first["protocol"].get(key) == second["protocol"].get(key) for key in ("positives", "groups", "seeds", "split"))
    return words + ("" if same else "; they were not scored on the same deposits and folds")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _interval(score: dict[str, Any]) -> str:
    held = score.get("interval")
    return f"{held[0]:.2f}-{held[1]:.2f}" if held else "-"


def _targets(outputs: Path, one: str, other: str) -> str:
    import geopandas as gpd

    first, second = (gpd.read_parquet(outputs / name / "targets.parquet") for name in (one, other))
    first, second = (frame[frame["rank"] <= FIRST] for frame in (first, second))
    if first.empty or second.empty:
        return "one of the maps has no new target"
    second = second.to_crs(first.crs)
    kept = sum(bool(second.intersects(shape).any()) for shape in first.geometry)
    return f"{kept} of the first {len(first)} targets of {one} are among the first {len(second)} of {other} as well"
