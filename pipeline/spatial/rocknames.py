"""Rock groups from the words of map legends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

OTHER = "other"
# English of geological legends; a phrase stands for itself against its words ("volcanic sandstone" is sandstone). After the classes of rock of
# the British Geological Survey's classification scheme and the legends of South Asian sheets.
GROUPS: dict[str, tuple[str, ...]] = {
    "felsic_intrusive": ("granite", "granitoid", "granitic", "leucogranite", "pegmatite", "aplite", "alaskite", "felsic intrusive"),
    "intermediate_intrusive": ("granodiorite", "tonalite", "diorite", "quartz diorite", "monzonite", "quartz monzonite", "syenite",
        "intrusive rock", "intrusion", "pluton", "porphyry"),
    "mafic_intrusive": ("gabbro", "norite", "dolerite", "diabase", "anorthosite", "mafic intrusive", "sheeted dyke", "dyke", "dike"),
    "ultramafic": ("peridotite", "harzburgite", "dunite", "lherzolite", "pyroxenite", "serpentinite", "ultramafic", "ultrabasic",
        "ophiolite", "mantle"),
    "felsic_volcanic": ("rhyolite", "dacite", "rhyodacite", "ignimbrite", "felsic volcanic", "obsidian", "pumice"),
    "intermediate_volcanic": ("andesite", "andesitic", "trachyte", "latite", "volcanic", "volcanics", "volcaniclastic", "lava", "tuff",
        "agglomerate", "pyroclastic"),
    "mafic_volcanic": ("basalt", "basaltic", "pillow lava", "spilite", "mafic volcanic", "basic volcanic", "trap"),
    "carbonate": ("limestone", "dolomite", "dolostone", "carbonate", "marl", "chalk", "calcareous", "reef"),
    "clastic": ("sandstone", "volcanic sandstone", "tuffaceous sandstone", "shale", "calcareous shale", "siltstone", "mudstone",
        "claystone", "clay", "conglomerate", "greywacke", "graywacke", "flysch", "turbidite", "molasse", "arkose", "sediment",
        "sedimentary rock", "chert", "radiolarite", "ironstone", "coal"),
    "evaporite": ("gypsum", "anhydrite", "halite", "rock salt", "salt", "evaporite"),
    "metamorphic": ("gneiss", "granite gneiss", "schist", "phyllite", "slate", "marble", "quartzite", "amphibolite", "migmatite",
        "hornfels", "metamorphic", "metasediment", "metasedimentary", "metavolcanic", "greenschist", "blueschist", "eclogite", "granulite",
        "mylonite"),
    "melange": ("melange", "ophiolitic melange", "olistostrome", "chaotic"),
    "cover": ("alluvium", "alluvial", "colluvium", "fan", "gravel", "sand", "dune", "eolian", "aeolian", "loess", "silt", "playa",
        "sabkha", "terrace", "talus", "scree", "moraine", "surficial", "surficial deposit", "unconsolidated", "laterite", "playa clay",
        "salt flat"),
    "water": ("water", "lake", "sea", "reservoir", "river", "glacier", "ice"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def group(name: str, table: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """The group of a map unit's name: that of the keyword that comes first in it, of two that begin together the longer; OTHER without any.

    `table` is pairs of group and keywords. Case, accents and a plural s do not count; keywords are whole words. The rock named first is
    the one there is most of, as legends are written.
    """
    words = _plain(name)
    found: list[tuple[int, int, str]] = []
    for word, keywords in table:
        for keyword in keywords:
            match = re.search(rf"\b{re.escape(_plain(keyword))}(?:s|es)?\b", words)
            if match:
                found.append((match.start(), -len(keyword), word))
    return min(found)[2] if found else OTHER


def table_of(groups: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A mapping of group to keywords as `group` takes it."""
    return tuple((name, tuple(keywords)) for name, keywords in groups.items())


def _plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare.casefold()).strip()
