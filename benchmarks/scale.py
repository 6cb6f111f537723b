"""Memory and time against the size of the region: 24 features, inputs made on the fly, everything through the public functions.

    python -m benchmarks.scale                            # 1, 4 and 16 million cells
    python -m benchmarks.scale 64 256 400 --folder big    # sizes in million cells; half an hour: start it, stop it, start it again
    python -m benchmarks.scale --folder big --table       # what is there so far
    python -m benchmarks.scale 1 4 16 --anew              # as if nothing were kept, as `make bench` does

Six rasters in coarse steps, so that inputs and what is made of them pack well, 24 features, 5 x 10 trees, 2 workers. Each size is mapped by a process of
its own and kept in `--folder` once it is done, and its rasters and cube removed; one that was stopped goes on where it was, its seconds added up. Prints
a table: cells, seconds, cells per second, peak memory of all processes together (proportional set size, so that pages shared between them count once),
bytes of inputs, cube and outputs, and by how many the disk was fuller at most, whoever filled it; and how time
grows: the exponent of a straight line through the logarithms, from 16 million cells on.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import rasterio
import yaml
from rasterio.transform import from_origin
from rasterio.windows import Window
from rich.console import Console
from rich.table import Table

from benchmarks.asked import asked
from pipeline import load, plan, run

CRS = "+proj=aea +lat_0=28 +lon_0=65.5 +lat_1=25.5 +lat_2=31 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
CELL_M, BLOCK, SELDOM = 30, 512, 25
LAYERS = {  # mean, amplitude, wavelength in cells, step
    "dem": (900, 400, 700, 1.0), "red": (0.3, 0.1, 300, 0.01), "swir": (0.4, 0.1, 200, 0.01), "nir": (0.5, 0.1, 260, 0.01),
    "magnetic": (0, 200, 500, 1.0), "potassium": (2, 1, 350, 0.05),
}  # fmt: skip


def features() -> dict[str, dict[str, Any]]:
    """The features of the region `make_region` makes, as its config says them."""
    relief: dict[str, dict[str, Any]] = {name: {"of": "dem"} for name in ("slope", "aspect_north", "aspect_east", "roughness")}
    relief |= {
        "elevation": {"use": "value", "of": "dem"},
        "position": {"use": "topographic_position", "of": "dem", "radius_m": 600},
        "relief": {"use": "focal_std", "of": "dem", "radius_m": 1500},
    }
    ratios: dict[str, dict[str, Any]] = {
        "ratio": {"use": "band_ratio", "numerator": "swir", "denominator": "red"},
        "index": {"use": "normalized_difference", "a": "swir", "b": "red"},
        "green": {"use": "normalized_difference", "a": "nir", "b": "red"},
        "clay": {"use": "band_ratio", "numerator": "nir", "denominator": "swir"},
        "halo": {"use": "focal_mean", "of": "ratio", "radius_m": 1500},
    }
    windows: dict[str, dict[str, Any]] = {
        f"{name}_{word}": {"use": word, "of": name} for name in ("magnetic", "potassium", "swir") for word in ("value", "horizontal_gradient")
    }
    windows |= {f"{name}_spread": {"use": "focal_std", "of": name, "radius_m": 300} for name in ("red", "swir", "magnetic")}
    windows |= {f"{name}_mean": {"use": "focal_mean", "of": name, "radius_m": 900} for name in ("nir", "magnetic", "potassium")}
    return relief | ratios | windows


def make_region(root: Path, side: int) -> None:
    """The rasters of `side` x `side` cells written block by block, 60 deposits, and the YAML; nothing where that is there already."""
    if (root / "whole").is_file():
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for i, (name, (mean, amplitude, wave, step)) in enumerate(LAYERS.items()):
        profile = {"driver": "GTiff", "height": side, "width": side, "count": 1, "dtype": "float32", "tiled": True, "compress": "zstd"}
        profile |= {"blockxsize": BLOCK, "blockysize": BLOCK, "crs": CRS, "transform": from_origin(0, side * CELL_M, CELL_M, CELL_M), "predictor": 3}
        with rasterio.open(root / f"{name}.tif", "w", bigtiff="if_safer", **profile) as file:
            for r in range(0, side, BLOCK):
                for c in range(0, side, BLOCK):
                    rows, cols = np.arange(r, min(r + BLOCK, side))[:, None], np.arange(c, min(c + BLOCK, side))[None, :]
                    noise = np.random.default_rng((i, r, c)).normal(0, 0.02, (rows.size, cols.size))
                    values = mean + amplitude * (np.sin(rows / wave + i) * np.cos(cols / (wave * 1.3)) + noise)
                    file.write((np.round(values / step) * step).astype("float32"), 1, window=Window(c, r, cols.size, rows.size))
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
        "features": features(),
        "label": {"occurrences": "occurrences"},
        "model": {"use": "random_forest", "bags": 5, "trees_per_bag": 10},
        "publish": {"at_most": 0},
        "run": {"workers": 2},
    }
    (root / "configs" / "regions" / "scale.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    (root / "configs" / "validation" / "default.yaml").write_text("title: spatial blocks\nsplit: {kind: square_blocks, block_km: 5, folds: 3}\nseeds: 2\n")
    (root / "whole").touch()


class PeakMemory:
    """The highest sum, over this process and all its children, of proportional set sizes, looked for five times a second; kept in `note` with the seconds
    so far, so that a run that is stopped and started again counts whole."""

    def __init__(self, note: Path) -> None:
        held = json.loads(note.read_text()) if note.is_file() else {}
        self.bytes, self.during, self.before = held.get("peak", 0), held.get("during", ""), held.get("seconds", 0.0)
        self.parts: list[int] = held.get("parts", [])
        self.disk, self._free = held.get("disk", 0), shutil.disk_usage(note.parent).free + held.get("held", 0)
        self.note, self._now, self._stop, self._begun = note, "", threading.Event(), time.perf_counter()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._keep()

    @property
    def seconds(self) -> float:
        """Of this run and of those before it that were stopped."""
        return float(self.before + time.perf_counter() - self._begun)

    def start(self, totals: dict[str, int]) -> None:
        """As `flow.Progress`."""

    def advance(self, stage: str) -> None:
        """Remember which stage goes on."""
        self._now = stage

    def _keep(self) -> None:
        said = {"seconds": self.seconds, "peak": self.bytes, "during": self.during, "parts": self.parts, "disk": self.disk, "held": self._held()}
        self.note.write_text(json.dumps(said))

    def _held(self) -> int:
        """Bytes by which the disk is fuller than at the start, inputs not counted."""
        return max(0, int(self._free) - shutil.disk_usage(self.note.parent).free)

    def _watch(self) -> None:
        """The exact sum of proportional sizes takes the system a good part of a core, so it is asked for once in `SELDOM` looks, and whenever the plain sum
        of resident sizes, pages that are shared counted in each, is the highest so far."""
        me, saved, highest, looks = psutil.Process(), time.perf_counter(), 0, 0
        while not self._stop.wait(0.2):
            every = [me, *me.children(recursive=True)]
            resident = sum(_of(process, lambda p: p.memory_info().rss) for process in every)
            self.disk = max(self.disk, self._held())
            looks += 1
            if resident > highest or looks % SELDOM == 0:
                highest = max(highest, resident)
                parts = [_of(process, lambda p: p.memory_full_info().pss) for process in every]
                if sum(parts) > self.bytes:
                    self.bytes, self.during, self.parts = sum(parts), self._now, parts
            if time.perf_counter() - saved > 10:
                self._keep()
                saved = time.perf_counter()


def _of(process: psutil.Process, asked: Callable[[psutil.Process], int]) -> int:
    try:
        return asked(process)
    except psutil.Error:  # it has ended
        return 0


def folder_bytes(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def measured(folder: Path, mega: float) -> dict[str, Any]:
    """What it took to map a region of that many million cells, by a process of its own; what is kept of an earlier run is taken from there."""
    kept = folder / f"{mega:g}.json"
    if not kept.is_file():
        subprocess.run([sys.executable, "-m", "benchmarks.scale", f"{mega:g}", "--folder", str(folder), "--here"], check=True)
    return json.loads(kept.read_text())  # type: ignore[no-any-return]


def measure(folder: Path, mega: float) -> None:
    """Map a region of that many million cells in this process, and keep what it took."""
    side, root = round((mega * 1e6) ** 0.5), folder / f"{mega:g}"
    make_region(root, side)
    inputs = sum(folder_bytes(p) if p.is_dir() else p.stat().st_size for p in root.glob("*.tif"))
    with PeakMemory(root / "note.json") as peak:
        made = plan(load("scale", root=root))
        run(made, peak)
    found = {
        "side": side, "tiles": list(made.grid.tiles_shape), "seconds": peak.seconds, "peak": peak.bytes, "during": peak.during, "parts": peak.parts,
        "disk": inputs + peak.disk, "inputs": inputs, "cube": folder_bytes(root / "cache"), "outputs": folder_bytes(root / "outputs"),
    }  # fmt: skip
    (folder / f"{mega:g}.json").write_text(json.dumps(found, indent=1))
    shutil.rmtree(root)


def shown(found: list[dict[str, Any]], console: Console) -> None:
    """The table of what was measured, smallest first, and how time and memory grow."""
    title = f"mapping, {len(features())} features, 2 workers"
    table = Table("cells", "tiles", "hours", "cells/s", "peak GB", "during", "inputs MB", "cube MB", "outputs MB", "peak disk GB", title=title)
    found = sorted(found, key=lambda one: one["side"])
    for one in found:
        table.add_row(
            f"{one['side']} x {one['side']}", f"{one['tiles'][0]} x {one['tiles'][1]}", f"{one['seconds'] / 3600:.3f}",
            f"{one['side'] ** 2 / one['seconds']:,.0f}", f"{one['peak'] / 1e9:.2f}", one["during"],
            *(f"{one[word] / 1e6:.0f}" for word in ("inputs", "cube", "outputs")), f"{one.get('disk', 0) / 1e9:.1f}",
        )  # fmt: skip
    console.print(table)
    large = [one for one in found if one["side"] ** 2 > 15e6]
    if len(large) > 1:
        exponent = np.polyfit(np.log([one["side"] ** 2 for one in large]), np.log([one["seconds"] for one in large]), 1)[0]
        most, least = (pick(one["peak"] for one in large) for pick in (max, min))
        console.print(f"from 16 million cells on, seconds grow as cells to a power of {asked(exponent, at_most=1.05)}")
        console.print(f"the highest peak over the least {asked(most / least, at_most=1.2)}; GB {asked(most / 1e9, at_most=3)}")
    console.print(f"GB of disk at most: {asked(max((one.get('disk', 0) for one in found), default=0) / 1e9, at_most=50)}")


def main() -> None:
    """Run each size that is not kept yet and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("megacells", nargs="*", type=float, default=[1, 4, 16])
    parser.add_argument("--folder", type=Path, default=Path("cache/benchmarks/scale"))
    parser.add_argument("--anew", action="store_true", help="forget what is kept: it was measured of older code")
    parser.add_argument("--table", action="store_true", help="run nothing, print what is kept")
    parser.add_argument("--here", action="store_true", help="map in this very process and print nothing")
    said, console = parser.parse_args(), Console(file=sys.stdout, width=150)
    folder = said.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ours = re.compile(r"[\d.e+]+(\.json)?")
    for kept in filter(lambda path: ours.fullmatch(path.name), folder.iterdir()) if said.anew else ():  # and what a run that was stopped left, with its seconds
        shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    for mega in said.megacells if said.here else ():
        measure(folder, mega)
    for mega in () if said.table or said.here else said.megacells:
        one = measured(folder, mega)
        console.print(f"{one['side']} x {one['side']}: {one['seconds']:.0f} s, {one['peak'] / 1e9:.2f} GB")
    if said.here:
        return
    shown([json.loads(p.read_text()) for p in folder.glob("*.json")], console)


if __name__ == "__main__":
    main()
