"""`region x system x data` from three YAML files to one closed Config, every mistake told with its file and line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline import registry
from pipeline.asset import expand
from pipeline.config import absent
from pipeline.config.closed import Frame
from pipeline.config.frame import Config, Protocol, Use
from pipeline.config.reading import Document, assign, merge, read
from pipeline.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
BASED_ON = "based_on"  # the one word that is read before files are joined


@dataclass(frozen=True)
class Loaded:
    """A config, the folder its relative paths start from, where each of its words was written, and the `a.b=value` settings among them."""

    config: Config
    root: Path
    document: Document
    notices: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def where(self, *spot: str | int) -> str:
        """The file and line of a word, for errors found after loading."""
        return self.document.where(*spot)

    def path(self, written: str) -> Path:
        """A path of the config as a path on this machine."""
        return expand(self.root, written)


def home() -> Path:
    """The folder that holds configs/: the working folder if it does, else the checkout this package lies in."""
    here = Path.cwd()
    return here if (here / "configs" / "regions").is_dir() else Path(__file__).resolve().parents[2]


def load(
    region: str, *, system: str | None = None, data: str | None = None, settings: tuple[str, ...] = (), root: Path | None = None
) -> Loaded:
    """The config of a region: defaults, then data, system, region, then `a.b=value` settings. Relative paths start at `root`.

    A region `based_on` another takes its words over and adds its own.

    Raises ConfigError, naming file, line and the nearest known word, for anything unknown or out of range.
    """
    root = (root or home()).resolve()
    ground = region_document(region, root)
    said = ground.data.get("region", {})
    said = said if isinstance(said, dict) else {}
    layers = [_overlay(root, "data", data or said["data"])] if data or said.get("data") else []
    layers += [_overlay(root, "systems", system or said["system"])] if system or said.get("system") else []
    document = merge(*layers, ground, *map(assign, settings))
    words = dict(document.data)
    for section in ("sources", "features"):
        words[section] = _uses(document, section, section)
    if "model" in words:
        words["model"] = _use(document, ("model",), "models", words["model"], None)
    if "protocols" in words:
        raise ConfigError(f"{document.where('protocols')}: a protocol is a file of configs/validation, named under validation.protocols")
    protocols = {name: _protocol(root, name) for name in _named_protocols(words)}
    try:
        notices = absent.leave_out(words, protocols)
    except ConfigError as error:
        raise ConfigError(f"{document.where('absent')}: {error}") from None
    words["protocols"] = {name: protocols.get(name) or _protocol(root, name) for name in _named_protocols(words)}
    return Loaded(_check(Config, words, document), root, document, notices, settings)


def _named_protocols(words: dict[str, Any]) -> list[str]:
    said = words.get("validation", {})
    return [name for name in said.get("protocols", ["default"]) if isinstance(name, str)] if isinstance(said, dict) else []


def region_document(name: str, root: Path, over: tuple[str, ...] = ()) -> Document:
    """The words of a region's file, laid over those of the region it is `based_on`; ConfigError where that leads in a circle."""
    document = _overlay(root, "regions", name)
    below = document.data.pop(BASED_ON, None)
    if below is None:
        return document
    at = document.where(BASED_ON)
    if not isinstance(below, str) or below not in names("regions", root):
        raise ConfigError(f"{at}: {BASED_ON}: {registry.unknown('region', str(below), names('regions', root))}")
    if below in (name, *over):
        raise ConfigError(f"{at}: {BASED_ON} leads in a circle ({' > '.join((*over, name, below))}); let one of them stand by itself")
    return merge(region_document(below, root, (*over, name)), document)


def names(kind: str, root: Path | None = None) -> tuple[str, ...]:
    """The overlays there are: `regions`, `systems`, `data` or `validation`."""
    return tuple(sorted(p.stem for p in ((root or home()) / "configs" / kind).glob("*.yaml")))


def _overlay(root: Path, kind: str, name: str) -> Document:
    known = names(kind, root)
    if name not in known:
        thing = {"regions": "region", "systems": "system", "validation": "protocol"}.get(kind, kind)
        raise ConfigError(f"configs/{kind}: {registry.unknown(thing, str(name), known)}")
    return read(root / "configs" / kind / f"{name}.yaml", shown=f"configs/{kind}/{name}.yaml")


def _protocol(root: Path, name: str) -> Protocol:
    document = _overlay(root, "validation", name)
    words = dict(document.data)
    if "model" in words:
        words["model"] = _use(document, ("model",), "models", words["model"], None)
    return _check(Protocol, words, document)


def _uses(document: Document, section: str, kind: str) -> dict[str, Any]:
    entries = document.data.get(section, {})
    if not isinstance(entries, dict):
        raise ConfigError(f"{document.where(section)}: expected `name: {{use: word, ...}}` lines under {section}")
    return {key: _use(document, (section, key), kind, entry, key) for key, entry in entries.items()}


def _use(document: Document, spot: tuple[str, ...], kind: str, entry: Any, key: str | None) -> Use:
    at = document.where(*spot)
    if not isinstance(entry, dict):
        raise ConfigError(f"{at}: expected {{use: word, ...}} for {'.'.join(spot)}, found {entry!r}")
    word = entry.get("use", key)
    if not isinstance(word, str):
        raise ConfigError(f"{at}: {'.'.join(spot)} needs `use:`, one of {', '.join(registry.words(kind))}")
    try:
        function = registry.find(kind, word)
    except ConfigError as error:
        raise ConfigError(f"{document.where(*spot, 'use')}: {error}") from None
    given = {k: v for k, v in entry.items() if k != "use"}
    return Use(use=word, with_=_check(registry.parameters(function), given, document, spot))


def _check(model: type[Model], words: dict[str, Any], document: Document, spot: tuple[str, ...] = ()) -> Model:
    try:
        return model.model_validate(words)
    except ValidationError as error:
        # a typo makes an unknown word and a missing one: the unknown one is what the user can see
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        path = (*spot, *first["loc"])
        at, said = document.where(*path), ".".join(map(str, path))
        if first["type"] == "extra_forbidden":
            known = _fields(model, first["loc"][:-1])
            raise ConfigError(f"{at}: {registry.unknown('key', str(path[-1]), known)}") from None
        if first["type"] == "missing":
            raise ConfigError(f"{at}: {said} is missing; add it") from None
        raise ConfigError(f"{at}: {said}: {first['msg']}, found {first['input']!r}") from None


def _fields(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    at: Any = model
    for word in path:
        annotation = at.model_fields[word].annotation if word in at.model_fields else None
        choices: tuple[Any, ...] = (annotation, *getattr(annotation, "__args__", ()))
        at = next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, Frame)), at)
    return list(at.model_fields)
