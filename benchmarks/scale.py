"""Memory and time against the size of the region: 12 features, inputs made on the fly, everything through the public functions.

    python -m benchmarks.scale            # 1, 4 and 16 million cells
    python -m benchmarks.scale 100        # one size, in million cells: 100 is 10,000 x 10,000

Prints a table: cells, seconds, cells per second, peak memory of all processes together (proportional set size, so that pages
shared between them count once), bytes of inputs, cube and outputs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import rasterio
import yaml
from rasterio.transform import from_origin
from rasterio.windows import Window
from rich.console import Console
from rich.table import Table

from pipeline import load, plan, run

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
CELL_M, BLOCK = 30, 512
LAYERS = {"dem": (900, 400, 700), "red": (0.3, 0.1, 300), "swir": (0.4, 0.1, 200)}  # mean, amplitude, wavelength in cells


def make_region(root: Path, side: int) -> None:
    """Three smooth rasters of `side` x `side` cells written block by block, 60 deposits, and the YAML."""
    for i, (name, (mean, amplitude, wave)) in enumerate(LAYERS.items()):
        profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "float32", "tiled": True, "compress": "zstd"}
        profile |= {"blockxsize": BLOCK, "blockysize": BLOCK, "crs": CRS, "transform": from_origin(0, side * CELL_M, CELL_M, CELL_M), "predictor": 3}
        with rasterio.open(root / f"{name}.tif", "w", bigtiff="if_safer", **profile) as file:
            for r in range(0, side, BLOCK):
                for c in range(0, side, BLOCK):
                    rows, cols = np.arange(r, min(r + BLOCK, side))[:, None], np.arange(c, min(c + BLOCK, side))[None, :]
                    noise = np.random.default_rng((i, r, c)).normal(0, 0.05, (rows.size, cols.size))
                    values = mean + amplitude * (np.sin(rows / wave + i) * np.cos(cols / (wave * 1.3)) + np.round(noise, 2))
                    file.write(values.astype("float32"), 1, window=Window(c, r, cols.size, rows.size))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0.05, 0.95, (2, 60)) * side * CELL_M
    lines = "\n".join(f"deposit {i},{a:.1f},{b:.1f}" for i, (a, b) in enumerate(zip(x, y, strict=True)))
    (root / "occurrences.csv").write_text(f"name,x,y\n{lines}\n")
    (root / "configs" / "regions").mkdir(parents=True)
    (root / "configs" / "validation").mkdir()
    source = {"use": "raster", "units": "1"}
    said = {
        "region": {"name": "scale", "title": "Scale", "crs": CRS, "cell_m": CELL_M, "tile": 512, "bounds": [0, 0, side * CELL_M, side * CELL_M]},
        "sources": {name: {**source, "path": f"{name}.tif"} for name in LAYERS}
        | {"occurrences": {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "x": "x", "y": "y"}, "crs": CRS}},
        "features": {
            "elevation": {"use": "value", "of": "dem"},
            "slope": {"of": "dem"},
            "aspect_north": {"of": "dem"},
            "aspect_east": {"of": "dem"},
            "roughness": {"of": "dem"},
            "position": {"use": "topographic_position", "of": "dem", "radius_m": 600},
            "relief": {"use": "focal_std", "of": "dem", "radius_m": 1500},
            "ratio": {"use": "band_ratio", "numerator": "swir", "denominator": "red"},
            "index": {"use": "normalized_difference", "a": "swir", "b": "red"},
            "halo": {"use": "focal_mean", "of": "ratio", "radius_m": 1500},
            "gradient": {"use": "horizontal_gradient", "of": "swir"},
            "red_deviation": {"use": "focal_std", "of": "red", "radius_m": 300},
        },
        "label": {"occurrences": "occurrences"},
        "model": {"use": "random_forest", "bags": 5, "trees_per_bag": 10},
        "run": {"workers": 2},
    }
    (root / "configs" / "regions" / "scale.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    (root / "configs" / "validation" / "default.yaml").write_text("title: spatial blocks\nsplit: {block_km: 5, folds: 3}\nseeds: 2\n")


class PeakMemory:
    """The highest sum, over this process and all its children, of proportional set sizes, looked at five times a second."""

    def __init__(self) -> None:
        self.bytes, self.during, self._now, self._stop = 0, "", "", threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def start(self, totals: dict[str, int]) -> None:
        """As `flow.Progress`."""

    def advance(self, stage: str) -> None:
        """Remember which stage goes on."""
        self._now = stage

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.2):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            if total > self.bytes:
                self.bytes, self.during = total, self._now


def folder_bytes(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def main() -> None:
    """Run each size in a fresh folder and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("megacells", nargs="*", type=float, default=[1, 4, 16])
    table = Table("cells", "tiles", "seconds", "cells/s", "peak GB", "during", "inputs MB", "cube MB", "outputs MB", title="mapping, 12 features, 2 workers")
    for mega in parser.parse_args().megacells:
        side = round((mega * 1e6) ** 0.5)
        with tempfile.TemporaryDirectory(prefix="prospect-scale-") as folder:
            root = Path(folder)
            make_region(root, side)
            inputs, begun = folder_bytes(root), time.perf_counter()
            with PeakMemory() as peak:
                made = plan(load("scale", root=root))
                run(made, peak)
            seconds = time.perf_counter() - begun
            sizes = [inputs, folder_bytes(root / "cache"), folder_bytes(root / "outputs")]
            tiles = made.grid.tiles_shape
            table.add_row(
                f"{side} x {side}", f"{tiles[0]} x {tiles[1]}", f"{seconds:.0f}", f"{side**2 / seconds:,.0f}", f"{peak.bytes / 1e9:.2f}", peak.during,
                *(f"{size / 1e6:.0f}" for size in sizes),
            )  # fmt: skip
            Console(file=sys.stdout, width=130).print(f"{side} x {side}: {seconds:.0f} s, {peak.bytes / 1e9:.2f} GB")
    Console(file=sys.stdout, width=130).print(table)


if __name__ == "__main__":
    main()
