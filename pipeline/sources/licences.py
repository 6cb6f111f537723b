"""Mineral titles: the export of a cadastre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.asset import Asset, Place
from pipeline.errors import ConfigError, DataError
from pipeline.sources._product import ProductVector

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1

WORDS = ("holder", "status", "granted", "expires", "title", "commodity")
NEEDED = WORDS[:4]
DATES = ("granted", "expires")


def licences(
    *,
    path: str,
    layer: str | None = None,
    columns: dict[str, str] | None = None,
    status: tuple[str, ...] = (),
    crs: str | None = None,
    margin_m: Annotated[float, Field(ge=0)] = 100_000,
    hosts: tuple[str, ...] = (),
    sha256: str | None = None,
    licence: str = "as supplied",
    citation: str = "",
    redistribute: bool = False,
) -> Titles:
    """Mineral titles as polygons with `holder`, `status`, `granted` and `expires` (dates as YYYY-MM-DD, empty where not said).

    `path` is a cadastre's export, by path or address. `columns` says what its columns are called (`{holder: LICENSEE, expires: EXP_DATE}`); one not
    said is the column of that very name; title and commodity are kept where they are named. `status` keeps titles that say one of these. Nothing is
    copied to an output unless you may: say `redistribute: true`. A date that cannot be read, or a title that ends before it begins, is refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    said = columns or {}
    for word in said:
        if word not in WORDS:
            raise ConfigError(f"columns: {word!r} is nothing a title has (known: {', '.join(WORDS)})")
    kept = {said.get(word, word): word for word in WORDS if word in said or word in NEEDED}
    where = {said.get("status", "status"): list(status)} if status else {}
    return Titles(path, layer, where, crs, margin_m, None, hosts, sha256, "a cadastre's export", "polygons", kept, "*.*")


@dataclass(frozen=True)
class Titles(ProductVector):
    """Titles whose dates are dates."""

    def table(self, assets: tuple[Asset, ...], place: Place) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """As any product; dates as YYYY-MM-DD."""
        import pandas as pd

        frame, notices = super().table(assets, place)
        (asset,) = assets
        for word in DATES:
            said = frame[word].astype("string").fillna("").str.strip()
            read = pd.to_datetime(said.where(said != "", None), errors="coerce", format="ISO8601", utc=True)
            odd = (said != "") & read.isna()
            if odd.any():
                raise DataError(f"{asset.id}: {word} {said[odd].iloc[0]!r} is no date; write YYYY-MM-DD, or name another column under `columns:`")
            frame[word] = read.dt.strftime("%Y-%m-%d").fillna("")
        turned = (frame["granted"] != "") & (frame["expires"] != "") & (frame["expires"] < frame["granted"])
        if turned.any():
            first = frame[turned].iloc[0]
            raise DataError(
                f"{asset.id}: a title of {first['holder']} expires {first['expires']}, before it was granted, {first['granted']}; "
                "the two columns may be swapped: correct `columns:`"
            )
        return frame, notices
