"""Everything one synthetic world holds, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sample_data.world.frame import Bools, Codes, Floats, Frame
from sample_data.world.worldwide import Degrees


@dataclass(frozen=True)
class World:
    """Arrays are (y, x) on `frame` unless said; vectors are in metres on the CRS of the frame."""

    seed: int
    frame: Frame
    inside: Bools
    terrane: Codes
    bedrock: Codes
    surface: Codes
    cover_m: Floats
    dem: NDArray[np.int16]
    sentinel2: NDArray[np.uint16]
    clear_looks: NDArray[np.uint8]
    magnetics_survey: Floats
    magnetics_global: Degrees
    gravity: Degrees
    mapped: Bools
    geology_detailed: Codes
    geology_coarse: Codes
    legend: pd.DataFrame
    faults: gpd.GeoDataFrame
    access: dict[str, gpd.GeoDataFrame]
    land: dict[str, gpd.GeoDataFrame]
    occurrences: pd.DataFrame
    undiscovered: pd.DataFrame
    intensity: dict[str, Floats]
    road_m: Floats
