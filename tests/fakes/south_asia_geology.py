"""geo8apg.zip and geo8alg.zip: polygons with GLG and TYPE, and lines, EPSG:4326."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ground import box, frame, line, shapefiles

POLYGONS, LINES = "geo8apg.zip", "geo8alg.zip"
UNITS = ("Q", "Ti", "Kv", "H2O", "zz")  # the last is no code of the map


def make(root: Path) -> None:
    """The archives below `root`: five stripes from west to east."""
    shapes = [box(i / 5, 0, (i + 1) / 5, 1) for i in range(5)]
    held = frame({"AREA": [1.0] * 5, "GLG": list(UNITS), "TYPE": [""] * 5}, shapes)
    shapefiles(root / POLYGONS, {"geo8apg": held})
    shapefiles(root / LINES, {"geo8alg": frame({"TYPE": ["fault", "contact"]}, [line((0.3, 0), (0.4, 1)), line((0.2, 0), (0.2, 1))])})
