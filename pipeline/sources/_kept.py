"""Features that come out of a service or a large file: kept as one small file named by its content, and read from there like any other."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.asset import Place

if TYPE_CHECKING:
    import geopandas as gpd


def kept(frame: gpd.GeoDataFrame, place: Place, stem: str) -> Path:
    """The features as a FlatGeobuf below the cache, `<16 digits of its SHA-256>-<stem>.fgb`; the same bytes for the same features in any order.

    Times of answers and numbers a server hands out anew each time should not stand in its columns. StoreError when it cannot be written.
    """
    from pipeline import vectors

    folder = place.shelf / "layers"
    draft = folder / f"{stem}-{secrets.token_hex(4)}.fgb"
    vectors.store(_plain(frame), draft, layer=stem)
    name = f"{hashlib.sha256(draft.read_bytes()).hexdigest()[:16]}-{stem}.fgb"
    os.replace(draft, folder / name)
    return folder / name


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Numbers and truths as they are, all else as text: lists, times and mixed columns have no one form in a file."""
    import pandas as pd

    plain = frame.copy()
    for column in plain.columns:
        if column != plain.geometry.name and not pd.api.types.is_numeric_dtype(plain[column].dtype):
            plain[column] = [None if value is None or value is pd.NaT or value != value else str(value) for value in plain[column]]  # noqa: PLR0124
    return plain
