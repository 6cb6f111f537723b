"""Lists of the world's occurrences, read near a region, in the words the mineral systems use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from pipeline.asset import Acquired, Asset, Place
from pipeline.errors import DataError
from pipeline.sources import _files
from pipeline.sources._vectorfile import around
from pipeline.sources.points import Points

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

ROWS = 50_000  # read at a time
MARGIN_M = 1000.0
# a word of ours and what lists write for it: the first that is found in the record's own words names its type
TYPES: dict[str, tuple[str, ...]] = {
    "porphyry Cu": ("porphyry cu", "porphyry copper", "porphyry, cu", "cu porphyry", "copper porphyry"),
    "podiform chromite": ("podiform chromite", "chromite, podiform", "podiform"),
    "sediment-hosted Zn-Pb": ("sedex", "sedimentary exhalative", "mississippi valley", "mvt", "sediment-hosted zn", "sediment-hosted zinc",
        "southeast missouri pb", "appalachian zn", "sandstone-hosted pb"),
    "sediment-hosted Cu": ("sediment-hosted cu", "sediment-hosted copper", "sediment hosted cu", "sediment hosted copper", "stratabound copper"),
    "VMS": ("massive sulfide", "massive sulphide", "vms", "kuroko", "besshi", "cyprus-type", "cyprus massive"),
    "IOCG": ("iron oxide copper", "iron oxide-copper", "iocg", "olympic dam"),
    "carbonatite": ("carbonatite",),
    "LCT pegmatite": ("lct pegmatite", "lithium pegmatite", "li pegmatite", "pegmatite, lithium"),
}  # fmt: skip


@dataclass(frozen=True)
class WorldList(Points):
    """A table of the world's sites of which those near the region are kept. `wanted` is the columns the product must have."""

    product: str
    wanted: tuple[str, ...]
    member: str

    def file(self, place: Place) -> Path:
        """The table, out of its archive where it comes in one."""
        return _files.member(super().file(place), self.path, self.member, place)

    def acquire(self, place: Place) -> Acquired:
        """The table; DataError when it is not the product. No record in the region is a notice: lists are of what somebody wrote down."""
        asset = _files.asset(self.path, [self.file(place)], place)
        _head(Path(asset.path), asset.id, self.product, self.wanted)
        return Acquired((asset,), synthetic=bool(self.synthetic))

    def records(self, asset: Asset, place: Place) -> pd.DataFrame:
        """The records within a kilometre of the region's bounds, as `_records.read` gives them."""
        import pandas as pd

        west, south, east, north = around(place.grid, MARGIN_M, CRS(4326))
        parts = []
        for part in _pieces(Path(asset.path), asset.id):
            lon, lat = (pd.to_numeric(part[word], errors="coerce").to_numpy() for word in ("longitude", "latitude"))
            with np.errstate(invalid="ignore"):
                parts.append(part[(lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)])
        held = pd.concat(parts)
        told = self.told(held).assign(
            easting=held["longitude"], northing=held["latitude"], crs="EPSG:4326", datum="", synthetic="", row=[f"line {i + 2}" for i in held.index]
        )
        return told.reset_index(drop=True)

    def told(self, held: pd.DataFrame) -> pd.DataFrame:
        """Name, type, commodity, confidence and uncertainty of each record, as text, from the product's own columns."""
        raise NotImplementedError

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """As any occurrences; none where the list has none."""
        (asset,) = assets
        if len(self.records(asset, place)):
            return super().table(assets, place)
        return _empty(place.grid.crs), (f"{asset.id}: lists no site in the region",)


def type_of(words: str, types: Mapping[str, tuple[str, ...]], otherwise: str) -> str:
    """Our word for a deposit type that a record tells in words of its own; `otherwise` when it says none we know."""
    plain = " ".join(words.casefold().split())
    return next((ours for ours, theirs in types.items() if any(word.casefold() in plain for word in theirs)), otherwise)


def _head(path: Path, name: str, product: str, wanted: tuple[str, ...]) -> None:
    import pandas as pd

    try:
        held = list(pd.read_csv(path, nrows=0, encoding_errors="replace").columns)
    except (ValueError, OSError) as error:
        raise DataError(f"{name}: cannot be read as a table ({error}); {product} is a CSV: fetch it again") from error
    for column in wanted:
        if column not in held:
            raise DataError(f"{name}: has no column {column!r}, which {product} has{_files.nearest(column, held)}: it is another table: check the address")


def _pieces(path: Path, name: str) -> list[pd.DataFrame]:
    import pandas as pd

    try:
        # the lists are old: not all of their names are UTF-8, and a name that cannot be read is no reason to lose a site
        return list(pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=ROWS, encoding_errors="replace", on_bad_lines="error"))
    except (ValueError, OSError) as error:
        raise DataError(f"{name}: cannot be read to the end ({error}); it is damaged or cut short: fetch it again") from error


def _empty(crs: str) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    texts = {word: pd.Series(dtype=object) for word in ("name", "deposit_type", "commodity", "confidence")}
    more = {"uncertainty_m": pd.Series(dtype=float), "synthetic": pd.Series(dtype=bool), "group": pd.Series(dtype=np.int64)}
    return gpd.GeoDataFrame({**texts, **more}, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
