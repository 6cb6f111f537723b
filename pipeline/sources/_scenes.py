"""Scenes: what a catalogue's items are to a map. Which file holds which band, where it lies, which was processed last, which looks are best."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.errors import CRSError

from pipeline.asset import Asset
from pipeline.errors import DataError
from pipeline.footprint import Bounds, footprint
from pipeline.grid import Grid, Window

Item = Mapping[str, Any]
SAME_S = 60.0  # no satellite sees one place twice within so many seconds: it is one take, processed again
COVERED = 0.95  # of an older product's outline: less, and it is another part of the take
MARGIN = 8.0  # pixels that a kernel may look beyond a scene's edge
PROCESSED = ("updated", "created", "s2:generation_time")


@dataclass(frozen=True)
class Band:
    """One band of a scene: its address (unsigned), its number in the file, value = stored * scale + offset, what the catalogue says of its grid
    and of its `version`."""

    href: str
    index: int = 1
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    shape: tuple[int, int] | None = None
    transform: tuple[float, ...] | None = None
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Scene(Asset):
    """One item. `taken` is when (UTC, ISO 8601); `look` names the pass it is part of: neighbours on one track are one look; `epsg` as the
    catalogue says. `path` is the folder downloads go to; `hosts` and `sas_url` are who may be asked and who signs, in no key."""

    taken: str
    look: str
    cloud: float
    place: str
    epsg: str | None
    bands: Mapping[str, Band] = field(hash=False)
    hosts: tuple[str, ...]
    sas_url: str = ""
    offline: bool = False
    outline: Bounds | None = None  # west, south, east, north of it, in degrees

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of its bands."""
        return tuple(dict.fromkeys(band.href for band in self.bands.values()))


@dataclass(frozen=True)
class Product:
    """How a collection's items are read: for each role the asset keys that may hold it (the number of a band after a colon), its scaling, and
    the place and processing an item stands for (`processed` sorts later what was processed later). `take` names what one pass took there, where places do
    not: by default the place."""

    assets: Mapping[str, tuple[str, ...]]
    scaling: Callable[[Item, str, Item], tuple[float, float]]
    place: Callable[[Item], str]
    processed: Callable[[Item], tuple[Any, ...]]
    nodata: float | None = 0.0
    take: Callable[[Item], str] | None = None


@dataclass(frozen=True)
class From:
    """Where scenes come from and go to: hosts that may be asked, who signs addresses ("": nobody), the folder of downloads; none is asked offline."""

    hosts: tuple[str, ...]
    sas_url: str
    folder: str
    offline: bool = False


def scenes(items: Iterable[Item], product: Product, roles: Iterable[str], grid: Grid, source: From) -> list[Scene]:
    """The items that touch the grid as scenes, ordered by id; DataError for an item that lacks an asset or a date."""
    made = (scene(item, product, tuple(roles), grid, source) for item in items)
    return sorted((found for found in made if found is not None), key=lambda s: s.id)


def scene(item: Item, product: Product, roles: tuple[str, ...], grid: Grid, source: From) -> Scene | None:
    """One item as a scene; None when it does not touch the grid."""
    said, assets, name = item["properties"], item.get("assets", {}), str(item["id"])
    taken = time_of(item)
    bands: dict[str, Band] = {}
    for role in roles:
        keys = product.assets[role]
        key = next((k for k in keys if k.split(":")[0] in assets), None)
        if key is None:
            raise DataError(
                f"{name}: the item has no asset {' or '.join(sorted({k.split(':')[0] for k in keys}))}; it is not of the collection this source reads"
            )
        asset = assets[key.split(":")[0]]
        scale, offset = product.scaling(item, role, asset)
        shape, transform = (asset.get(word) or said.get(word) for word in ("proj:shape", "proj:transform"))
        bands[role] = Band(
            _https(str(asset["href"])), int(key.partition(":")[2] or 1), scale, offset, product.nodata, tuple(shape[:2]) if shape else None,
            tuple(map(float, transform[:6])) if transform else None, _version(item, asset),
        )  # fmt: skip
    epsg = said.get("proj:code") or (f"EPSG:{said['proj:epsg']}" if said.get("proj:epsg") else None)
    touches, reach = _reach(item, epsg, bands, grid)
    if not touches:
        return None
    west, _, east, _ = outline = _outline(item).bounds
    look = f"{solar_day(taken, (west + east) / 2)} {said.get('platform', '')}".strip()
    return Scene(
        name, source.folder, _version_of(bands), _size(assets, bands), reach, taken=taken.isoformat(), look=look,
        cloud=float(said.get("eo:cloud_cover") or 0.0), place=product.place(item), epsg=epsg, bands=bands, hosts=source.hosts,
        sas_url=source.sas_url, offline=source.offline, outline=outline, origin=_origin(item, bands), named=str(said.get("updated") or said.get("created") or ""),
    )  # fmt: skip


def _origin(item: Item, bands: Mapping[str, Band]) -> str:
    """Where an item is told of: its own address in the catalogue, else that of its first file."""
    said = [str(link["href"]) for link in item.get("links", []) if link.get("rel") == "self" and link.get("href")]
    return (said or [band.href for band in bands.values()])[0].split("?", 1)[0]


def newest(items: Iterable[Item], product: Product) -> tuple[list[Item], int]:
    """The items without those that were processed again, ordered by id, and how many were left out.

    One take of one place by one platform may be in a catalogue several times. The last processed stays; an older one stays too when the
    newer ones leave more than a twentieth of its outline bare, for a take may come in two parts.
    """
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[(product.take or product.place)(item), str(item["properties"].get("platform", ""))].append(item)
    kept: list[Item] = []
    total = sum(map(len, groups.values()))
    for members in groups.values():
        members.sort(key=lambda i: (time_of(i), str(i["id"])))
        take: list[Item] = []
        for item in members:
            if take and (time_of(item) - time_of(take[0])).total_seconds() > SAME_S:
                kept += _last_processed(take, product)
                take = []
            take.append(item)
        kept += _last_processed(take, product)
    return sorted(kept, key=lambda i: str(i["id"])), total - len(kept)


def best(found: Iterable[Scene], most: int) -> list[Scene]:
    """At most `most` scenes of each place, those with the least cloud, then the earliest; ordered by id. Places, not tiles, are counted: the choice is
    the same whatever the tile."""
    by_place: dict[str, list[Scene]] = defaultdict(list)
    for one in found:
        by_place[one.place].append(one)
    chosen = [s for members in by_place.values() for s in sorted(members, key=lambda s: (s.cloud, s.taken, s.id))[:most]]
    return sorted(chosen, key=lambda s: s.id)


def time_of(item: Item) -> dt.datetime:
    """When an item was taken; DataError when it does not say."""
    said = item["properties"].get("datetime") or item["properties"].get("start_datetime")
    try:
        taken = dt.datetime.fromisoformat(str(said))
    except ValueError as error:
        raise DataError(
            f"{item['id']}: the item's datetime {said!r} is no date; the catalogue is damaged, leave the item out or try later"
        ) from error
    return taken if taken.tzinfo else taken.replace(tzinfo=dt.UTC)


def solar_day(taken: dt.datetime, longitude: float) -> str:
    """The day by the sun where the scene lies: one pass is one day, wherever the date line of clocks runs."""
    return (taken.astimezone(dt.UTC) + dt.timedelta(hours=longitude / 15)).date().isoformat()


def _last_processed(take: list[Item], product: Product) -> list[Item]:
    ordered = sorted(take, key=lambda i: (product.processed(i), str(i["id"])), reverse=True)
    kept, covered = [], shapely.Polygon()
    for item in ordered:
        outline = _outline(item)
        if covered.is_empty or shapely.intersection(outline, covered).area < COVERED * outline.area:
            kept.append(item)
            covered = shapely.union(covered, outline)
    return kept


def _outline(item: Item) -> Any:
    if item.get("geometry"):
        return shapely.make_valid(shapely.geometry.shape(item["geometry"]))
    return shapely.box(*item["bbox"])


def _reach(item: Item, epsg: str | None, bands: Mapping[str, Band], grid: Grid) -> tuple[bool, Bounds | None]:
    """Whether an item touches the grid, and where its pixels can reach on it (None: everywhere): by its files' grids as it says them, else by its outline."""
    said = {(band.shape, band.transform) for band in bands.values()}
    if epsg is None or any(shape is None or transform is None for shape, transform in said):
        bounds = _reach_of_outline(item, grid)
        return bounds is not None, bounds
    try:
        crs = CRS.from_user_input(epsg)
    except (CRSError, ValueError) as error:
        raise DataError(f"{item['id']}: the item's CRS {epsg!r} is not understood by PROJ; the catalogue is damaged, leave the item out") from error
    found: list[Bounds | None] = []
    for shape, transform in sorted(said, key=repr):
        assert shape is not None and transform is not None
        _refuse_lies(item, crs, Affine(*transform), shape)
        lies = footprint(SimpleNamespace(transform=Affine(*transform), shape=shape, name=str(item["id"])), crs, grid)
        if lies.touches(Window(grid, 0, 0, *grid.shape), lies.kernel):
            found.append(lies.bounds())
    known = [bounds for bounds in found if bounds is not None]
    return bool(found), _around(known) if known and len(known) == len(found) else None


def _refuse_lies(item: Item, crs: CRS, transform: Affine, shape: tuple[int, int]) -> None:
    middle = _outline(item).centroid
    x, y = Transformer.from_crs("EPSG:4326", crs.to_wkt(), always_xy=True).transform(middle.x, middle.y)
    back, (rows, cols) = ~transform, shape
    col, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    if not (-0.1 * cols <= col <= 1.1 * cols and -0.1 * rows <= row <= 1.1 * rows):
        raise DataError(f"{item['id']}: the item's outline and the grid of its files do not lie together; one of them lies: leave the scene out with `leave_out:`")


def _reach_of_outline(item: Item, grid: Grid) -> Bounds | None:
    outline = shapely.segmentize(_outline(item), 0.05)
    lon, lat = shapely.get_coordinates(outline).T
    x, y = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform(lon, lat)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    margin = MARGIN * grid.cell_m + 0.01 * max(np.ptp(x), np.ptp(y))
    bounds = float(x.min() - margin), float(y.min() - margin), float(x.max() + margin), float(y.max() + margin)
    xmin, ymin, xmax, ymax = grid.bounds
    return bounds if bounds[0] <= xmax and bounds[2] >= xmin and bounds[1] <= ymax and bounds[3] >= ymin else None


def _around(found: list[Bounds]) -> Bounds:
    lows, highs = np.array(found)[:, :2].min(axis=0), np.array(found)[:, 2:].max(axis=0)
    return float(lows[0]), float(lows[1]), float(highs[0]), float(highs[1])


def _https(href: str) -> str:
    """An address of an open bucket as its https one."""
    parts = urlsplit(href)
    return f"https://{parts.netloc}.s3.amazonaws.com{parts.path}" if parts.scheme == "s3" else href


def _version(item: Item, asset: Item) -> str:
    """Changes when what a file holds may have changed: with the dates and checksum the catalogue gives, or, if it gives none, with the address."""
    said = item["properties"]
    known = [asset["file:checksum"]] if "file:checksum" in asset else [said[word] for word in PROCESSED if said.get(word)]
    return hashlib.sha256(json.dumps([item["id"], known or urlsplit(asset["href"]).path]).encode()).hexdigest()


def _version_of(bands: Mapping[str, Band]) -> str:
    read = {role: (band.version, band.index, band.scale, band.offset, band.shape, band.transform) for role, band in sorted(bands.items())}
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _size(assets: Mapping[str, Any], bands: Mapping[str, Band]) -> int:
    hrefs = {band.href for band in bands.values()}
    return sum(int(asset.get("file:size") or 0) for asset in assets.values() if asset.get("href") in hrefs)
