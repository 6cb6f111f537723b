"""What each feature costs: its time over that of reading its inputs and writing its outputs with rasterio, in the same run.

    python -m benchmarks.features                      # every feature, 4096 x 4096 cells of 30 m
    python -m benchmarks.features --cells 2048 --only slope --only glcm_entropy

A feature is timed as the pipeline runs it: from the cube, tile by tile with its halo, to the cube, in one process, compiled before. The plain copy
reads its input layers as tiled GeoTIFFs and writes as many layers as it gives, tile by tile too, compressed as the cube is (zstd 1). What a
fit takes, once per survey whatever the tiles, stands in a column of its own; lines that features draw are all fit. A ratio above 15 is marked
unless its reason is among `DEAR`. Last: a focal mean over 5 km against one over 3 x 3 cells.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
import yaml
from rasterio.transform import from_origin
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from pipeline import load, plan, registry, tasks
from pipeline.node import Call, FitNode, LayerNode, Node
from pipeline.planning import Plan, tile_name

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
CELL_M, TILE, MOST = 30, 2048, 15.0
ASTER = ("green", "red", "nir", "swir1", "swir2", "swir3", "swir4", "swir5", "swir6")
BROAD = ("blue", "green", "red", "nir", "swir16", "swir22")
TIR = ("tir1", "tir2", "tir3")
CONTINUOUS = {"dem": 30, "survey": 240, "other": 30, "k": 30, "th": 30, "u": 30}  # name: native_m
DEAR = {
    "glcm_contrast": "a matrix of grey levels per cell",
    "glcm_entropy": "a matrix of grey levels per cell",
    "glcm_homogeneity": "a matrix of grey levels per cell",
    "kriged": "a system of equations per cell",
    "kriged_clr": "a system of equations per cell",
    "kriged_ilr": "a system of equations per cell and coordinate",
    "kriged_robust_pca": "a system of equations per cell and component",
    "infill": "a hundred trees per cell",
    "inverse_distance": "no raster is read: a nearest-neighbour search per cell stands against one write",
    "nearest_sample": "no raster is read: a nearest-neighbour search per cell stands against one write",
    "age_of": "no raster is read: polygons are tested at every cell they bound",
}
BY_NAME: dict[str, Any] = {
    "radius_m": 300.0, "reach_m": 5000.0, "height_m": 2000.0, "codes": [3], "a": [3], "b": [5], "strike_deg": 30.0, "snap_m": 500.0, "column": "zn",
}  # fmt: skip
BY_WORD: dict[str, dict[str, Any]] = {
    "age_of": {"of": "sheets", "column": "unit"},
    "class_by_keywords": {"of": "sheets", "column": "unit"},
    "band_ratio": {"numerator": "k", "denominator": "th"},
    "normalized_difference": {"a": "k", "b": "th"},
    "catchment_mean": {"of": "soils", "terrain": "dem", "step_m": 240.0},
    "class_by_table": {"table": [[3, 1], [5, 2]]},
    "class_named": {"classes": {"three": [3], "five": [5]}},
    "f_parameter": {"potassium": "k", "uranium": "u", "thorium": "th"},
    "potassic_alteration": {"potassium": "k", "thorium": "th"},
    "ternary": {"potassium": "k", "thorium": "th", "uranium": "u"},
    "fuzzy_gaussian": {"midpoint": 1.0, "spread": 0.5},
    "fuzzy_near": {"midpoint": 1.0, "spread": 0.5},
    "fuzzy_large": {"midpoint": 1.0},
    "fuzzy_small": {"midpoint": 1.0},
    "fuzzy_linear": {"zero_at": 0.0, "one_at": 2.0},
    "infill": {"of": "rock", "seen": ["dem", "other", "survey"], "classes": {"one": [3], "two": [5], "three": [8]}},
    "kriged_clr": {"columns": ["zn", "cu", "pb"], "component": "cu"},
    "kriged_ilr": {"columns": ["zn", "cu", "pb"]},
    "kriged_robust_pca": {"columns": ["zn", "cu", "pb"]},
    "levelled": {"of": ["dem", "other"]},
    "mnf": {"of": ["k", "th", "u"]},
    "pca": {"of": ["k", "th", "u"]},
    "reclass": {"table": [[0.0, 1.0, 1.0], [1.0, 2.0, 2.0]]},
    "reduction_to_pole": {"of": "survey", "date": "2010-06-30"},
    "scene_normalized": {"of": "l1t", "scene": "scene"},
    "silica": {"of": "thermal"},
    "lineaments": {"scales_m": [500.0], "least_m": 2000.0, "step_m": 240.0},
    "drainage": {"least_km2": 10.0, "step_m": 240.0},
    "worms": {"of": "survey", "heights_m": [1000.0], "least_m": 3000.0},
}
ON_SURVEYS = ("analytic_signal", "first_vertical_derivative", "residual", "theta", "tilt", "total_horizontal_gradient", "upward_continuation")


def said_of(word: str) -> dict[str, Any]:
    """Parameters that make a feature of the layers below."""
    function = registry.find("features", word)
    recipe, said = registry.declared(function), dict(BY_WORD.get(word, {}))
    for name, kind in registry.dependencies(function).items():
        if name in said or kind.__name__ in ("Fit", "Cells"):
            continue
        if kind.__name__ == "Bands":
            said[name] = "aster" if "aster" in recipe.roles and "sentinel2" not in recipe.roles else "sentinel2"
        elif kind.__name__ == "Vector":
            said[name] = "soils" if "column" in registry.parameters(function).model_fields or "columns" in said else "faults"
        else:
            said[name] = "survey" if word in ON_SURVEYS else "rock" if recipe.reads == "categorical" else "dem"
    for name, field in registry.parameters(function).model_fields.items():
        if field.is_required() and name not in said:
            said[name] = BY_NAME[name]
    return {"use": word, **said}


def make_region(root: Path, side: int, words: list[str]) -> None:
    """Smooth rasters with noise, rock classes, lines, polygons and samples, and the YAML that makes every feature of them."""
    rng = np.random.default_rng(1)
    end = side * CELL_M
    for name in CONTINUOUS:
        raster(root / f"{name}.tif", [1 + smooth(rng, side)], "float32")
    for name, roles in {"aster": ASTER, "sentinel2": BROAD, "thermal": TIR}.items():
        raster(root / f"{name}.tif", [0.3 + 0.05 * smooth(rng, side) for _ in roles], "float32")
    for name, classes in {"rock": [3, 5, 8, 11], "scene": [1, 2]}.items():
        raster(root / f"{name}.tif", [np.array(classes)[np.digitize(smooth(rng, side), np.linspace(-0.5, 0.5, len(classes) - 1))]], "int32")
    starts = rng.uniform(0, end, (400, 1, 2))
    lines = shapely.linestrings(starts + np.cumsum(rng.normal(0, 1500, (400, 8, 2)), axis=1))
    gpd.GeoDataFrame(geometry=lines, crs=CRS).to_file(root / "faults.gpkg")
    corners = rng.uniform(0, end, (300, 2))
    sheets = shapely.box(*corners.T, *(corners + rng.uniform(1000, end / 6, (300, 2))).T)
    gpd.GeoDataFrame({"unit": rng.choice(["Eocene limestone", "Late Cretaceous andesite"], 300)}, geometry=sheets, crs=CRS).to_file(root / "sheets.gpkg")
    places = rng.uniform(0, end, (2000, 2))
    frame = pd.DataFrame(rng.lognormal(3, 0.5, (2000, 3)), columns=["zn", "cu", "pb"])
    gpd.GeoDataFrame(frame, geometry=shapely.points(places), crs=CRS).to_file(root / "soils.gpkg")
    deposits = pd.DataFrame(places[:60], columns=["x", "y"]).assign(name=[f"deposit {i}" for i in range(60)])
    deposits.to_csv(root / "occurrences.csv", index=False)

    def bands(path: str, roles: tuple[str, ...], sensor: str, units: str) -> dict[str, Any]:
        return {"use": "raster", "path": path, "bands": {role: i for i, role in enumerate(roles, 1)}, "sensor": sensor, "units": units}

    said = {
        "region": {"name": "features", "title": "Features", "crs": CRS, "cell_m": CELL_M, "tile": min(TILE, side), "bounds": [0, 0, end, end]},
        "sources": {name: {"use": "raster", "path": f"{name}.tif", "units": "1", "native_m": native_m} for name, native_m in CONTINUOUS.items()}
        | {name: {"use": "raster", "path": f"{name}.tif", "units": "1", "kind": "categorical"} for name in ("rock", "scene")}
        | {"aster": bands("aster.tif", ASTER, "aster", "reflectance"), "l1t": bands("aster.tif", ASTER, "aster", "radiance")}
        | {"thermal": bands("thermal.tif", TIR, "aster", "radiance"), "sentinel2": bands("sentinel2.tif", BROAD, "sentinel2", "reflectance")}
        | {name: {"use": "vector", "path": f"{name}.gpkg"} for name in ("faults", "sheets", "soils")}
        | {"occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "x": "x", "y": "y"}, "crs": CRS}},
        "features": {"evidence": {"use": "value", "of": "dem"}}
        | {f"f_{word}": said_of(word) for word in words}
        | {"narrow": {"use": "focal_mean", "of": "dem", "radius_m": CELL_M}, "wide": {"use": "focal_mean", "of": "dem", "radius_m": 5000.0}},
        "label": {"occurrences": "occurrences"},
        "system": {"inputs": [f"f_{word}" for word in words]},
        "model": {"use": "random_forest", "bags": 2, "trees_per_bag": 2},
        "run": {"workers": 0, "cache": "cache", "outputs": "outputs", "memory_gb": 12},
    }
    for part in ("regions", "validation"):
        (root / "configs" / part).mkdir(parents=True)
    (root / "configs" / "regions" / "features.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    (root / "configs" / "validation" / "default.yaml").write_text(yaml.safe_dump({"title": "blocks", "split": {"kind": "square_blocks", "block_km": 10}}))


def smooth(rng: np.random.Generator, side: int) -> Any:
    """A field that varies over some 60 cells, about -1 to 1, with a little noise."""
    coarse = rng.normal(size=(side // 64 + 4, side // 64 + 4))
    field = ndimage.zoom(coarse, 64, order=1)[:side, :side] / 2
    return field + np.round(rng.normal(0, 0.02, (side, side)), 2)


def raster(path: Path, layers: list[Any], dtype: str) -> None:
    """Layers as the bands of a tiled GeoTIFF."""
    side = len(layers[0])
    with rasterio.open(path, "w", **profile(side, len(layers), dtype)) as file:
        for band, values in enumerate(layers, 1):
            file.write(values.astype(dtype), band)


def profile(side: int, bands: int, dtype: str) -> dict[str, Any]:
    """How GeoTIFFs are written here: as near to the cube's own compression as the format has it."""
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd", "zstd_level": 1, "interleave": "band", "bigtiff": "if_safer"}
    grid = {"height": side, "width": side, "crs": CRS, "transform": from_origin(0, side * CELL_M, CELL_M, CELL_M)}
    return {"driver": "GTiff", "count": bands, "dtype": dtype, **tiles, **grid}


def run(made: Plan, node: Node) -> float:
    """Seconds to make a node as a worker would, tile by tile."""
    begun = time.perf_counter()

    def task(call: Call, tile: Any) -> tasks.Task:
        outputs = node.outputs if isinstance(node, LayerNode) else ()
        return tasks.Task(made.cube, node.name, call, tile, {fit: made.fit_keys[fit] for fit in call.read_fits()}, outputs)

    if isinstance(node, LayerNode):
        for tile in made.grid.tiles():
            tasks.write_tile(task(node.call, tile))
    else:
        parts = {tile_name(tile): tasks.gather_tile(task(node.gather, tile))[0] for tile in made.grid.tiles()} if node.gather else None
        tasks.save_fit(task(node.call, None), made.fit_keys[node.name], parts)
    return time.perf_counter() - begun


def copied(made: Plan, node: LayerNode, root: Path) -> float:
    """Seconds to read the node's inputs as GeoTIFFs and write its outputs, and no more."""
    side = made.grid.rows
    inputs = []
    for name in node.call.read_layers():
        source = next(key for key in sorted(made.loaded.config.sources, key=len, reverse=True) if name == key or name.startswith(f"{key}_"))
        said = made.loaded.config.sources[source].with_.model_dump()
        inputs.append((root / said["path"], (said.get("bands") or {}).get(name.removeprefix(f"{source}_"), 1)))
    outputs = [(meta, np.asarray(made.cube.open(meta.name)[:])) for meta in node.outputs]
    begun = time.perf_counter()
    windows = [made.grid.window(tile) for tile in made.grid.tiles()]
    boxes = [rasterio.windows.Window(w.c0, w.r0, w.c1 - w.c0, w.r1 - w.r0) for w in windows]
    for path, band in inputs:
        with rasterio.open(path) as file:
            for box in boxes:
                file.read(band, window=box)
    for i, (meta, values) in enumerate(outputs):
        with rasterio.open(root / f"copy{i}.tif", "w", **profile(side, 1, meta.dtype)) as file:
            for window, box in zip(windows, boxes, strict=True):
                file.write(values[window.r0 : window.r1, window.c0 : window.c1], 1, window=box)
    return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--cells", type=int, default=4096, help="side of the square of cells")
    asked.add_argument("--only", action="append", help="one feature; may be given again")
    said = asked.parse_args()
    words = said.only or list(registry.words("features"))
    screen, cells = Console(width=130), said.cells**2
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_region(root, said.cells, words)
        made = plan(load("features", root=root))
        made.cube.prepare([meta for node in made.nodes if isinstance(node, LayerNode) for meta in node.outputs])
        needed = {node.name: node for node in made.nodes}
        for node in made.nodes:
            if node.stage == "align":
                run(made, node)
        table = Table("feature", "fit s", "seconds", "Mcells/s", "plain s", "ratio", "", box=None, header_style="bold")
        ratios: dict[str, float] = {}
        for word in words:
            node, name = needed[f"f_{word}"], f"f_{word}"
            fit = needed.get(f"{name}_fit")
            fitting = run(made, fit) if fit else 0.0
            if isinstance(node, FitNode):
                table.add_row(word, f"{run(made, node):.2f}", "", "", "", "", "lines: all of it is fit")
                continue
            warm(made, node)
            seconds, plain = run(made, node), copied(made, node, root)
            ratios[word] = seconds / plain
            note = DEAR.get(word, "ABOVE 15") if ratios[word] > MOST else ""
            row = (f"{fitting:.2f}" if fit else "", f"{seconds:.2f}", f"{cells / seconds / 1e6:.1f}", f"{plain:.2f}", f"{ratios[word]:.1f}", note)
            table.add_row(word, *row)
        screen.print(table)
        for name in ("narrow", "wide"):
            warm(made, needed[name])
        narrow, wide = (min(run(made, needed[name]) for _ in range(3)) for name in ("narrow", "wide"))
        screen.print(f"focal mean over 5 km against 3 x 3 cells: {wide:.2f} s against {narrow:.2f} s, {wide / narrow:.2f} times (at most 2 asked)")
        over = [word for word, ratio in ratios.items() if ratio > MOST and word not in DEAR]
        told = f"{len(ratios)} features, {cells / 1e6:.1f} million cells in tiles of {made.grid.tile}"
        screen.print(f"{told}; above {MOST:g} without a reason: {', '.join(over) or 'none'}")


def warm(made: Plan, node: Node) -> None:
    """One tile, so that nothing is compiled while it is timed."""
    assert isinstance(node, LayerNode)
    first = next(iter(made.grid.tiles()))
    fits = {fit: made.fit_keys[fit] for fit in node.call.read_fits()}
    tasks.write_tile(tasks.Task(made.cube, node.name, node.call, first, fits, node.outputs))


if __name__ == "__main__":
    main()
