"""Permissive tracts of SIR 2010-5090 as a ZIP archive of shapefiles, EPSG:4326."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ground import box, frame, shapefiles

NAME = "pCu_SIR20105090.zip"


def make(root: Path) -> None:
    """The archive below `root`."""
    said = {"Coded_ID": ["142pCu9002", "142pCu9003"], "Tract_name": ["Chagai", "Elsewhere"], "N50": [3, 2]}
    shapefiles(root / NAME, {"pCu_Permissive_Tracts": frame(said, [box(0.2, 0.2, 0.7, 0.9), box(0.7, 0.2, 0.9, 0.9)])}, below="GIS/")
