"""A cadastre's export: titles with columns of the cadastre's own names, in UTM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fakes.ground import box, frame

NAME = "titles.gpkg"
COLUMNS = {"holder": "LICENSEE", "status": "STATUS", "granted": "GRANT_DT", "expires": "EXP_DT"}


def make(root: Path, **changes: Any) -> None:
    """The file below `root`."""
    said = {"LICENSEE": ["Acme", "Beta"], "STATUS": ["granted", "applied"], "GRANT_DT": ["2020-02-01", ""], "EXP_DT": ["2030-01-31", ""]} | changes
    frame(said, [box(0.2, 0.2, 0.4, 0.4), box(0.5, 0.5, 0.6, 0.7)]).to_crs("EPSG:32641").to_file(root / NAME, layer="titles")
