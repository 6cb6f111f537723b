"""A STAC catalogue asked what it has over a region: declared hosts only, every page, in one order, remembered for when it cannot be reached.

Plain STAC items, by pystac-client. odc-stac was weighed for planning and set aside: its grouping serves its own `load`, which warps with GDAL's
default (not tile-independent, ARCHITECTURE.md), and what is left, a solar day and a GeoBox of each asset, is a few lines over the item's own fields.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import Transformer

from pipeline.client import LOOPBACK, allowed, shown
from pipeline.cube import write_atomically
from pipeline.errors import DataError, MissingError
from pipeline.grid import Grid

if TYPE_CHECKING:
    from requests import Session

PAGE = 100  # items asked for at a time
TRIES = 5
TIMEOUT_S = 60.0
AGAIN = (408, 425, 429, 500, 502, 503, 504)
EDGE = 21  # points of each side of the grid's outline

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What is asked: items of `collection` that touch `bbox` (west, south, east, north, degrees), in any of the `periods` (RFC 3339 intervals; none:
    at any time), with at most `max_cloud_percent` cloud."""

    api: str
    collection: str
    bbox: tuple[float, float, float, float]
    periods: tuple[str, ...] = ()
    max_cloud_percent: float | None = None

    @property
    def key(self) -> str:
        """Names the remembered answer."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:24]


def answer(question: Question, *, hosts: tuple[str, ...], cache: Path, offline: bool = False) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The items, each once, ordered by id, and what the user should know.

    When the catalogue cannot be reached the last answer to the same question is used, and said so; DataError when there is none. `offline` asks
    nothing: the last answer, or MissingError.
    """
    held = cache / "catalogues" / f"{question.key}.json"
    if offline:
        if not held.is_file():
            raise MissingError((f"{shown(question.api)} on {question.collection}",))
        return json.loads(held.read_text()), ()
    try:
        found = _asked(question, hosts)
    except _UnreachedError as error:
        if not held.is_file():
            raise DataError(
                f"{question.collection}: the catalogue {shown(question.api)} gives no answer ({error}); check the address and the connection, and run again"
            ) from error
        log.warning("%s: the catalogue %s gives no answer (%s); its last answer is used", question.collection, shown(question.api), error)
        return json.loads(held.read_text()), (f"the catalogue {shown(question.api)} could not be reached; its last answer is used",)
    cache.joinpath("catalogues").mkdir(parents=True, exist_ok=True)
    write_atomically(held, json.dumps(found, sort_keys=True).encode())
    return found, ()


def surroundings(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east, north of a grid's outline in degrees, an edge's bulge between two points included."""
    xmin, ymin, xmax, ymax = grid.bounds
    x, y = np.linspace(xmin, xmax, EDGE), np.linspace(ymin, ymax, EDGE)
    xs = np.concatenate([x, x, np.full(EDGE, xmin), np.full(EDGE, xmax)])
    ys = np.concatenate([np.full(EDGE, ymin), np.full(EDGE, ymax), y, y])
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(xs, ys)
    wide, high = 0.01 * np.ptp(lon), 0.01 * np.ptp(lat)
    west, south, east, north = lon.min() - wide, lat.min() - high, lon.max() + wide, lat.max() + high
    return float(max(west, -180)), float(max(south, -90)), float(min(east, 180)), float(min(north, 90))


class _UnreachedError(Exception):
    """The catalogue gave no usable answer."""


def _asked(question: Question, hosts: tuple[str, ...]) -> list[dict[str, Any]]:
    import pystac_client
    import requests
    from pystac.errors import STACTypeError
    from pystac_client.exceptions import APIError
    from pystac_client.stac_api_io import StacApiIO

    io = StacApiIO(timeout=TIMEOUT_S, max_retries=None)
    io.session = session(hosts)
    cloud = None if question.max_cloud_percent is None else {"eo:cloud_cover": {"lte": question.max_cloud_percent}}
    found: dict[str, dict[str, Any]] = {}
    try:
        client = pystac_client.Client.open(question.api, stac_io=io)
        for period in question.periods or (None,):
            asked = client.search(collections=[question.collection], bbox=list(question.bbox), datetime=period, query=cloud, limit=PAGE)
            for item in asked.items_as_dicts():
                found[str(item["id"])] = item
    except (APIError, requests.RequestException, STACTypeError, ValueError, KeyError) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise _UnreachedError(said) from error
    return [found[name] for name in sorted(found)]


def session(hosts: tuple[str, ...]) -> Session:
    """A session that speaks to `hosts` only, redirects included, https only save on this machine, and tries again what may pass."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    class Adapter(HTTPAdapter):
        def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
            allowed(request.url, hosts)
            return super().send(request, **how)

    made = requests.Session()
    made.trust_env = not any(host in LOOPBACK for host in hosts)  # no proxy stands between this machine and itself
    made.headers["User-Agent"] = "prospect"
    retry = Retry(
        total=TRIES, backoff_factor=0.5, backoff_jitter=0.5, status_forcelist=AGAIN, allowed_methods=None, respect_retry_after_header=True,
        raise_on_status=False,
    )  # fmt: skip
    for scheme in ("http://", "https://"):
        made.mount(scheme, Adapter(max_retries=retry))
    return made
