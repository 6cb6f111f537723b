"""What a project's layers have in common: the groups they lie in, the themes that show them, and what is said of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from pipeline.publishers._qgis_xml import node, options, shown

GROUPS = TARGETS, CONTEXT, ANSWER, CONFIDENCE, EVIDENCE = ("Targets", "Context", "Answer", "Confidence", "Evidence")  # the topmost first
GROUND = ""  # what lies under all groups, in none
THEMES = LOOK, SURE, BLIND, WHY, ACCESS, CHANGED = (
    "Where to look", "How sure", "Where the map is blind", "Why", "Access and constraints", "What changed",
)  # fmt: skip
GEOMETRIES = {"Point": "Point", "LineString": "Line", "Polygon": "Polygon", "": "No geometry"}


@dataclass(frozen=True)
class Shown:
    """One layer of a project.

    `key` is its name in the project and of its style, `title` what people read, `source` its file (and layer) relative to the project.
    `style` makes the elements of its .qml anew at each call: an element has one parent. `geometry` is None for rasters, Point, LineString,
    Polygon, or "" for tables; `kind` the geometry as the file has it. `unfolded`: its legend lies open; `legend`: which entries of it are
    shown, by number, all when empty (a raster's entry 0 is the name of its band); `explained`: a printed legend has it.
    """

    key: str
    title: str
    group: str
    source: str
    style: Callable[[], list[Element]]
    themes: tuple[str, ...] = ()
    geometry: str | None = None
    kind: str = ""
    note: str = ""
    licence: str = ""
    unfolded: bool = True
    legend: tuple[int, ...] = ()
    explained: bool = True

    @property
    def id(self) -> str:
        """What the project knows it by. QGIS makes up another for names of ten characters or fewer."""
        return f"prospect_{self.key}"

    @property
    def is_raster(self) -> bool:
        """Whether it is a raster."""
        return self.geometry is None

    @property
    def table(self) -> str:
        """The layer of the GeoPackage it is; "" for a raster."""
        return self.source.partition("|layername=")[2].partition("|")[0]


def themes(layers: Sequence[Shown]) -> tuple[str, ...]:
    """The themes of a project: what changed is one only where that is shown."""
    return THEMES if any(layer.themes == (CHANGED,) for layer in layers) else THEMES[:-1]


def leaf(layer: Shown, *, seen: bool, unfolded: bool) -> Element:
    """A layer in a list of layers or a legend."""
    said = {
        "id": layer.id, "name": shown(layer.title), "source": layer.source, "providerKey": "gdal" if layer.is_raster else "ogr",
        "checked": "Qt::Checked" if seen else "Qt::Unchecked", "expanded": int(unfolded), "legend_exp": "", "patch_size": "-1,-1",
    }  # fmt: skip
    order = {"legend/node-order": ",".join(map(str, layer.legend))} if layer.legend else {}
    return node("layer-tree-layer", said, node("customproperties", {}, options(order)))
