"""Occurrences: which ones are meant, and which records are one deposit."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipeline.recipe import Array
from pipeline.united import united

if TYPE_CHECKING:
    import geopandas as gpd

SAME_NAME_WITHIN_M = 100_000.0  # lists of one country give one deposit tens of kilometres apart; names recur beyond
NO_NAME = ("", "unknown", "unnamed", "no name", "none", "nan", "n a", "not named")
NOT_SAID = ("", "unknown", "none", "nan", "n/a", "na", "?", "-", "other")


def select(
    frame: gpd.GeoDataFrame, *, deposit_type: tuple[str, ...] = (), commodity: tuple[str, ...] = (), confidence: tuple[str, ...] = (),
    refuse: tuple[str, ...] = (),
) -> tuple[gpd.GeoDataFrame, list[str]]:  # fmt: skip
    """The occurrences that are meant, in their order, and notices of what was left out and of words that match none.

    An empty tuple asks for nothing. `deposit_type`, `confidence`: the record says one of these; `commodity`: it lists one of these
    (parted by ; , or /); `refuse`: names of records never to be used. Case does not matter, nor how a refused name is accented.
    """
    keep, notices = np.ones(len(frame), bool), []
    for column, wanted in (("deposit_type", deposit_type), ("commodity", commodity), ("confidence", confidence)):
        if not wanted:
            continue
        split = commodities if column == "commodity" else _one
        said = [split(value) for value in frame[column]]
        asked = {_plain(word): word for word in wanted}
        keep &= np.array([bool(words & asked.keys()) for words in said], bool)
        silent = [word for plain, word in asked.items() if not any(plain in words for words in said)]
        if silent and len(frame):
            held = sorted({word for words in said for word in words})
            notices.append(f"no occurrence has {column} {', '.join(map(repr, silent))} (there are: {', '.join(held[:12]) or 'none'})")
    refused = {name_key(word): word for word in refuse}
    names = [name_key(str(name)) for name in frame["name"]]
    out = np.array([name in refused for name in names], bool)
    if (keep & out).any():
        notices.append(f"{int((keep & out).sum())} refused by name: {', '.join(frame['name'][keep & out].head(5))}")
    unknown = [word for key, word in refused.items() if key not in names]
    if unknown:
        notices.append(f"no occurrence is named {', '.join(map(repr, unknown))}; `refuse:` has nothing to refuse there")
    return frame[keep & ~out], notices


def others(frame: gpd.GeoDataFrame, *, deposit_type: tuple[str, ...] = (), commodity: tuple[str, ...] = ()) -> gpd.GeoDataFrame:
    """The occurrences that say they are something else: another deposit type or, where no type is asked for, none of the commodities.

    A record that does not say may be what is sought, so it is none of them.
    """
    column, wanted = ("deposit_type", deposit_type) if deposit_type else ("commodity", commodity)
    split = _one if deposit_type else commodities
    asked = {_plain(word) for word in wanted}
    said = [split(value) for value in frame[column]]
    return frame[np.array([bool(words) and not words & asked for words in said], bool)]


def weights(frame: gpd.GeoDataFrame, asked: Mapping[str, Mapping[str, float]]) -> tuple[Array, list[str]]:
    """How much each record counts, (n,) float64, and notices of words no record says.

    `asked` gives by column and word a weight; those of several columns multiply, and a word not asked for weighs 1. Case does not matter.
    KeyError for a column that is not there.
    """
    found, notices = np.ones(len(frame)), []
    for column, by_word in asked.items():
        plain = {_plain(word): weight for word, weight in by_word.items()}
        said = [_plain(value) for value in frame[column]]
        found *= np.array([plain.get(word, 1.0) for word in said])
        silent = [word for word in by_word if _plain(word) not in said]
        if silent and len(frame):
            notices.append(f"no occurrence has {column} {', '.join(map(repr, silent))}; its weight has nothing to weigh")
    return found, notices


def groups(
    frame: gpd.GeoDataFrame, *, aliases: Mapping[str, str] | None = None, within_m: float = 10_000, same_name_within_m: float = SAME_NAME_WITHIN_M
) -> Array:
    """The deposit each record belongs to: (n,) int64, 0, 1, 2 ... in order of first appearance; frame in metres.

    Two records are one deposit when they are alike and at most `within_m` apart, or alike, of one name and at most
    `same_name_within_m` apart; and so is what is joined through a third. Alike: the same deposit type, or a shared commodity where
    either type is not said. Names joined by `aliases` (name to the name it goes by) are one deposit whatever their types.
    """
    count = len(frame)
    xy = np.column_stack([frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()]).reshape(-1, 2)
    goes_by = {name_key(a): name_key(b) for a, b in (aliases or {}).items()}
    own = [name_key(str(name)) for name in frame["name"]]
    names = [goes_by.get(name, name) for name in own]
    types, wares = [_one(value) for value in frame["deposit_type"]], [commodities(value) for value in frame["commodity"]]

    def alike(i: int, j: int) -> bool:
        return bool(types[i] & types[j]) if types[i] and types[j] else bool(wares[i] & wares[j])

    pairs = [(i, j) for i, j in _pairs(xy, within_m) if alike(i, j)]
    for members in _of_one_name(names):
        for a, b in _pairs(xy[members], same_name_within_m):
            i, j = int(members[a]), int(members[b])
            if own[i] != own[j] or alike(i, j):
                pairs.append((i, j))
    joined = np.array(pairs, np.int64).reshape(-1, 2)
    return united(joined[:, 0], joined[:, 1], count)


def name_key(name: str) -> str:
    """A name without what spellings differ in: case, accents, apostrophes, hyphens and other marks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    bare = re.sub(r"['`\u2018\u2019\u02bc\u02bf\u02be]", "", bare)
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


def commodities(said: object) -> frozenset[str]:
    """The commodities a record lists, plain, without those not said."""
    return frozenset(word for part in re.split(r"[;,/|+]", _plain(said)) if (word := part.strip()) not in NOT_SAID)


def _one(said: object) -> frozenset[str]:
    return frozenset(() if (word := _plain(said)) in NOT_SAID else (word,))


def _plain(said: object) -> str:
    missing = said is None or (isinstance(said, float) and math.isnan(said))
    return "" if missing else " ".join(str(said).casefold().split())


def _of_one_name(names: list[str]) -> Iterator[Array]:
    order: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if name not in NO_NAME:
            order.setdefault(name, []).append(i)
    return (np.array(members) for members in order.values() if len(members) > 1)


def _pairs(xy: Array, within_m: float) -> Iterator[tuple[int, int]]:
    """Of points (n, 2) those pairs that are at most so far apart, the lower number first."""
    import shapely

    if len(xy) < 2 or within_m <= 0:
        return iter(())
    points = np.asarray(shapely.points(xy))
    left, right = shapely.STRtree(points).query(points, predicate="dwithin", distance=within_m)
    return ((int(i), int(j)) for i, j in zip(left, right, strict=True) if i < j)
