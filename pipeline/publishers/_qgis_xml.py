"""The XML that QGIS reads its projects and styles from: elements, option maps, names that stay the same, and text that stays text."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, indent, tostring

VERSION = "3.22.0-Białowieża"  # the oldest that reads what is written here; a newer one opens older projects without a word
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
Colour = tuple[int, int, int] | tuple[int, int, int, int]
# what XML 1.0 cannot hold, escaped or not
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAMES = uuid.UUID("6f1f4d0e-6c1c-5d0c-9a3b-1f6f0f4f8f11")  # any constant: names below it are ours


def node(tag: str, said: Mapping[str, Any] | None = None, *children: Element | str) -> Element:
    """An element with attributes and children; a child of text is its text. Characters that XML cannot hold become U+FFFD."""
    made = Element(tag, {word: _plain(value) for word, value in (said or {}).items()})
    for child in children:
        if isinstance(child, str):
            made.text = _plain(child)
        else:
            made.append(child)
    return made


def options(said: Mapping[str, Any], name: str | None = None) -> Element:
    """A map of options, as QGIS keeps the properties of symbols and widgets."""
    kinds = {bool: "bool", int: "int", float: "double"}
    inner = [
        options(value, word) if isinstance(value, Mapping)
        else node("Option", {"type": kinds.get(type(value), "QString"), "name": word, "value": ("false", "true")[value] if isinstance(value, bool) else value})
        for word, value in said.items()
    ]  # fmt: skip
    return node("Option", {"type": "Map"} | ({"name": name} if name else {}), *inner)


def shown(text: str) -> str:
    """Text from data for a place where QGIS evaluates [% expressions %]: what is shown is the text."""
    return text.replace("[%", "[\u2060%")  # a word joiner: it has no width, and no expression starts with it


def quoted(name: str) -> str:
    """A column's name in an expression."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in an expression."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def identity(*words: str) -> str:
    """The name QGIS knows a part by: a UUID in braces, always the same for the same words."""
    return f"{{{uuid.uuid5(NAMES, '/'.join(words))}}}"


def colour(value: Colour) -> str:
    """A colour as symbols have it: red,green,blue,alpha."""
    return ",".join(map(str, value if len(value) == 4 else (*value, 255)))


def hexed(value: Colour) -> str:
    """A colour as rasters have it, without its alpha."""
    return "#{:02x}{:02x}{:02x}".format(*value[:3])


def document(root: Element) -> str:
    """The whole text of a project or a style."""
    indent(root, " ")
    return DOCTYPE + tostring(root, encoding="unicode") + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return FORBIDDEN.sub("\ufffd", f"{value:.10g}" if isinstance(value, float) else str(value))
