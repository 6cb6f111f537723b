"""What is real or decided by hand: the tables of `sample_data/facts`, each row with its source."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from sample_data.world.frame import CRS

FOLDER = Path(__file__).resolve().parents[1] / "facts"


@lru_cache(maxsize=16)
def table(name: str) -> pd.DataFrame:
    """One CSV of the facts folder; missing text is the empty string. Do not modify the returned frame."""
    return pd.read_csv(FOLDER / f"{name}.csv", keep_default_na=False)


@lru_cache(maxsize=16)
def shapes(name: str) -> gpd.GeoDataFrame:
    """One GeoJSON of the facts folder, in WGS84 degrees. Do not modify the returned frame."""
    return gpd.read_file(FOLDER / f"{name}.geojson")


def in_metres(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The same rows in the equal-area CRS of the sample."""
    return frame.to_crs(CRS)


def outline_m() -> BaseGeometry:
    """The province outline in metres."""
    geometry: BaseGeometry = in_metres(shapes("outline")).geometry.iloc[0]
    return geometry


def trusted(deposit_type: str | None = None) -> pd.DataFrame:
    """The real occurrences evidence may be conditioned on: those without a `doubtful` reason, of one type or
    all.
    """
    rows = table("occurrences")
    rows = rows[rows["doubtful"] == ""]
    if deposit_type is not None:
        rows = rows[rows["deposit_type"] == deposit_type]
    return rows.reset_index(drop=True)


def code(name: str) -> int:
    """The number of a rock class of `classes.csv`."""
    rows = table("classes")
    return int(rows.loc[rows["name"] == name, "code"].iloc[0])


def terrane_code(name: str) -> int:
    """The number of a terrane, 1-20, its order of painting."""
    rows = shapes("terranes")
    return int(rows.loc[rows["name"] == name, "order"].iloc[0])
