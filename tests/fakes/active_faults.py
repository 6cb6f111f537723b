"""gem_active_faults_harmonized.geojson and HimaTibetMap-1.1.geojson: lines in longitude and latitude."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from tests.fakes.ground import frame, line

NAME = "GEMScienceTools/gem-global-active-faults/master/geojson/gem_active_faults_harmonized.geojson"
HIMATIBET = "HimaTibetMap/HimaTibetMap/master/geojson/HimaTibetMap-1.1.geojson"


def faults() -> gpd.GeoDataFrame:
    """Three traces, the last of no name."""
    shapes = [line((0.1, 0.1), (0.9, 0.8)), line((0.2, 0.9), (0.5, 0.1)), line((0.7, 0.2), (0.8, 0.3))]
    said = {"name": ["Chaman Fault", "Ghazaband Fault", None], "slip_type": ["Sinistral", "Sinistral", "Reverse"]}
    return frame({**said, "catalog_name": ["HimaTibetMap"] * 3, "catalog_id": ["HTM_1", "HTM_2", "HTM_3"], "average_dip": ["(90,,)", None, "(30,,)"]}, shapes)


def make(root: Path) -> None:
    """The files below `root`."""
    for name, held in ((NAME, faults()), (HIMATIBET, faults()[["geometry"]].assign(id=[1, 2, 3]))):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        held.to_file(root / name, driver="GeoJSON", engine="pyogrio")
