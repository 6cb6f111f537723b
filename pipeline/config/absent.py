"""What the data at hand lack: features that cannot be without it are left out, and the plan says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline import registry
from pipeline.config.frame import Protocol, Use
from pipeline.errors import ConfigError
from pipeline.recipe import Layers

Words = dict[str, Any]


@dataclass
class Lack:
    """The names that are absent and what goes with them. `why` holds, for each name that is gone, the absent source it is gone for."""

    reasons: Mapping[str, str]
    known: set[str]
    why: dict[str, str] = field(default_factory=dict)
    fewer: dict[str, list[str]] = field(default_factory=dict)

    def of(self, layer: str) -> str | None:
        """The absent source a layer is lost with; None for one that is there, or that nobody gives."""
        keys = {*self.known, *self.why}
        owner = max((key for key in keys if layer == key or layer.startswith(f"{key}_")), key=len, default=None)
        return self.why.get(owner) if owner else None


def leave_out(words: Words, protocols: Mapping[str, Protocol]) -> tuple[str, ...]:
    """Take from a config, in place, what rests on its `absent` sources; what is told of it, a sentence for each such source.

    A source that a file gives is not absent, whatever another file says. `words` holds uses for `sources` and `features`, plain words elsewhere.
    A feature goes with any layer or vector it reads by name; of a list of layers only those that are gone go, while two are left. Rock of absent maps
    goes from `permissive`, and a protocol that hides only what is not there from `validation`. ConfigError when no feature, or no map of the rock
    a system needs, is left.
    """
    absent = words.get("absent")
    if not isinstance(absent, dict):
        return ()
    sources, features = words.get("sources", {}), words.get("features", {})
    gone = {name: str(reason) for name, reason in absent.items() if name not in sources}
    lack = Lack(gone, {*sources, *features}, {name: name for name in gone})
    had = bool(features)
    while sum(_without(lack, features, key) for key in list(features)):
        pass
    if had and not features:
        lost = {cause for name, cause in lack.why.items() if name != cause}
        some = ", ".join(f"{name} ({reason})" for name, reason in gone.items() if name in lost)
        raise ConfigError(f"every feature of this system reads what the data lack: {some}; add a source of such a name, or take other data")
    told = {name: sorted(key for key, cause in lack.why.items() if cause == name and key != name) for name in gone}
    _system(words, lack)
    _rest(words, lack)
    _protocols(words, lack, protocols)
    seen = {name: sorted(key for key, lost in lack.fewer.items() if name in lost) for name in gone}
    return tuple(_said(name, gone[name], told[name], seen[name]) for name in gone if told[name] or seen[name])


def _without(lack: Lack, features: dict[str, Any], key: str) -> bool:
    """Whether a feature was left out, or sees less than it did."""
    use = features[key]
    if not isinstance(use, Use):
        return False
    said = use.with_
    for parameter, kind in registry.dependencies(registry.find("features", use.use)).items():
        value = getattr(said, parameter, None)
        names = value if isinstance(value, tuple) else (value,)
        lost = {name: cause for name in names if isinstance(name, str) and (cause := lack.of(name))}
        if not lost:
            continue
        left = tuple(name for name in names if name not in lost)
        if kind is Layers and len(left) >= 2:
            features[key] = Use(use=use.use, with_=said.model_copy(update={parameter: left}))
            lack.fewer.setdefault(key, []).extend(lost.values())
            return True
        del features[key]
        lack.known.discard(key)
        lack.why[key] = next(iter(lost.values()))
        return True
    return False


def _system(words: Words, lack: Lack) -> None:
    system = words.get("system")
    if not isinstance(system, dict):
        return
    rock = system.get("permissive") or []
    left = [one for one in rock if not lack.of(_name(one, "of"))]
    if rock and not left:
        raise ConfigError(f"system.permissive reads only maps the data lack ({', '.join(_name(one, 'of') for one in rock)}); give one, or take other data")
    words["system"] = system | {
        "permissive": left,
        "signs": {name: sign for name, sign in (system.get("signs") or {}).items() if not lack.of(name)},
        "inputs": _kept(system.get("inputs"), lack),
        "suspect": _kept(system.get("suspect"), lack),
        "words": {name: word for name, word in (system.get("words") or {}).items() if not lack.of(name)},
    }


def _rest(words: Words, lack: Lack) -> None:
    """Targets, applicability and priors."""
    targets, belief, priors = (words.get(section) for section in ("targets", "applicability", "priors"))
    if isinstance(targets, dict):
        words["targets"] = _targets(targets, lack)
    if isinstance(belief, dict):
        words["applicability"] = {key: value for key, value in belief.items() if key != "measured" or not lack.of(str(value))}
        words["applicability"] |= {"cover": [one for one in belief["cover"] if not lack.of(_name(one, "of"))]} if "cover" in belief else {}
    if isinstance(priors, dict):
        words["priors"] = {name: prior for name, prior in priors.items() if not lack.of(_name(prior, "tract"))}


def _targets(targets: Words, lack: Lack) -> Words:
    """Without the vectors and layers that are not there, and observations of features that are not."""
    left = {key: value for key, value in targets.items() if key not in ("districts", "elevation", "clear_looks") or not lack.of(str(value))}
    if isinstance(left.get("exclude"), list):
        left["exclude"] = [one for one in left["exclude"] if not lack.of(_name(one, "of") if isinstance(one, dict) else str(one))]
    if isinstance(left.get("flag"), dict):
        left["flag"] = {name: flag for name, flag in left["flag"].items() if not lack.of(_name(flag, "of"))}
    if isinstance(left.get("access"), dict):
        network, goals = (left["access"].get(word) or {} for word in ("network", "to"))
        goals = {name: goal for name, goal in goals.items() if not lack.of(_name(goal, "of"))}
        left["access"] = {**left["access"], "network": {name: way for name, way in network.items() if not lack.of(name)}, "to": goals} if goals else None
    if isinstance(left.get("observations"), dict):
        kept = {}
        for name, one in left["observations"].items():
            known = _kept(one.get("features"), lack) if isinstance(one, dict) else []
            if not isinstance(one, dict) or known or one.get("maps") or one.get("visits") or not one.get("features"):
                kept[name] = {**one, "features": known} if isinstance(one, dict) and one.get("features") else one
        left["observations"] = kept
    return left


def _protocols(words: Words, lack: Lack, protocols: Mapping[str, Protocol]) -> None:
    """Without those that hide only layers nobody has: what they ask is what every score of such a map tells."""
    left = [name for name, protocol in protocols.items() if not protocol.hide or not all(lack.of(layer) for layer in protocol.hide)]
    if len(left) < len(protocols):
        words["validation"] = {**words.get("validation", {}), "protocols": left or ["default"]}


def _said(name: str, reason: str, out: list[str], fewer: list[str]) -> str:
    what = [f"without it there {'is' if len(out) == 1 else 'are'} no {', '.join(out)}"] if out else []
    what += [f"{', '.join(fewer)} see{'s' if len(fewer) == 1 else ''} less"] if fewer else []
    return f"absent: {name} ({reason}); {' and '.join(what)}"


def _kept(names: Iterable[Any] | None, lack: Lack) -> list[Any]:
    return [name for name in names or () if not lack.of(str(name))]


def _name(entry: Any, word: str) -> str:
    return str(entry.get(word, "")) if isinstance(entry, dict) else ""
