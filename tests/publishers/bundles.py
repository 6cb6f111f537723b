"""A small bundle with known contents, for the publishers' tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.bundle import Bundle, Column, Lines, Sheet, Shown
from pipeline.cube import Cube, LayerMeta
from pipeline.grid import Grid
from pipeline.node import Table
from pipeline.recipe import MISSING, Vector
from pipeline.stages import news
from tests import tiny

CRS = "EPSG:6933"
CELL_M = 1000.0
ROWS, COLS = 60, 80
ODD = 'Reko "<b>&amp;</b>" [% 1 + 1 %] \'x\' \\ \x07'  # markup, an expression of QGIS, quotes, and a control character


def target(rank: int | None, box: tuple[float, float, float, float], **said: Any) -> dict[str, Any]:
    """A target over a box in metres, as delineate writes it."""
    polygon = shapely.box(*box)
    return {
        "rank": rank, "status": "new" if rank else "known ground", "area_km2": polygon.area / 1e6, "mean_prospectivity": 0.8,
        "max_prospectivity": 0.9, "mean_uncertainty": 0.05, "mean_applicability": 0.7, "inferred_share": None, "evidence": None,
        "covered_share": None, "merit": 0.75, "in_top_ten": 1.0 if rank else None, "rank_by_prospectivity": rank, "merit_prospectivity": 0.9,
        "merit_confidence": 0.8, "merit_footprint": 0.4, "nearest_occurrence": "Old Prospect (VMS)", "nearest_occurrence_km": 3.25,
        "best": [polygon.centroid.x, polygon.centroid.y], "nearest_known": "Old Mine", "nearest_known_km": 12.5,
        "wkb": shapely.to_wkb(polygon, byte_order=1), "for_1": "halo (+0.200)", "for_2": "slope (+0.010)", "for_3": None, "against_1": "rock (-0.050)", **said,
    }  # fmt: skip


def table(folder: Path, name: str, frame: gpd.GeoDataFrame) -> Table:
    """A vector table as acquire aligns it."""
    path = folder / f"{name}.fgb"
    frame.to_file(path, driver="FlatGeobuf", engine="pyogrio", layer=name)
    return Table(name, path, "v1")


def scores() -> dict[str, Any]:
    """Layers of known values: prospectivity in steps by column, uncertainty by row, the left ten columns not scored."""
    prospectivity = np.tile(np.linspace(0, 1, COLS, dtype=np.float32), (ROWS, 1))
    uncertainty = np.repeat(np.linspace(0, 0.2, ROWS, dtype=np.float32)[:, None], COLS, axis=1)
    classes = np.clip(1 + np.arange(COLS) // 16, 1, 5).astype(np.int32) * np.ones((ROWS, 1), np.int32)
    for values, missing in ((prospectivity, np.nan), (uncertainty, np.nan), (classes, MISSING)):
        values[:, :10] = missing
    return {"prospectivity": prospectivity, "uncertainty": uncertainty, "classes": classes}


def bundle(folder: Path, **changes: Any) -> Bundle:
    """A bundle over 80 x 60 km with two targets, two deposits, districts, a free and a closed vector."""
    grid = Grid.covering((0, -ROWS * CELL_M, COLS * CELL_M, 0), crs=CRS, cell_m=CELL_M, tile=32)
    cube = Cube.at(folder / "cache", "here", grid)
    layers = scores()
    cube.prepare(
        [LayerMeta(f"systems/x/{n}", "int32" if n == "classes" else "float32", "1", f"Layer {n}", "prospect", "CC0", CELL_M) for n in layers]
    )
    for index in grid.tiles():
        w = grid.window(index)
        for name, values in layers.items():
            cube.write(f"systems/x/{name}", index, np.ascontiguousarray(values[w.r0 : w.r1, w.c0 : w.c1]))
    tiny.everywhere(cube)
    west, east = shapely.box(0, -60_000, 40_000, 0), shapely.box(40_000, -60_000, 80_000, 0)
    districts = table(folder, "districts", gpd.GeoDataFrame({"name": ["Chagai", "Kech"]}, geometry=[west, east], crs=CRS))
    line = shapely.LineString([(0, 0), (5000, -5000)])
    faults = table(folder, "faults", gpd.GeoDataFrame({"kind": ["old"], "KIND": ["OLD"], "fid": ["a"]}, geometry=[line], crs=CRS))
    parks = table(folder, "parks", gpd.GeoDataFrame({"name": ["Park"]}, geometry=[west.buffer(-1000)], crs=CRS))
    said: dict[str, Any] = {
        "folder": folder / "out", "cube": cube, "title": "Here", "region": "here", "system": "x", "synthetic": True,
        "rasters": {n: f"systems/x/{n}" for n in layers},
        "targets": [target(1, (30_000, -12_000, 46_000, -10_000)), target(None, (60_000, -42_000, 64_000, -40_000))],
        "deposits": {"name": ["Old Mine", "New Mine"], "x": [62_000.0, 1000.0], "y": [-41_000.0, -1000.0], "group": [4, 9]},
        "districts": districts,
        "vectors": {"faults": Shown(faults, "CC BY", True), "parks": Shown(parks, "WDPA terms", False), "districts": Shown(districts, "CC0", True)},
        "drawn": {"ridges": Lines(Vector(np.array([line], object), {"azimuth_deg": np.array([135.0])}), "Lineaments: ridges", "CC BY")},
        "scorecard": {}, "provenance": {}, "config_yaml": "", "model": b"", "notices": (),
    }  # fmt: skip
    (folder / "out").mkdir(parents=True, exist_ok=True)
    return Bundle(**(said | changes))


def shown(folder: Path, **changes: Any) -> Bundle:
    """The same with all that a project shows: applicability below 0.5 in the upper half, a relief, one layer of evidence, and what an update changed: the
    map rose by 0.25 in the north-east and fell by 0.05 in the south-east, and one target appeared and one went."""
    made = bundle(folder)
    rows, cols = np.mgrid[:ROWS, :COLS].astype(np.float32)
    layers = {
        "systems/x/applicability": np.where(np.isnan(scores()["prospectivity"]), np.nan, np.where(rows < ROWS / 2, 0.3, 0.8)),
        "dem": 500 + 300 * np.sin(cols / 4) * np.cos(rows / 5), "halo": cols / COLS + rows,
        "systems/x/change": np.where(cols < COLS / 2, np.nan, np.where(rows < ROWS / 2, 0.25, -0.05)),
    }  # fmt: skip
    moved = [
        {"what": what, "rank": rank, "rank_before": before, "causes": ["new survey"], "sources": ["halo"], "max_prospectivity": 0.9,
         "max_prospectivity_before": None, "area_km2": 32.0, "area_km2_before": None, "x": x, "y": -20_000.0}
        for what, rank, before, x in (("appeared", 1, None, 38_000.0), ("went", None, 2, 62_000.0))
    ]  # fmt: skip
    cube = made.cube
    cube.prepare([LayerMeta(name, "float32", "m" if name == "dem" else "1", f"Layer {name}", "prospect", "CC <b>&", CELL_M) for name in layers])
    for index in cube.grid.tiles():
        w = cube.grid.window(index)
        for name, values in layers.items():
            cube.write(name, index, np.ascontiguousarray(values[w.r0 : w.r1, w.c0 : w.c1].astype(np.float32)))
    park = table(folder, "small_parks", gpd.GeoDataFrame({"name": ["Park"]}, geometry=[shapely.box(0, -9000, 9000, 0)], crs=CRS))
    provenance = {"inputs": [{"source": "faults", "licence": "CC BY", "citation": ODD}, {"source": "dem", "licence": "CC0", "citation": "not stated"}]}
    said: dict[str, Any] = {
        "rasters": {**made.rasters, "applicability": "systems/x/applicability"}, "evidence": {"dem": "dem", "halo": "halo"}, "relief": "dem",
        "title": ODD, "system_title": "Copper", "provenance": provenance, "scorecard": {"verdict": "Beats its nulls."},
        "deposits": {"name": [ODD, "\u0645\u0639\u062f\u0646"], "x": [62_000.0, 21_000.0], "y": [-41_000.0, -11_000.0], "group": [4, 9]},
        "vectors": {**made.vectors, "parks": Shown(park, "WDPA terms", True, excludes=True), "faults": replace(made.vectors["faults"], evidence=True)},
        "columns": {"port_h": Column("float64", "To <b>port</b>", "h", "Hours of travel.")}, "targets": [{**one, "port_h": 3.5} for one in made.targets],
        "tables": {"by_district": Sheet("By district", "Who benefits.", pd.DataFrame({"name": ["Kech"], "km2": [2.5]}), {
            "name": Column("str", "Name", "", "Of it."), "km2": Column("float64", "Area", "km2", "Of it."),
        }), "changes": news.sheet(moved)},
        "change": "systems/x/change", "changes": {
            "before": "2026-01-01T000000Z", "fitted": "2026-01-01T00:00:00+00:00", "refit": False, "noise": {"sd": None, "cells": 0, "seasons": 0},
            "noise_said": "The noise was not measured.", "new": {"halo": "new survey"}, "patches": 2, "targets": moved, "shifted": 0,
        },
    }  # fmt: skip
    return replace(made, **(said | changes))
