"""Polygons of a geological map as a layer of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import MISSING, Array, Cells
from pipeline.sources import _files
from pipeline.sources._kept import kept
from pipeline.spatial import polygons

if TYPE_CHECKING:
    import geopandas as gpd

SHOWN = 8
CODE = "code"


@dataclass(frozen=True)
class Classed:
    """A source of polygons (`units`) as one categorical layer: their `code`, an int, at each cell's centre, MISSING where none is.

    `native_m`: how far the map's lines may be from the truth. `units` is any source of polygons whose table has a column `code`, NaN for what has
    no class, and `said`, what the map says of the unit.
    """

    units: Any
    long_name: str
    native_m: float

    def acquire(self, place: Place) -> Acquired:
        """The polygons near the region with their codes; DataError when none of them has one."""
        acquired = self.units.acquire(place)
        frame, notices = self.units.table(acquired.assets, place)
        without = sorted({str(said) or "no name" for said in frame["said"][frame[CODE].isna()]})
        if without:
            some = ", ".join(without[:SHOWN]) + (" ..." if len(without) > SHOWN else "")
            notices = (*notices, f"units that no class is said for are missing in the layer: {some}")
        coded = frame[frame[CODE].notna()]
        if coded.empty:
            raise DataError(f"{acquired.assets[0].id}: none of its {len(frame)} units near the region has a class; say them under `classes:`")
        coded = coded.assign(code=coded[CODE].astype(np.int32))[[CODE, frame.geometry.name]]
        path = kept(coded, place, "classes")
        asset = Asset(acquired.assets[0].id, str(path), _files.digest(path, place.cache), sum(a.size for a in acquired.assets))
        info = LayerInfo("", "1", self.long_name, self.native_m, "int32")
        return Acquired((asset,), (info,), (*acquired.notices, *notices), acquired.synthetic)

    def read(self, assets: tuple[Asset, ...], suffix: str, window: Window) -> Array:
        """The codes on a window: (y, x) int32; every cell is judged alone, so the window does not matter."""
        from pathlib import Path

        from pipeline import vectors

        del suffix
        found = vectors.touching(Path(assets[0].path), window.bounds)
        at = Cells(window.x(), window.y(), np.zeros(window.shape, np.int64), window.grid.cell_m, 0, 0)
        number = polygons.number(found.geometry, at)
        codes = np.append(found.columns[CODE].astype(np.int32) if len(found.geometry) else np.empty(0, np.int32), MISSING)
        return codes[number].astype(np.int32)

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Refuse a map none of whose units lies in the region."""
        from pathlib import Path

        from pipeline import vectors

        if not len(vectors.touching(Path(assets[0].path), grid.bounds).geometry):
            raise DataError(f"{assets[0].id}: no unit of the map lies in the region; it covers other ground: leave it out, or give another map")


def coded(frame: gpd.GeoDataFrame, said: Any, codes: Any) -> gpd.GeoDataFrame:
    """A frame with `said` and `code` alone."""
    return frame[[frame.geometry.name]].assign(said=said, code=codes)
