"""The map one can move about in: layers under targets, known deposits and districts, on the grid of the rasters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, Metric, PanTool, Range1d, ScaleBar, TapTool, WheelZoomTool
from bokeh.palettes import Cividis256, Magma256, Viridis256
from bokeh.plotting import figure

from pipeline.publishers._report.picture import NOT_KNOWN, PARTS, Picture

if TYPE_CHECKING:
    import geopandas as gpd

    from pipeline.bundle import Bundle
    from pipeline.recipe import Array

CLEAR = (0, 0, 0, 0.0)
VEIL = "#5c63709e"  # laid over ground where the map is not to be believed: its colours fade and can still be told apart
INK, KNOWN, PAPER = "#14213d", "#00575e", "#ffffff"
ASPECTS = (0.85, 1.9)  # width over height of the map on a page, whatever the region's own
MARGIN = 1.04
IN_VIEW = 30  # targets the map opens on: ground far from them is a button away
LABELLED = 10  # targets that bear their rank on the map
FEWEST = 4  # corners of a ring, the first told twice
LATTICE = 25  # places along each axis at which longitude and latitude are told; between them they are nearly straight
RAMPS = {"prospectivity": Cividis256, "applicability": Viridis256, "uncertainty": Magma256[::-1]}  # told apart by colour-blind eyes


def ramp(picture: Picture) -> list[str]:
    """The colours of a layer from low to high, or of its classes from 1 up."""
    if picture.kind == "class":
        return [picture.colours[code] for code in sorted(picture.colours)]
    if picture.steps:
        return [colour for colour, _ in picture.steps]
    return list(RAMPS.get(picture.name, Viridis256))


def canvas(
    bundle: Bundle, shown: list[Picture], veil: Array | None, step: int, found: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None
) -> tuple[Any, dict[str, Any]]:
    """The Bokeh figure and what the page's script must know of it: where cells lie, how each layer is written, longitude and latitude.

    `found` are the targets to draw, in the order of their rows on the page.
    """
    grid = bundle.cube.grid
    rows, cols = shown[0].cells.shape
    side = grid.cell_m * step
    west, north = grid.x_m, grid.y_m
    south, east = north - rows * side, west + cols * side
    aspect = float(np.clip((east - west) / (north - south), *ASPECTS))
    whole = _view((west, south, east, north), aspect)
    first = _view(_ahead(found, grid.cell_m) or _scored(shown, (west, north), side) or (west, south, east, north), aspect)
    plot = figure(
        x_range=Range1d(first[0], first[2]), y_range=Range1d(first[1], first[3]), sizing_mode="stretch_width", aspect_ratio=round(aspect, 4), min_border=0,
        toolbar_location=None, tools=[PanTool(), WheelZoomTool(modifiers="ctrl"), TapTool()], outline_line_color="#9aa3b2",
        background_fill_color="#eef1f5", output_backend="canvas", lod_threshold=None,
    )  # fmt: skip
    plot.axis.visible = False
    plot.grid.visible = False
    cells = {picture.name: [np.ascontiguousarray(picture.cells[::-1])] for picture in shown}
    if veil is not None:
        cells["not_believed"] = [np.ascontiguousarray(veil[::-1])]
    source = ColumnDataSource(cells, name="cells")
    place: dict[str, Any] = {"x": west, "y": south, "dw": east - west, "dh": north - south, "source": source}
    for number, picture in enumerate(shown):
        plot.image(image=picture.name, color_mapper=_colours(picture), name=f"layer {picture.name}", visible=number == 0, **place)
    if veil is not None:
        plot.image(image="not_believed", color_mapper=LinearColorMapper(palette=["#00000000", VEIL], low=-0.5, high=1.5), name="not believed", **place)
    if districts is not None:
        plot.multi_polygons(**_rings(districts.geometry, side), fill_alpha=0, line_color="#6b7486", line_width=0.9, line_dash=[5, 3], name="districts")
    _targets(plot, bundle, found, side)
    _deposits(plot, bundle)
    plot.add_layout(
        ScaleBar(
            range=plot.x_range, unit="m", dimensional=Metric(base_unit="m"), location="bottom_right", background_fill_alpha=0.85, border_line_color=None,
            label_text_font_size="12px", bar_length=0.16, margin=8,
        )
    )  # fmt: skip
    layers = {p.name: {"kind": p.kind, "names": {str(code): name for code, name in p.names.items()}} for p in shown}
    return plot, {
        "west": west, "south": south, "side": side, "rows": rows, "cols": cols, "parts": PARTS, "not_known": NOT_KNOWN, "layers": layers,
        "lattice": _lattice(grid.crs, (west, south, east, north)), "least_view": 8 * grid.cell_m, "whole": [whole[0], whole[2], whole[1], whole[3]],
    }  # fmt: skip


def _view(bounds: tuple[float, float, float, float], aspect: float) -> tuple[float, float, float, float]:
    """Bounds with a margin, widened to the shape of the map on the page."""
    west, south, east, north = bounds
    height = max(north - south, (east - west) / aspect) * MARGIN
    x, y = (west + east) / 2, (south + north) / 2
    return x - height * aspect / 2, y - height / 2, x + height * aspect / 2, y + height / 2


def _ahead(found: gpd.GeoDataFrame, cell_m: float) -> tuple[float, float, float, float] | None:
    """The bounds of the targets looked at first, with ground around them; None without any."""
    best = found[found["status"] == "new"].head(IN_VIEW)
    if not len(best):
        return None
    west, south, east, north = (float(edge) for edge in best.total_bounds)
    around = max(0.08 * max(east - west, north - south), 10 * cell_m)
    return west - around, south - around, east + around, north + around


def _scored(shown: list[Picture], corner: tuple[float, float], side: float) -> tuple[float, float, float, float] | None:
    """The bounds of the ground that has a value; None where nothing has."""
    known = next((one.cells != NOT_KNOWN for one in shown if one.name == "prospectivity"), np.zeros((1, 1), bool))
    rows, cols = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not rows.size:
        return None
    (west, north), (top, bottom), (left, right) = corner, (rows[0], rows[-1] + 1), (cols[0], cols[-1] + 1)
    return west + left * side, north - bottom * side, west + right * side, north - top * side


def _colours(picture: Picture) -> LinearColorMapper:
    palette = ramp(picture)
    if picture.kind == "class":
        return LinearColorMapper(palette=palette, low=0.5, high=len(palette) + 0.5, low_color=CLEAR)
    if picture.kind == "share":
        return LinearColorMapper(palette=palette, low=0, high=max(round(picture.high * PARTS), 1), high_color=CLEAR)  # NOT_KNOWN lies above all shares
    return LinearColorMapper(palette=palette, low=picture.low, high=picture.high, nan_color=CLEAR)


def _targets(plot: Any, bundle: Bundle, found: gpd.GeoDataFrame, side: float) -> None:
    new = (found["status"] == "new").tolist()
    labels = [f"Target {rank}" if is_new else "Ground of known deposits" for rank, is_new in zip(found["rank"], new, strict=True)]
    drawn = ColumnDataSource({
        **_rings(found.geometry, side), "label": labels, "area": found["area_km2"].tolist(), "best": found["max_prospectivity"].tolist(),
        "edge": [INK if is_new else KNOWN for is_new in new], "wide": [1.8 if is_new else 1.2 for is_new in new],
    }, name="targets source")  # fmt: skip
    shape = plot.multi_polygons(
        "xs", "ys", source=drawn, fill_color=PAPER, fill_alpha=0.0, line_color="edge", line_width="wide", name="targets", selection_line_color="#d000a8",
        selection_line_width=4, nonselection_line_alpha=1.0, nonselection_fill_alpha=0.0, selection_fill_alpha=0.0,
    )  # fmt: skip
    plot.select_one(TapTool).renderers = [shape]
    said = [("", "@label"), ("Area", "@area{0.0} km²"), ("Highest prospectivity", "@best{0.000}")]
    plot.add_tools(HoverTool(renderers=[shape], tooltips=said, point_policy="follow_mouse"))
    first = [i for i, is_new in enumerate(new) if is_new][:LABELLED]
    x, y = ([bundle.targets[i]["best"][axis] for i in first] for axis in (0, 1))
    plot.scatter(x, y, size=19, fill_color=PAPER, fill_alpha=0.9, line_color=INK, line_width=1.2, name="discs")  # ranks read on any colour
    ranks = [str(found["rank"].iloc[i]) for i in first]
    plot.text(
        x, y, ranks, text_align="center", text_baseline="middle", text_font_size="12px", text_font_style="bold", text_color=INK, name="ranks"
    )


def _deposits(plot: Any, bundle: Bundle) -> None:
    held = {name: list(bundle.deposits[name]) for name in ("x", "y", "name")}
    points = plot.scatter(
        "x", "y", source=ColumnDataSource(held, name="deposits source"), marker="triangle", size=9, fill_color="#0072b2", line_color=PAPER, line_width=1.2,
        name="deposits",
    )  # fmt: skip
    plot.add_tools(HoverTool(renderers=[points], tooltips=[("Known deposit", "@name")], point_policy="follow_mouse"))


def _rings(shapes: Any, side: float) -> dict[str, list[Any]]:
    """Polygons as Bokeh takes them, in whole metres, without corners and holes that the cells shown, `side` metres wide, are too coarse to tell."""
    xs, ys = [], []
    for shape in np.asarray(shapes):
        parts = [_told(shapely.get_rings(part), side) for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]
        rings = [[np.rint(shapely.get_coordinates(ring)[:-1]).T.tolist() for ring in part] for part in parts]
        xs.append([[ring[0] for ring in part] for part in rings])
        ys.append([[ring[1] for ring in part] for part in rings])
    return {"xs": xs, "ys": ys}


def _told(rings: Any, side: float) -> Any:
    """The outer ring and the holes that can be seen, each straightened by itself: of a speckled outline with thousands of holes as a whole that would take
    minutes. They may then touch by half a cell, which cannot be seen either."""
    west, south, east, north = shapely.bounds(rings).T
    seen = np.maximum(east - west, north - south) >= side
    seen[0] = True
    straight = shapely.simplify(rings[seen], side / 2, preserve_topology=False)
    few = shapely.get_num_coordinates(straight) < FEWEST
    straight[few] = shapely.simplify(rings[seen][few], side / 2)
    return straight


def _lattice(crs: str, bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    """Longitude and latitude on LATTICE x LATTICE places over the cells, rows from the south."""
    from pyproj import Transformer

    west, south, east, north = bounds
    x, y = np.meshgrid(np.linspace(west, east, LATTICE), np.linspace(south, north, LATTICE))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return {"n": LATTICE, "lon": np.round(lon, 4).ravel().tolist(), "lat": np.round(lat, 4).ravel().tolist()}
