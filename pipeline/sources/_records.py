"""Records of occurrences as a file holds them: columns found, numbers read, coordinates brought to the grid."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.recipe import Array
from pipeline.sources import _vectorfile
from pipeline.sources._files import nearest

if TYPE_CHECKING:
    import pandas as pd  # at the first record that is read: files are hashed meanwhile, which begins once a config is understood

TEXTS = ("name", "deposit_type", "commodity", "confidence")
COLUMNS = ("name", "lon", "lat", "x", "y", "datum", "deposit_type", "commodity", "confidence", "uncertainty_m", "synthetic")
POSITION = ("easting", "northing", "crs", "datum")
# Kalianpur 1962 is the datum of Pakistan's Survey of India sheets on the Everest spheroid; name another by its EPSG code
DATUMS = {
    "": None, "wgs84": "EPSG:4326", "wgs 84": "EPSG:4326", "wgs-84": "EPSG:4326", "kalianpur": "EPSG:4145", "kalianpur 1962": "EPSG:4145",
    "everest": "EPSG:4145", "indian": "EPSG:4145",
}  # fmt: skip


def read(path: Path, *, name: str, layer: str | None, columns: dict[str, str], crs: str) -> pd.DataFrame:
    """One row a record: the TEXTS, uncertainty_m and synthetic as text, easting and northing (text or float), crs, datum, row.

    `row` says where the record stands in the file. DataError when the file cannot be read or lacks a column.
    """
    import pandas as pd

    is_table = path.suffix.lower() in (".csv", ".tsv", ".txt")
    held, head_crs = (_csv(path, name), crs) if is_table else _features(path, name, layer, columns)
    found = _found(columns, list(held.columns), name, needs_position=is_table)
    table = pd.DataFrame(
        {word: held[found[word]].map(_vectorfile.text) if word in found else "" for word in (*TEXTS, "uncertainty_m", "synthetic", "datum")},
        index=held.index,
    )
    east, north = ("lon", "lat") if "lon" in found else ("x", "y")
    table["easting"], table["northing"] = (held[found[east]], held[found[north]]) if is_table else (held["easting"], held["northing"])
    table["crs"] = head_crs
    table["row"] = [f"{'line' if is_table else 'record'} {i}" for i in held.index]
    return table.reset_index(drop=True)


def numbers(table: pd.DataFrame, name: str) -> list[str]:
    """Turn the text columns that hold numbers and truths into those, in place; what cannot be read is missing, and told."""
    import pandas as pd

    notices = []
    for column in ("easting", "northing"):
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    said = table["uncertainty_m"]
    read = pd.to_numeric(said, errors="coerce").astype(float)
    odd = read.isna() & (said != "") | (read < 0)
    if odd.any():
        notices.append(
            f"{name}: uncertainty_m of {int(odd.sum())} records is no distance in metres and is taken as not known ({', '.join(table['row'][odd].head(5))})"
        )
    table["uncertainty_m"] = read.mask(odd)
    table["synthetic"] = table["synthetic"].str.lower().isin(_vectorfile.TRUE)
    return notices


def projected(table: pd.DataFrame, grid: Grid, name: str) -> tuple[Array, Array]:
    """x, y of each record in the grid's CRS, metres; NaN where its coordinates are missing or out of range."""
    import pandas as pd

    x, y = np.full(len(table), np.nan), np.full(len(table), np.nan)
    spoken = pd.MultiIndex.from_frame(table[["crs", "datum"]])
    for crs, datum in spoken.unique():
        rows = np.flatnonzero(spoken == (crs, datum))
        held = _datum(crs, datum, name, table["row"].iloc[rows[0]])
        east, north = table["easting"].to_numpy()[rows], table["northing"].to_numpy()[rows]
        good = np.isfinite(east) & np.isfinite(north)
        if held.is_geographic:
            good &= (np.abs(east) <= 360) & (np.abs(north) <= 90)
        at = rows[good]
        found = Transformer.from_crs(held, _crs(grid.crs), always_xy=True).transform(east[good], north[good])
        there = np.isfinite(found[0]) & np.isfinite(found[1])
        x[at[there]], y[at[there]] = found[0][there], found[1][there]
    return x, y


def _csv(path: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    rows: dict[int, list[str]] = {}
    try:
        header = [column.strip() for column in next(reader, [])]
        for row in reader:
            if any(value.strip() for value in row):
                rows[reader.line_num] = row
    except csv.Error as error:
        raise DataError(f"{name}: line {reader.line_num} cannot be read ({error}); correct the quotes there") from error
    for line, row in rows.items():
        if len(row) != len(header):
            raise DataError(f"{name}: line {line} has {len(row)} values, the header {len(header)}; quote values that hold {separator!r}")
    if len(set(header)) != len(header):
        raise DataError(f"{name}: a column name stands twice in the header; rename one")
    return pd.DataFrame(list(rows.values()), columns=header, index=list(rows), dtype=object)


def _features(path: Path, name: str, layer: str | None, columns: dict[str, str]) -> tuple[pd.DataFrame, str]:
    import pandas as pd

    for word in ("lon", "lat", "x", "y", "datum"):
        if word in columns:
            raise DataError(f"{name}: holds geometry with its own CRS; leave {word!r} out of `columns:`")
    head = _vectorfile.head(path, name=name, layer=layer, crs=None)
    frame = head.whole()
    shapes = np.asarray(frame.geometry.array)
    kinds = set(frame.geometry.geom_type.dropna()) - {"Point", "MultiPoint"}
    if kinds:
        raise DataError(f"{name}: holds {', '.join(sorted(kinds))}; occurrences are points: use `vector` for the others")
    centre = shapely.centroid(shapes)
    held = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    held["easting"], held["northing"] = shapely.get_x(centre), shapely.get_y(centre)
    held.index = pd.RangeIndex(1, len(held) + 1)
    return held, head.crs.to_wkt()


def _found(columns: dict[str, str], held: list[str], name: str, *, needs_position: bool) -> dict[str, str]:
    for word, column in columns.items():
        if column not in held:
            raise DataError(f"{name}: has no column {column!r} (for {word}){nearest(column, held)}")
    found = {word: columns.get(word, word) for word in COLUMNS if columns.get(word, word) in held}
    if needs_position and not ({"lon", "lat"} <= found.keys() or {"x", "y"} <= found.keys()):
        raise DataError(
            f"{name}: no columns for lon and lat (or x and y); say them as `columns: {{lon: ..., lat: ...}}` (there are: {', '.join(held)})"
        )
    return found


def _datum(crs: str, datum: str, name: str, row: str) -> CRS:
    """The CRS of a record: that of its datum, if it says one."""
    own, word = _crs_or_told(crs, name), " ".join(datum.casefold().split())
    code = re.fullmatch(r"(?:epsg:?\s*)?(\d{4,6})", word)
    if word in DATUMS:
        named = DATUMS[word]
        if named is None or (own.is_geographic and own == _crs(named)):
            return own
        if own.is_projected:
            raise DataError(f"{name}: {row} says datum {datum!r} for projected coordinates; give the EPSG code of their projection as its datum")
        return _crs(named)
    if code:
        try:
            return _crs(f"EPSG:{code[1]}")
        except CRSError:
            pass
    raise DataError(f"{name}: {row} says datum {datum!r}, which is not known; write WGS84, Kalianpur, Everest or an EPSG code")


def _crs_or_told(said: str, name: str) -> CRS:
    try:
        return _crs(said)
    except CRSError as error:
        raise DataError(f"{name}: `crs: {said[:60]}` is not understood by PROJ; give an EPSG code") from error


@cache
def _crs(said: str) -> CRS:
    return CRS(said)
