"""The form of a target: tabs of fields under the headings of their columns, to be read and not written."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from pipeline.bundle import Column
from pipeline.publishers._qgis_xml import node, options

TABS = WHERE, REASONS, SURE, HOLDS, MERIT, ACCESS = ("Where", "Why", "How sure", "What it may hold", "Merit", "Access and constraints")
# by how a column's name begins, the first that fits; what config asks for beside these is of access and constraints
BEGINNINGS = (
    (MERIT, ("merit", "in_top", "rank_by")), (WHERE, ("rank", "status", "area_km2", "districts", "nearest_")), (REASONS, ("for_", "against_")),
    (SURE, ("mean_", "max_", "inferred_", "covered_", "evidence", "clear_looks", "next_")),
    (HOLDS, ("expected_", "deposits_", "p_at_least", "km2_per", "metal_")),
)  # fmt: skip


def heading(column: Column) -> str:
    """The heading of a column with its unit."""
    return column.title if column.unit in ("", "1") else f"{column.title} ({column.unit})"


def tab(name: str) -> str:
    """The tab a column stands under."""
    return next((title for title, beginnings in BEGINNINGS if name.startswith(beginnings)), ACCESS)


def aliases(columns: Mapping[str, Column]) -> Element:
    """The headings of columns, by field."""
    return node("aliases", {}, *(node("alias", {"field": name, "name": heading(column)}) for name, column in columns.items()))


def form(columns: Mapping[str, Column]) -> list[Element]:
    """The elements of a layer's style that make its form; `columns` by field, in the order they are shown."""
    widgets, editable = [], []
    for name, column in columns.items():
        text = {"IsMultiline": column.dtype == "str", "UseHtml": False}
        widgets.append(node("field", {"name": name, "configurationFlags": "None"}, node("editWidget", {"type": "TextEdit"}, node("config", {}, options(text)))))
        editable.append(node("field", {"name": name, "editable": 0}))
    tabs = []
    for title in TABS:
        inside = [node("attributeEditorField", {"name": name, "index": -1, "showLabel": 1}) for name in columns if tab(name) == title]
        if inside:
            said = {"name": title, "groupBox": 0, "columnCount": 1, "showLabel": 1, "visibilityExpressionEnabled": 0, "visibilityExpression": ""}
            tabs.append(node("attributeEditorContainer", said, *inside))
    return [
        node("fieldConfiguration", {}, *widgets), aliases(columns), node("editorlayout", {}, "tablayout"),
        node("attributeEditorForm", {}, *tabs), node("editable", {}, *editable),
    ]  # fmt: skip
