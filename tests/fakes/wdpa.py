"""The inner archive of a WDPA download for one country: polygons with WDPA's attributes, EPSG:4326."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ground import box, frame, shapefiles

NAME = "WDPA_WDOECM_Nov2026_Public_PAK_shp_0.zip"
STEM = "WDPA_WDOECM_Nov2026_Public_PAK_shp-polygons"


def make(root: Path) -> None:
    """The archive below `root`: a park, and one that is only proposed."""
    said = {"WDPAID": [1.0, 2.0], "NAME": ["Hazar Park", "Some Day"], "DESIG": ["National Park"] * 2, "IUCN_CAT": ["II", "VI"], "STATUS": ["Designated", "Proposed"]}
    shapefiles(root / NAME, {STEM: frame(said, [box(0.1, 0.1, 0.3, 0.3), box(0.6, 0.6, 0.8, 0.8)])})
