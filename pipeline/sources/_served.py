"""Features of a service: asked for near the region, page by page, and kept as a file that is read like any other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipeline.asset import Acquired, Place
from pipeline.cube import write_atomically
from pipeline.errors import DataError, MissingError
from pipeline.shelf import digest_of
from pipeline.sources import _files, _kept
from pipeline.sources.vector import VectorFile

if TYPE_CHECKING:
    import geopandas as gpd

MOST_BYTES = 500_000_000  # of one answer


@dataclass(frozen=True)
class Served(VectorFile):
    """A layer of a service, of at most `max_features` features near the region. `path` is its address, without what identifies the user."""

    max_features: int

    def file(self, place: Place) -> Path:
        """The features near the region as they are now, kept under the name of their content; offline as they were last."""
        held = place.shelf / "layers" / f"{digest_of(repr(self), place.grid.id)}.last"
        if not place.offline:
            path = _kept.kept(self.fetched(place), place, "served")
            write_atomically(held, path.name.encode())
            return path
        path = held.with_name(held.read_text()) if held.is_file() else held
        if not held.is_file() or not path.is_file():
            raise MissingError([self.name])
        return path

    def acquire(self, place: Place) -> Acquired:
        """As any vector file; what it came from is the service."""
        acquired = super().acquire(place)
        return replace(acquired, assets=tuple(replace(asset, origin=self.name) for asset in acquired.assets))

    @abstractmethod
    def fetched(self, place: Place) -> gpd.GeoDataFrame:
        """The features within `margin_m` of the region, with their CRS, asked for anew."""

    @property
    def name(self) -> str:
        """What messages and outputs call it."""
        return _files.name_of(self.path)

    def answer(self, place: Place, below: str = "", **query: str) -> Path:
        """The answer to a question, as a file; a copy of an earlier one when the service cannot be reached. `below`: a path under the address."""
        return answered(self.path, place, self.hosts, below, query)

    def check_count(self, count: int) -> None:
        """Refuse a layer with more features near the region than are wanted."""
        if count > self.max_features:
            raise DataError(
                f"{self.name}: holds {count:,} features near the region, the limit is {self.max_features:,}; raise `max_features:` if that is meant, or "
                "ask for another layer"
            )


def answered(
    address: str, place: Place, hosts: tuple[str, ...], below: str, query: dict[str, str], *, repeated: Sequence[tuple[str, str]] = ()
) -> Path:
    """The answer of a service to a question, as a file on the shelf. `repeated`: words of the question that may stand in it more than once."""
    from pipeline.fetch import download

    question = asked(address, query, below=below) + "".join(f"&{urlencode([pair])}" for pair in repeated)
    return download(question, hosts=_files.hosts_of(address, hosts), shelf=place.shelf, max_bytes=MOST_BYTES, offline=place.offline)


def asked(address: str, query: dict[str, str], *, below: str = "") -> str:
    """An address with a question; what it asked already stays, unless asked anew in whatever letter case."""
    parts = urlsplit(address)
    anew = {key.casefold() for key in query}
    held = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key.casefold() not in anew]
    path = f"{parts.path.rstrip('/')}/{below}" if below else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode([*held, *query.items()]), ""))


def paged(read: Any, name: str, *, size: int, most: int, told: int | None) -> Iterator[gpd.GeoDataFrame]:
    """The pages of a layer, `read(start, size)` giving one; DataError when they do not add up to what the service told.

    A server that does not understand where to start sends its first page again and again: that is told, not read for ever.
    """
    start, before = 0, b""
    while told is None or start < told:
        page = read(start, size)
        if not len(page):
            break
        now = b"".join(page.geometry.to_wkb())
        if now == before:
            raise DataError(f"{name}: sends the same page again; it does not page: ask for one large page with a greater `page:`")
        start, before = start + len(page), now
        if start > most:
            raise DataError(f"{name}: holds more than {most:,} features near the region; raise `max_features:` if that is meant, or ask for another layer")
        yield page
        if told is None and len(page) < size:
            break
    if told is not None and start != told:
        raise DataError(
            f"{name}: told of {told:,} features and sent {start:,}; it changed while it was read, or limits its answers: run again, or set `page:` lower"
        )


def together(pages: list[gpd.GeoDataFrame], crs: Any) -> gpd.GeoDataFrame:
    """Pages as one frame; an empty one in `crs` where there are none."""
    import geopandas as gpd
    import pandas as pd

    if not pages:
        return gpd.GeoDataFrame({"name": pd.Series(dtype=object)}, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    return gpd.GeoDataFrame(pd.concat(pages, ignore_index=True), crs=crs)
