"""Protected areas: the World Database on Protected Areas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.sources._product import ProductVector

EPOCH = 1

KEPT = {"NAME": "name", "DESIG": "designation", "IUCN_CAT": "iucn_category", "STATUS": "status"}


def wdpa(
    *,
    path: str,
    layer: str | None = None,
    member: str = "*polygons.*",
    status: tuple[str, ...] = ("Designated", "Inscribed", "Established"),
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    sha256: str | None = None,
    licence: str = "WDPA terms of use: no redistribution, no commercial use without permission",
    citation: str = "UNEP-WCMC and IUCN, Protected Planet: The World Database on Protected Areas (WDPA), www.protectedplanet.net",
    redistribute: Literal[False] = False,
) -> ProductVector:
    """Protected areas as polygons with `name`, `designation`, `iucn_category` and `status`: a file you fetched from Protected Planet, EPSG:4326.

    `path` is the shapefile (or one of the ZIP archives inside the download, whose polygons `member` finds), GeoPackage or geodatabase export; the
    terms ask that each user fetches it. They forbid copies too, so it is used and named but never written to an output: `redistribute` cannot be
    true. `status` keeps what is in force, not what is proposed. A file without WDPA's columns is refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return ProductVector(
        path, layer, {}, None, margin_m, None, (), sha256, "the WDPA", "polygons", KEPT, member, {"status": status} if status else {},
    )  # fmt: skip
