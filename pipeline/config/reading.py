"""YAML with a memory: safe-loaded, merged by key, and every value knows the file and line it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError

Spot = tuple[str | int, ...]
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass
class Document:
    """Plain data and, for each path into it, "file:line"."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Spot, str] = field(default_factory=dict)

    def where(self, *spot: str | int) -> str:
        """The file and line of the nearest thing written at or above `spot`."""
        for end in range(len(spot), -1, -1):
            if spot[:end] in self.lines:
                return self.lines[spot[:end]]
        return "config"


def read(path: Path, *, shown: str) -> Document:
    """One YAML file; ConfigError with line for bad syntax, duplicate keys or anything but a mapping at the top."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{shown}:{line}: not valid YAML ({error.problem}); check indentation and quotes") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown}: not readable as UTF-8 YAML ({error}); save it again as plain text") from error
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror}); check the path") from error
    document = Document()
    if node is None:
        return document
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{shown}:1: expected `key: value` lines at the top of the file")
    try:
        document.data = _plain(node, (), shown, document.lines, yaml.SafeLoader(""))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{shown}:{line}: only plain YAML values are read ({error.problem})") from error
    return document


def merge(*documents: Document) -> Document:
    """Later documents win, key by key; lists replace lists; a null takes the key away."""
    merged = Document()
    for document in documents:
        _lay(merged, document, merged.data, document.data, ())
    return merged


def assign(text: str) -> Document:
    """`a.b.c=value`, as given on the command line, the value read as YAML."""
    path, eq, value = text.partition("=")
    if not eq or not all(path.split(".")):
        raise ConfigError(f"--set {text!r}: expected a.b=value, for example --set region.cell_m=500")
    document, spot = Document(), tuple(path.split("."))
    try:
        data: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text!r}: the value is not valid YAML") from error
    for word in reversed(spot):
        data = {word: data}
    document.data = data
    document.lines = {spot[:end]: f"--set {path}" for end in range(1, len(spot) + 1)}
    return document


def _plain(node: yaml.Node, spot: Spot, shown: str, lines: dict[Spot, str], loader: yaml.SafeLoader) -> Any:
    lines.setdefault(spot, f"{shown}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN:
        raise ConfigError(f"{shown}:{node.start_mark.line + 1}: only plain YAML values are read, not {node.tag}")
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        shared: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                shared |= _merged(value_node, spot, shown, lines, loader)
                continue
            key = loader.construct_object(key_node)
            line = f"{shown}:{key_node.start_mark.line + 1}"
            if not isinstance(key, str):
                raise ConfigError(f"{line}: key {key!r} is not text; put it in quotes")
            if key in found:
                raise ConfigError(f"{line}: {key!r} is given twice; keep one")
            lines[(*spot, key)] = line
            found[key] = _plain(value_node, (*spot, key), shown, lines, loader)
        return shared | found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*spot, i), shown, lines, loader) for i, item in enumerate(node.value)]
    return loader.construct_object(node, deep=True)


def _merged(node: yaml.Node, spot: Spot, shown: str, lines: dict[Spot, str], loader: yaml.SafeLoader) -> dict[str, Any]:
    given = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: dict[str, Any] = {}
    for one in reversed(given):  # YAML 1.1: earlier mappings of a list win
        plain = _plain(one, spot, shown, lines, loader)
        if not isinstance(plain, dict):
            raise ConfigError(f"{shown}:{one.start_mark.line + 1}: `<<:` needs a mapping, such as an &anchor of one")
        found |= plain
    return found


def _lay(merged: Document, source: Document, below: dict[str, Any], above: dict[str, Any], spot: Spot) -> None:
    for key, value in above.items():
        here = (*spot, key)
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            merged.lines[here] = source.where(*here)
            _lay(merged, source, below[key], value, here)
            continue
        for old in [s for s in merged.lines if s[: len(here)] == here]:
            del merged.lines[old]
        if value is None:
            below.pop(key, None)
            continue
        below[key] = value if not isinstance(value, dict) else {}
        merged.lines[here] = source.where(*here)
        if isinstance(value, dict):
            _lay(merged, source, below[key], value, here)
        else:
            merged.lines.update({s: line for s, line in source.lines.items() if s[: len(here)] == here})
