"""What a licence asks for, by the words it is named with: a small table of known ones, and "unknown" for the rest.

It helps to read licences and is no legal advice. The table was written from general knowledge of these licences and not checked line by line against
their texts: read the text before you pass a map on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.config.frame import Config

COPERNICUS_DEM = (
    "produced using Copernicus WorldDEM-30 (c) DLR e.V. 2010-2014 and (c) Airbus Defence and Space GmbH 2014-2018 provided under COPERNICUS by the "
    "European Union and ESA; all rights reserved"
)


@dataclass(frozen=True)
class Terms:
    """What one licence asks of a map made with the data. `attribution`: its source must be named (`words`: in these words); `alike`: what is made
    of it and passed on must bear the same licence; `commercial`, `copies`, `derived`: whether one may earn with it, pass the data on, pass on
    what is made of them."""

    name: str
    attribution: bool = True
    alike: bool = False
    commercial: bool = True
    copies: bool = True
    derived: bool = True
    words: str = ""


_KNOWN: tuple[tuple[str, Terms], ...] = (
    # the first pattern that is met where a name begins counts: longer names stand before their beginnings
    (r"cc0(-1\.0| 1\.0)?|cc zero|pddl", Terms("CC0-1.0", attribution=False)),
    (r"cc[ -]by-nc-nd", Terms("CC-BY-NC-ND", commercial=False, derived=False)),
    (r"cc[ -]by-nc-sa", Terms("CC-BY-NC-SA", alike=True, commercial=False)),
    (r"cc[ -]by-nc", Terms("CC-BY-NC", commercial=False)),
    (r"cc[ -]by-nd", Terms("CC-BY-ND", derived=False)),
    (r"cc[ -]by-sa", Terms("CC-BY-SA", alike=True)),
    (r"cc[ -]by(?!-)", Terms("CC-BY")),
    (r"odbl|open database licen[cs]e", Terms("ODbL-1.0", alike=True)),
    (r"odc[ -]by", Terms("ODC-By-1.0")),
    (r"public domain|us government work", Terms("public domain", attribution=False)),
    (r"apache[ -]2\.0|apache licen[cs]e", Terms("Apache-2.0")),
    (r"\bmit licen[cs]e|\bmit$", Terms("MIT")),
    (r"ogl[ -](uk[ -])?[0-9.]+|open government licen[cs]e", Terms("OGL-UK-3.0")),
    (r"copernicus dem|copernicus worlddem", Terms("Copernicus DEM licence", words=COPERNICUS_DEM)),
    (r"copernicus", Terms("Copernicus Sentinel legal notice", words="contains modified Copernicus Sentinel data")),
    (r"wdpa", Terms("WDPA terms of use", commercial=False, copies=False)),
    (r"bgi terms", Terms("BGI terms of use")),
    (r"confidential|proprietary|all rights reserved", Terms("proprietary", copies=False, derived=False, commercial=False)),
)


@dataclass(frozen=True)
class Source:
    """One source of a map: its key, its licence and citation as config or the source says them, and whether copies may go into an output."""

    key: str
    licence: str
    citation: str
    redistribute: bool = True

    @property
    def terms(self) -> tuple[Terms, ...]:
        """The licences its words name; none when they name no known one."""
        return known(self.licence)


def of(config: Config) -> list[Source]:
    """The sources of a config with what they say of their licence; what only joins others has none of its own."""
    found = []
    for key, use in sorted(config.sources.items()):
        said = use.with_.model_dump()
        if "licence" in said:
            found.append(Source(key, said["licence"], said.get("citation") or "", bool(said.get("redistribute", True))))
    return found


def known(licence: str) -> tuple[Terms, ...]:
    """The known licences that a text names, in its order; none of them means that it is unknown."""
    found: dict[int, Terms] = {}
    taken: list[tuple[int, int]] = []
    for pattern, terms in _KNOWN:
        for match in re.finditer(rf"(?<![a-z0-9]){pattern}", licence.casefold()):
            if not any(a < match.end() and match.start() < b for a, b in taken):
                taken.append(match.span())
                found[match.start()] = terms
    return tuple(dict.fromkeys(terms for _, terms in sorted(found.items())))


def uses(sources: Iterable[Source]) -> list[str]:
    """What a map made with all of these may be used for: one sentence each, the gravest first."""
    sources = list(sources)

    def of(word: str, value: bool) -> list[str]:
        return [f"{s.key} ({t.name})" for s in sources for t in s.terms if getattr(t, word) is value]

    unknown = [f"{s.key} ({s.licence or 'not stated'})" for s in sources if not s.terms]
    copies = list(dict.fromkeys([*of("copies", False), *(f"{s.key} (redistribute: false)" for s in sources if not s.redistribute)]))
    copies = [one for one in copies if not (one.endswith("(redistribute: false)") and any(o.split(" (")[0] == one.split(" (")[0] and o != one for o in copies))]
    said = (
        ("unknown licences: find out what they allow before the map is passed on, nothing is promised here", unknown),
        ("no derived works: the map may not be passed on with these in it", of("derived", False)),
        ("no commercial use: the map may not serve one without leave of the owners", of("commercial", False)),
        ("no redistribution: the data themselves are in no output, only named, and may not be passed on", copies),
        ("share-alike: a map that is passed on must be under the same licence", of("alike", True)),
        ("attribution: the text below must go with the map", of("attribution", True)),
    )
    told = [f"{sentence}: {', '.join(dict.fromkeys(names))}" for sentence, names in said if names]
    if len({t.name for s in sources for t in s.terms if t.alike}) > 1:
        told.insert(0, "two share-alike licences meet: a map under one of them breaks the other; leave one of the sources out to pass it on")
    return told or ["any use: no source asks for anything"]


def attribution(sources: Iterable[Source]) -> list[str]:
    """The lines a map must carry: for each source that asks for it, and each that is unknown, its citation and the words its licence wants."""
    lines = []
    for source in sources:
        asked = [terms for terms in source.terms if terms.attribution]
        if asked or not source.terms:
            words = "; ".join(terms.words for terms in asked if terms.words)
            names = ", ".join(terms.name for terms in asked) or source.licence or "licence not stated"
            lines.append(f"{'; '.join(filter(None, (source.citation or source.key, words)))} ({names})")
    return list(dict.fromkeys(lines))
