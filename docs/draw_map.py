"""The picture at the top of README.md, from the outputs of a region: `python docs/draw_map.py outputs/balochistan docs/map.png`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import rasterio
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

TOP = 10  # targets that are numbered: more would hide the map
INK = "#222222"


def _ground(outputs: Path, classes: np.ndarray) -> np.ndarray:
    """1 in the region, 0 outside: where the map says whether the rock allows the system, or else where it was scored."""
    path = outputs / "permissive.tif"
    if not path.is_file():
        return (classes > 0).astype(float)
    with rasterio.open(path) as file:
        return np.isfinite(file.read(1)).astype(float)


def draw(outputs: Path, picture: Path) -> None:
    """Classes in their own colours, known deposits, the first targets by rank, and what the map is worth."""
    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 8, "svg.hashsalt": "prospect"})
    with rasterio.open(outputs / "classes.tif") as file:
        classes, box, palette, tags = file.read(1), file.bounds, file.colormap(1), file.tags(1)
        synthetic = "SYNTHETIC" in file.tags()
        title = file.tags()["TITLE"]
    targets = gpd.read_file(outputs / "targets.gpkg", layer="targets")
    known = gpd.read_file(outputs / "targets.gpkg", layer="occurrences")
    codes = range(1, 6)
    figure, axes = plt.subplots(figsize=(8, 5.6), dpi=150)
    shown = np.ma.masked_equal(classes, 0)
    ground = _ground(outputs, classes)
    extent = (box.left / 1000, box.right / 1000, box.bottom / 1000, box.top / 1000)
    axes.imshow(shown, cmap=ListedColormap([np.array(palette[c]) / 255 for c in codes]), vmin=0.5, vmax=5.5, extent=extent, interpolation="nearest")
    axes.imshow(np.ma.masked_equal(ground, 0), cmap=ListedColormap(["#e6e6e6"]), extent=extent, interpolation="nearest", zorder=-1)
    axes.contour(ground[::-1], levels=[0.5], colors=INK, linewidths=0.5, extent=extent)
    axes.plot(known.geometry.x / 1000, known.geometry.y / 1000, "o", ms=2.8, mfc="white", mec=INK, mew=0.6, ls="", label="known deposit")
    first = targets[targets["rank"] <= TOP].sort_values("rank")
    places = first.geometry.representative_point()
    axes.plot(places.x / 1000, places.y / 1000, "s", ms=4.5, mfc="none", mec="#08306b", mew=1.1, ls="", label=f"first {len(first)} targets")
    for rank, x, y in zip(first["rank"], places.x / 1000, places.y / 1000, strict=True):
        halo = [patheffects.withStroke(linewidth=1.8, foreground="white")]
        axes.annotate(f"{int(rank)}", (x, y), (4, 3), textcoords="offset points", color="#08306b", weight="bold", path_effects=halo)
    ramp = [Patch(facecolor=np.array(palette[c]) / 255, edgecolor="#888888", lw=0.3, label=tags[f"CLASS_{c}"]) for c in reversed(codes)]
    if ground.any() and (ground > (classes > 0)).any():
        ramp.append(Patch(facecolor="#e6e6e6", edgecolor="#888888", lw=0.3, label="no rock that allows it"))
    points = axes.get_legend_handles_labels()[0]
    axes.legend(handles=[*ramp, *points], loc="lower right", frameon=False, title="prospectivity", alignment="left")
    scorecard = json.loads((outputs / "scorecard.json").read_text(encoding="utf-8"))
    axes.set_title(f"{title}: {scorecard['system'].replace('_', ' ')}" + (" (synthetic sample)" if synthetic else ""), loc="left", weight="bold")
    axes.set_xlabel("km east of the grid's origin")
    axes.set_ylabel("km north")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
