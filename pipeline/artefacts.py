"""Artefacts of fits as bytes: what was made is bytes, a mapping of arrays, rows of plain JSON and bytes, or plain JSON. Nothing here can hold code."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

LEVEL = 1  # of DEFLATE: cell numbers in order come out a fifteenth larger than at the usual 6, six times as fast


def packed(value: Any) -> bytes:
    """The artefact as bytes; the same value gives the same."""
    if isinstance(value, bytes):
        return b"B" + value
    if isinstance(value, Mapping) and value and all(isinstance(v, np.ndarray) for v in value.values()):
        return b"N" + _arrays_packed(value)
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        return _rows_packed(value)
    return b"J" + json.dumps(value, sort_keys=True).encode()


def unpacked(data: bytes) -> Any:
    """The artefact `packed` made these bytes of."""
    kind = data[:1]
    if kind == b"R":
        return _rows(memoryview(data)[1:])
    body = data[1:]
    if kind == b"B":
        return body
    if kind == b"N":
        with np.load(io.BytesIO(body), allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    return json.loads(body)


def _arrays_packed(arrays: Mapping[str, Any]) -> bytes:
    """As numpy's own `savez_compressed`, but for LEVEL, which cannot be told to that."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as members:
        for name, array in arrays.items():
            with members.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return held.getvalue()


def _rows_packed(rows: list[Mapping[str, Any]]) -> bytes:
    """Rows as JSON, behind them what they hold of bytes as it is: an outline of a hundred thousand points would be twice as large in letters."""
    behind = [(i, name, value) for i, row in enumerate(rows) for name, value in sorted(row.items()) if isinstance(value, bytes)]
    plain = [{name: value for name, value in row.items() if not isinstance(value, bytes)} for row in rows]
    said = json.dumps([plain, [(i, name, len(value)) for i, name, value in behind]], sort_keys=True).encode()
    return b"".join([b"R", len(said).to_bytes(8, "little"), said, *(value for _, _, value in behind)])


def _rows(body: memoryview) -> list[dict[str, Any]]:
    at = 8 + int.from_bytes(body[:8], "little")
    rows, behind = json.loads(bytes(body[8:at]))
    for i, name, size in behind:
        rows[i][name] = bytes(body[at : at + size])
        at += size
    return rows  # type: ignore[no-any-return]
