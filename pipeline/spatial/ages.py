"""Ages of map units from the names of the geological time scale."""

from __future__ import annotations

import re
from functools import lru_cache

# Ma, base and top: International Chronostratigraphic Chart 2023/09 (Cohen and others 2013, updated). "Tertiary" is informal: Palaeogene and Neogene.
PERIODS: dict[str, tuple[float, float]] = {
    "precambrian": (4567, 538.8), "hadean": (4567, 4031), "archean": (4031, 2500), "proterozoic": (2500, 538.8), "paleoproterozoic": (2500, 1600),
    "mesoproterozoic": (1600, 1000), "neoproterozoic": (1000, 538.8), "phanerozoic": (538.8, 0), "paleozoic": (538.8, 251.902),
    "mesozoic": (251.902, 66), "cenozoic": (66, 0), "cambrian": (538.8, 485.4), "ordovician": (485.4, 443.8), "silurian": (443.8, 419.2),
    "devonian": (419.2, 358.9), "carboniferous": (358.9, 298.9), "mississippian": (358.9, 323.2), "pennsylvanian": (323.2, 298.9),
    "permian": (298.9, 251.902), "triassic": (251.902, 201.4), "early triassic": (251.902, 247.2), "middle triassic": (247.2, 237),
    "late triassic": (237, 201.4), "jurassic": (201.4, 145), "early jurassic": (201.4, 174.7), "middle jurassic": (174.7, 161.5),
    "late jurassic": (161.5, 145), "cretaceous": (145, 66), "early cretaceous": (145, 100.5), "late cretaceous": (100.5, 66),
    "tertiary": (66, 2.58), "paleogene": (66, 23.03), "paleocene": (66, 56), "eocene": (56, 33.9), "oligocene": (33.9, 23.03),
    "neogene": (23.03, 2.58), "miocene": (23.03, 5.333), "pliocene": (5.333, 2.58), "quaternary": (2.58, 0), "pleistocene": (2.58, 0.0117),
    "holocene": (0.0117, 0), "recent": (0.0117, 0),
}  # fmt: skip
_SPELLINGS = (("ae", "e"), ("lower ", "early "), ("upper ", "late "), ("mid ", "middle "))


@lru_cache(maxsize=4096)
def span(name: str) -> tuple[float, float] | None:
    """Base and top in Ma of the periods a name holds, from the oldest to the youngest ("Late Cretaceous-Palaeocene"); None where it holds none.

    Lower and upper, as of strata, count as early and late, as of time. An early or late of a period that has none here counts as all of it.
    """
    words = re.sub(r"[^a-z]+", " ", name.casefold())
    for written, meant in _SPELLINGS:
        words = words.replace(written, meant)
    words = f" {words} "
    found = []
    for period in sorted(PERIODS, key=len, reverse=True):  # "late cretaceous" before "cretaceous", and then no more
        if f" {period} " in words:
            found.append(PERIODS[period])
            words = words.replace(f" {period} ", "  ")
    return (max(base for base, _ in found), min(top for _, top in found)) if found else None
