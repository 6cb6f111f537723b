"""Publish: one folder with everything a person opens, filled beside the old one and swapped in whole."""

from __future__ import annotations

import graphlib
import hashlib
import inspect
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline import drawn as lines
from pipeline import inventory, registry, terms
from pipeline.bundle import Bundle, Lines, Shown
from pipeline.cube import Cube
from pipeline.errors import StoreError
from pipeline.ledger import hash_of
from pipeline.stages import acquire, believe, benefit, catalogue, explain, making, ranking, regions, sheets, showing, update
from pipeline.stages import news as changed

if TYPE_CHECKING:
    from pipeline.graph import Graph
    from pipeline.stages.news import News

EPOCH = 8
STAGE = "publish"
ALL = "*"  # in a publisher's AFTER: it reads what every other one wrote
DATED = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z(-\d+)?")  # the name of a map that was replaced
NOT_A_RESOURCE = "A target is a place to look first. It is not a mineral resource or reserve (JORC, NI 43-101)."


def check_writable(outputs: Path) -> None:
    """Refuse, before any work, an output folder that cannot be written; put back a bundle that a crash left half swapped."""
    fresh, old = _beside(outputs, "partial"), _beside(outputs, "old")
    try:
        outputs.parent.mkdir(parents=True, exist_ok=True)
        if old.is_dir() and not outputs.exists():
            os.replace(old, outputs)
        fresh.mkdir(exist_ok=True)
        fresh.rmdir() if not any(fresh.iterdir()) else None
    except OSError as error:
        raise StoreError(f"cannot write to {outputs.parent} ({error.strerror}); give another folder with --set run.outputs=...") from error


def steps() -> int:
    """How many parts a bundle is made in."""
    return len(registry.words("publishers"))


def order() -> tuple[str, ...]:
    """The publishers in the order they run: by name, but each after those its module names in `AFTER`; ALL there is every other one."""
    words = registry.words("publishers")
    said = {word: getattr(inspect.getmodule(registry.find("publishers", word)), "AFTER", ()) for word in words}
    late = {word for word in words if ALL in said[word]}
    waits = {word: [w for w in words if w not in late] if word in late else sorted(said[word]) for word in words}
    for word in (name for names in waits.values() for name in names):
        registry.find("publishers", word)  # a name that is none is an error here, not an order by luck
    return tuple(graphlib.TopologicalSorter(waits).static_order())


def epochs() -> dict[str, int]:
    """The epochs of all that writes a bundle: part of its key."""
    return {"publish": EPOCH} | {word: registry.epoch(registry.find("publishers", word)) for word in registry.words("publishers")}


def publish(
    graph: Graph, cube: Cube, outputs: Path, *, key: str, keys: Mapping[str, Mapping[str, str]], fit_keys: Mapping[str, str], run: Mapping[str, Any],
    before: Mapping[str, float], told: Callable[[], None], news: News | None = None,
) -> bool:  # fmt: skip
    """Make the bundle unless the one there is made of the same; True when it was made. `told` is called after each of `steps`. With `news` the bundle
    there is kept, and the new one says what changed. `before` is the seconds of what this process did before any job; beside them the provenance says
    those of this stage, until it is written itself."""
    begun = time.monotonic()
    if is_current(outputs, key):
        catalogue.keep(outputs.parent)  # another map may have been removed
        return False
    folder = _beside(outputs, "partial")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        bundle = _bundle(graph, cube, folder, key, keys, fit_keys)
        if news is not None:
            bundle = _with_changes(bundle, graph, news, outputs, lambda name: cube.load_fit(name, fit_keys[name]))
            _write_json(folder / "changes.json", bundle.changes or {})
        if bundle.model:  # none where there was no ground to map
            (folder / "model.skops").write_bytes(bundle.model)
        (folder / "config.yaml").write_text(bundle.config_yaml, encoding="utf-8")
        _write_json(folder / "scorecard.json", bundle.scorecard)
        for word in order():
            registry.find("publishers", word)(bundle=bundle)
            told()
        paths = sorted(p for p in folder.rglob("*") if p.is_file())
        files = {p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": _digest(p)} for p in paths}
        alone = {stage: round(seconds, 3) for stage, seconds in {**before, STAGE: time.monotonic() - begun}.items()}
        _write_json(folder / "provenance.json", {**bundle.provenance, "files": files, "run": {**run, "alone_seconds": alone, "fetched": _fetched(graph)}})
        _swap(folder, outputs, news.kept if news else None)
        if news is not None:
            _forget(news.kept.parent, graph.loaded.config.run.keep_previous)
        catalogue.keep(outputs.parent)
    except StoreError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(
            f"cannot write {outputs.name} ({error.strerror or error}); free some space or give another folder with --set run.outputs=..."
        ) from error
    return True


def _bundle(graph: Graph, cube: Cube, folder: Path, key: str, keys: Mapping[str, Mapping[str, str]], fit_keys: Mapping[str, str]) -> Bundle:
    config, found = graph.loaded.config, graph.found

    def fit(name: str) -> Any:
        return cube.load_fit(name, fit_keys[name])

    protocols = {name: fit(key) for name, key in graph.scorecards.items()}
    deciding = next(iter(protocols))
    if graph.without_suspect:
        protocols[deciding] = protocols[deciding] | {"without_suspect": fit(graph.without_suspect)}
    believed, model = fit(f"{graph.prefix}/believed"), fit(f"{graph.prefix}/model")
    of_model = _of_model(graph, model, fit(f"{graph.prefix}/importance"))
    notices = (
        *graph.notices, *_notices(fit(f"{graph.prefix}/samples")), *_suspect(protocols[deciding]), *_invented(graph),
        *believe.notices(fit(f"{graph.prefix}/space"), believed), *(regions.notices(protocols[regions.PROTOCOL]) if graph.teachers else ()),
        *_helped(protocols[deciding]), *_dependent(of_model), *_old(graph, cube, believed),
    )  # fmt: skip
    taught_by = [{"region": t.region, "title": t.title, "reason": t.reason} for t in graph.teachers]
    evidence, relief, withheld = showing.choose(graph, fit)
    read, shown = showing.made_of(graph, graph.evidence), {}
    for name, table in found.tables.items():
        parts = [config.sources[part].with_.model_dump() for part in found.parts.get(name, (name,)) if part in config.sources]
        licence = "; ".join(dict.fromkeys(one["licence"] for one in parts if one.get("licence"))) or "not stated"
        redistribute = all(one.get("redistribute", True) for one in parts)
        shown[name] = Shown(table, licence, redistribute, evidence=name in read, excludes=name in {one.of for one in config.targets.exclude})
    drawn = {name: Lines(lines.whole(fit(name)), meta.long_name, meta.licence) for name, meta in graph.drawn.items()}
    inputs = [
        {
            "source": name, "asset": asset.id, "from": asset.origin or "a file", "version": asset.named or "not named", "sha256": asset.version,
            "bytes": asset.size, "licence": _said(config.sources, name, "licence"), "citation": _said(config.sources, name, "citation"),
        }
        for name, acquired in sorted(found.acquired.items())
        for asset in acquired.assets
    ]  # fmt: skip
    inputs += [one for t in graph.teachers for one in t.inputs]
    sources = [*terms.of(config), *(source for t in graph.teachers for source in t.sources)]
    provenance = {
        "bundle_key": key, "region": config.region.name, "system": config.system.name, "synthetic": graph.synthetic, "note": NOT_A_RESOURCE,
        "inputs": inputs, "versions": acquire.library_versions(), "seed": config.seed, "notices": list(notices),
        "layers": {name: hash_of(k) for name, k in sorted(keys.items())}, "fits": dict(sorted(fit_keys.items())),
        "evidence_not_copied": withheld, "uses": terms.uses(sources), "attribution": terms.attribution(sources),
    } | ({"taught_by": [one | {"lesson": t.lesson.key} for one, t in zip(taught_by, graph.teachers, strict=True)]} if taught_by else {})  # fmt: skip
    metal = config.grade_tonnage.get(config.system.name)
    scorecard = {
        "region": config.region.name, "system": config.system.name, "synthetic": graph.synthetic,
        "permissive_share": _share(fit(f"{graph.prefix}/samples"), graph),
        **believed, "prior": graph.prior.model_dump(mode="json") if graph.prior else None,
        "grade_tonnage": metal.model_dump(mode="json") if metal and graph.prior else None, "verdict": _verdict(protocols, deciding),
        "protocols": protocols, "importance": fit(f"{graph.prefix}/importance"), "foretold": fit(f"{graph.prefix}/foretold"), "notices": list(notices),
        "merit": ranking.stated(config.targets.merit, fit(f"{graph.prefix}/targets")), "risk": fit(f"{graph.prefix}/risk"),
    } | of_model | ({"taught_by": taught_by} if taught_by else {})  # fmt: skip
    tables = sheets.sheets({name: fit(f"{graph.prefix}/{name}") for name in benefit.asked(config.targets)}, scorecard["risk"])
    targets = _told(fit(f"{graph.prefix}/targets"), fit(f"{graph.prefix}/reasons"), graph, cube)
    said = {"made_by": "prospect", **graph.said()}
    return Bundle(
        folder, cube, config.region.title, config.region.name, config.system.name, graph.synthetic, graph.rasters, targets,
        graph.deposits, found.tables.get(config.targets.districts or ""), shown, drawn, scorecard, provenance,
        yaml.safe_dump(said, sort_keys=False, allow_unicode=True), model, notices,
        columns=graph.target_columns, tables=tables, evidence=evidence, relief=relief, system_title=config.system.title,
    )  # fmt: skip


def _told(targets: list[dict[str, Any]], reasons: list[dict[str, Any]], graph: Graph, cube: Cube) -> list[dict[str, Any]]:
    """Targets with their reasons; those an update left standing keep the reasons they had, as they keep their numbers."""
    told = [{**target, **why} for target, why in zip(targets, reasons, strict=True)]
    if graph.update is None:
        return told
    then, why = (cube.load_fit(f"{graph.prefix}/{name}", graph.update.fitted[name]) for name in ("targets", "reasons"))
    kept = {(target["wkb"], target["max_prospectivity"]): reason for target, reason in zip(then, why, strict=True)}
    return [{**target, **kept.get((target["wkb"], target["max_prospectivity"]), {})} for target in told]


def _old(graph: Graph, cube: Cube, believed: Mapping[str, Any]) -> list[str]:
    """That the model an update rests on is older than config allows, where it is."""
    new, limits = graph.update, graph.loaded.config.update
    if new is None:
        return []
    then = cube.load_fit(f"{graph.prefix}/believed", new.fitted["believed"])["applicable_share"]
    return update.too_old(
        since=new.since, then=then, now=believed["applicable_share"], unlearnt=new.unlearnt, learnt=new.learnt, drift_limit=limits.drift_limit,
        unlearnt_limit=limits.unlearnt_limit, region=graph.loaded.config.region.name,
    )  # fmt: skip


def _with_changes(bundle: Bundle, graph: Graph, news: News, outputs: Path, fit: Callable[[str], Any]) -> Bundle:
    """The bundle with what changed since the map that is out."""
    new = graph.update
    sd = fit(new.noise)["sd"] if new and new.noise else None
    rows, shifted = changed.changes(changed.held(outputs), bundle.targets, news, bundle.cube.grid, sd=sd)
    seen = fit(new.noise) if new and new.noise else {"sd": None, "cells": 0, "seasons": 0}
    said = {
        "before": news.date, "fitted": new.since if new else news.date, "refit": news.refit, "noise": seen,
        "noise_said": update.told_of_noise(seen, refit=news.refit),
        "new": {name: cause for name, (cause, _) in news.sources.items()}, "patches": len(fit(new.patches)) if new else None, "targets": rows,
        "shifted": shifted,
    }  # fmt: skip
    return replace(bundle, changes=said, tables={**bundle.tables, "changes": changed.sheet(rows)}, change=new.change if new else None)


def _verdict(protocols: Mapping[str, Any], deciding: str) -> str:
    """The sentence of the deciding protocol; where other regions teach and it could not be asked, with what leaving them out says."""
    said = str(protocols[deciding]["verdict"])
    if regions.PROTOCOL in protocols and protocols[deciding]["scores"] is None:
        return f"{said} {protocols[regions.PROTOCOL]['verdict']}"
    return said


def _of_model(graph: Graph, model: bytes, importance: Mapping[str, Any]) -> dict[str, Any]:
    """What the model says of itself, if it does, and whether it keeps to the signs of the system, if there are any."""
    from pipeline.learning import model_files

    system, told = graph.loaded.config.system, graph.told
    said: dict[str, Any] = {}
    if system.signs:
        said["signs"] = explain.signs(importance, system.signs, model=told["use"], enforced=making.enforces_signs(told))
    if model and making.reports(told):
        said["model"] = {"use": told["use"], **model_files.load(model).report()}
    return said


def _dependent(of_model: Mapping[str, Any]) -> list[str]:
    """That weights may not be added, where they may not."""
    test = of_model.get("model", {}).get("independence")
    return [str(test["says"])] if test and not test["holds"] else []


def _helped(card: Mapping[str, Any]) -> list[str]:
    """Whether what other regions teach helps or harms on ground of the region itself."""
    if not card.get("without_teachers"):
        return []
    without, others = card["without_teachers"], regions.what(card["taught_by"])
    less, whole = without["difference"], card["scores"]["model"]["fold_mean"]
    if less["mean"] is None or less["interval"] is None:
        return [f"whether {others} helps here could not be told: too little was scored"]
    low, high = less["interval"]
    does = "helps here" if low > 0 else "harms here; take it out of training.regions" if high < 0 else "makes no clear difference here"
    said = (
        f"{others} {does}: AUC {whole:.2f} with it and {without['fold_mean']:.2f} without ({card['protocol']['split']}; difference {less['mean']:+.2f}, "
        f"90 % from {low:+.2f} to {high:+.2f})"
    )
    return [said]
def _fetched(graph: Graph) -> dict[str, str]:
    """When each address was fetched that an input came from."""
    times = inventory.times(graph.found.place.shelf)
    addresses = {address for acquired in graph.found.acquired.values() for asset in acquired.assets for address in asset.addresses}
    return {address: times[address] for address in sorted(addresses & times.keys())}


def _share(samples: Mapping[str, Any], graph: Graph) -> float | None:
    """The share of the region that is permissive ground; None where the system needs no particular rock."""
    if not graph.loaded.config.system.permissive:
        return None
    return round(float(samples["cells"]) / max(float(samples["region_cells"]), 1.0), 6)


def _notices(samples: Mapping[str, Any]) -> list[str]:
    """What a reader must know of the samples the map rests on."""
    outside = samples["outside"].tolist()
    more = f" and {len(outside) - 5} more" if len(outside) > 5 else ""
    told = [str(samples["warning"])] if str(samples["warning"]) else []
    if outside:
        told.append(
            f"{len(outside)} known deposits lie outside the permissive ground as mapped ({', '.join(outside[:5])}{more}): the map is confined to it, "
            "did not learn from them and cannot find their like"
        )
    return told


def _suspect(card: Mapping[str, Any]) -> list[str]:
    """What is left of the score without layers that may have been mapped because of deposits."""
    if "without_suspect" not in card:
        return []
    left = card["without_suspect"]
    names = ", ".join(left["layers"])
    if left["fold_mean"] is None:
        return [f"{names} may have been mapped because of known deposits, and what the map is worth without is not tested"]
    whole = card["scores"]["model"]["fold_mean"]
    said = f"the AUC ({card['protocol']['split']}) is {whole:.2f} with and {left['fold_mean']:.2f} without. Without: {left['verdict']}"
    return [f"{names} may have been mapped because of known deposits: {said}"]


def _invented(graph: Graph) -> list[str]:
    config = graph.loaded.config
    metal, prior = config.grade_tonnage.get(config.system.name), graph.prior
    told = []
    if prior and prior.invented:
        told.append(
            "expected_deposits and the chances of targets rest on an INVENTED number of undiscovered deposits: they show the method and say nothing of the ground"
        )
    if metal and prior and metal.invented:
        told.append("the metal of targets rests on INVENTED grades and tonnages: it shows the method and says nothing of the ground")
    if metal and not prior:
        told.append("grade_tonnage is not used: without a prior for this system there is no number of deposits to multiply it by")
    return told


def _said(sources: Mapping[str, Any], name: str, word: str) -> str:
    return (sources[name].with_.model_dump().get(word) if name in sources else None) or "not stated"


def is_current(outputs: Path, key: str) -> bool:
    """Whether the bundle there was made of what `key` stands for, and no file of it was cut off since."""
    try:
        said = json.loads((outputs / "provenance.json").read_bytes())
        return bool(said["bundle_key"] == key and all((outputs / name).stat().st_size == file["bytes"] for name, file in said["files"].items()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _swap(folder: Path, outputs: Path, kept: Path | None) -> None:
    old = _beside(outputs, "old")
    shutil.rmtree(old, ignore_errors=True)
    if kept is not None and outputs.exists() and not kept.exists():
        # a copy, whole before anything is swapped: whenever this is cut off, one map is out and none is lost
        partial = kept.with_name(f".{kept.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(outputs, partial)
        os.replace(partial, kept)
    if outputs.exists():
        os.replace(outputs, old)  # a crash here leaves the old bundle under this name: check_writable puts it back
    os.replace(folder, outputs)
    shutil.rmtree(old, ignore_errors=True)


def _forget(previous: Path, most: int) -> None:
    """Remove the oldest of the maps under their dates until `most` are left; what bears another name stays, and so what is put under one."""
    dated = sorted((path for path in previous.iterdir() if DATED.fullmatch(path.name)), key=_dated)
    for path in dated[: max(len(dated) - most, 0)]:
        gone = path.with_name(f".{path.name}.old")  # under its name it is whole or not there
        shutil.rmtree(gone, ignore_errors=True)
        os.replace(path, gone)
    for cut_off in previous.glob(".*.old"):
        shutil.rmtree(cut_off)


def _dated(path: Path) -> tuple[str, int]:
    date, _, number = path.name.partition("Z")
    return date, -int(number or "-1")


def _beside(outputs: Path, word: str) -> Path:
    return outputs.with_name(f".{outputs.name}.{word}")


def _write_json(path: Path, said: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
