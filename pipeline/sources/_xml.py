"""The XML of services, read without what XML can be made to do."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from pipeline.errors import DataError

MOST_BYTES = 20_000_000
Element = ElementTree.Element


def root(path: Path, name: str, *, expected: str) -> Element:
    """The root of a document, whose local name must be `expected`; DataError with the service's own words when it is an exception."""
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{name}: its {expected} holds {path.stat().st_size:,} bytes, the limit is {MOST_BYTES:,}; it is not what was asked for")
    text = path.read_bytes()
    if re.search(rb"<!(DOCTYPE|ENTITY)", text):
        raise DataError(f"{name}: its answer declares a document type, which may hide entities; no such document is read")
    try:
        found = ElementTree.fromstring(text)  # noqa: S314  no document type is let through, so there is no entity to expand
    except ElementTree.ParseError as error:
        raise DataError(f"{name}: its answer is no XML ({error}); is the address that of the service?") from error
    if local(found) != expected:
        words = " ".join(" ".join(found.itertext()).split())[:300]
        raise DataError(f"{name}: answers with {local(found)} in place of {expected}: {words or 'no words'}")
    return found


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def all_of(element: Element, name: str) -> list[Element]:
    """Every element below of a local name."""
    return [found for found in element.iter() if local(found) == name]


def text_of(element: Element, name: str) -> str:
    """The text of the first child of a local name, or none."""
    return next((" ".join((found.text or "").split()) for found in element if local(found) == name), "")
