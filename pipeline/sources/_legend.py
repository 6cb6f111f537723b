"""The legend of general geological maps that the mineral systems are written in."""

from __future__ import annotations

from pipeline.spatial import rocknames

LEGEND = {
    1: "surficial deposits", 2: "Neogene sediment", 3: "Palaeogene sediment", 4: "Cretaceous sediment", 5: "Jurassic sediment",
    6: "Mesozoic and Tertiary volcanics", 7: "intrusive rock", 8: "ophiolite and melange", 9: "Quaternary volcanics", 10: "older and other rock",
}  # fmt: skip
TABLE = rocknames.table_of(rocknames.GROUPS)
VOLCANIC = ("felsic_volcanic", "intermediate_volcanic", "mafic_volcanic")
BY_ROCK = {
    "water": None, "cover": 1, "ultramafic": 8, "melange": 8, "felsic_intrusive": 7, "intermediate_intrusive": 7, "mafic_intrusive": 7,
}  # fmt: skip
SEDIMENT = ("carbonate", "clastic", "evaporite", rocknames.OTHER)
# oldest age in million years of the classes of sediment, after the time scale of the International Commission on Stratigraphy
AGES = ((2.58, 1), (23.03, 2), (66.0, 3), (145.0, 4), (201.4, 5))


def class_of_unit(words: str, youngest_ma: float, oldest_ma: float) -> int | None:
    """The class of a map unit by the words for its rock and its age in million years, the middle of youngest and oldest; None for water.

    Ophiolite, intrusions and volcanics go by their rock, sediment and what has no word by its age; metamorphic rock is 10.
    """
    group, age = rocknames.group(words, TABLE), (youngest_ma + oldest_ma) / 2
    if group in BY_ROCK:
        return BY_ROCK[group]
    if group in VOLCANIC:
        return 9 if age <= AGES[0][0] else 6
    if group in SEDIMENT:
        return next((number for limit, number in AGES if age <= limit), 10)
    return 10
