"""Several tables of occurrences as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.spatial import occurrences

if TYPE_CHECKING:
    import geopandas as gpd

EPOCH = 1


def joined(
    *,
    of: Annotated[tuple[str, ...], Field(min_length=1)],
    aliases: dict[str, str] | None = None,
    group_within_m: Annotated[float, Field(gt=0)] = 10_000,
    same_name_within_m: Annotated[float, Field(ge=0)] = occurrences.SAME_NAME_WITHIN_M,
) -> Joined:
    """The occurrences of several sources (`of`) in one table, for `label:`: what two lists hold of one deposit is one group.

    Which records are one deposit is judged anew over all of them (see `pipeline.spatial.occurrences.groups`); none is dropped. A column `list`
    says which source a record is of. Its licence and citation are those of its parts, and it may be copied only if all of them may.
    """
    return Joined(of, aliases or {}, group_within_m, same_name_within_m)


@dataclass(frozen=True)
class Joined:
    """The source `joined` with its parameters; the shell reads the tables it is `of` first."""

    of: tuple[str, ...]
    aliases: dict[str, str]
    group_within_m: float
    same_name_within_m: float

    def join(self, frames: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
        """One table of the aligned tables by name, ordered by content."""
        import geopandas as gpd
        import pandas as pd

        from pipeline import vectors

        parts = [frame.drop(columns="group").assign(list=name) for name, frame in frames.items()]
        crs = parts[0].crs
        whole = gpd.GeoDataFrame(pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True), crs=crs)
        whole = vectors.ordered(whole[[c for c in whole.columns if c != "geometry"] + ["geometry"]])
        group = occurrences.groups(whole, aliases=self.aliases, within_m=self.group_within_m, same_name_within_m=self.same_name_within_m)
        whole.insert(len(whole.columns) - 1, "group", group)
        return whole
