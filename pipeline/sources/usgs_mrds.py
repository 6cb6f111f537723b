"""Mineral occurrences of the world: the Mineral Resources Data System of the USGS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.sources._lists import TYPES, WorldList, type_of
from pipeline.spatial.occurrences import SAME_NAME_WITHIN_M

if TYPE_CHECKING:
    import pandas as pd

EPOCH = 1

URL = "https://mrdata.usgs.gov/mrds/mrds-csv.zip"
HOSTS = ("mrdata.usgs.gov",)
WANTED = ("dep_id", "site_name", "latitude", "longitude", "commod1", "commod2", "commod3", "dep_type", "dev_stat")
# a mine proves ore and a prospect that somebody looked; a plant is no ore, and an occurrence may be a stain
CONFIDENCE = {"producer": "high", "past producer": "high", "prospect": "medium"}
TOLD_BY = ("dep_type", "model")  # columns that may tell the deposit type, the second not in every edition


def usgs_mrds(
    *,
    url: str = URL,
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    types: dict[str, tuple[str, ...]] | None = None,
    aliases: dict[str, str] | None = None,
    group_within_m: Annotated[float, Field(gt=0)] = 10_000,
    same_name_within_m: Annotated[float, Field(ge=0)] = SAME_NAME_WITHIN_M,
    licence: str = "public domain (USGS)",
    citation: str = "USGS (2005), Mineral Resources Data System, https://mrdata.usgs.gov/mrds/ (not kept up since 2011)",
    redistribute: bool = True,
) -> Mrds:
    """Occurrences with name, deposit_type, commodity and confidence, as `points` gives them: MRDS, some 300,000 sites of the world, EPSG:4326.

    One archive (`mrds.csv` in `mrds-csv.zip`), of which the sites in the region are read. Confidence is high for a producer or past producer, medium for
    a prospect, else low. `types` says which words of dep_type (or model) mean which type of ours; by default those of the systems are known
    (porphyry Cu, podiform chromite, VMS ...), and another type keeps its own words. Many sites say no type, and positions are good to a
    kilometre at best; uncertainty is not said. A table without MRDS's columns is refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return Mrds(
        url, None, {}, "EPSG:4326", aliases or {}, group_within_m, same_name_within_m, None, hosts, sha256, "MRDS", WANTED, "mrds.csv", types or TYPES,
    )  # fmt: skip


@dataclass(frozen=True)
class Mrds(WorldList):
    """MRDS, with what its words mean."""

    types: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def told(self, held: pd.DataFrame) -> pd.DataFrame:
        """MRDS's words in ours."""
        import pandas as pd

        by = [column for column in TOLD_BY if column in held]
        words = held[by].agg(" ".join, axis=1) if len(held) else pd.Series(dtype=str)
        wares = held[["commod1", "commod2", "commod3"]]
        return pd.DataFrame(
            {
                "name": held["site_name"].str.strip(),
                "deposit_type": [type_of(said, self.types, own.strip()) for said, own in zip(words, held["dep_type"], strict=True)],
                "commodity": ["; ".join(part.strip() for ware in row for part in ware.split(",") if part.strip()) for row in wares.to_numpy()],
                "confidence": held["dev_stat"].str.strip().str.casefold().map(CONFIDENCE).fillna("low"),
                "uncertainty_m": "",
            },
            index=held.index,
        )
