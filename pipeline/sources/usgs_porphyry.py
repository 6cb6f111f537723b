"""Porphyry copper deposits of the world: USGS Open-File Report 2008-1155."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.sources._lists import WorldList
from pipeline.spatial.occurrences import SAME_NAME_WITHIN_M

if TYPE_CHECKING:
    import pandas as pd

EPOCH = 1

URL = "https://mrdata.usgs.gov/porcu/porcu-csv.zip"
HOSTS = ("mrdata.usgs.gov",)
WANTED = ("rec_id", "depname", "latitude", "longitude", "oreton")
TYPE = "porphyry Cu"
GRADES = {"mogrd": "Mo", "augrd": "Au", "aggrd": "Ag"}


def usgs_porphyry(
    *,
    url: str = URL,
    hosts: tuple[str, ...] = HOSTS,
    sha256: str | None = None,
    aliases: dict[str, str] | None = None,
    group_within_m: Annotated[float, Field(gt=0)] = 10_000,
    same_name_within_m: Annotated[float, Field(ge=0)] = SAME_NAME_WITHIN_M,
    licence: str = "public domain (USGS)",
    citation: str = "Singer, Berger and Moring (2008), Porphyry copper deposits of the world, USGS OFR 2008-1155",
    redistribute: bool = True,
) -> Porphyries:
    """Porphyry copper deposits and prospects with name, deposit_type `porphyry Cu`, commodity and confidence, as `points` gives them; EPSG:4326.

    One archive (`main.csv` in `porcu-csv.zip`), of which the sites in the region are read. Confidence is high where a tonnage is published,
    medium for a prospect. A table without the report's columns is refused.
    """
    del licence, citation, redistribute  # said here, written to every layer made from it
    return Porphyries(url, None, {}, "EPSG:4326", aliases or {}, group_within_m, same_name_within_m, None, hosts, sha256, "OFR 2008-1155", WANTED, "main.csv")


@dataclass(frozen=True)
class Porphyries(WorldList):
    """The report's list."""

    def told(self, held: pd.DataFrame) -> pd.DataFrame:
        """The report's columns in ours."""
        import pandas as pd

        def above_zero(column: str) -> pd.Series:
            return (pd.to_numeric(held[column], errors="coerce") > 0) if column in held else pd.Series(False, index=held.index)

        wares = {symbol: above_zero(column) for column, symbol in GRADES.items()}
        return pd.DataFrame(
            {
                "name": held["depname"].str.strip(),
                "deposit_type": TYPE,
                "commodity": ["; ".join(["Cu", *(symbol for symbol, has in wares.items() if has[i])]) for i in held.index],
                "confidence": above_zero("oreton").map({True: "high", False: "medium"}),
                "uncertainty_m": "",
            },
            index=held.index,
        )
