"""What a vector file's header tells, and its features near a grid."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.recipe import Array
from pipeline.sources._files import nearest

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Bounds = tuple[float, float, float, float]

CURVED = 0.01  # of a box's side: more than its edge bends between two points of a densified outline
WHOLE = 200_000  # features
TRUE = ("true", "t", "yes", "y", "1")


@dataclass(frozen=True)
class Head:
    """One layer of a file: its columns, its CRS (the declared one, if any), where its features lie."""

    path: Path
    name: str
    layer: str
    columns: tuple[str, ...]
    crs: CRS
    bounds: Bounds | None
    count: int

    @property
    def files(self) -> list[Path]:
        """The file and, for a Shapefile, its sisters."""
        sisters = (".dbf", ".shx", ".prj", ".cpg") if self.path.suffix.lower() == ".shp" else ()
        return [self.path, *(self.path.with_suffix(end) for end in sisters if self.path.with_suffix(end).is_file())]

    def check_touches(self, grid: Grid, margin_m: float) -> None:
        """DataError when no feature can lie within the margin of the grid."""
        if self.bounds is None:
            return
        xmin, ymin, xmax, ymax = around(grid, margin_m, self.crs)
        a, b, c, d = self.bounds
        if a > xmax or c < xmin or b > ymax or d < ymin:
            raise DataError(
                f"{self.name}: layer {self.layer!r} does not come near the region; it covers {a:.6g} to {c:.6g}, {b:.6g} to {d:.6g} in "
                f"{self.crs.name}, the region {xmin:.6g} to {xmax:.6g}, {ymin:.6g} to {ymax:.6g}: give a file of the region, or say the right `crs:`"
            )

    def near(self, grid: Grid, margin_m: float) -> gpd.GeoDataFrame:
        """The features whose bounds come within the margin of the grid, in the file's CRS, two-dimensional.

        A file of at most WHOLE features is read whole, so that those without usable bounds are kept too and can be told of.
        """
        box = around(grid, margin_m, self.crs)
        frame = self._read(**({} if self.count <= WHOLE else {"bbox": box}))
        bounds = shapely.bounds(np.asarray(frame.geometry.array))
        xmin, ymin, xmax, ymax = box
        away = (bounds[:, 0] > xmax) | (bounds[:, 2] < xmin) | (bounds[:, 1] > ymax) | (bounds[:, 3] < ymin)
        return frame[~away].set_crs(self.crs, allow_override=True)

    def whole(self) -> gpd.GeoDataFrame:
        """Every feature, in the file's CRS, two-dimensional."""
        return self._read()

    def check_values(self, column: str, wanted: list[str]) -> None:
        """DataError when a value that is wanted occurs nowhere in the file."""
        held = sorted(texts(self._read(columns=[column], read_geometry=False)[column]).unique())
        for value in wanted:
            if text(value) not in held:
                raise DataError(f"{self.name}: no feature has {column} = {value!r}{nearest(value, held)}")

    def says_synthetic(self) -> bool:
        """Whether a column `synthetic` says yes for any feature."""
        if "synthetic" not in self.columns:
            return False
        return bool(texts(self._read(columns=["synthetic"], read_geometry=False)["synthetic"]).str.lower().isin(TRUE).any())

    def _read(self, **how: Any) -> Any:
        import pyogrio

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what GDAL warns of (ring order, unknown fields) is checked or of no matter here
                return pyogrio.read_dataframe(self.path, layer=self.layer, force_2d=True, **how)
        except Exception as error:  # pyogrio, GEOS and pandas each raise their own for a damaged file
            raise DataError(f"{self.name}: layer {self.layer!r} cannot be read to the end ({error}); fetch it again") from error


def around(ground: Grid, margin_m: float, crs: CRS) -> Bounds:
    """Bounds in another CRS that hold a grid and the margin around it."""
    xmin, ymin, xmax, ymax = ground.bounds
    asked = xmin - margin_m, ymin - margin_m, xmax + margin_m, ymax + margin_m
    a, b, c, d = Transformer.from_crs(CRS(ground.crs), crs, always_xy=True).transform_bounds(*asked, densify_pts=21)
    if a > c:  # over the date line
        a, c = -180.0, 180.0
    return a - CURVED * (c - a), b - CURVED * (d - b), c + CURVED * (c - a), d + CURVED * (d - b)


def head(path: str | Path, *, name: str, layer: str | None, crs: str | None) -> Head:
    """The layer meant and what its header says; DataError, naming the repair, when there is none or it says no CRS."""
    import pyogrio

    path = Path(path)
    try:
        layers = [str(row[0]) for row in pyogrio.list_layers(path)]
    except Exception as error:
        raise DataError(f"{name}: cannot be opened as a vector file ({error}); expected GeoPackage, GeoJSON, Shapefile or FlatGeobuf") from error
    if layer is not None and layer not in layers:
        raise DataError(f"{name}: has no layer {layer!r}{nearest(layer, layers)}")
    if layer is None and len(layers) != 1:
        raise DataError(f"{name}: has {len(layers)} layers; say which with `layer:` ({', '.join(layers)})")
    info = pyogrio.read_info(path, layer=layer or layers[0], force_total_bounds=True)
    if info["geometry_type"] is None:
        raise DataError(f"{name}: layer {layer or layers[0]!r} is a table without geometry; name a layer with geometry")
    if crs is None and info["crs"] is None:
        raise DataError(f"{name}: says no CRS; add `crs: EPSG:...` to its source")
    try:
        held = CRS(crs or info["crs"])
    except CRSError as error:
        raise DataError(f"{name}: its CRS {str(crs or info['crs'])[:60]!r} is not understood by PROJ; say it as `crs: EPSG:...`") from error
    bounds = tuple(float(v) for v in info["total_bounds"] if np.isfinite(v)) if info["total_bounds"] is not None else ()
    columns = tuple(map(str, info["fields"]))
    return Head(path, name, layer or layers[0], columns, held, bounds if len(bounds) == 4 else None, int(info["features"]))


def within(frame: gpd.GeoDataFrame, grid: Grid, margin_m: float) -> gpd.GeoDataFrame:
    """The features (in the grid's CRS) that touch the grid grown by the margin."""
    xmin, ymin, xmax, ymax = grid.bounds
    box = shapely.box(xmin - margin_m, ymin - margin_m, xmax + margin_m, ymax + margin_m)
    return frame[shapely.intersects(np.asarray(frame.geometry.array), box)]


def finite(frame: gpd.GeoDataFrame) -> Array:
    """Whether every coordinate of a feature is a number: (n,) bool."""
    shapes = np.asarray(frame.geometry.array)
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    good = np.ones(len(shapes), bool)
    good[owner[~np.isfinite(xy).all(axis=1)]] = False
    return good


def texts(values: pd.Series) -> pd.Series:
    """A column as text, whole numbers without a point, missing values empty."""
    return values.map(text)


def text(value: Any) -> str:
    """One value as text: 3.0 and 3 and "3" say the same."""
    import pandas as pd

    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
