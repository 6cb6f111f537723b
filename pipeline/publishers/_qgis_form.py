"""The form of a target: tabs of fields under the headings of their columns, to be read and not written."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from pipeline.bundle import Column
from pipeline.publishers._qgis_xml import node, options

WHERE, REASONS, SURE, MORE = TABS = ("Where", "Why", "How sure", "More")
# the columns every map has; what config adds stands under More
PLACED = {
    "rank": WHERE, "status": WHERE, "area_km2": WHERE, "districts": WHERE, "nearest_known": WHERE, "nearest_known_km": WHERE,
    "mean_prospectivity": SURE, "max_prospectivity": SURE, "mean_uncertainty": SURE, "mean_applicability": SURE, "inferred_share": SURE,
    "expected_deposits": SURE, "p_at_least_one": SURE,
}  # fmt: skip


def heading(column: Column) -> str:
    """The heading of a column with its unit."""
    return column.title if column.unit in ("", "1") else f"{column.title} ({column.unit})"


def tab(name: str) -> str:
    """The tab a column stands under."""
    return REASONS if name.startswith(("for_", "against_")) else PLACED.get(name, MORE)


def form(columns: Mapping[str, Column]) -> list[Element]:
    """The elements of a layer's style that make its form; `columns` by field, in the order they are shown."""
    widgets, aliases, editable = [], [], []
    for name, column in columns.items():
        text = {"IsMultiline": column.dtype == "str", "UseHtml": False}
        widgets.append(node("field", {"name": name, "configurationFlags": "None"}, node("editWidget", {"type": "TextEdit"}, node("config", {}, options(text)))))
        aliases.append(node("alias", {"field": name, "name": heading(column)}))
        editable.append(node("field", {"name": name, "editable": 0}))
    tabs = []
    for title in TABS:
        inside = [node("attributeEditorField", {"name": name, "index": -1, "showLabel": 1}) for name in columns if tab(name) == title]
        if inside:
            said = {"name": title, "groupBox": 0, "columnCount": 1, "showLabel": 1, "visibilityExpressionEnabled": 0, "visibilityExpression": ""}
            tabs.append(node("attributeEditorContainer", said, *inside))
    return [
        node("fieldConfiguration", {}, *widgets), node("aliases", {}, *aliases), node("editorlayout", {}, "tablayout"),
        node("attributeEditorForm", {}, *tabs), node("editable", {}, *editable),
    ]  # fmt: skip
