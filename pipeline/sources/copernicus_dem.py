"""Copernicus DEM GLO-30: elevation, a mosaic of degree squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.asset import Acquired, Asset, LayerInfo, Place
from pipeline.errors import DataError
from pipeline.grid import Grid, Window
from pipeline.recipe import Array
from pipeline.sources import _catalogue, _composite, _looks, _scenes, _stored
from pipeline.sources._scenes import Product, Scene

EPOCH = 1

LOWEST_M, HIGHEST_M = -500.0, 9000.0  # no land is below the Dead Sea or above Everest
PRODUCT = Product({"data": ("data",)}, lambda _, __, ___: (1.0, 0.0), lambda item: str(item["id"]), lambda _: (), None)


def copernicus_dem(
    *,
    api: str = "https://earth-search.aws.element84.com/v1",
    collection: str = "cop-dem-glo-30",
    hosts: tuple[str, ...] = ("earth-search.aws.element84.com", "copernicus-dem-30m.s3.amazonaws.com"),
    sas_url: str = "",
    licence: str = "Copernicus DEM, free with attribution",
    citation: str = "Copernicus DEM GLO-30, (c) DLR e.V. 2010-2014, (c) Airbus Defence and Space GmbH 2014-2018, provided under COPERNICUS by the EU and ESA",
) -> Elevation:
    """Copernicus DEM GLO-30 from a STAC catalogue: the surface's elevation in metres above the geoid EGM2008, 30 m, float32; NaN where no square is.

    A surface model: roofs and tree tops are in it. Squares of one degree, each read onto the grid by itself and laid side by side: a cell at
    the seam is made of the square its centre lies in. Earth Search gives `s3://` addresses, read here as https ones of the same bucket.
    """
    del licence, citation  # said here, written to every layer made from it
    return Elevation(api, collection, hosts, sas_url)


@dataclass(frozen=True)
class Elevation:
    """The source `copernicus_dem` with its parameters."""

    api: str
    collection: str
    hosts: tuple[str, ...]
    sas_url: str

    def acquire(self, place: Place) -> Acquired:
        """The squares that touch the region; DataError when there is none."""
        question = _catalogue.Question(self.api, self.collection, _catalogue.surroundings(place.grid))
        items, notices = _catalogue.answer(question, hosts=self.hosts, cache=place.cache, offline=place.offline)
        source = _scenes.From(self.hosts, self.sas_url, str(place.shelf), place.offline)
        found = _scenes.scenes(items, PRODUCT, ("data",), place.grid, source)
        if not found:
            raise DataError(
                f"{self.collection}: no square of the elevation model touches the region; check `bounds:`, `boundary:` and `crs:` of the region"
            )
        synthetic = any(item["properties"].get("synthetic") is True for item in items)
        return Acquired(
            tuple(found), (LayerInfo("", "m", "Elevation", 30.0, "float32"),), notices, synthetic, together=True, choosing=_looks.CHOOSING
        )

    def read_all(self, assets: tuple[Asset, ...], window: Window) -> tuple[Array, ...]:
        """Elevation on a window: one array (y, x) float32, NaN where no square is; DataError for heights no land has."""
        squares = [asset for asset in assets if isinstance(asset, Scene)]
        whole = np.full(window.shape, np.nan, np.float32)
        for square in _composite.touching(squares, window):  # by id: where two meet, the first says
            read = _stored.onto(square, "data", window=window, resampling="bilinear", dtype="float32")
            odd = (read < LOWEST_M) | (read > HIGHEST_M)
            if odd.any():
                raise DataError(
                    f"{square.id}: holds {read[odd][0]:g} m, land lies between {LOWEST_M:g} and {HIGHEST_M:g}; the file is damaged or no elevation"
                )
            fresh = np.isnan(whole) & np.isfinite(read)
            whole[fresh] = read[fresh]
        return (whole,)

    def check_values(self, assets: tuple[Asset, ...], grid: Grid) -> None:
        """Nothing before the tiles: each judges what it reads."""
